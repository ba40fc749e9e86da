"""Brings the branch's logits to probabilities and chooses from which one on a face is flagged.

Called by `command.py`, on the half of the held-out faces that is not reported on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from rtau_train.face_alignment.calibrate import platt
from rtau_train.face_alignment.examples import Floats
from rtau_train.face_occlusion.assess import AS_PICTURED, HeldOut, is_reported
from rtau_train.face_occlusion.branch import OcclusionBranch
from rtau_train.face_occlusion.examples import FREE_KINDS
from rtau_train.face_occlusion.material import HEADS, PHOTOGRAPHS, PORTRAITS

# Sets that each keep to the share of false alarms: portraits, which are the likest to photographs,
# and renders, which have every skin, light and pose.
_KEEP: Final = ((PORTRAITS, PHOTOGRAPHS), (HEADS,))


def calibrated(
    branch: OcclusionBranch,
    logits: Mapping[tuple[str, str], Floats],
    table: Mapping[tuple[str, str], HeldOut],
    /,
    *,
    false_alarms: float,
) -> tuple[float, str]:
    """Calibrates a branch in place; returns the limit as a probability, and how it was chosen.

    Args:
        branch: fitted.
        logits: of the held-out examples, not calibrated.
        table: the examples.
        false_alarms: share of free faces that may be flagged.
    """
    drawn = {key: held for key, held in table.items() if key[0] != AS_PICTURED}
    chosen = {key: ~is_reported(held) for key, held in drawn.items()}
    values = np.concatenate([logits[key][rows] for key, rows in chosen.items()])
    labels = np.concatenate([held.seen.labels[chosen[key]] for key, held in drawn.items()])
    # Covered and free faces count alike.
    scale, shift = platt(*_balanced(values, labels))
    branch.calibrate(scale=scale, shift=shift)
    limits = []
    for names in _KEEP:
        free = [
            logits[key][rows]
            for key, rows in chosen.items()
            if key[0] in names and key[1] in FREE_KINDS
        ]
        if free:
            limits.append(float(np.quantile(np.concatenate(free), 1 - false_alarms)))
    limit = 1 / (1 + math.exp(-(scale * max(limits) + shift)))
    return round(limit, 4), (
        f"likelihood on {len(values)} held-out pictures, covered and free ones counted alike; the "
        f"limit flags at most {false_alarms:.0%} of the free portraits and of the free renders "
        "among them"
    )


def _balanced(values: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Returns as many covered as free examples: the rarer ones are repeated."""
    rows = [np.flatnonzero(labels == label) for label in (0, 1)]
    count = max(len(some) for some in rows)
    picked = np.concatenate([np.resize(some, count) for some in rows])
    return values[picked], labels[picked]
