"""Marked events: cleaned, bounded, given to the right frame with the right time."""

from __future__ import annotations

import pytest

from rtau.markers import MAX_LABEL, MAX_WAITING, Marker, Markers


def test_an_event_of_a_live_run_goes_to_the_first_frame_received_after_it():
    markers = Markers()
    markers.add("a", at_s=100.0)
    markers.add("b", at_s=100.5)
    assert markers.take(time_s=7.0, received_s=99.9) == ()
    assert markers.take(time_s=7.2, received_s=100.1) == (Marker("a", pytest.approx(7.1)),)
    assert markers.waiting == 1
    assert markers.take(time_s=7.6, received_s=100.5) == (Marker("b", pytest.approx(7.6)),)
    assert markers.take(time_s=7.7, received_s=100.6) == ()


def test_a_frame_of_a_file_takes_all_events_at_its_own_time():
    markers = Markers(clock=lambda: 1e9)
    markers.add("a")
    assert markers.take(time_s=3.0, received_s=None) == (Marker("a", 3.0),)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", "event"),
        (" \n\t", "event"),
        ("a\nb\x1b[2J", "a b [2J"),
        ("é" * 500, "é" * MAX_LABEL),
    ],
)
def test_a_label_is_one_line_that_no_terminal_obeys(given, kept):
    markers = Markers()
    markers.add(given)
    (marker,) = markers.take(time_s=0, received_s=None)
    assert marker.label == kept


def test_too_many_waiting_events_are_refused():
    markers = Markers()
    assert [markers.add("x") for _ in range(MAX_WAITING + 1)].count(False) == 1
