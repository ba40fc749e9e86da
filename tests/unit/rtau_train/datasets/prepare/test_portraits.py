import numpy as np
import pytest

from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets.prepare import portraits
from tests.support.prepared import write_csv, write_picture

NAMES = sorted({name for names in portraits.TEACHERS.values() for name in names})


def row(file, *, source="T2I", smile=0.0, sheet="a.jpg"):
    scores = dict.fromkeys(NAMES, "0.1") | {"mouthSmileLeft": smile, "mouthSmileRight": smile}
    return {"file": file, "source": source, "sheet": sheet, **scores}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "crops").mkdir()
    for place in range(11):
        write_picture(tmp_path / "crops" / f"{place}.png")
    rows = [row(f"{place}.png", smile=place / 10) for place in range(11)]
    rows[10]["source"] = "other"
    write_csv(tmp_path / portraits.SCORES, rows)
    return tmp_path


def test_a_score_becomes_an_intensity_between_its_percentiles(folder):
    listing = portraits.read(folder)

    smiles = [image.labels["AU12"] for image in listing.images]

    assert smiles[:4] == [0, 0, 0, 0]  # 0.3 is the 30th percentile
    assert smiles[5] == pytest.approx(3 * 0.2 / 0.65)
    assert smiles[10] == 3


def test_what_the_teacher_fails_at_is_not_coded(folder):
    listing = portraits.read(folder)

    assert set(listing.images[0].labels) == set(portraits.TEACHERS)
    assert {"AU04", "AU09", "AU15", "AU17"} == set(listing.labels) - set(portraits.TEACHERS)


def test_the_sheet_is_who_may_be_shown(folder):
    assert {image.subject for image in portraits.read(folder).images} == {"a.jpg"}


def test_only_one_source_is_taken_if_asked_for(folder):
    assert len(portraits.read(folder, of="T2I").images) == 10
    with pytest.raises(UsageError, match="no row has source 'FFHQ'; there are T2I, other"):
        portraits.read(folder, of="FFHQ")


def test_a_picture_that_is_not_there_is_rejected(folder):
    (folder / "crops" / "3.png").unlink()

    (rejection,) = portraits.read(folder).rejections

    assert (rejection.name, rejection.reason) == ("3.png", "there is no such file")


def test_a_table_without_scores_is_refused(folder):
    write_csv(folder / portraits.SCORES, [{"file": "0.png", "source": "T2I"}])

    with pytest.raises(SourceOpenError, match="column browInnerUp is missing"):
        portraits.read(folder)


def test_a_score_that_is_no_number_is_refused(folder):
    write_csv(folder / portraits.SCORES, [row("0.png", smile="much")])

    with pytest.raises(SourceOpenError, match="a score is no number"):
        portraits.read(folder)


def test_equal_scores_are_no_intensity():
    assert portraits.soft_labels(np.full((4, 2), 0.3)).max() == 0
