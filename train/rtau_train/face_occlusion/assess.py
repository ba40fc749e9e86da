"""Draws held-out examples by set and kind, and measures what a file flags of them.

Half of the held-out faces choose calibration and limit, the other half are reported on. Called by
`command.py`; `card.py` writes what this returns.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rtau.faces.alignment_contract import INPUT
from rtau_train.face_alignment.examples import SIZE_PX, Floats
from rtau_train.face_alignment.faces import Cutout
from rtau_train.face_occlusion import covers, examples, rendered_covers
from rtau_train.face_occlusion.examples import FREE, FREE_KINDS, Drawing, Examples
from rtau_train.face_occlusion.material import AVATARS, HEADS, Material, Say

AS_PICTURED: Final = "as pictured"
"""In place of a set: faces that are covered in their pictures."""
_SEED: Final = 9
# Pictures of each held-out face for a kind of free face: false alarms are rare.
_FREE_EACH: Final = 3
_LEAST_GROUP: Final = 40
_TIMED: Final = 1000
_BY_RENDERER: Final = ", rendered"


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """Examples of one set and kind."""

    seen: Examples
    cutouts: Sequence[Cutout]
    """What the examples' numbers count."""


@dataclasses.dataclass(frozen=True)
class Share:
    """How many of some pictures are flagged."""

    flagged: int
    count: int

    @property
    def share(self) -> float:
        """Of one."""
        return self.flagged / self.count


@dataclasses.dataclass(frozen=True)
class Figures:
    """Everything the card reports."""

    kinds: Mapping[tuple[str, str], Share]
    """Flagged by what is before the face and set."""
    groups: Mapping[tuple[str, str], Share]
    """Flagged of free rendered heads by group and value."""
    milliseconds: tuple[float, float]
    """Time of one core for a face, without and with the output, in a batch of one."""


def held_out(
    material: Material, *, expand: float, most: int, say: Say
) -> dict[tuple[str, str], HeldOut]:
    """Returns the held-out examples by set and kind."""
    table: dict[tuple[str, str], HeldOut] = {}
    scenes = material.held_out_scenes
    drawing = Drawing(scenes, expand, examples.drawn(scenes))
    by_renderer = Drawing(scenes, expand, rendered_covers.covered)
    for name, cutouts in material.held_out.items():
        some = cutouts[:most]
        for kind in (*FREE_KINDS, *covers.KINDS):
            table[name, kind] = _drawn(some, drawing, kind=kind)
        if name in (HEADS, AVATARS):
            for kind in rendered_covers.KINDS:
                table[name, kind + _BY_RENDERER] = _drawn(some, by_renderer, kind=kind)
        say(f"held-out {name}: {len(some)} faces")
    for name, cutouts in material.covered.items():
        shown = _drawn(cutouts[:most], drawing, kind=FREE)
        covered = dataclasses.replace(shown.seen, labels=np.ones_like(shown.seen.labels))
        table[AS_PICTURED, name] = HeldOut(covered, cutouts)
    return table


def _drawn(cutouts: Sequence[Cutout], drawing: Drawing, *, kind: str) -> HeldOut:
    rows = list(range(len(cutouts))) * (_FREE_EACH if kind in FREE_KINDS else 1)
    rng = np.random.default_rng([_SEED, *kind.encode()])
    seen = examples.examples(rng, cutouts, drawing, kinds=[kind] * len(rows), rows=rows)
    return HeldOut(seen, cutouts)


def is_reported(held: HeldOut, /) -> npt.NDArray[np.bool_]:
    """Returns bool (N,): examples that are reported on; the others choose calibration and limit."""
    return np.asarray(held.seen.numbers % 2 == 1, np.bool_)


def shares(
    logits: Mapping[tuple[str, str], Floats],
    table: Mapping[tuple[str, str], HeldOut],
    /,
    *,
    limit_logit: float,
) -> dict[tuple[str, str], Share]:
    """Returns what is flagged of the reported examples, by kind and set.

    Faces that a kind could not be drawn on count with none.
    """
    found = {}
    for (name, kind), held in table.items():
        wanted = float(kind not in FREE_KINDS)
        counted = held.seen.labels == wanted
        if name != AS_PICTURED:
            counted &= is_reported(held)
        flagged = logits[name, kind][counted] >= limit_logit
        if len(flagged):
            found[kind, name] = Share(int(flagged.sum()), len(flagged))
    return found


def core_milliseconds(session: Any, outputs: Sequence[str], /) -> float:
    """Returns the time of one core that one crop takes, ms: what other programs do is not in it."""
    crops = np.random.default_rng(0).integers(0, 256, (1, SIZE_PX, SIZE_PX)).astype(np.uint8)
    spent_ns = []
    for _ in range(_TIMED):
        began_ns = time.process_time_ns()
        session.run(list(outputs), {INPUT: crops})
        spent_ns.append(time.process_time_ns() - began_ns)
    return float(np.median(spent_ns)) / 1e6


def groups(logits: Floats, held: HeldOut, /, *, limit_logit: float) -> dict[tuple[str, str], Share]:
    """Returns what is flagged of reported free rendered heads by group and value."""
    rows = [held.cutouts[number].row for number in held.seen.numbers.tolist()]
    flagged, counted = logits >= limit_logit, is_reported(held)
    found: dict[tuple[str, str], Share] = {}

    def add(name: str, value: str, chosen: list[bool]) -> None:
        some = flagged[np.array(chosen) & counted]
        if len(some) >= _LEAST_GROUP:
            found[name, value] = Share(int(some.sum()), len(some))

    for name in ("glasses", "beard", "skin_tone", "age_group", "sex", "lighting"):
        for value in sorted({row[name] for row in rows}):
            add(name, value, [row[name] == value for row in rows])
    for low, high in ((0, 10), (10, 20), (20, 30), (30, 45), (45, 60)):
        turned = [low <= abs(float(row["yaw_deg"])) < high for row in rows]
        add("turned to a side by, degrees", f"{low}-{high}", turned)
    return found
