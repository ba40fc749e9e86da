"""Makes the asset folder from what ICT-FaceKit and MakeHuman publish.

    SOURCES/ICT-FaceKit/FaceXModel/*.obj
    SOURCES/makehuman/makehuman/data/{3dobjs/base.obj, targets/macrodetails/*.target}
    SOURCES/makehuman-assets/base/{eyebrows, hair, skins/textures}

Takes a few minutes once; rendering never needs the sources. Called by `commands/synth.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rtau.errors import SinkError, SourceOpenError
from rtau_train.synth import fitting, sources
from rtau_train.synth.assets import BROW_HEIGHTS, BROW_TEXTURES, HAIR_STYLES, SKINS
from rtau_train.synth.fitting import Shell, Transfer, Warp
from rtau_train.synth.sky import SkyMeter

Points = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

IDENTITIES: Final = 100
_SKIN: Final = ("M_Face", "M_BackHead")
_SOLID: Final = (
    *(*_SKIN, "M_GumsTongue", "M_Teeth"),
    *("M_ScleraLeft", "M_ScleraRight", "M_IrisLeft", "M_IrisRight"),
)
_BODIES: Final = tuple(
    (ethnicity, sex, age)
    for ethnicity in ("african", "asian", "caucasian")
    for sex in ("male", "female")
    for age in ("child", "young", "old")
)
# MakeHuman's brows were made for its own face; on ICT's they would sit too low, so higher too.
_BROW_STEP_CM: Final = 0.35
_BROW_ABOVE_CM: Final = 0.10
_HAIR_ABOVE_CM: Final = 0.35
_BODY_VERTICES: Final = 13_380


def build_assets(folder: Path, out: Path, /, *, say: Callable[[str], None]) -> None:
    """Reads the sources and writes the asset folder; `say` hears what is being done.

    Raises:
        SourceOpenError: a source is missing or unreadable; the text names it.
        SinkError: the folder cannot be written.
        BackendUnavailable: there is no EGL or no moderngl.
    """
    try:
        (out / "tex").mkdir(parents=True, exist_ok=True)
        say("textures")
        for path in textures(folder / "makehuman-assets" / "base"):
            shutil.copyfile(sources.check_texture(path), out / "tex" / path.name)
        say("ICT-FaceKit: 158 meshes")
        ict = read_ict(folder / "ICT-FaceKit" / "FaceXModel")
        _save(out / "ict_raw.npz", ict)
        say("MakeHuman's face onto ICT-FaceKit's")
        data = folder / "makehuman" / "makehuman" / "data"
        body = sources.read_obj(data / "3dobjs" / "base.obj")
        onto, back, persons = carried_over(ict, body, data / "targets" / "macrodetails")
        uv = np.zeros((len(ict["V"]), 2))
        uv[: fitting.SKIN] = onto.uv
        _save(out / "skinuv.npz", {"skin_uv": uv})
        _save(out / "macro.npz", persons)
        say("brows, hair and occlusion")
        base = folder / "makehuman-assets" / "base"
        extras = {**attached_meshes(ict, back, base, body=body.points), **occlusion(ict)}
        _save(out / "extras.npz", extras)
    except SourceOpenError:
        raise
    except OSError as error:
        raise SinkError(f"{out}: cannot be written ({error.strerror})") from None


def _save(path: Path, arrays: Mapping[str, Any]) -> None:
    np.savez_compressed(path, **dict(arrays))


def textures(base: Path, /) -> Iterator[Path]:
    """Yields every texture that rendering reads."""
    for skin in SKINS:
        yield base / "skins" / "textures" / f"{skin.name}.png"
    for brow in range(1, BROW_TEXTURES + 1):
        yield base / "eyebrows" / f"eyebrow{brow:03d}" / f"eyebrow{brow:03d}.png"
    for style in HAIR_STYLES:
        yield base / "hair" / style / f"{style}_diffuse.png"


def read_ict(folder: Path, /) -> dict[str, npt.NDArray[Any]]:
    """Returns the arrays of `ict_raw.npz`: the neutral mesh and what each shape adds to it."""
    neutral = sources.read_obj(folder / "generic_neutral_mesh.obj")
    names = sorted(path.stem for path in folder.glob("*.obj"))
    actions = [
        name for name in names if not name.startswith("identity") and name != "generic_neutral_mesh"
    ]

    def added(name: str) -> npt.NDArray[np.float32]:
        points = sources.read_points(folder / f"{name}.obj")
        if points.shape != neutral.points.shape:
            raise SourceOpenError(
                f"{folder / name}.obj: has {len(points)} points, the neutral mesh "
                f"{len(neutral.points)}; both must be of one version of ICT-FaceKit"
            )
        return (points - neutral.points).astype(np.float32)

    return {
        "V": neutral.points.astype(np.float32),
        "VT": neutral.uvs.astype(np.float32),
        "F": neutral.faces,
        "FT": neutral.face_uvs,
        "M": neutral.materials,
        "ids": np.stack([added(f"identity{row:03d}") for row in range(IDENTITIES)]),
        "ex": np.stack([added(name) for name in actions]),
        "names": np.array(actions),
    }


def carried_over(
    ict: Mapping[str, npt.NDArray[Any]], body: sources.Obj, targets: Path, /
) -> tuple[Transfer, Warp, dict[str, npt.NDArray[np.float32]]]:
    """Returns where ICT's skin lies on MakeHuman's, the way back, and the person shapes."""
    points = ict["V"].astype(np.float64)
    here, there = fitting.correspondences(points, body.points)
    forth = Warp(here, there, near=0.2, reach=0.6)
    back = Warp(there, here, near=1.5, reach=5.0)
    triangles, uv_rows = body.triangles()
    skin = skin_triangles(ict)
    drawn = (triangles < _BODY_VERTICES).all(axis=1)
    onto = fitting.transfer(
        points,
        skin,
        body=body.points,
        body_triangles=triangles[drawn],
        corner_uvs=body.uvs[uv_rows[drawn]],
        warp=forth,
    )
    bodies = {
        "_".join(who): body.points
        + sources.read_target(targets / ("-".join(who) + ".target"), count=len(body.points))
        for who in _BODIES
    }
    persons = fitting.person_shapes(
        points, skin, bodies=bodies, body=body.points, warp=forth, onto=onto
    )
    return onto, back, persons


def skin_triangles(ict: Mapping[str, npt.NDArray[Any]], /) -> Ints:
    """Returns the triangles of face and back of the head."""
    triangles = _triangles(ict, _SKIN)
    return np.asarray(triangles[(triangles < fitting.SKIN).all(axis=1)])


def attached_meshes(
    ict: Mapping[str, npt.NDArray[Any]], back: Warp, base: Path, /, *, body: Points
) -> dict[str, npt.NDArray[Any]]:
    """Returns brows and hair on ICT's head: points, triangles, coordinates and carriers."""
    shell = Shell(ict["V"].astype(np.float64), skin_triangles(ict))
    arrays: dict[str, npt.NDArray[Any]] = {}
    for brow in range(1, BROW_TEXTURES + 1):
        name = f"eyebrow{brow:03d}"
        mesh, worn = _worn(base / "eyebrows" / name / name, body)
        for height in range(BROW_HEIGHTS):
            raised = back(worn) + np.array([0, _BROW_STEP_CM * height, 0])
            points = shell.lay_on(raised, above_cm=_BROW_ABOVE_CM)
            arrays |= _rider(
                f"brow{brow}x{height}", mesh, points, carried=shell.carriers(points, count=4)
            )
    for style in HAIR_STYLES:
        mesh, worn = _worn(base / "hair" / style / style, body)
        points = shell.push_out(back(worn), above_cm=_HAIR_ABOVE_CM)
        arrays |= _rider(f"hair_{style}", mesh, points, carried=shell.carriers(points, count=8))
    return arrays


