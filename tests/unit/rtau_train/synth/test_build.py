import os
from pathlib import Path

import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.commands import main
from rtau_train.synth import build
from rtau_train.synth.sky import SkyMeter


def write_obj(path, points):
    lines = [f"v {x} {y} {z}" for x, y, z in points]
    path.write_text("\n".join(["vt 0 0", *lines, "usemtl M_Face", "f 1/1 2/1 3/1 4/1"]) + "\n")


@pytest.fixture
def ict_folder(tmp_path):
    neutral = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    write_obj(tmp_path / "generic_neutral_mesh.obj", neutral)
    for row in range(build.IDENTITIES):
        write_obj(tmp_path / f"identity{row:03d}.obj", neutral + np.array([row / 100, 0, 0]))
    write_obj(tmp_path / "jawOpen.obj", neutral - [0, 2, 0])
    return tmp_path


def test_shapes_are_what_is_added_to_the_neutral_mesh(ict_folder):
    arrays = build.read_ict(ict_folder)

    assert arrays["names"].tolist() == ["jawOpen"]
    np.testing.assert_allclose(arrays["ex"][0], [[0, -2, 0]] * 4)
    np.testing.assert_allclose(arrays["ids"][50], [[0.5, 0, 0]] * 4)
    assert arrays["ids"].shape == (100, 4, 3)


def test_a_shape_of_another_version_is_named(ict_folder):
    write_obj(ict_folder / "jawOpen.obj", np.zeros((5, 3)))

    with pytest.raises(SourceOpenError, match=r"jawOpen\.obj: has 5 points"):
        build.read_ict(ict_folder)


def test_missing_sources_are_one_line(tmp_path, capsys):
    assert main.main(["synth-assets", str(tmp_path / "none"), str(tmp_path / "out")]) == 1

    error = capsys.readouterr().err
    assert "texture is missing" in error
    assert "Traceback" not in error


@pytest.mark.needs_egl
def test_a_vertex_under_a_roof_sees_less_sky():
    floor = np.array([[-8, -8, 0], [8, -8, 0], [8, 8, 0], [-8, 8, 0], [0, 0, 0]], np.float32)
    roof = np.array([[-3, -3, 2], [3, -3, 2], [3, 3, 2], [-3, 3, 2]], np.float32)
    triangles = np.array(
        [[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4], [5, 6, 7], [5, 7, 8]], np.int64
    )
    seen = SkyMeter(triangles, 9).seen(np.vstack([floor, roof]))

    assert seen[4] < 0.5
    assert seen[:4].min() > 0.75
    assert seen[5:].min() > 0.95


@pytest.mark.needs_synth_assets
def test_the_mesh_of_an_asset_folder_is_one_that_can_be_built_on():
    with np.load(Path(os.environ["RTAU_SYNTH_ASSETS"]) / "ict_raw.npz") as archive:
        ict = {name: archive[name] for name in ("V", "F", "M")}

    triangles = build.skin_triangles(ict)
    assert triangles.max() < 11_248
    assert len(triangles) > 20_000
