import pytest

from rtau.errors import SourceOpenError, UsageError
from rtau_train.geometry_teacher import pictures


@pytest.fixture
def scored(tmp_path):
    folder = tmp_path / "faces"
    (folder / "crops").mkdir(parents=True)
    (folder / "blendshapes.csv").write_text(
        "file,source,sheet\n1.jpg,A,x.jpg\n2.jpg,B,x.jpg\n3.jpg,A,\n", encoding="utf-8"
    )
    return folder


def test_a_table_says_source_and_subject(scored):
    found = pictures.read_portraits(scored, of=("A",))

    assert [portrait.name for portrait in found] == ["faces/1.jpg", "faces/3.jpg"]
    assert [portrait.subject for portrait in found] == ["x.jpg", "3.jpg"]
    assert found[0].path == scored / "crops" / "1.jpg"


def test_an_unknown_source_names_those_there_are(scored):
    with pytest.raises(UsageError, match="no row has source C; there are A, B"):
        pictures.read_portraits(scored, of=("C",))


def test_without_a_table_every_picture_is_another_person(tmp_path):
    (tmp_path / "ai").mkdir()
    for name in ("ai/b.jpg", "a.PNG", "notes.txt"):
        (tmp_path / name).touch()
    found = pictures.read_portraits(tmp_path)

    assert [p.name for p in found] == [f"{tmp_path.name}/a.PNG", f"{tmp_path.name}/ai/b.jpg"]
    assert len({portrait.subject for portrait in found}) == 2


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SourceOpenError, match="no picture below it"):
        pictures.read_portraits(tmp_path)


def test_listed_pictures_are_left_out(scored, tmp_path):
    found = pictures.read_portraits(scored)
    listed = tmp_path / "children.txt"
    listed.write_text("faces/2.jpg\n", encoding="utf-8")

    assert [p.name for p in pictures.without(found, listed)] == ["faces/1.jpg", "faces/3.jpg"]
    assert pictures.without(found, None) == found


@pytest.mark.parametrize(
    ("text", "error", "word"),
    [("faces/9.jpg", UsageError, "none of the pictures"), (None, SourceOpenError, "cannot be")],
)
def test_a_list_that_cannot_be_meant_is_refused(scored, tmp_path, text, error, word):
    listed = tmp_path / "children.txt"
    if text is not None:
        listed.write_text(text, encoding="utf-8")

    with pytest.raises(error, match=word):
        pictures.without(pictures.read_portraits(scored), listed)


def test_london_gives_pairs_of_people_who_have_both(tmp_path):
    (tmp_path / "blendshapes.csv").write_text(
        "file,sheet\n"
        "0.jpg,neutral_front/001_03.jpg\n1.jpg,smiling_front/001_08.jpg\n"
        "2.jpg,neutral_front/002_03.jpg\n3.jpg,smiling_front/002_08.jpg\n"
        "4.jpg,neutral_front/004_03.jpg\n",
        encoding="utf-8",
    )
    pairs = pictures.read_london(tmp_path, people="even")

    assert [pair["smiling"].name for pair in pairs] == ["london/3.jpg"]
