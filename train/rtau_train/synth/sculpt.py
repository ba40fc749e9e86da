"""Makes the shapes that ICT-FaceKit lacks: what corrugator, mentalis and others do to the skin.

Each is a field of smooth displacements on the neutral mesh, in cm, written down as Gaussian pushes
at places of the neutral face (x to its left, y up, z forward). It does not draw creases; those
are in `wrinkles.py`. Called once by `head.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Where the closed lips meet.
LIP_LINE_Y_CM: Final = -3.35


class Push(NamedTuple):
    """Moves the skin around a place; written for the left side."""

    at_cm: tuple[float, float]
    radius_cm: tuple[float, float]
    by_cm: tuple[float, float, float]


# Pairs: one shape per side.
_PAIRS: Final[Mapping[str, tuple[Push, ...]]] = {
    "browPinch": (
        Push((1.6, 5.7), (1.5, 1.2), (-0.34, -0.16, 0.06)),
        # Corrugator heaps the skin up between and above the inner ends.
        Push((1.15, 5.5), (0.55, 0.75), (-0.05, -0.05, 0.16)),
        # The fold above the upper lid comes down at its inner half.
        Push((2.3, 4.6), (0.9, 0.5), (0.0, -0.13, 0.07)),
    ),
    "cheekBulge": (
        Push((4.2, 1.1), (1.5, 0.8), (0.03, 0.16, 0.22)),
        Push((3.2, 2.45), (1.1, 0.32), (0.0, 0.07, 0.10)),
        # The furrow between the lid's bag and the cheek.
        Push((3.3, 1.9), (1.5, 0.25), (0.0, 0.03, -0.09)),
    ),
    "cornerDrop": (
        Push((2.65, -3.65), (0.75, 0.6), (0.06, -0.30, -0.05)),
        Push((3.05, -4.9), (0.65, 0.75), (0.03, -0.05, 0.20)),
        Push((1.5, -5.1), (0.9, 0.6), (0.05, 0.0, -0.08)),
    ),
    "cornerPull": (
        # The mesh's own stretch lets the corners sink; risorius pulls them level.
        Push((2.6, -3.5), (0.9, 0.7), (0.28, 0.14, -0.12)),
        Push((3.6, -3.4), (0.7, 0.9), (0.10, 0.0, 0.14)),
    ),
}
# One shape for both sides; pushes at x > 0 are mirrored.
_WHOLE: Final[Mapping[str, tuple[Push, ...]]] = {
    "chinBoss": (
        Push((0.0, -6.0), (1.5, 0.8), (0.0, 0.30, 0.20)),
        Push((0.0, -4.15), (1.5, 0.4), (0.0, 0.13, 0.20)),
        Push((0.0, -4.95), (1.5, 0.25), (0.0, 0.05, -0.14)),
        Push((2.5, -3.7), (0.7, 0.5), (0.0, -0.10, 0.0)),
    ),
}


def sculpted_shapes(
    neutral: Floats, movable: npt.NDArray[np.bool_], /, *, sneer: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Returns the made shapes by name: float32 (V, 3) each, cm.

    `movable` (V,) marks skin and the mouth's lining; teeth and eyeballs stay where they are.
    `sneer` holds the mesh's `noseSneer_L` and `noseSneer_R`.
    """
    shapes = {}
    for side, name in ((1.0, "_L"), (-1.0, "_R")):
        for stem, pushes in _PAIRS.items():
            shapes[stem + name] = _sum(neutral, pushes, side)
        shapes["noseWrinkle" + name] = _nose_wrinkle(neutral, sneer["noseSneer" + name], side)
    for name, pushes in _WHOLE.items():
        central = [push for push in pushes if push.at_cm[0] == 0]
        paired = [push for push in pushes if push.at_cm[0] > 0]
        shapes[name] = _sum(neutral, central, 1.0) + sum(
            _sum(neutral, paired, side) for side in (1.0, -1.0)
        )
    shapes["lipFlatten"] = _lip_flatten(neutral)
    return {name: (shape * movable[:, None]).astype(np.float32) for name, shape in shapes.items()}


def _around(neutral: Floats, push: Push, side: float) -> Floats:
    """Returns the reach of a push, (V,) in 0-1; nothing behind the face is touched."""
    (x, y), (radius_x, radius_y) = push.at_cm, push.radius_cm
    squares = ((neutral[:, 0] - side * x) / radius_x) ** 2 + ((neutral[:, 1] - y) / radius_y) ** 2
    front = np.clip((neutral[:, 2] - 3.0) / 3.0, 0, 1)
    return np.asarray(np.exp(-squares) * front, np.float32)


def _sum(neutral: Floats, pushes: list[Push] | tuple[Push, ...], side: float) -> Floats:
    total = np.zeros_like(neutral)
    for push in pushes:
        by = np.array(push.by_cm, np.float32) * np.array([side, 1, 1], np.float32)
        total += _around(neutral, push, side)[:, None] * by
    if pushes and pushes[0].at_cm[0] > 0:
        # At the midline the two sides would tear each other's skin.
        total[:, 0] *= np.clip(np.abs(neutral[:, 0]) / 0.6, 0, 1)
    return total


def _nose_wrinkle(neutral: Floats, sneer: Floats, side: float) -> Floats:
    """Returns the sneer without its lip, with the nostril wing raised and the root shortened."""
    above_lip = np.clip((neutral[:, 1] + 2.0) / 1.4, 0, 1)[:, None]
    wing = Push((1.3, -0.6), (0.65, 0.7), (0.06, 0.30, 0.05))
    beside = Push((1.5, 1.6), (0.7, 1.2), (0.0, 0.14, 0.10))
    root = Push((0.5, 4.1), (0.7, 0.7), (0.0, -0.12, 0.08))
    return np.asarray(sneer * above_lip + _sum(neutral, (wing, beside, root), side), np.float32)


def _lip_flatten(neutral: Floats) -> Floats:
    """Returns lips pressed flat by the pull to the sides: less height, less depth."""
    y = neutral[:, 1] - LIP_LINE_Y_CM
    front = np.clip((neutral[:, 2] - 8.0) / 1.5, 0, 1)
    reach = np.exp(-((y / 1.05) ** 4)) * np.exp(-((neutral[:, 0] / 2.9) ** 4)) * front
    flat = np.zeros_like(neutral)
    flat[:, 1] = -0.42 * y * reach
    flat[:, 2] = -0.16 * reach
    return flat