def occlusion(ict: Mapping[str, npt.NDArray[Any]], /) -> dict[str, npt.NDArray[np.float32]]:
    """Returns how much sky each vertex sees with the mouth closed, the jaw down, the lips open."""
    neutral = ict["V"]
    shapes = dict(zip((str(name) for name in ict["names"]), ict["ex"], strict=True))
    lips = sum(shapes[f"mouth{part}_{side}"] for part in ("UpperUp", "LowerDown") for side in "LR")
    meter = SkyMeter(_triangles(ict, _SOLID), len(neutral))
    return {
        "ao0": meter.seen(neutral),
        "ao1": meter.seen(neutral + shapes["jawOpen"]),
        "ao2": meter.seen(neutral + 0.18 * shapes["jawOpen"] + 0.9 * lips),
    }


def _triangles(ict: Mapping[str, npt.NDArray[Any]], materials: tuple[str, ...]) -> Ints:
    faces = ict["F"][np.isin(ict["M"], materials)]
    quads = faces[faces[:, 3] >= 0][:, [0, 2, 3]]
    return np.asarray(np.concatenate([faces[:, :3], quads]), np.int64)


def _worn(stem: Path, body: Points) -> tuple[sources.Obj, Points]:
    """Returns a brow's or hair's mesh and its points on MakeHuman's unshaped body."""
    mesh = sources.read_obj(stem.with_suffix(".obj"))
    points = sources.read_clothing(stem.with_suffix(".mhclo"), body=body)
    if len(points) != len(mesh.points):
        raise SourceOpenError(
            f"{stem}.mhclo: places {len(points)} points, its mesh has {len(mesh.points)}"
        )
    return mesh, points


def _rider(
    name: str, mesh: sources.Obj, points: Points, *, carried: tuple[Ints, Points]
) -> dict[str, npt.NDArray[Any]]:
    triangles, uv_rows = mesh.triangles()
    return {
        f"{name}_P": points.astype(np.float32),
        f"{name}_T": triangles,
        f"{name}_U": mesh.uvs[uv_rows].astype(np.float32),
        f"{name}_i": carried[0].astype(np.int32),
        f"{name}_w": carried[1].astype(np.float32),
    }
