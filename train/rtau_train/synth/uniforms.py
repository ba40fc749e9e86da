"""Turns a person and a scene into the numbers that the shaders read.

Matrices, lamps and looks; no OpenGL call is made here. Called by `render.py`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rtau_train.synth.identity import Appearance
from rtau_train.synth.scene import Scene

Matrix = npt.NDArray[np.float64]

# The head turns about the middle of the skull's front, not about the origin of the mesh.
_PIVOT_CM: Final = np.array([0.0, 0.6, 6.5])
_SHADOW_REACH_CM: Final = 15.0
_PORES: Final = 0.25
# How much hair colour the scalp itself gets.
_CROPPED: Final = {"none": 0.0, "cropped": 0.9}


def view_from_head(scene: Scene) -> Matrix:
    """Returns the camera's view of head space: float64 (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = scene.pose.matrix()
    matrix[:3, 3] = np.array([0, 0, -scene.distance_cm]) - matrix[:3, :3] @ _PIVOT_CM
    return matrix


def moved(matrix: Matrix, points: npt.NDArray[np.float32]) -> Matrix:
    """Returns points (N, 3) moved by an affine (4, 4)."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def shadow_from_head(scene: Scene) -> Matrix:
    """Returns an orthographic view of the head from the first lamp."""
    forward = scene.pose.matrix().T @ scene.lighting.directions[0]
    up = np.array([0.0, 1.0, 0.0]) if abs(forward[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(up, forward)
    right /= np.linalg.norm(right)
    turn = np.eye(4)
    turn[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    turn[:3, 3] = -turn[:3, :3] @ np.array([0, 2.0, 4.0])
    reach = 1 / _SHADOW_REACH_CM
    return np.asarray(np.diag([reach, reach, -reach / 2, 1.0]) @ turn)


def light_uniforms(scene: Scene, view_from_head: Matrix) -> dict[str, Any]:
    """Returns the lamps in head space, and how the camera exposes."""
    lighting = scene.lighting
    up, down, left, right = (tuple(float(v) for v in row) for row in lighting.ambient)
    return {
        "light_direction": (lighting.directions @ view_from_head).astype(np.float32),
        "light_colour": lighting.colours.astype(np.float32),
        # v * M in the shader multiplies by the transpose.
        "head_from_view": view_from_head.T,
        "ambient_up": up,
        "ambient_down": down,
        "ambient_left": left,
        "ambient_right": right,
        "shadow_amount": lighting.shadow_amount,
        "shadow_softness": lighting.shadow_softness,
        "exposure": scene.exposure,
    }


def appearance_uniforms(appearance: Appearance) -> dict[str, Any]:
    """Returns the colours and strengths of a person."""
    return {
        "skin_share": appearance.skin_share,
        "skin_tone": appearance.tone,
        "skin_contrast": appearance.contrast,
        "skin_grey": appearance.redness_dropped,
        "fold_strength": 1.0,
        "pores": _PORES,
        "wetness": appearance.wetness,
        "gloss": appearance.gloss,
        "lip_colour": appearance.lip_colour,
        "lip_paint": appearance.lip_paint,
        "eye_paint": appearance.eye_paint,
        "beard_colour": appearance.beard_colour,
        "cropped_hair": _CROPPED.get(appearance.hair, 0.3),
        "hair_colour": appearance.hair_colour,
        "cloth": appearance.cloth,
        "collar": appearance.collar_cm,
        "iris": appearance.iris,
        "iris_radius": appearance.iris_radius,
        "pupil": appearance.pupil,
        "sclera": appearance.sclera,
        "seed": appearance.seed,
        "teeth": appearance.teeth,
        "tongue": appearance.tongue,
    }
