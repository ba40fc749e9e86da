"""Brings presence logits to probabilities on what was held out (Platt 1999).

Called by `command.py` between the fit and the export; the figures are folded into the graph.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch

from rtau.faces.alignment_contract import PresenceCalibration
from rtau_train.face_alignment import examples, proposals
from rtau_train.face_alignment.examples import Examples
from rtau_train.face_alignment.material import Part
from rtau_train.face_alignment.network import AlignmentNetwork

_ROUNDS: Final = 50
# Of what is no face: beside faces, proposed by Haar, anywhere.
_NEAR, _HAAR = 0.3, 0.3
_SCALES: Final = (0.2, 5.0)
_BATCH: Final = 512


def calibration_examples(part: Part, /, *, count: int, expand: float, seed: int) -> Examples:
    """Returns held-out examples, half of them faces."""
    rng = np.random.default_rng(seed)
    plain = [scene for scene in part.scenes if scene.face is None]
    none = count - count // 2
    places = proposals.haar_proposals(
        part.scenes, numbers=rng.permutation(len(part.scenes))[:_SEARCHED].tolist(), rng=rng
    )
    by_haar = min(int(_HAAR * none), len(places))
    picked = proposals.chosen(places, rng.permutation(len(places))[:by_haar])
    near = int(_NEAR * none)
    others = proposals.random_places(part.scenes, count=none - near - by_haar, rng=rng)
    return examples.joined(
        [
            examples.faces(rng, part.faces, plain, count=count // 2, expand=expand),
            examples.near_faces(rng, part.cutouts, plain, count=near, expand=expand),
            examples.windows(rng, part.scenes, [*picked, *others], expand=expand),
        ]
    )


# Share of faces among what the bold detector proposes in busy pictures. Drawn scenes are easier
# than what stands around people: at 0.03 twice as many necklines and doors passed for faces.
FACE_SHARE: Final = 0.01
# Scenes that Haar searches.
_SEARCHED: Final = 150


def calibrated(network: AlignmentNetwork, held_out: Examples, /) -> PresenceCalibration:
    """Calibrates a network in place and returns how.

    Scale and shift of the logits with the least cross-entropy on examples, by Newton's method.
    Half of the examples are faces, of what the detector proposes few are: the shift is moved by the
    logarithm of the odds (Saerens, Latinne & Decaestecker 2002, equation 2.4).
    """
    logits = raw_logits(network, held_out.crops)
    scale, shift = platt(logits, held_out.presence)
    shift += math.log(FACE_SHARE / (1 - FACE_SHARE))
    network.calibrate(scale=scale, shift=shift)
    return PresenceCalibration(
        scale=round(scale, 4),
        shift=round(shift, 4),
        origin=f"likelihood on {len(held_out)} held-out examples, half of them faces; then "
        f"for proposals, of which {FACE_SHARE:.0%} are faces",
    )


def raw_logits(network: AlignmentNetwork, crops: examples.Grey, /) -> examples.Floats:
    """Returns the presence logits as the network gives them: float32 (N,)."""
    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(crops[first : first + _BATCH]))[0].numpy()
            for first in range(0, len(crops), _BATCH)
        ]
    return np.concatenate(parts)


def platt(logits: examples.Floats, labels: examples.Floats, /) -> tuple[float, float]:
    """Returns scale and shift with the least mean cross-entropy; the scale is kept positive."""
    scale, shift = 1.0, 0.0
    values = logits.astype(np.float64)
    for _ in range(_ROUNDS):
        probabilities = 1 / (1 + np.exp(-np.clip(scale * values + shift, -60, 60)))
        errors = probabilities - labels
        slope = np.array([(errors * values).mean(), errors.mean()])
        curve = probabilities * (1 - probabilities)
        cross = (curve * values).mean()
        hessian = np.array([[(curve * values**2).mean(), cross], [cross, curve.mean()]])
        step = np.linalg.solve(hessian + 1e-6 * np.eye(2), slope)
        scale = float(np.clip(scale - step[0], *_SCALES))
        shift = float(shift - step[1])
    return scale, shift
