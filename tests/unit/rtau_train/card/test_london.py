import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.card.london import london_metrics
from rtau_train.datasets.prepare.cutting import Cutter, Plan
from rtau_train.datasets.prepare.listing import SourceImage
from tests.support.cards import CROP, bright_engine, brightness, london_folder, without_a_face
from tests.support.prepared import read_csv, write_csv


@pytest.fixture
def folder(tmp_path):
    return london_folder(tmp_path / "london")


def said_of(folder, people, kind):
    cutter = Cutter(Plan("portraits", size_px=48, crop=CROP, border=1 / 3))
    paths = [folder / "crops" / f"{kind}{person}.png" for person in people]
    return brightness(np.stack([cutter.cut(SourceImage(p.name, p)).image_rgb for p in paths]))


def test_only_even_people_are_reported(folder):
    metrics = london_metrics(bright_engine(), folder)

    assert (metrics.people, metrics.neutral_faces, metrics.smiling_faces) == (3, 3, 3)
    assert metrics.not_found == ()
    assert [row.label for row in metrics.smiles] == ["AU12", "AU25", "AU06"]


def test_alarms_and_smiles_are_counted_at_the_shipped_threshold(folder):
    neutral, smiling = (said_of(folder, (2, 4, 6), kind) for kind in ("neutral", "smiling"))
    threshold = float(np.sort(neutral)[1]) - 1e-4  # two of three neutral faces reach it
    engine = bright_engine(thresholds=(threshold,) * 12)

    metrics = london_metrics(engine, folder)

    assert {(row.active, round(row.share, 3)) for row in metrics.neutral} == {(2, 0.667)}
    assert len(metrics.neutral) == 12
    smile = metrics.smiles[0]
    assert (smile.pairs, smile.rising) == (3, 1)
    assert smile.active == pytest.approx((smiling >= threshold).mean())
    above = (smiling[:, None] > neutral).mean()
    assert smile.auc == pytest.approx(above)


def test_a_face_that_is_not_found_is_counted_and_in_no_figure(folder):
    without_a_face(folder / "crops" / "smiling4.png")

    metrics = london_metrics(bright_engine(), folder)

    assert metrics.not_found == ("smiling4.png",)
    assert (metrics.neutral_faces, metrics.smiling_faces) == (3, 2)
    assert metrics.smiles[0].pairs == 2


def test_a_smile_that_is_darker_is_not_rising(folder):
    other = {"neutral": "smiling", "smiling": "neutral"}
    rows = read_csv(folder / "blendshapes.csv")
    swapped = [{**row, "sheet": other[row["sheet"][:7]] + row["sheet"][7:]} for row in rows]
    write_csv(folder / "blendshapes.csv", swapped)

    smile = london_metrics(bright_engine(), folder).smiles[0]

    assert (smile.rising, smile.auc < 0.5) == (0, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sheet": "laughing/2.jpg"}, "must be like neutral_front/001_03.jpg .* data row 1"),
        ({"file": "gone.png"}, r"gone\.png: there is no such picture"),
    ],
)
def test_a_row_of_another_form_is_refused(folder, change, said):
    rows = read_csv(folder / "blendshapes.csv")
    write_csv(folder / "blendshapes.csv", [{**rows[0], **change}, *rows[1:]])

    with pytest.raises(SourceOpenError, match=said):
        london_metrics(bright_engine(), folder)


def test_a_folder_without_a_pair_or_a_column_is_refused(tmp_path):
    odd = london_folder(tmp_path / "odd", people=(1, 3))

    with pytest.raises(SourceOpenError, match="no even-numbered person has a neutral and a"):
        london_metrics(bright_engine(), odd)
    write_csv(odd / "blendshapes.csv", [{"file": "neutral1.png"}])
    with pytest.raises(SourceOpenError, match="column sheet is missing"):
        london_metrics(bright_engine(), odd)
