import pytest

from rtau.errors import SourceOpenError
from rtau_train.card.clips import clip_metrics
from rtau_train.evaluation.au_curves import curves_of
from tests.support.cards import bright_engine, clip_folder


def test_every_face_of_every_clip_has_its_curves_judged(tmp_path):
    folder = clip_folder(tmp_path / "clips", first=40)
    curves = curves_of(folder / "short.mp4", bright_engine())[0]

    (found,) = clip_metrics(bright_engine(), folder)

    assert (found.clip, found.face, found.frames) == ("short.mp4", 0, 30)
    assert found.found == curves[0].found > 20
    assert [row.label for row in found.labels] == list(bright_engine().contract.labels)
    for row, curve in zip(found.labels, curves, strict=True):
        assert row.correlation == pytest.approx(curve.correlation(), nan_ok=True)
        assert row.lag_frames == pytest.approx(curve.lag_frames(), nan_ok=True)


def test_a_folder_without_clips_is_refused(tmp_path):
    with pytest.raises(SourceOpenError, match=r"no clip; expected NAME\.mp4 with its truth"):
        clip_metrics(bright_engine(), tmp_path)


def test_a_clip_without_truth_is_refused(tmp_path):
    (tmp_path / "alone.mp4").write_bytes(b"")

    with pytest.raises(SourceOpenError, match=r"alone\.csv: cannot be read"):
        clip_metrics(bright_engine(), tmp_path)
