from rtau_train.datasets.prepare.class_folders import class_folders
from tests.support.prepared import write_picture


def test_folders_named_after_emotions_are_found(tmp_path):
    for folder in ("happy", "Anger", "backup", "contempt"):
        write_picture(tmp_path / folder / "1.png")
    (tmp_path / "happy" / "Thumbs.db").touch()

    found = class_folders(tmp_path)

    assert [folder.emotion for folder in found] == ["anger", "contempt", "happiness"]
    assert found[2].pictures == (tmp_path / "happy" / "1.png",)


def test_a_folder_that_is_not_there_holds_none(tmp_path):
    assert class_folders(tmp_path / "nowhere") == ()
