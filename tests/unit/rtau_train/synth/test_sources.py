import gzip

import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.synth import sources

MESH = """# a square and a triangle
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 2 0.5 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl M_Face
f 1/1 2/2 3/3 4/4
usemtl M_Teeth
f 2/1/1 5/2/1 3/3/1
"""


@pytest.fixture
def mesh(tmp_path):
    path = tmp_path / "mesh.obj"
    path.write_text(MESH)
    return path


def test_a_mesh_is_read(mesh):
    obj = sources.read_obj(mesh)

    assert obj.points.shape == (5, 3)
    np.testing.assert_array_equal(obj.faces, [[0, 1, 2, 3], [1, 4, 2, -1]])
    np.testing.assert_array_equal(obj.face_uvs, [[0, 1, 2, 3], [0, 1, 2, -1]])
    assert obj.materials.tolist() == ["M_Face", "M_Teeth"]


def test_quads_become_two_triangles(mesh):
    triangles, uv_rows = sources.read_obj(mesh).triangles()

    np.testing.assert_array_equal(triangles, [[0, 1, 2], [1, 4, 2], [0, 2, 3]])
    np.testing.assert_array_equal(uv_rows, [[0, 1, 2], [0, 1, 2], [0, 2, 3]])


def test_points_alone_are_the_points_of_the_mesh(mesh):
    np.testing.assert_array_equal(sources.read_points(mesh), sources.read_obj(mesh).points)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_target_moves_the_points_it_names(tmp_path, zipped):
    text = "# comment\n1 0.5 0 -0.25\n3 0 1 0\n"
    if zipped:
        with gzip.open(tmp_path / "a.target.gz", "wt") as file:
            file.write(text)
    else:
        (tmp_path / "a.target").write_text(text)

    moves = sources.read_target(tmp_path / "a.target", count=4)
    np.testing.assert_array_equal(moves, [[0, 0, 0], [0.5, 0, -0.25], [0, 0, 0], [0, 1, 0]])


def test_clothing_is_laid_on_the_body(tmp_path):
    body = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 1]], float)
    (tmp_path / "hair.mhclo").write_text(
        "name hair\nx_scale 0 1 4.0\nverts 0\n"
        "3\n0 1 2 0.5 0.25 0.25 1.0 0.0 2.0\nmaterial hair.mhmat\n7\n"
    )

    points = sources.read_clothing(tmp_path / "hair.mhclo", body=body)
    # x is scaled by 2 / 4; y and z have no scale of their own here.
    np.testing.assert_allclose(points, [[0, 0, 1], [0.5 + 0.5, 0.5, 2.0]])


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(SourceOpenError, match=r"none\.obj: cannot be read.*docs/synth\.md"):
        sources.read_obj(tmp_path / "none.obj")


def test_a_mesh_without_points_is_named(tmp_path):
    (tmp_path / "empty.obj").write_text("# nothing\n")

    with pytest.raises(SourceOpenError, match=r"empty\.obj: holds no points"):
        sources.read_points(tmp_path / "empty.obj")


def test_a_git_lfs_pointer_is_no_texture(tmp_path):
    path = tmp_path / "skin.png"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")

    with pytest.raises(SourceOpenError, match="git lfs pull"):
        sources.check_texture(path)
