import sys

import pytest

from rtau.errors import BackendUnavailable, SourceOpenError
from rtau_train.datasets.prepare.tables import read_table, stream_csv


def test_cells_are_text_without_spaces_around(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\ufeffa, b\n1, x \n\n,2\n", encoding="utf-8")

    table = read_table(path)

    assert table.columns == ("a", "b")
    assert [(row.number, row.cells) for row in table.rows] == [
        (1, {"a": "1", "b": "x"}),
        (2, {"a": "", "b": "2"}),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the table is empty"),
        ("a,a\n", "column 'a' is there twice"),
        ("a,b\n1,2\n1,2,3\n", "data row 2 has 3 cells, the header 2"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path, text, said):
    path = tmp_path / "t.csv"
    path.write_text(text)

    with pytest.raises(SourceOpenError, match=said):
        read_table(path)


def test_a_table_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a\nMéxico\n".encode("latin-1"))

    with pytest.raises(SourceOpenError, match="not a CSV in UTF-8"):
        read_table(path)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(SourceOpenError, match=r"t\.csv: cannot be read \(No such file"):
        stream_csv(tmp_path / "t.csv")


@pytest.mark.needs_pyarrow
def test_parquet_reads_like_csv(tmp_path):
    import pyarrow  # noqa: PLC0415 - optional
    from pyarrow import parquet  # noqa: PLC0415 - optional

    path = tmp_path / "t.parquet"
    columns = {
        "image": ["a.jpg", "b.jpg"],
        "AU1": [1.0, None],
        "AU2": pyarrow.array([2, 3], pyarrow.int8()),
        "AU4": [True, False],
        "AU5": [float("nan"), 0.5],
    }
    parquet.write_table(pyarrow.table(columns), path)

    table = read_table(path)

    assert table.columns == ("image", "AU1", "AU2", "AU4", "AU5")
    assert [list(row.cells.values()) for row in table.rows] == [
        ["a.jpg", "1.0", "2", "1", ""],
        ["b.jpg", "", "3", "0", "0.5"],
    ]


@pytest.mark.needs_pyarrow
def test_what_is_no_parquet_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"image,AU1\n")

    with pytest.raises(SourceOpenError, match="not a Parquet file"):
        read_table(path)


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(BackendUnavailable, match=r"pip install 'rtau\[table\]', or write the"):
        read_table(tmp_path / "t.parquet")
