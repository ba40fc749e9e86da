"""The 68 points of iBUG as mixtures of MediaPipe's 478, fitted on renders, where both are known.

Crops are cut along the 68 points, and networks learn them; no single point of the mesh lies where
some of them do. Pure functions on arrays; called by `teacher.py`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.float32]

MIXED: Final = 4
"""Mesh points in a mixture."""
# Nearest mesh points among which the fit chooses.
_CANDIDATES: Final = 8
# How hard the shares are held to a sum of 1, over one coordinate of one face.
_SUM_WEIGHT: Final = 1e3


def fitted(points: Floats, landmarks_xy: Floats, /) -> tuple[npt.NDArray[np.int64], Floats]:
    """Returns vertices int64 (68, 4) and their shares float64 (68, 4), which add up to 1.

    Args:
        points: float64 (N, 478, 3), px, of renders.
        landmarks_xy: float64 (N, 68, 2), px, of the same renders.
    """
    places = points[..., :2]
    sizes = np.ptp(landmarks_xy, axis=1).max(axis=1)
    vertices = np.empty((68, MIXED), np.int64)
    shares = np.empty((68, MIXED))
    for k in range(68):
        gaps = np.linalg.norm(places - landmarks_xy[:, None, k], axis=2) / sizes[:, None]
        nearest = np.argsort(np.median(gaps, axis=0), kind="stable")[:_CANDIDATES]
        rough = _mixture(places[:, nearest], landmarks_xy[:, k], sizes)
        vertices[k] = nearest[np.argsort(-rough, kind="stable")[:MIXED]]
        shares[k] = _mixture(places[:, vertices[k]], landmarks_xy[:, k], sizes)
    return vertices, shares


def landmarks68(points: Floats, vertices: npt.NDArray[np.int64], shares: Floats, /) -> Points:
    """Returns float32 (N, 68, 2), px, of faces (N, 478, 3)."""
    return np.asarray(np.einsum("nkmc,km->nkc", points[:, vertices, :2], shares), np.float32)


def _mixture(candidates: Floats, wanted: Floats, sizes: Floats) -> Floats:
    """Returns the shares (C,), none negative, with which candidates (N, C, 2) meet (N, 2)."""
    # In sizes of each face and about the place itself, so that all faces count alike.
    gaps = (candidates - wanted[:, None]) / sizes[:, None, None]
    rows = np.concatenate([gaps[..., 0], gaps[..., 1], np.full((1, gaps.shape[1]), _SUM_WEIGHT)])
    aim = np.zeros(len(rows))
    aim[-1] = _SUM_WEIGHT
    found, _ = nnls(rows, aim)
    return np.asarray(found / found.sum())
