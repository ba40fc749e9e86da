"""Damaged files of earlier runs are read, or refused in one line: records to resume by, Parquet.

`make test` draws a few of each, `make fuzz` thousands.
"""

import contextlib
import dataclasses
import datetime
import decimal
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.config import RunConfig
from rtau.errors import RtauError
from rtau.runs.analyses import Selection, summary_of
from rtau.runs.batch._resume import Fingerprint, reason_to_rerun
from rtau.runs.batch.plan import FileJob
from rtau.runs.bench.record import parse_bench_record
from rtau.runs.raters import agreement_of, read_rater
from rtau.runs.result_tables import read_results
from rtau.runs.run_record import FileStamp
from rtau.table import read_csv
from tests.fuzz.test_texts import TABLE
from tests.support.commands import ROOT
from tests.support.mutations import bytes_like, fuzzed, json_like

BENCH = ROOT / "benchmarks" / "results" / "0.1.0"
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)
# What other programs may write in place of each column of a table of four rows.
PARQUET_VALUES = (
    *([None] * 4, ["1", "2", "3", "4"], ["a", None, "", "="], [b"1", b"\xff", None, b""]),
    *([True, False, None, True], [1, None, 3, 4], [1.5, float("nan"), float("inf"), -1e308]),
    *([2**63 - 1, -(2**63), 0, 1], [[1], [], None, [2, 3]], [{"a": 1}] * 4, [NOON, None] * 2),
    [decimal.Decimal("1.50"), None, decimal.Decimal("-3"), decimal.Decimal("9" * 30)],
)


def test_a_damaged_record_is_no_proof_that_a_file_is_done(tmp_path):
    file = tmp_path / "a.mov"
    file.write_bytes(b"pictures")
    job = FileJob(file, tmp_path / "a", ("csv",))
    job.outputs.files["csv"].write_text("csv")
    asked = RunConfig().to_dict()
    fingerprint = Fingerprint(rtau_version="0.1.0", model_sha256="ab" * 32, settings=asked)
    right = {
        **{"schema": 1, "end_reason": "end of source", "rtau_version": "0.1.0"},
        "source": {"file": dataclasses.asdict(FileStamp.of(file))},
        "model": {"sha256": "ab" * 32},
        "settings": asked,
        "output_bytes": {"csv": 3},
    }
    job.record.write_text(json.dumps(right))
    assert reason_to_rerun(job, fingerprint) is None

    @fuzzed
    @given(st.one_of(json_like(right), bytes_like(json.dumps(right).encode())))
    def damaged(data):
        job.record.write_bytes(data if isinstance(data, bytes) else data.encode())
        reason = reason_to_rerun(job, fingerprint)
        assert reason is None or isinstance(reason, str)

    damaged()


@pytest.mark.needs_pyarrow
def test_a_damaged_parquet_file_is_read_or_refused(tmp_path):
    table, path = tmp_path / "a.csv", tmp_path / "b.parquet"
    table.write_bytes(TABLE)
    read_csv(table).to_parquet(path)
    seed = path.read_bytes()
    assert [len(result.table) for result in read_results([path])] == [4]

    @fuzzed
    @given(bytes_like(seed))
    def damaged(data):
        path.write_bytes(data)
        with contextlib.suppress(RtauError):
            summary_of(read_results([path]), Selection()).csv_text()

    damaged()


@pytest.mark.needs_pyarrow
@pytest.mark.parametrize("values", PARQUET_VALUES, ids=str)
def test_a_parquet_column_of_another_type_is_read_or_refused(values, tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE)
    table = read_csv(path).to_arrow()
    path = tmp_path / "b.parquet"
    for k, name in enumerate(table.column_names):
        parquet.write_table(table.set_column(k, name, arrow.array(values)), path)
        with contextlib.suppress(RtauError):
            summary_of(read_results([path]), Selection()).csv_text()
        with contextlib.suppress(RtauError):
            agreement_of([read_rater(path), read_rater(path)])


def test_a_damaged_record_of_a_benchmark_is_read_or_refused():
    seed = min(BENCH.glob("*.json"), key=lambda path: path.stat().st_size).read_text()
    assert parse_bench_record(seed, origin="a.json").suite

    @fuzzed
    @given(st.one_of(json_like(json.loads(seed)), bytes_like(seed.encode())))
    def damaged(data):
        text = data if isinstance(data, str) else data.decode(errors="replace")
        with contextlib.suppress(RtauError):
            parse_bench_record(text, origin="a.json")

    damaged()
