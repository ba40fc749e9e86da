"""Tables of earlier runs: what folders hold, names, thresholds, and what is left out."""

import json

import numpy as np
import pytest

from rtau.errors import SourceOpenError, UsageError
from rtau.runs.result_tables import read_results
from tests.support.tables import face_table, write_csv

RECORD = {"settings": {}, "model": {"labels": ["AU12"], "thresholds": [0.4]}}
RECORD["source"] = {"name": "recordings/a.mov"}


def table(path, *values):
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_csv(path, face_table({"AU12_p": values or (0.1, 0.9)}))


def test_a_folder_is_searched_and_names_are_below_it(tmp_path):
    for name in ("day2/b10.csv", "day2/b9.csv", "day1/a.csv", ".hidden/c.csv", "d.part.csv"):
        table(tmp_path / name)
    (tmp_path / "day1" / "a.run.json").write_text(json.dumps(RECORD))
    (tmp_path / "summary.csv").write_text("file,face\na,1\n")
    found = read_results([tmp_path])
    assert [str(one.name) for one in found.tables] == ["day1/a", "day2/b9", "day2/b10"]
    assert [one.table["file"][0] for one in found.tables] == ["day1/a", "day2/b9", "day2/b10"]
    assert found.tables[0].thresholds == {"AU12": 0.4}
    assert found.tables[0].video == "recordings/a.mov"
    assert found.tables[1].thresholds is None
    assert [line.partition(":")[0] for line in found.left_out] == [str(tmp_path / "summary.csv")]


def test_a_merged_table_of_a_batch_does_not_count_twice(tmp_path):
    table(tmp_path / "a.csv")
    table(tmp_path / "all.csv")
    (tmp_path / "batch.json").write_text(json.dumps({"merged": {"csv": "all.csv"}}))
    found = read_results([tmp_path])
    assert [str(one.name) for one in found.tables] == ["a"]
    assert len(found.left_out) == 1


@pytest.mark.needs_pyarrow
def test_parquet_and_csv_of_one_run_count_once(tmp_path):
    made = face_table({"AU12_p": (0.1, 0.9)})
    made.to_parquet(tmp_path / "a.parquet")
    (only,) = read_results([tmp_path]).tables
    np.testing.assert_array_equal(only.table["AU12_p"], made["AU12_p"])
    assert only.table["frame"].dtype == np.int64
    table(tmp_path / "a.csv")
    assert len(read_results([tmp_path]).tables) == 1


def test_the_name_of_a_file_is_no_formula(tmp_path):
    (found,) = read_results([table(tmp_path / "=1+1.csv")]).tables
    assert found.table["file"][0] == "./=1+1"


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(SourceOpenError, match="no such file"):
        read_results([tmp_path / "none.csv"])
    with pytest.raises(SourceOpenError, match="has no table"):
        read_results([tmp_path])
    other = tmp_path / "other.csv"
    other.write_text("x,y\n1,2\n")
    with pytest.raises(UsageError, match="not a table of faces"):
        read_results([other])
    with pytest.raises(SourceOpenError, match="no table of faces"):
        read_results([tmp_path])
    (tmp_path / "a.run.json").write_text("[]")
    with pytest.raises(SourceOpenError, match="not a run record"):
        read_results([table(tmp_path / "a.csv")])
