import pytest

from benchmarks import tables
from benchmarks.tables import BEGIN, DOCUMENT, END, document_part, newest, write
from rtau.errors import UsageError
from rtau.runs.bench.record import write_bench_record
from tests.support.records import CLIP, make_metric, make_record


def test_the_tables_in_the_document_are_those_of_the_results():
    assert document_part(newest()) in DOCUMENT.read_text(encoding="utf-8"), (
        "run `PYTHONPATH=. python benchmarks/tables.py` and commit the result"
    )


def test_every_result_is_named_after_what_it_holds():
    for path in tables.RESULTS.glob("*/*.json"):
        record = tables.read_bench_record(path)
        assert (path.parent.name, path.name) == (record.rtau_version, record.file_name)


def test_the_newest_of_each_suite_and_machine_is_shown(tmp_path):
    old = make_record(finished_utc="2026-01-01T00:00:00+00:00", rtau_version="0.0.9")
    new, other = make_record(), make_record(suite="targets")
    for record in (old, new, other):
        write_bench_record(tmp_path / record.rtau_version / record.file_name, record)
    assert newest(tmp_path) == [other, new]


def test_a_broken_result_is_named(tmp_path):
    (tmp_path / "0.1.0").mkdir()
    (tmp_path / "0.1.0" / "a.json").write_text("{}")
    with pytest.raises(UsageError, match=r"a\.json: benchmark schema must be 1"):
        newest(tmp_path)


def test_a_record_becomes_targets_and_a_row_for_each_metric():
    figures = (
        make_metric(),
        make_metric("infer, 8 faces", clip=None, precision="int8-cpu", device="openvino"),
    )
    text = document_part([make_record(figures=figures)])
    assert "| speed | at least 2.5 x | 2.75 | 0.1 | 5 | yes |" in text
    assert "| VGG19 | at least 30 fps | skipped: no model | | | |" in text
    assert f"| p50, ms | {CLIP.name} |  |" in text
    assert "| decode | 2 |  |" in text
    assert "| infer, 8 faces, int8-cpu, openvino |  | 2 |" in text
    assert "load 0.1 at the start" in text


def test_writing_replaces_what_is_between_the_markers_and_nothing_else(tmp_path):
    document = tmp_path / "README.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(document, results=tmp_path / "results")
    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\n{tables.NONE}")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
