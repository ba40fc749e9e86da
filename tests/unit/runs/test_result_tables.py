"""Tables of earlier runs: what folders hold, names, thresholds, and what is left out."""

import csv
import json

import numpy as np
import pytest

from rtau.errors import SourceOpenError, UsageError
from rtau.runs.analyses import merge
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
    left_out = []
    found = list(read_results([tmp_path], left_out=left_out.append))
    assert [str(one.name) for one in found] == ["day1/a", "day2/b9", "day2/b10"]
    assert [one.table["file"][0] for one in found] == ["day1/a", "day2/b9", "day2/b10"]
    assert found[0].thresholds == {"AU12": 0.4}
    assert found[0].video == "recordings/a.mov"
    assert found[1].thresholds is None
    assert [line.partition(":")[0] for line in left_out] == [str(tmp_path / "summary.csv")]


def test_a_merged_table_does_not_count_twice(tmp_path):
    files = [("a", table(tmp_path / "a.csv")), ("b", table(tmp_path / "b.csv", 0.25))]
    merge(files, tmp_path / "all.csv")
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert [(row["file"], row["AU12_p"]) for row in rows] == [
        *(("a", "0.1"), ("a", "0.9"), ("b", "0.25")),
    ]
    left_out = []
    found = list(read_results([tmp_path], left_out=left_out.append))
    assert [str(one.name) for one in found] == ["a", "b"]
    assert len(left_out) == 1
    (alone,) = read_results([tmp_path / "all.csv"])
    assert len(alone.table) == 3


@pytest.mark.needs_pyarrow
def test_parquet_and_csv_of_one_run_count_once(tmp_path):
    made = face_table({"AU12_p": (0.1, 0.9)})
    made.to_parquet(tmp_path / "a.parquet")
    (only,) = read_results([tmp_path])
    np.testing.assert_array_equal(only.table["AU12_p"], made["AU12_p"])
    assert only.table["frame"].dtype == np.int64
    table(tmp_path / "a.csv")
    assert len(list(read_results([tmp_path]))) == 1


@pytest.mark.needs_pyarrow
def test_a_parquet_file_of_other_types_is_read_as_a_csv_is(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path, right = tmp_path / "a.parquet", face_table({"AU12_p": (0.1, 0.9)}).to_arrow()
    texts = right.set_column(0, "frame", [["1", "2"]])
    parquet.write_table(texts, path)
    (only,) = read_results([path])
    assert only.table["frame"].tolist() == [1, 2]
    parquet.write_table(right.set_column(0, "frame", [[[1], [2]]]), path)
    with pytest.raises(UsageError, match=r"a\.parquet: frame must be a number, got"):
        list(read_results([path]))
    parquet.write_table(right.append_column("frame", [[1, 2]]), path)
    with pytest.raises(SourceOpenError, match=r"a\.parquet: cannot be read as Parquet .*\)$"):
        list(read_results([path]))


def test_the_name_of_a_file_is_no_formula(tmp_path):
    (found,) = read_results([table(tmp_path / "=1+1.csv")])
    assert found.table["file"][0] == "./=1+1"


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(SourceOpenError, match="no such file"):
        list(read_results([tmp_path / "none.csv"]))
    with pytest.raises(SourceOpenError, match="has no table"):
        list(read_results([tmp_path]))
    other = tmp_path / "other.csv"
    other.write_text("x,y\n1,2\n")
    with pytest.raises(UsageError, match="not a table of faces"):
        list(read_results([other]))
    with pytest.raises(SourceOpenError, match="no table of faces"):
        list(read_results([tmp_path]))
    (tmp_path / "a.run.json").write_text("[]")
    with pytest.raises(SourceOpenError, match="not a run record"):
        list(read_results([table(tmp_path / "a.csv")]))
