"""Draws one head with OpenGL: shadow map, skin and eyes, brows, lashes, hair, spectacles.

Takes an appearance, a deformation and a scene and returns the head on a transparent ground with
its 68 points. Backgrounds, occluders and the camera's flaws are added by others. A picture depends
on its arguments only, never on the picture before. Called by `picture.py` and `clip.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rtau_train.synth import gpu, paint, uniforms
from rtau_train.synth.assets import BROW_HEIGHTS, HAIR_STYLES, SKINS, Assets
from rtau_train.synth.drawing import (
    BROW,
    EYE_SHADE,
    HAIR,
    LASHES,
    STRANDS_UNIT,
    Drawing,
    RenderedHead,
)
from rtau_train.synth.head import LANDMARKS, AttachedMesh, Head, Surface
from rtau_train.synth.identity import Appearance
from rtau_train.synth.scene import Scene
from rtau_train.synth.spectacles import Spectacles
from rtau_train.synth.window import Window
from rtau_train.synth.wrinkles import MAP_SIZE, relief

Floats = npt.NDArray[np.float32]

# Texture units beside those of `drawing.py`.
_SKIN_A, _SKIN_B, _FOLDS, _PAINT = 0, 1, 3, 4
_VALLEY_SHADE: Final = 6.5
"""Light lost per cm of depth, before clipping."""


@dataclasses.dataclass(frozen=True)
class Deformation:
    """What an expression does to the mesh: weights of shapes and the folds of its skin."""

    weights: Mapping[str, float]
    folds_cm: Floats
    """Heights of the skin, as `wrinkles.height_map` makes them."""


class Renderer:
    """An open OpenGL context with all meshes and textures of an asset folder."""

    def __init__(self, assets: Assets, *, size: int) -> None:
        self.size = size
        self.head = Head(assets)
        self._assets = assets
        self._drawing = Drawing(size=size, surface="head")
        self._context, self._programs = self._drawing.context, self._drawing.programs
        context = self._context
        self._mesh = self._head_mesh()
        self._maps = {
            "folds": context.texture(MAP_SIZE, 4, dtype="f4"),
            "paint": context.texture(MAP_SIZE, 3, dtype="f1"),
        }
        for image in self._maps.values():
            image.repeat_x = image.repeat_y = False
        self.masks = paint.face_masks(assets.neutral[LANDMARKS])
        self._skins: dict[int, tuple[Any, Floats]] = {}
        self._attachments: dict[str, _HairOrBrow] = {}

    def render(
        self,
        appearance: Appearance,
        deformation: Deformation,
        scene: Scene,
        *,
        skin_factor: Floats,
        spectacles: Spectacles | None = None,
        shift: tuple[float, float] = (0.0, 0.0),
        window: Window | None = None,
    ) -> RenderedHead:
        """Returns the head, alone.

        `skin_factor` (384, 320) are the skin's blemishes; `shift` moves the window, in sides;
        `window` replaces the one around the landmarks, for a camera that stands still.
        """
        person = self.head.person(appearance.coefficients, appearance.macro)
        surface = self.head.deformed(person, deformation.weights)
        view = self._drawing.view(scene, surface.points[LANDMARKS], shift=shift, window=window)
        gap_cm = self.head.lip_gap_cm(surface.points, person)
        self._mesh.move(surface.points, surface.normals, self.head.occlusion(deformation.weights))
        moved_by = surface.points - self.head.neutral
        brow = self._attached(f"brow{appearance.brow}")
        brow.place(moved_by, stretch=appearance.brow_stretch)
        hair = self._attached(appearance.hair) if appearance.hair in HAIR_STYLES else None
        if hair is not None:
            hair.place(moved_by, fringe=appearance.fringe)
        self._drawing.draw_shadow(view.shadow_from_head, lambda: self._cast(hair))
        mouth = self._mouth(surface, gap_cm)
        self._draw_skin(
            appearance, deformation, view.uniforms, skin_factor=skin_factor, mouth=mouth
        )
        self._draw_strands(appearance, view.uniforms, brow=brow, hair=hair)
        if spectacles is not None:
            self._drawing.draw_spectacles(spectacles)
        return RenderedHead(self._drawing.read(), view.landmarks, gap_cm)

    def resting_landmarks(self, appearance: Appearance, /) -> Floats:
        """Returns a person's 68 points at rest: (68, 3) cm in head space."""
        return self.head.person(appearance.coefficients, appearance.macro)[LANDMARKS]

    def _head_mesh(self) -> gpu.Mesh:
        head = self.head
        static = np.hstack(
            [head.texture_uv, head.neutral, head.parts[:, None], head.scalp[:, None]]
        )
        casting = head.opaque[(head.opaque < 11248).all(axis=1)]
        uses = {**head.triangles, "casting": casting}
        return gpu.Mesh(self._context, self._programs, triangles=uses, static=static)

    def _mouth(self, surface: Surface, gap_cm: float) -> tuple[float, float]:
        lips = surface.points[LANDMARKS[[62, 66]]]
        return float(lips[:, 2].mean()), max(gap_cm, 0.0)

    def _attached(self, name: str) -> _HairOrBrow:
        if name not in self._attachments:
            assets = self._assets
            if name in HAIR_STYLES:
                strands, image = assets.hair[name], assets.hair_texture(name)
            else:
                row = int(name.removeprefix("brow"))
                strands, image = assets.brows[row], assets.brow(row // BROW_HEIGHTS)
            attached = AttachedMesh(strands, len(assets.neutral))
            self._attachments[name] = _HairOrBrow(
                self._context, self._programs, attached=attached, image=image
            )
        return self._attachments[name]

    def _skin(self, row: int) -> tuple[Any, Floats]:
        """Returns a skin's texture and the linear mean of its cheeks."""
        if row not in self._skins:
            image = self._assets.skin(SKINS[row])
            x, y, z = self.head.neutral.T
            cheeks = (np.abs(np.abs(x) - 4) < 1) & (np.abs(y + 0.5) < 1) & (z > 5)
            uv = self.head.texture_uv[cheeks & (self.head.parts == 0)]
            height, width = image.shape[:2]
            columns = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
            rows = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
            mean = ((image[rows, columns] / 255.0) ** 2.2).mean(axis=0).astype(np.float32)
            self._skins[row] = (gpu.texture(self._context, image), mean)
        return self._skins[row]

    def _cast(self, hair: _HairOrBrow | None) -> None:
        """Draws what casts shadows."""
        self._mesh.draw("casting", "shadow")
        if hair is not None:
            hair.texture.use(STRANDS_UNIT)
            self._programs["shadow"]["strands"].value = True
            hair.mesh.draw("all", "shadow")

    def _draw_skin(
        self,
        appearance: Appearance,
        deformation: Deformation,
        common: Mapping[str, Any],
        *,
        skin_factor: Floats,
        mouth: tuple[float, float],
    ) -> None:
        self._drawing.begin()
        self._write_maps(appearance, deformation, skin_factor)
        (skin_a, mean_a), (skin_b, mean_b) = (self._skin(row) for row in appearance.skins)
        units = {_SKIN_A: skin_a, _SKIN_B: skin_b}
        units |= {_FOLDS: self._maps["folds"], _PAINT: self._maps["paint"]}
        for unit, image in units.items():
            image.use(unit)
        program = self._programs["surface"]
        gpu.put(program, common)
        gpu.put(program, {**uniforms.appearance_uniforms(appearance), "mouth": mouth})
        gpu.put(program, {"skin_mean_a": mean_a, "skin_mean_b": mean_b})
        gpu.put(program, {"skin_a": _SKIN_A, "skin_b": _SKIN_B, "folds": _FOLDS, "paint": _PAINT})
        self._context.enable(self._context.CULL_FACE)
        self._mesh.draw("opaque", "surface")
        self._context.disable(self._context.CULL_FACE)

    def _write_maps(
        self, appearance: Appearance, deformation: Deformation, skin_factor: Floats
    ) -> None:
        slope_x, slope_y, depth_cm = relief(deformation.folds_cm)
        light = np.clip(1 - _VALLEY_SHADE * depth_cm, 0.35, 1)
        folds = np.dstack([slope_x, slope_y, light, skin_factor])
        self._maps["folds"].write(folds.tobytes())
        beard = paint.stubble(self.masks, appearance.beard)
        painted = np.dstack([beard, self.masks.lips, self.masks.eyes])
        self._maps["paint"].write((np.clip(painted, 0, 1) * 255).astype(np.uint8).tobytes())

    def _draw_strands(
        self,
        appearance: Appearance,
        common: Mapping[str, Any],
        *,
        brow: _HairOrBrow,
        hair: _HairOrBrow | None,
    ) -> None:
        context, program = self._context, self._programs["strands"]
        self._drawing.blend_over()
        self._drawing.target.depth_mask = False
        gpu.put(program, {**common, "strand_texture": STRANDS_UNIT, "solid_pass": False})
        gpu.put(program, {"kind": EYE_SHADE, "amount": appearance.eye_shade})
        self._mesh.draw("eye_shade", "strands")
        brow.texture.use(STRANDS_UNIT)
        gpu.put(
            program,
            {
                "kind": BROW,
                "amount": appearance.brow_density,
                "strand_colour": appearance.brow_colour,
            },
        )
        brow.mesh.draw("all", "strands")
        lashes = tuple(min(0.4 * part, 0.02) for part in appearance.hair_colour)
        gpu.put(
            program, {"kind": LASHES, "amount": appearance.lash_density, "strand_colour": lashes}
        )
        self._mesh.draw("lashes", "strands")
        if hair is not None:
            hair.texture.use(STRANDS_UNIT)
            gpu.put(program, {"kind": HAIR, "amount": appearance.hair_sheen})
            gpu.put(program, {"strand_colour": appearance.hair_colour, "texture_mean": hair.mean})
            for solid in (True, False):
                self._drawing.target.depth_mask = solid
                (context.disable if solid else context.enable)(context.BLEND)
                program["solid_pass"].value = solid
                hair.mesh.draw("all", "strands")
        self._drawing.target.depth_mask = True
        context.disable(context.BLEND)


class _HairOrBrow:
    """An attached mesh with its texture, on the GPU."""

    def __init__(
        self,
        context: Any,
        programs: Mapping[str, Any],
        *,
        attached: AttachedMesh,
        image: npt.NDArray[np.uint8],
    ) -> None:
        self.texture = gpu.texture(context, image)
        self._attached = attached
        static = np.zeros((len(attached.uvs), gpu.STATIC_WIDTH), np.float32)
        static[:, :2] = attached.uvs
        uses = {"all": attached.indices}
        drawn = {name: programs[name] for name in ("strands", "shadow")}
        self.mesh = gpu.Mesh(context, drawn, triangles=uses, static=static)
        covered = image[..., 3] > 128
        levels = image[..., :3].astype(np.float32) @ np.array([0.3, 0.6, 0.1], np.float32) / 255
        self.mean = max(float(levels[covered].mean()), 0.02) if covered.any() else 0.2

    def place(self, moved_by: Floats, *, stretch: float = 1.0, fringe: float = 1.0) -> None:
        surface = self._attached.follow(moved_by, stretch=stretch, fringe=fringe)
        self.mesh.move(surface.points, surface.normals, 0.8)
