"""Samples the room: where camera and lights are, how it is exposed, what is behind.

Directions in here are in view space (x right, y up, z towards the camera); `render.py` turns them.
Called by `picture.py` and `clip.py`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]

# How often each kind of light occurs.
LIGHTS: Final = {
    "soft": 0.34, "side": 0.18, "hard": 0.14, "flash": 0.08, "back": 0.08, "screen": 0.08,
    "dim": 0.10,
}  # fmt: skip
# Head turns beyond this are a profile, which is not rendered.
MAX_YAW_DEG: Final = 35.0
MAX_PITCH_DEG: Final = 25.0


@dataclasses.dataclass(frozen=True)
class Pose:
    """Turn of the head; yaw to its left, pitch down, roll to its left shoulder."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def matrix(self) -> Vector:
        """Returns view_from_head: float64 (3, 3)."""
        yaw, pitch, roll = (math.radians(a) for a in dataclasses.astuple(self))
        turn = np.array(
            [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
        )
        nod = np.array(
            [
                [1, 0, 0],
                [0, math.cos(pitch), -math.sin(pitch)],
                [0, math.sin(pitch), math.cos(pitch)],
            ]
        )
        tilt = np.array(
            [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
        )
        return np.asarray(tilt @ nod @ turn)


@dataclasses.dataclass(frozen=True)
class Lighting:
    """Three lamps and the light of the room; colours are linear RGB."""

    kind: str
    directions: Vector
    """(3, 3) unit vectors towards the lamps; the first casts shadows."""
    colours: Vector
    """(3, 3)."""
    ambient: Vector
    """(4, 3): from above, below, left and right."""
    shadow_amount: float
    shadow_softness: float
    level: float
    """Mean light on a face, for the camera's meter."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """Everything about a picture that is neither the person nor the action."""

    pose: Pose
    distance_cm: float
    lighting: Lighting
    exposure: float


def sampled_scene(rng: np.random.Generator, /, *, skin_level: float) -> Scene:
    """Returns a sampled scene; the camera meters a skin of this linear albedo."""
    lighting = sampled_lighting(rng)
    return Scene(
        pose=_pose(rng),
        distance_cm=float(np.exp(rng.uniform(math.log(32), math.log(150)))),
        lighting=lighting,
        exposure=metered_exposure(lighting, rng, skin_level=skin_level),
    )


def metered_exposure(
    lighting: Lighting, rng: np.random.Generator, /, *, skin_level: float
) -> float:
    """Returns a gain as a camera would choose it: between metering the face and the room."""
    # 0: the room is metered and dark skin stays dark; 1: every face gets the same grey.
    on_face = rng.uniform(0.2, 0.8)
    metered = lighting.level * 0.35 * (skin_level / 0.35) ** on_face
    target = 0.34 * math.exp(rng.normal(0, 0.25))
    if lighting.kind == "dim":
        target *= rng.uniform(0.25, 0.65)
    if lighting.kind == "back":
        target *= rng.uniform(0.5, 1.0)
    return float(target / max(metered, 1e-3))


def _pose(rng: np.random.Generator) -> Pose:
    # Most people face their camera; the rest are spread so that every turn is learnt.
    yaw = rng.normal(0, 11) if rng.random() < 0.6 else rng.uniform(-MAX_YAW_DEG, MAX_YAW_DEG)
    pitch = rng.normal(0, 8) if rng.random() < 0.7 else rng.uniform(-MAX_PITCH_DEG, MAX_PITCH_DEG)
    return Pose(
        float(np.clip(yaw, -MAX_YAW_DEG, MAX_YAW_DEG)),
        float(np.clip(pitch, -MAX_PITCH_DEG, MAX_PITCH_DEG)),
        float(np.clip(rng.normal(0, 6), -20, 20)),
    )


def _towards(azimuth: float, elevation: float) -> list[float]:
    return [
        math.sin(azimuth) * math.cos(elevation),
        math.sin(elevation),
        math.cos(azimuth) * math.cos(elevation),
    ]


def _white(rng: np.random.Generator, spread: float = 0.10) -> Vector:
    """Returns the colour of a lamp between warm and cold."""
    warmth = rng.normal(0, spread)
    return np.array([1 + warmth, 1.0, max(0.3, 1 - warmth)])


@dataclasses.dataclass(frozen=True)
class _Lamp:
    """Ranges from which one kind of light draws its key lamp and its room."""

    azimuth: tuple[float, float]
    elevation: tuple[float, float]
    key: tuple[float, float]
    fill: tuple[float, float]
    room: tuple[float, float]
    shadow: tuple[float, float]
    softness: tuple[float, float]


_LAMPS: Final = {
    "soft": _Lamp((-0.9, 0.9), (0.0, 1.0), (0.3, 1.2), (0, 0.6), (0.6, 1.1), (0.2, 0.6), (1.5, 3)),
    "side": _Lamp((0.8, 1.5), (-0.1, 0.6), (0.8, 2.2), (0, 0.3), (0.2, 0.6), (0.5, 1.0), (1.2, 3)),
    "hard": _Lamp((-1.1, 1.1), (0.3, 1.2), (1.8, 3.2), (0, 0.2), (0.2, 0.5), (0.9, 1), (0.7, 1.3)),
    "flash": _Lamp((-0.1, 0.1), (0.0, 0.2), (1.8, 3.0), (0, 0.1), (0.1, 0.4), (0.6, 1), (0.8, 1.5)),
    "back": _Lamp((-0.8, 0.8), (0.0, 0.8), (0.2, 0.6), (0, 0.3), (0.4, 0.8), (0.2, 0.7), (1.5, 3)),
    "screen": _Lamp((-0.3, 0.3), (-0.6, 0), (0.9, 1.8), (0, 0.2), (0.1, 0.3), (0.3, 0.8), (1.5, 3)),
    "dim": _Lamp((-1.3, 1.3), (0.0, 1.1), (0.4, 1.2), (0, 0.3), (0.15, 0.5), (0.4, 1.0), (1.2, 3)),
}  # fmt: skip


def sampled_lighting(rng: np.random.Generator, /, *, kind: str | None = None) -> Lighting:
    """Returns sampled lamps, of a kind of `LIGHTS` or of any."""
    if kind is None:
        shares = np.array(list(LIGHTS.values()))
        kind = str(rng.choice(list(LIGHTS), p=shares / shares.sum()))
    lamp = _LAMPS[kind]
    side = 1.0 if rng.random() < 0.5 else -1.0
    rim = rng.uniform(1.5, 4.0) if kind == "back" else max(0.0, rng.uniform(-0.8, 1.6))
    directions = np.array(
        [
            _towards(side * rng.uniform(*lamp.azimuth), rng.uniform(*lamp.elevation)),
            _towards(-side * rng.uniform(0.2, 1.4), rng.uniform(-0.4, 0.7)),
            _towards(rng.choice([-1, 1]) * rng.uniform(1.9, 2.8), rng.uniform(-0.2, 0.8)),
        ]
    )
    cold = np.array([0.75, 0.95, 1.25]) if kind == "screen" else np.ones(3)
    key, fill, room = (rng.uniform(*span) for span in (lamp.key, lamp.fill, lamp.room))
    colours = np.array([_white(rng) * cold * key, _white(rng) * fill, _white(rng, 0.16) * rim])
    base, bounce = _white(rng), _white(rng, 0.15)
    ambient = np.array(
        [
            base * room * rng.uniform(0.4, 0.8),
            bounce * room * rng.uniform(0.1, 0.45),
            _white(rng) * room * rng.uniform(0.05, 0.45),
            _white(rng) * room * rng.uniform(0.05, 0.45),
        ]
    )
    frontal = max(0.15, directions[0][2]) * key * 0.62 + max(0.1, directions[1][2]) * fill * 0.6
    return Lighting(
        kind=kind,
        directions=directions,
        colours=colours,
        ambient=ambient,
        shadow_amount=float(rng.uniform(*lamp.shadow)),
        shadow_softness=float(rng.uniform(*lamp.softness)),
        level=float(frontal + ambient.mean(axis=1).sum() * 0.5),
    )


def sampled_background(rng: np.random.Generator, size: int, /, *, kind: str) -> Floats:
    """Returns what is behind the head: float32 (size, size, 3), 0-1, display values."""
    grey = rng.uniform(0.05, 0.95)
    if kind in ("dim", "screen", "flash"):
        grey *= 0.35
    if kind == "back":
        grey = rng.uniform(0.6, 1.0)
    spread = 0.05 if rng.random() < 0.75 else 0.2
    image = np.empty((size, size, 3), np.float32)
    image[:] = np.clip(grey + rng.normal(0, spread, 3), 0, 1)
    if rng.random() < 0.12:
        return image
    saturation = float(rng.choice([0.04, 0.12, 0.3], p=[0.5, 0.38, 0.12]))
    image += _clouds(rng, size, saturation) * np.float32(rng.uniform(0.03, 0.18))
    _gradient(image, rng)
    for _ in range(int(rng.integers(0, 16))):
        _thing(image, rng, saturation=saturation, level=grey)
    blur = float(rng.choice([0.7, 1.5, 3, 6])) * size / 176
    return np.clip(cv2.GaussianBlur(image, (0, 0), blur), 0, 1)


def _clouds(rng: np.random.Generator, size: int, saturation: float) -> Floats:
    total = np.zeros((size, size, 3), np.float32)
    for cells, amount in ((2, 1.0), (4, 0.7), (9, 0.5), (20, 0.35), (48, 0.2)):
        coarse = rng.standard_normal((cells, cells, 3)).astype(np.float32)
        total += amount * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    grey = total.mean(axis=2, keepdims=True)
    return np.asarray(grey * 1.6 * (1 - saturation) + total * saturation, np.float32)


def _gradient(image: Floats, rng: np.random.Generator) -> None:
    size = len(image)
    across = np.linspace(-1, 1, size, dtype=np.float32) * np.float32(rng.normal(0, 0.12))
    down = np.linspace(1, -1, size, dtype=np.float32) * np.float32(rng.normal(0.04, 0.12))
    image += (across[None, :] + down[:, None])[..., None]


def _thing(image: Floats, rng: np.random.Generator, *, saturation: float, level: float) -> None:
    """Draws a door, a shelf, a lamp, another head: a shape of one colour."""
    size = len(image)
    value = np.clip(level + rng.normal(0, 0.28), 0, 1) + saturation * rng.normal(0, 0.3, 3)
    colour = [float(part) for part in np.clip(value, 0, 1)]
    corner = rng.integers(-size // 8, size, 2)
    extent = rng.integers(size // 24 + 1, size // 2, 2)
    if rng.random() < 0.65:
        if rng.random() < 0.4:
            extent[int(rng.integers(2))] = max(1, size // 40)
        cv2.rectangle(image, corner.tolist(), (corner + extent).tolist(), colour, -1)
    else:
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(image, corner.tolist(), (extent // 2 + 1).tolist(), angle, 0, 360, colour, -1)
