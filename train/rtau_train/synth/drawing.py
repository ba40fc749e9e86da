"""The part of rendering that all head models share: where is drawn, shadows, spectacles, reading.

Holds an OpenGL context, its programs and its targets. Knows lights and lenses, and no face.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau_train.synth import gpu, uniforms
from rtau_train.synth.head import NormalField
from rtau_train.synth.scene import Scene
from rtau_train.synth.spectacles import Spectacles
from rtau_train.synth.window import Window, tangents, window_around

Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

SUPERSAMPLING: Final = 2
_SHADOW_PX: Final = 512
# Kinds of strands, as the shader numbers them.
HAIR, BROW, LASHES, EYE_SHADE, FRAME, LENS = range(6)
# Texture units; those between are the families' own.
SHADOW_UNIT, NOISE_UNIT, STRANDS_UNIT = 2, 5, 6


@dataclasses.dataclass(frozen=True)
class RenderedHead:
    """A head as it was rendered."""

    image: Floats
    """(S, S, 4): RGB in 0-1 display values, premultiplied, and cover."""
    landmarks: Floats
    """(68, 2) px."""
    lip_gap_cm: float
    """Beyond the person's rest; above about 0.12 the lips are parted."""


@dataclasses.dataclass(frozen=True)
class View:
    """What the camera of a scene sees of a head."""

    landmarks: Floats
    """(68, 2) px."""
    shadow_from_head: Matrix
    uniforms: Mapping[str, Any]
    """For every shader that lights a surface."""


class Drawing:
    """An open OpenGL context that draws square pictures of a size off screen."""

    def __init__(self, *, size: int, surface: str) -> None:
        """Opens it; `surface` is the fragment shader of the family's skin."""
        self.size = size
        self.context = context = gpu.open_context()
        self.programs = {
            "surface": gpu.surface_program(context, surface),
            "strands": gpu.surface_program(context, "strands"),
            "shadow": gpu.shadow_program(context),
        }
        side = (size * SUPERSAMPLING,) * 2
        self.target = context.framebuffer(
            [context.texture(side, 4)], context.depth_renderbuffer(side)
        )
        self._shadow_map = context.depth_texture((_SHADOW_PX, _SHADOW_PX))
        self._shadow_map.compare_func = "<="
        self._shadow_map.filter = (context.LINEAR, context.LINEAR)
        self._shadow_target = context.framebuffer(depth_attachment=self._shadow_map)
        self._noise = gpu.texture(context, _noise(), repeat=True)

    def view(
        self,
        scene: Scene,
        landmarks_cm: Floats,
        *,
        shift: tuple[float, float] = (0.0, 0.0),
        window: Window | None = None,
    ) -> View:
        """Returns the view of a scene on a head whose 68 points are at (68, 3) cm.

        `shift` moves the window, in sides; `window` replaces the one around the landmarks, for a
        camera that stands still.
        """
        view_from_head = uniforms.view_from_head(scene)
        seen = tangents(uniforms.moved(view_from_head, landmarks_cm))
        if window is None:
            window = window_around(seen, shift=shift)
        shadow = uniforms.shadow_from_head(scene)
        near, far = scene.distance_cm * 0.3, scene.distance_cm * 3
        common = {
            "clip_from_head": window.projection(near, far) @ view_from_head,
            "shadow_from_head": shadow,
            "eye": -view_from_head[:3, :3].T @ view_from_head[:3, 3],
            "shadow_map": SHADOW_UNIT,
            "noise": NOISE_UNIT,
            **uniforms.light_uniforms(scene, view_from_head[:3, :3]),
        }
        return View(window.pixels(seen, self.size), shadow, common)

    def draw_shadow(self, shadow: Matrix, casters: Callable[[], None], /) -> None:
        """Draws what casts shadows, as the first lamp sees it."""
        self._shadow_target.use()
        self._shadow_target.clear(depth=1.0)
        self.context.enable(self.context.DEPTH_TEST)
        self.context.disable(self.context.BLEND)
        program = self.programs["shadow"]
        gpu.put(
            program, {"shadow_from_head": shadow, "strands": False, "strand_texture": STRANDS_UNIT}
        )
        casters()

    def begin(self) -> None:
        """Clears the picture; the shadow map and the noise are at their units from here on."""
        self.target.use()
        self.target.clear(0, 0, 0, 0, depth=1.0)
        self._shadow_map.use(SHADOW_UNIT)
        self._noise.use(NOISE_UNIT)

    def draw_spectacles(self, worn: Spectacles) -> None:
        """Draws rims, then lenses over what is behind them; the lights are still set."""
        context, program = self.context, self.programs["strands"]
        for kind, points, triangles, amount in (
            (FRAME, worn.frame_points, worn.frame_triangles, 1.0),
            (LENS, worn.lens_points, worn.lens_triangles, worn.style.tint),
        ):
            colour = worn.style.colour if kind == FRAME else (0.01, 0.01, 0.012)
            gpu.put(program, {"kind": kind, "amount": amount, "strand_colour": colour})
            program["solid_pass"].value = kind == FRAME
            (context.disable if kind == FRAME else context.enable)(context.BLEND)
            static = np.zeros((len(points), gpu.STATIC_WIDTH), np.float32)
            mesh = gpu.Mesh(
                context, {"strands": program}, triangles={"all": triangles}, static=static
            )
            mesh.move(points, _outward(points, triangles), 0.9)
            mesh.draw("all", "strands")
            mesh.release()
        context.disable(context.BLEND)

    def blend_over(self) -> None:
        """Lets what is drawn next cover what is there by its opacity."""
        context = self.context
        context.enable(context.BLEND)
        context.blend_func = (
            *(context.SRC_ALPHA, context.ONE_MINUS_SRC_ALPHA),
            *(context.ONE, context.ONE_MINUS_SRC_ALPHA),
        )

    def read(self) -> Floats:
        """Returns the picture: (S, S, 4), as `RenderedHead.image`."""
        side = self.size * SUPERSAMPLING
        raw = np.frombuffer(self.target.read(components=4), np.uint8).reshape(side, side, 4)
        image = cv2.resize(raw[::-1], (self.size,) * 2, interpolation=cv2.INTER_AREA)
        return np.asarray(image / np.float32(255), np.float32)


def _outward(points: Floats, triangles: npt.NDArray[np.int64]) -> Floats:
    """Returns vertex normals of a small mesh."""
    return NormalField(triangles, len(points)).of(points)


@functools.cache
def _noise() -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    noise = cv2.GaussianBlur(rng.random((256, 256)).astype(np.float32), (0, 0), 0.7)
    noise = (noise - noise.min()) / (noise.max() - noise.min())
    return np.asarray(noise * 255, np.uint8)
