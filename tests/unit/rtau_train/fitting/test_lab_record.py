import pytest

from rtau.errors import SourceOpenError
from rtau_train.fitting import lab_record


def test_outside_a_repository_the_commit_is_unknown(monkeypatch):
    monkeypatch.setattr(lab_record, "revision", lambda: (None, None))

    assert lab_record.git_commit() == "unknown"


def test_the_machine_is_named():
    assert "cores" in lab_record.machine("cpu")
    assert any(version.startswith("torch ") for version in lab_record.versions())


@pytest.mark.parametrize("text", ["", "{}", '{"recipe": 3}', "[]"])
def test_what_is_no_record_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(SourceOpenError, match=r"run\.json: not the record of a run"):
        lab_record.read_record(tmp_path)
