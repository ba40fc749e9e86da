"""People of the VALID avatars: two dozen heads by another sculptor. A `HeadFamily`.

Every picture has one of the heads, its skin and hair a little lighter or darker, its actions a
little stronger or weaker than in the table. Folds are not drawn.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau_train.synth import gpu
from rtau_train.synth.avatar_shapes import AVATAR_SHAPES, avatar_weights
from rtau_train.synth.avatars import HAIR, SKIN, TEETH, Avatar, read_avatar
from rtau_train.synth.drawing import Drawing, RenderedHead
from rtau_train.synth.head import NormalField
from rtau_train.synth.identity import TONES
from rtau_train.synth.sampling import Expression
from rtau_train.synth.scene import Scene
from rtau_train.synth.spectacles import Spectacles

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# iBUG's 68 points as texture coordinates, which all avatars share: medians over all heads of the
# points that rtau finds on them from the front, made symmetric; the inner lips by what moves when
# the mouth opens.
LANDMARKS_UV: Final = np.array(
    [
        (0.1774, 0.2396), (0.1910, 0.2829), (0.2044, 0.3170), (0.1997, 0.3454), (0.2072, 0.3810),
        (0.2249, 0.4134), (0.2468, 0.4206), (0.2852, 0.4322), (0.3260, 0.4391), (0.3668, 0.4322),
        (0.4052, 0.4206), (0.4271, 0.4134), (0.4448, 0.3810), (0.4523, 0.3454), (0.4476, 0.3170),
        (0.4610, 0.2829), (0.4746, 0.2396), (0.2155, 0.1888), (0.2361, 0.1731), (0.2606, 0.1639),
        (0.2857, 0.1619), (0.3082, 0.1722), (0.3438, 0.1722), (0.3663, 0.1619), (0.3914, 0.1639),
        (0.4159, 0.1731), (0.4365, 0.1888), (0.3260, 0.2134), (0.3260, 0.2383), (0.3260, 0.2552),
        (0.3260, 0.2835), (0.2965, 0.3016), (0.3103, 0.3070), (0.3260, 0.3066), (0.3417, 0.3070),
        (0.3555, 0.3016), (0.2418, 0.2177), (0.2530, 0.2103), (0.2689, 0.2070), (0.2860, 0.2159),
        (0.2668, 0.2217), (0.2518, 0.2205), (0.3660, 0.2159), (0.3831, 0.2070), (0.3990, 0.2103),
        (0.4102, 0.2177), (0.4002, 0.2205), (0.3852, 0.2217), (0.2678, 0.3573), (0.2835, 0.3419),
        (0.3052, 0.3386), (0.3260, 0.3399), (0.3468, 0.3386), (0.3685, 0.3419), (0.3842, 0.3573),
        (0.3685, 0.3736), (0.3503, 0.3805), (0.3260, 0.3805), (0.3017, 0.3805), (0.2835, 0.3736),
        (0.2736, 0.3560), (0.2969, 0.3556), (0.3255, 0.3580), (0.3542, 0.3556), (0.3784, 0.3560),
        (0.3529, 0.3656), (0.3255, 0.3675), (0.2982, 0.3656),
    ],
    np.float32,
)  # fmt: skip
_UPPER_LIP, _LOWER_LIP = 62, 66
_SKIN_UNIT, _HAIR_UNIT = 0, 1
# How open each part is to the room.
_SKY: Final = {SKIN: 0.9, TEETH: 0.7, HAIR: 0.8}
_LOOK_ACROSS_RAD, _LOOK_UP_RAD = 0.5, 0.4
# Cheeks, in head space, for the camera's meter.
_CHEEKS_CM: Final = (4.0, -0.5, 1.0)
# Of the steps of skin tone.
_LEVELS: Final = np.mean(TONES, axis=1)
_HAIR_COLOUR: Final = (0.05, 0.035, 0.025)


class AvatarHeads:
    """The family; a `HeadFamily`. Heads are opened when they are first drawn."""

    def __init__(self, folder: Path, names: Sequence[str], /, *, size: int) -> None:
        """Takes a folder and the names of the avatars to draw.

        Raises:
            BackendUnavailable: there is no EGL or no moderngl.
        """
        self._folder, self._names = folder, tuple(names)
        self._drawing = Drawing(size=size, surface="avatar")
        self._open: dict[str, _OpenHead] = {}

    @property
    def actions(self) -> frozenset[int]:
        """Those of the table."""
        return frozenset(AVATAR_SHAPES)

    def sampled_person(self, rng: np.random.Generator, /) -> AvatarPerson:
        """Returns a sampled person.

        Raises:
            SourceOpenError: a file of the avatar is missing or broken.
        """
        name = str(rng.choice(self._names))
        if name not in self._open:
            self._open[name] = _OpenHead(self._drawing, read_avatar(self._folder, name))
        shapes = sorted({shape for some in AVATAR_SHAPES.values() for shape, _ in some})
        return AvatarPerson(
            head=self._open[name],
            gains=dict(zip(shapes, np.exp(rng.normal(0, 0.12, len(shapes))).tolist(), strict=True)),
            skin_gain=_triple(np.exp(rng.normal(0, 0.15)) * np.exp(rng.normal(0, 0.03, 3))),
            hair_gain=_triple(np.exp(rng.normal(0, 0.4)) * np.exp(rng.normal(0, 0.08, 3))),
            wetness=float(rng.uniform(0.4, 2.0)),
            gloss=float(rng.uniform(10, 32)),
        )


@dataclasses.dataclass(frozen=True)
class AvatarPerson:
    """One avatar as it looks in one picture; a `Person`. Colours are linear RGB."""

    head: _OpenHead
    gains: Mapping[str, float]
    """How much more or less each shape moves."""
    skin_gain: tuple[float, float, float]
    hair_gain: tuple[float, float, float]
    wetness: float
    gloss: float

    @property
    def skin_level(self) -> float:
        """Mean linear albedo of the cheeks."""
        return float(self.head.cheeks * np.mean(self.skin_gain))

    @property
    def hair_colour(self) -> tuple[float, float, float]:
        """Linear RGB, without the hair's picture."""
        return _triple(np.array(_HAIR_COLOUR) * self.hair_gain)

    @property
    def subject(self) -> str:
        """The avatar's name."""
        return self.head.avatar.name

    @property
    def columns(self) -> Mapping[str, str]:
        """What `labels.csv` says of the person; all are adults."""
        avatar = self.head.avatar
        return {
            "sex": avatar.sex,
            "ethnicity": avatar.origin.lower(),
            "age_group": "0",
            "child": "0.00",
            "skin_tone": str(1 + int(np.argmin(np.abs(np.log(_LEVELS / self.skin_level))))),
            "hair": "none" if avatar.hair is None else "wig",
            "beard": "0",
            "skin": avatar.name,
            "brow": avatar.name,
        }

    def resting_landmarks(self) -> Floats:
        """Returns the 68 points at rest: (68, 3) cm, head space."""
        return self.head.avatar.points[self.head.landmarks]

    def rendered(
        self,
        expression: Expression,
        place: Scene,
        /,
        *,
        spectacles: Spectacles | None,
        shift: tuple[float, float],
        rng: np.random.Generator,  # noqa: ARG002 - of the protocol: no folds are drawn
    ) -> RenderedHead:
        """Returns the person alone."""
        weights = avatar_weights(expression.intensities, tilts=expression.tilts, gains=self.gains)
        return self.head.rendered(
            weights,
            _look_rad(expression.weights),
            place,
            looks={
                "skin_gain": self.skin_gain,
                "hair_gain": self.hair_gain,
                "wetness": self.wetness,
                "gloss": self.gloss,
                "pores": 0.25,
            },
            spectacles=spectacles,
            shift=shift,
        )


