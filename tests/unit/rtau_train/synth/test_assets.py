import shutil

import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.synth.assets import SKINS, read_assets


@pytest.fixture
def broken(asset_folder, tmp_path):
    """A copy of the small files; the large ones are linked."""
    folder = tmp_path / "assets"
    shutil.copytree(asset_folder / "tex", folder / "tex")
    for path in asset_folder.glob("*.npz"):
        (folder / path.name).symlink_to(path)
    return folder


def test_a_folder_is_read(assets):
    assert assets.neutral.shape == (26_719, 3)
    assert len(assets.brows) == 36
    assert assets.skin(SKINS[0]).shape == (64, 64, 3)
    assert assets.brow(0).shape[2] == assets.hair_texture("long01").shape[2] == 4


@pytest.mark.parametrize(
    ("name", "origin"),
    [("ict_raw.npz", "ICT-FaceKit"), ("macro.npz", "MakeHuman"), ("extras.npz", "MakeHuman")],
)
def test_a_missing_file_is_named_with_its_origin(broken, name, origin):
    (broken / name).unlink()

    with pytest.raises(SourceOpenError, match=rf"{name}: asset file is missing.*{origin}"):
        read_assets(broken)


def test_a_file_that_is_no_archive_is_named(broken):
    (broken / "skinuv.npz").unlink()
    (broken / "skinuv.npz").write_text("not an archive")

    with pytest.raises(SourceOpenError, match=r"skinuv.npz: not a readable"):
        read_assets(broken)


def test_an_archive_of_something_else_is_named(broken):
    (broken / "skinuv.npz").unlink()
    np.savez(broken / "skinuv.npz", other=np.zeros(3))

    with pytest.raises(SourceOpenError, match="array skin_uv is missing"):
        read_assets(broken)


def test_a_missing_texture_is_named(broken):
    (broken / "tex" / f"{SKINS[3].name}.png").unlink()

    with pytest.raises(SourceOpenError, match=SKINS[3].name):
        read_assets(broken).skin(SKINS[3])


def test_a_texture_without_transparency_is_refused(broken):
    shutil.copy(broken / "tex" / f"{SKINS[0].name}.png", broken / "tex" / "eyebrow001.png")

    with pytest.raises(SourceOpenError, match="4 channels"):
        read_assets(broken).brow(0)
