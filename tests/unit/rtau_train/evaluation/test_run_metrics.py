import json

import pytest

from rtau.errors import SourceOpenError
from rtau_train.evaluation.run_metrics import RunMetrics, read_metrics, write_metrics
from tests.support.study_results import au_metrics, emotion_metrics


@pytest.mark.parametrize("metrics", [au_metrics(), emotion_metrics()], ids=["labels", "classes"])
def test_figures_come_back_from_their_file(metrics, tmp_path):
    write_metrics(tmp_path / "evaluation.json", metrics)
    text = (tmp_path / "evaluation.json").read_text()

    assert "NaN" not in text
    back = read_metrics(tmp_path / "evaluation.json")
    assert back.to_dict() == metrics.to_dict()  # plain: a NaN differs from itself


def test_figures_of_another_format_are_refused(tmp_path):
    payload = {**au_metrics().to_dict(), "format": 2}
    (tmp_path / "evaluation.json").write_text(json.dumps(payload))

    with pytest.raises(SourceOpenError, match="format must be 1, got 2; evaluate the run again"):
        read_metrics(tmp_path / "evaluation.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protokol": "image"}, "unknown key protokol; did you mean protocol?"),
        ({"protocol": "random"}, "protocol must be one of image, subject, given, got 'random'"),
        ({"labels": [{}]}, r"missing key labels\[0\].label"),
        ({"labels": []}, "figures of task multi_label are missing"),
        ({"means": None}, "figures of task multi_label are missing"),
        ({"task": "multi_class"}, "figures of task multi_class are missing"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(change, words):
    payload = {**au_metrics().to_dict(), **change}

    with pytest.raises(SourceOpenError, match=f"e.json: {words}"):
        RunMetrics.from_dict(payload, origin="e.json")


def test_a_missing_key_is_named():
    payload = au_metrics().to_dict()
    del payload["seed"]

    with pytest.raises(SourceOpenError, match=r"e\.json: missing key seed"):
        RunMetrics.from_dict(payload, origin="e.json")
