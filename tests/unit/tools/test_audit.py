import json
import zipfile

import pytest

from tools import audit

PYPI = {"ecosystem": "PyPI", "name": "Good.Library"}
RECORDS = [
    {"id": "A-1", "affected": [{"package": PYPI, "versions": ["1.5"]}]},
    {"id": "A-2", "affected": [{"package": PYPI, "versions": ["1.5"]}], "withdrawn": "2026"},
    {"id": "A-3", "affected": [{"package": {**PYPI, "ecosystem": "npm"}, "versions": ["1.5"]}]},
]


def in_range(*events):
    ranges = [{"type": "ECOSYSTEM", "events": [dict([event]) for event in events]}]
    return {"id": "R-1", "summary": "Bad.", "affected": [{"package": PYPI, "ranges": ranges}]}


def export(folder, *records):
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    return path


@pytest.fixture
def sbom(tmp_path):
    parts = [("Good.Library", "1.5"), ("rtau", "0.1")]
    text = json.dumps({"components": [{"name": name, "version": v} for name, v in parts]})
    (tmp_path / "sbom.json").write_text(text, encoding="utf-8")
    return tmp_path / "sbom.json"


def test_a_listed_version_is_vulnerable_unless_withdrawn_or_of_another_ecosystem(
    tmp_path, sbom, monkeypatch, capsys
):
    monkeypatch.setenv("ADVISORIES", str(export(tmp_path, *RECORDS)))
    assert audit.main(sbom) == 1
    assert capsys.readouterr().out == "good-library 1.5: A-1\n"


@pytest.mark.parametrize(
    ("events", "is_affected"),
    [
        ([("introduced", "0"), ("fixed", "1.6")], True),
        ([("fixed", "1.5"), ("introduced", "0")], False),
        ([("introduced", "0"), ("last_affected", "1.5")], True),
        ([("introduced", "0"), ("last_affected", "1.4")], False),
        ([("introduced", "0"), ("fixed", "1.2"), ("introduced", "1.10")], False),
        ([("introduced", "1.5")], True),
        ([("introduced", "2004d")], True),  # cannot be compared: somebody must look
    ],
)
def test_a_version_is_judged_by_ranges(tmp_path, events, is_affected):
    found = audit.known({"good-library": "1.5"}, export(tmp_path, in_range(*events)))
    assert found == (["good-library 1.5: R-1 Bad."] if is_affected else [])


@pytest.mark.parametrize("text", ["no zip", None])
def test_what_is_no_export_audits_nothing(tmp_path, sbom, monkeypatch, capsys, text):
    path = tmp_path / "all.zip"
    if text is None:
        export(tmp_path)
    else:
        path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("ADVISORIES", str(path))
    with pytest.raises(SystemExit, match=str(audit.NOT_AUDITED)):
        audit.main(sbom)
    assert "NOT audited" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, 3),
        ({"name": "good-library", "skip_reason": "not found"}, 3),
        ({"name": "good-library", "version": "1.5", "vulns": []}, 0),
        ({"name": "good-library", "version": "1.5", "vulns": [{"id": "P-1"}]}, 1),
    ],
)
def test_a_service_that_does_not_answer_is_no_pass(sbom, tmp_path, monkeypatch, answer, code):
    """A program stands in for pip-audit: it answers as that does, or not at all."""
    program = tmp_path / "pip-audit"
    said = json.dumps({"dependencies": [answer]})
    write = "" if answer is None else f"echo '{said}' > \"$5\""
    # After four flags and -o comes the file of the answer.
    program.write_text(f"#!/bin/sh\nshift\n{write}\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("ADVISORIES", raising=False)
    assert audit.main(sbom) == code