class _OpenHead:
    """An avatar on the GPU."""

    def __init__(self, drawing: Drawing, avatar: Avatar) -> None:
        self.avatar = avatar
        self._drawing = drawing
        context = drawing.context
        self._skin = gpu.texture(context, avatar.skin[::-1])
        self._hair = None if avatar.hair is None else gpu.texture(context, avatar.hair[::-1])
        self._normals = NormalField(avatar.welded[avatar.triangles], len(avatar.points))
        parts = avatar.parts[:, None]
        static = np.hstack([avatar.uvs, avatar.points, parts, np.zeros_like(parts)])
        uses = {"all": avatar.triangles, "casting": avatar.triangles[_is_outside(avatar)]}
        self._mesh = gpu.Mesh(context, drawing.programs, triangles=uses, static=static)
        self._sky = np.select([avatar.parts == one for one in _SKY], [*_SKY.values()], 0.85)
        self.landmarks = _landmark_vertices(avatar)

    @functools.cached_property
    def cheeks(self) -> float:
        """Mean linear albedo of the picture's cheeks."""
        x, y, z = self.avatar.points.T
        across, up, reach = _CHEEKS_CM
        is_cheek = (np.abs(np.abs(x) - across) < reach) & (np.abs(y - up) < reach) & (z > 5)
        uv = self.avatar.uvs[is_cheek & (self.avatar.parts == SKIN)]
        height, width = self.avatar.skin.shape[:2]
        columns = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
        rows = np.clip((uv[:, 1] * height).astype(int), 0, height - 1)
        return float(((self.avatar.skin[rows, columns] / 255.0) ** 2.2).mean())

    def rendered(
        self,
        weights: Mapping[str, float],
        look_rad: tuple[float, float],
        place: Scene,
        *,
        looks: Mapping[str, Any],
        spectacles: Spectacles | None,
        shift: tuple[float, float],
    ) -> RenderedHead:
        """Returns the head with shapes added and the eyes turned."""
        drawing = self._drawing
        points = self._moved(weights, look_rad)
        normals = self._normals.of(points)[self.avatar.welded]
        places = points[self.landmarks]
        view = drawing.view(place, places, shift=shift)
        self._mesh.move(points, normals, self._sky)
        drawing.draw_shadow(view.shadow_from_head, lambda: self._mesh.draw("casting", "shadow"))
        drawing.begin()
        self._skin.use(_SKIN_UNIT)
        (self._hair or self._skin).use(_HAIR_UNIT)
        gap_cm = self._lip_gap_cm(points)
        mouth = (float(places[[_UPPER_LIP, _LOWER_LIP], 2].mean()), max(gap_cm, 0.0))
        program = drawing.programs["surface"]
        gpu.put(program, {**view.uniforms, **looks, "mouth": mouth})
        gpu.put(program, {"skin": _SKIN_UNIT, "hair": _HAIR_UNIT})
        self._mesh.draw("all", "surface")
        if spectacles is not None:
            gpu.put(drawing.programs["strands"], {**view.uniforms, "strand_texture": _HAIR_UNIT})
            drawing.blend_over()
            drawing.draw_spectacles(spectacles)
        return RenderedHead(drawing.read(), view.landmarks, gap_cm)

    def _moved(self, weights: Mapping[str, float], look_rad: tuple[float, float]) -> Floats:
        points = self.avatar.points.copy()
        for name, weight in weights.items():
            target = self.avatar.targets.get(name)
            if target is not None and abs(weight) > 1e-4:
                points[target.rows] += np.float32(weight) * target.by_cm
        turn, _ = cv2.Rodrigues(np.array([-look_rad[1], look_rad[0], 0.0]))
        for side, rows in self.avatar.eyes.items():
            centre = self.avatar.eye_centre(side)
            points[rows] = (points[rows] - centre) @ turn.T.astype(np.float32) + centre
        return np.asarray(points, np.float32)

    def _lip_gap_cm(self, points: Floats) -> float:
        upper, lower = self.landmarks[[_UPPER_LIP, _LOWER_LIP]]
        gaps = [mesh[upper, 1] - mesh[lower, 1] for mesh in (points, self.avatar.points)]
        return float(gaps[0] - gaps[1])


def _landmark_vertices(avatar: Avatar) -> Ints:
    """Returns the vertex of the skin next to each of the 68 texture coordinates."""
    skin = np.flatnonzero(avatar.parts == SKIN)
    gaps = ((avatar.uvs[skin, None] - LANDMARKS_UV) ** 2).sum(axis=2)
    return np.asarray(skin[gaps.argmin(axis=0)], np.int64)


def _is_outside(avatar: Avatar) -> npt.NDArray[np.bool_]:
    """Returns the triangles that cast shadows: skin and hair."""
    parts = avatar.parts[avatar.triangles[:, 0]]
    return np.asarray((parts == SKIN) | (parts == HAIR))


def _look_rad(weights: Mapping[str, float]) -> tuple[float, float]:
    """Returns how far the eyes look to the person's left and up, from the other model's shapes."""
    across = weights.get("eyeLookOut_L", 0.0) - weights.get("eyeLookIn_L", 0.0)
    up = weights.get("eyeLookUp_L", 0.0) - weights.get("eyeLookDown_L", 0.0)
    return _LOOK_ACROSS_RAD * across, _LOOK_UP_RAD * up


def _triple(values: npt.ArrayLike) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in np.asarray(values).reshape(3))
    return red, green, blue
