import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.evaluation.au_curves import Curve, curves_of
from tests.support.cards import bright_engine, clip_folder
from tests.support.prepared import read_csv, write_csv

TRUE = np.repeat([0.0, 0, 3, 5, 1, 0, 0, 4, 2, 0], 5)


def curve(said, true=TRUE):
    return Curve("AU12", np.asarray(said, float), true, fps=25)


def test_a_curve_that_follows_late_lags_by_as_many_frames():
    late = curve(np.roll(TRUE, 3) / 5)

    assert late.lag_frames() == 3
    assert late.lag_ms() == pytest.approx(120)
    assert curve(np.roll(TRUE, -2) / 5).lag_frames() == -2
    assert late.correlation() < curve(TRUE / 5).correlation() == pytest.approx(1)


def test_a_gap_does_not_move_the_lag():
    said = np.roll(TRUE, 3) / 5
    said[10:14] = np.nan

    gapped = curve(said)

    assert gapped.lag_frames() == 3
    assert gapped.found == len(TRUE) - 4


def test_an_au_that_never_moves_has_no_figures():
    still = curve(TRUE / 5, np.zeros(len(TRUE)))

    assert np.isnan([still.lag_frames(), still.correlation(), still.auc()]).all()


def test_frames_with_the_au_are_ranked_above_those_without():
    assert curve(TRUE / 5).auc() == 1
    assert curve(-TRUE).auc() == 0


def test_jitter_is_measured_while_the_truth_stands_still():
    assert curve(TRUE / 5).jitter() == 0
    trembling = TRUE / 5 + 0.1 * (np.arange(len(TRUE)) % 2)
    assert curve(trembling).jitter() == pytest.approx(0.1, rel=0.05)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_folder(tmp_path_factory.mktemp("clips")) / "short.mp4"


def test_the_pipeline_gives_a_curve_per_label_of_the_face(clip):
    engine = bright_engine()

    found = curves_of(clip, engine)

    truth = read_csv(clip.with_suffix(".csv"))
    assert list(found) == [0]
    assert [one.label for one in found[0]] == list(engine.contract.labels)
    for one in found[0]:
        assert one.intensities.tolist() == [float(row[one.label]) for row in truth]
    assert found[0][0].fps == pytest.approx(25)
    assert np.isfinite(found[0][0].probabilities[0])  # a face is found in its first frame
    assert found[0][0].found > 20


def test_a_face_that_is_not_where_the_truth_has_it_is_not_found(clip, tmp_path):
    rows = [{**row, "x0": "0", "y0": "0", "x1": "9", "y1": "9"} for row in read_csv(truth_of(clip))]
    copied = tmp_path / "moved.mp4"
    copied.write_bytes(clip.read_bytes())
    write_csv(truth_of(copied), rows)

    assert curves_of(copied, bright_engine())[0][0].found == 0


def truth_of(clip):
    return clip.with_suffix(".csv")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AU12": "much"}, "data row 1 is wrong .*much"),
        ({"frame": "first"}, "data row 1 is wrong .*first"),
    ],
)
def test_a_truth_with_a_word_for_a_number_is_refused(clip, tmp_path, change, said):
    rows = read_csv(truth_of(clip))
    write_csv(tmp_path / "bad.csv", [{**rows[0], **change}, *rows[1:]])

    with pytest.raises(SourceOpenError, match=said):
        curves_of(tmp_path / "bad.mp4", bright_engine())


def test_a_truth_without_an_au_of_the_model_is_refused(tmp_path):
    write_csv(tmp_path / "bad.csv", [{"frame": "0", "face": "0"}])

    with pytest.raises(SourceOpenError, match="column x0 is missing; the truth of a clip has"):
        curves_of(tmp_path / "bad.mp4", bright_engine())
    with pytest.raises(SourceOpenError, match=r"none\.csv: cannot be read"):
        curves_of(tmp_path / "none.mp4", bright_engine())
