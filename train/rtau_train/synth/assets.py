"""Reads the asset folder: meshes, shapes, skins, brows and hair that faces are rendered from.

    ict_raw.npz   V, VT, F, FT, M: ICT-FaceKit's mesh; ids: 100 identity shapes; ex + names: actions
    macro.npz     sex, age and ethnicity shapes, `african_female_young`
    skinuv.npz    skin_uv: texture coordinates of every vertex in MakeHuman's skins
    extras.npz    brows and hair bound to the mesh (`_P _T _U _i _w`), occlusion `ao0 ao1 ao2`
    tex/          skins (.jpg or .png), brow and hair textures (.png)

`rtau-train synth-assets` makes such a folder from the public sources (docs/synth.md). No vertex is
moved here. Called by `head.py` and `render.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.errors import SourceOpenError
from rtau_train.records import BROKEN_NPZ

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

HAIR_STYLES: Final = (
    *("bob02", "braid01", "long01", "ponytail01"),
    *("short01", "short02", "short03", "short04"),
)
BROW_TEXTURES: Final = 12
BROW_HEIGHTS: Final = 3
BROWS: Final = BROW_TEXTURES * BROW_HEIGHTS
_WIDEST_TEXTURE_PX: Final = 1024
_ARCHIVES: Final = {
    "ict_raw.npz": ("V", "VT", "F", "FT", "M", "ids", "ex", "names"),
    "macro.npz": ("african_female_young",),
    "skinuv.npz": ("skin_uv",),
    "extras.npz": ("ao0", "ao1", "ao2", "brow1x0_P", "hair_long01_P"),
}


@dataclasses.dataclass(frozen=True)
class SkinFile:
    """One skin texture and whom it was painted for."""

    name: str
    sex: str
    """`m` or `f`."""
    dark: bool
    age_group: int
    """0 young, 1 middle-aged, 2 old."""


SKINS: Final = (
    SkinFile("middleage_darkskinned_female_diffuse", "f", True, 1),
    SkinFile("middleage_darkskinned_male_diffuse", "m", True, 1),
    SkinFile("middleage_lightskinned_female_diffuse2", "f", False, 1),
    SkinFile("middleage_lightskinned_male_diffuse", "m", False, 1),
    SkinFile("middleage_lightskinned_male_diffuse2", "m", False, 1),
    SkinFile("old_darkskinned_female_diffuse", "f", True, 2),
    SkinFile("old_darkskinned_male_diffuse", "m", True, 2),
    SkinFile("old_lightskinned_male_diffuse2", "m", False, 2),
    SkinFile("young_darkskinned_male_diffuse", "m", True, 0),
    SkinFile("young_lightskinned_female_diffuse2", "f", False, 0),
    SkinFile("young_lightskinned_female_diffuse3", "f", False, 0),
    SkinFile("young_lightskinned_male_diffuse", "m", False, 0),
    SkinFile("young_lightskinned_male_diffuse2", "m", False, 0),
    SkinFile("young_lightskinned_male_diffuse3", "m", False, 0),
)


@dataclasses.dataclass(frozen=True)
class Strands:
    """A mesh that rides on the head: brows or hair."""

    points: Floats
    """(P, 3) cm, on the neutral head."""
    triangles: Ints
    """(T, 3) rows of `points`."""
    uvs: Floats
    """(T, 3, 2), a texture coordinate per corner."""
    carriers: Ints
    """(P, K) head vertices that carry each point."""
    shares: Floats
    """(P, K), sum 1."""


@dataclasses.dataclass(frozen=True)
class Assets:
    """Everything that rendering reads from the disk, except textures, which are read on demand."""

    folder: Path
    neutral: Floats
    """(V, 3) cm."""
    faces: Ints
    """(F, 4) vertices, -1 where a triangle has no fourth."""
    face_uvs: Ints
    """(F, 4) rows of `uvs`."""
    uvs: Floats
    """ICT-FaceKit's own texture coordinates; lashes and the eye's shadow use them."""
    materials: npt.NDArray[np.str_]
    """(F,) `M_Face`, `M_Teeth`, ..."""
    identity: Floats
    """(100, V, 3) cm per unit."""
    macro: Mapping[str, Floats]
    """Sex, age, ethnicity: (V, 3) cm."""
    actions: Mapping[str, Floats]
    """(V, 3) cm at weight 1."""
    skin_uv: Floats
    """(V, 2)."""
    occlusion: tuple[Floats, Floats, Floats]
    """(V,) open sky seen with the mouth closed, the jaw dropped, the lips parted; 0-1."""
    brows: tuple[Strands, ...]
    """Texture-major: brow b at height h is at b * BROW_HEIGHTS + h."""
    hair: Mapping[str, Strands]

    def skin(self, file: SkinFile, /) -> npt.NDArray[np.uint8]:
        """Returns a skin: uint8 (H, W, 3) RGB."""
        for suffix in (".png", ".jpg"):
            path = self.folder / "tex" / (file.name + suffix)
            if path.exists():
                return _picture(path, cv2.COLOR_BGR2RGB)
        raise _missing(self.folder / "tex" / (file.name + ".png"))

    def brow(self, texture: int, /) -> npt.NDArray[np.uint8]:
        """Returns brow texture 0-11: uint8 (H, W, 4) RGBA."""
        return _picture(self.folder / "tex" / f"eyebrow{texture + 1:03d}.png", cv2.COLOR_BGRA2RGBA)

    def hair_texture(self, style: str, /) -> npt.NDArray[np.uint8]:
        """Returns the texture of a hair style: uint8 (H, W, 4) RGBA."""
        return _picture(self.folder / "tex" / f"{style}_diffuse.png", cv2.COLOR_BGRA2RGBA)


def read_assets(folder: Path, /) -> Assets:
    """Returns the asset folder's meshes.

    Raises:
        SourceOpenError: a file is missing or holds something else; the text names it.
    """
    data = {name: _archive(folder / name, needs) for name, needs in _ARCHIVES.items()}
    ict, extras = data["ict_raw.npz"], data["extras.npz"]
    names = [str(name) for name in ict["names"]]
    return Assets(
        folder=folder,
        neutral=ict["V"].astype(np.float32),
        faces=ict["F"].astype(np.int64),
        face_uvs=ict["FT"].astype(np.int64),
        uvs=ict["VT"].astype(np.float32),
        materials=ict["M"],
        identity=ict["ids"].astype(np.float32),
        macro={name: shape.astype(np.float32) for name, shape in data["macro.npz"].items()},
        actions=dict(zip(names, ict["ex"].astype(np.float32), strict=True)),
        skin_uv=data["skinuv.npz"]["skin_uv"].astype(np.float32),
        occlusion=tuple(extras[name].astype(np.float32) for name in ("ao0", "ao1", "ao2")),
        brows=tuple(
            _strands(extras, f"brow{brow + 1}x{height}")
            for brow in range(BROW_TEXTURES)
            for height in range(BROW_HEIGHTS)
        ),
        hair={style: _strands(extras, f"hair_{style}") for style in HAIR_STYLES},
    )


def _strands(extras: Mapping[str, Any], name: str) -> Strands:
    points, triangles, uvs, carriers, shares = (extras[f"{name}_{part}"] for part in "PTUiw")
    return Strands(
        points.astype(np.float32),
        triangles.astype(np.int64),
        uvs.astype(np.float32),
        carriers.astype(np.int64),
        shares.astype(np.float32),
    )


def _archive(path: Path, needs: tuple[str, ...]) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise _missing(path) from None
    except BROKEN_NPZ as error:
        raise SourceOpenError(
            f"{path}: not a readable .npz archive ({error}); make it again with "
            "`rtau-train synth-assets`"
        ) from None
    for name in needs:
        if name not in arrays:
            raise SourceOpenError(
                f"{path}: array {name} is missing; make the file again with "
                "`rtau-train synth-assets`"
            )
    return arrays


def _missing(path: Path) -> SourceOpenError:
    source = "ICT-FaceKit (github.com/ICT-VGL/ICT-FaceKit)"
    if path.name != "ict_raw.npz":
        source = "MakeHuman (github.com/makehumancommunity)"
    return SourceOpenError(
        f"{path}: asset file is missing; it is made from {source} as docs/synth.md says"
    )


def _picture(path: Path, conversion: int) -> npt.NDArray[np.uint8]:
    if not path.exists():
        raise _missing(path)
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    channels = 4 if conversion == cv2.COLOR_BGRA2RGBA else 3
    if image is None or image.ndim != 3 or image.shape[2] < channels:
        raise SourceOpenError(f"{path}: not a picture with {channels} channels")
    if image.shape[1] > _WIDEST_TEXTURE_PX and channels == 4:
        side = (_WIDEST_TEXTURE_PX, _WIDEST_TEXTURE_PX)
        image = cv2.resize(image, side, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(image[..., :channels], conversion), np.uint8)
