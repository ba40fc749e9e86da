import dataclasses

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rtau.sinks import _au_panel as au_panel
from rtau.sinks._au_panel import ASCII, UNICODE, Face
from rtau.status import ViewStatus
from tests.support.pictures import AUS, EMOTIONS, drawn_result

HALF = (0.5,) * 12


def face(track_id=1, *, active=("AU12",), labels=AUS):
    return Face(
        track_id=track_id,
        labels=tuple(labels),
        probabilities=tuple(0.87 if label in active else 0.2 for label in labels),
        active=tuple(label in active for label in labels),
    )


def text(lines):
    return [au_panel.plain(line) for line in lines]


def bar(probability, *, threshold=0.0, is_active=False, width=10):
    line = au_panel.bar(
        probability, width=width, threshold=threshold, is_active=is_active, signs=ASCII
    )
    return au_panel.plain(line)


def test_bars_grow_with_the_probability():
    assert [bar(p) for p in (0.0, 0.5, 1.0)] == ["-" * 10, "=====-----", "=" * 10]


def test_an_active_bar_is_of_another_sign_not_only_another_colour():
    assert bar(0.5, is_active=True) == "#####-----"


@pytest.mark.parametrize(("threshold", "at"), [(0.25, 2), (0.5, 5), (1.0, 9)])
def test_the_tick_stands_at_the_threshold(threshold, at):
    assert bar(0.0, threshold=threshold).index("|") == at


@given(st.floats(-1, 2), st.floats(0, 1), st.integers(1, 40), st.booleans())
def test_bars_have_the_asked_width(probability, threshold, width, is_active):
    assert len(bar(probability, threshold=threshold, width=width, is_active=is_active)) == width


def test_a_card_names_face_au_and_muscle():
    lines = text(
        au_panel.card(face(3), thresholds=HALF, with_words=True, bar_cells=10, signs=UNICODE)
    )
    assert lines[0].startswith("face 3")
    assert len(lines) == 13
    assert lines[7].startswith("● AU12 lip corner puller")
    assert lines[7].endswith("87%")
    assert not any(line.startswith("●") for line in lines[1:7])
    assert len({len(line) for line in lines}) == 1


def test_emotions_are_not_named_twice():
    lines = text(
        au_panel.card(
            face(labels=EMOTIONS, active=("fear",)), thresholds=(0.0,) * 7, with_words=True,
            bar_cells=10, signs=UNICODE,
        )
    )  # fmt: skip
    assert lines[3].count("fear") == 1


def board(count, *, width, height):
    faces = [face(track_id) for track_id in range(1, count + 1)]
    return text(au_panel.board(faces, thresholds=HALF, width=width, height=height))


@given(st.integers(0, 12), st.integers(1, 200), st.integers(1, 60))
def test_a_board_never_leaves_the_terminal(count, width, height):
    lines = board(count, width=width, height=height)
    assert 1 <= len(lines) <= height
    assert max(len(line) for line in lines) <= max(width, 7)


def test_faces_stand_side_by_side_in_a_wide_terminal():
    assert [len(board(3, width=width, height=60)) for width in (160, 60)] == [13, 41]


def test_little_room_leaves_names_out_before_bars_before_faces():
    assert "lip corner puller" in board(1, width=60, height=20)[7]
    assert "lip corner puller" not in board(1, width=30, height=20)[7]
    assert board(5, width=60, height=8)[0] == "face 1    ● AU12 87%"
    assert board(9, width=60, height=4)[-1] == "and 6 more faces"


def test_what_does_not_fit_a_line_is_counted():
    busy = face(active=AUS[:5])
    shown = au_panel.plain(au_panel.brief(busy, width=46, signs=UNICODE))
    assert shown == "face 1    ● AU01 87%  ● AU02 87%  +3"
    quiet = au_panel.plain(au_panel.brief(face(active=()), width=46, signs=UNICODE))
    assert quiet == "face 1    no AU active"


def test_no_face_is_said():
    assert board(0, width=60, height=8) == ["no face"]


def test_sentences_name_what_is_active():
    assert au_panel.sentence(face(2, active=("AU06", "AU12"))) == "face 2: AU06 87%, AU12 87%"
    assert au_panel.sentence(face(2, active=())) == "face 2: no AU active"


def test_faces_come_in_order_of_their_ids():
    result = drawn_result([(10, 10, 50, 50), (60, 10, 99, 50)], ids=[7, 2])
    faces = au_panel.faces_of(result)
    assert [one.track_id for one in faces] == [2, 7]
    assert faces[0].probabilities == pytest.approx(result.scores.probabilities[1])
    assert np.array_equal(faces[0].active, result.active[1])


STATUS = ViewStatus(
    source="clip.mp4", model="m", device="cpu", is_live=False, frames_done=50, frames_total=100,
    fps=25.0,
)  # fmt: skip


@given(st.integers(1, 200))
def test_headers_fit_any_width(width):
    assert all(au_panel.line_width(line) <= width for line in au_panel.header(STATUS, width=width))


AUTO = dataclasses.replace(
    STATUS,
    source="holiday-on-the-lake.mp4",
    model="shufflenetv2-au14",
    device="onnxruntime, CPUExecutionProvider (auto: first of CUDA, DirectML, CPU in this one)",
)


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (200, [f"{AUTO.source} | {AUTO.model} | {AUTO.device}"]),
        (88, [f"{AUTO.source} | {AUTO.model} | onnxruntime, CPUExecutionProvider"]),
        (60, [AUTO.source, f"{AUTO.model} | onnxruntime, CPUExecutionProvider"]),
    ],
)
def test_a_title_loses_first_why_the_device_was_chosen_and_then_takes_two_lines(width, lines):
    shown = [au_panel.plain(line) for line in au_panel.header(AUTO, width=width, signs=ASCII)]
    assert shown[: len(lines)] == lines
    assert shown[len(lines)].startswith("25.0 fps")


def test_progress_shows_a_bar_where_the_end_is_known():
    line = au_panel.plain(au_panel.progress(STATUS, width=100, signs=ASCII))
    assert line.startswith("=" * 20 + "-" * 20)
    assert line.endswith("50% | 50 of 100 frames | 0:02 left")
    assert "=" not in au_panel.plain(au_panel.progress(STATUS, width=38, signs=ASCII))
