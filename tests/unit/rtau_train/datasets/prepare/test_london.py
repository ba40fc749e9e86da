import pytest

from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare import london
from rtau_train.datasets.prepare.values import PRESENT
from tests.support.prepared import write_csv


@pytest.fixture
def folder(tmp_path):
    sheets = ("neutral_front/001_03.jpg", "smiling_front/001_08.jpg", "neutral_front/002_03.jpg")
    rows = [{"file": f"{k}.jpg", "sheet": sheet} for k, sheet in enumerate(sheets)]
    write_csv(tmp_path / "blendshapes.csv", [*rows, {"file": "9.jpg", "sheet": "else.jpg"}])
    return tmp_path


def test_a_neutral_face_shows_nothing_and_a_smile_shows_one_au(folder):
    neutral, smile, _ = london.read(folder).images

    assert set(neutral.labels.values()) == {0.0}
    assert len(neutral.labels) == 12
    assert smile.labels == {"AU12": PRESENT}
    assert (neutral.subject, smile.columns) == ("001", {"expression": "smiling"})


@pytest.mark.parametrize(("people", "persons"), [("odd", {"001"}), ("even", {"002"})])
def test_halves_are_by_person(folder, people, persons):
    assert {image.subject for image in london.read(folder, people=people).images} == persons


def test_another_table_is_refused(tmp_path):
    write_csv(tmp_path / "blendshapes.csv", [{"file": "a.jpg", "sheet": "b.jpg"}])

    with pytest.raises(SourceOpenError, match="no row is of the London set"):
        london.read(tmp_path)
