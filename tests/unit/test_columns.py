"""The columns: names, order, and that the data dictionary explains each."""

from __future__ import annotations

from pathlib import Path

from rtau import columns

ENDS = (columns.POINTS[0], columns.POINTS[67], columns.POINTS[68], columns.POINTS[135])
DICTIONARY = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_columns_of_action_units_come_in_openfaces_order():
    assert columns.header(("AU01", "AU12"), task="multi_label") == (
        *("frame", "face_id", "timestamp", "confidence", "success"),
        *("face_x", "face_y", "face_w", "face_h", "pose_Rz"),
        *("AU01_c", "AU12_c", "AU01_p", "AU12_p"),
    )


def test_columns_of_emotions_have_one_decision():
    names = columns.header(("anger", "fear"), task="multi_class", with_file=True)
    assert names[0] == "file"
    assert names[-3:] == ("emotion", "anger_p", "fear_p")


def test_landmarks_stand_before_the_decisions_all_x_first():
    names = columns.header(("AU01",), task="multi_label", with_landmarks=True)
    assert names[10:12] == ("x_0", "x_1")
    assert names[77:79] == ("x_67", "y_0")
    assert names[145:] == ("y_67", "AU01_c", "AU01_p")


def test_the_seat_stands_behind_what_every_file_has():
    names = columns.header(
        ("AU01",),
        task="multi_label",
        optional=columns.OptionalColumns(seat=True),
        with_landmarks=True,
    )
    assert names[9:12] == ("pose_Rz", "seat", "x_0")


def test_the_data_dictionary_explains_every_column():
    text = DICTIONARY.read_text("utf-8")
    for name in (
        *columns.LEADING,
        columns.FILE,
        columns.SEAT,
        columns.EMOTION,
        "AU12_c",
        "AU12_p",
        *ENDS,
    ):
        assert f"`{name}`" in text, f"docs/data-dictionary.md does not explain {name}"
