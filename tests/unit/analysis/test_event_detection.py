"""Events: where they begin and end, what joins them, and which ends were not observed."""

import math

import numpy as np
import pytest

from rtau import analysis
from rtau.analysis.event_detection import EventRule
from rtau.errors import UsageError
from tests.support.tables import face_table, merged

PLAIN = EventRule(hysteresis=0, min_duration_s=0, max_gap_s=0)
HALF = {"AU12": 0.5}


def rows(table):
    return [tuple(table[name][k] for name in table.columns) for k in range(len(table))]


def spans(values, rule=PLAIN, **options):
    """Onset and offset of each event of a face at ten frames a second."""
    found = analysis.events(face_table({"AU12_p": values}, **options), rule, thresholds=HALF)
    return list(zip(found["onset_s"].tolist(), found["offset_s"].tolist(), strict=True))


def test_an_event_lasts_from_its_first_frame_to_the_end_of_its_last():
    table = face_table({"AU12_p": [0.1, 0.6, 0.9, 0.7, 0.2, 0.1]})
    found = analysis.events(table, PLAIN, thresholds=HALF)
    assert found.names == (
        *("au", "face", "onset_s", "apex_s", "offset_s", "duration_s", "peak_p", "peak_r"),
        "censored",
    )
    ((au, face, onset, apex, offset, duration, peak_p, peak_r, censored),) = rows(found)
    assert (au, face, onset, apex, offset, duration) == ("AU12", "1", 0.1, 0.2, 0.4, 0.3)
    assert (peak_p, censored) == (0.9, "no")
    assert math.isnan(peak_r)


@pytest.mark.parametrize(
    ("values", "rule", "expected"),
    [
        ([0.1, 0.6, 0.1, 0.6, 0.1], PLAIN, [(0.1, 0.2), (0.3, 0.4)]),
        ([0.1, 0.6, 0.1, 0.6, 0.1], EventRule(max_gap_s=0.1), [(0.1, 0.4)]),
        ([0.1, 0.6, 0.1, 0.6, 0.1], EventRule(max_gap_s=0, min_duration_s=0.11), []),
        # Hysteresis holds on either side of what reaches the threshold, and alone is no event.
        ([0.1, 0.45, 0.6, 0.42, 0.1], EventRule(hysteresis=0.2), [(0.1, 0.4)]),
        ([0.1, 0.45, 0.45, 0.45, 0.1], EventRule(hysteresis=0.2), []),
        ([0.1, 0.6, 0.45, 0.6, 0.1], EventRule(hysteresis=0.2, max_gap_s=0), [(0.1, 0.4)]),
        ([0.1, 0.1, 0.1, 0.1, 0.1], PLAIN, []),
        ([], PLAIN, []),
    ],
)
def test_hysteresis_gaps_and_short_events(values, rule, expected):
    assert spans(values, rule) == expected


def test_times_count_not_rows():
    # The frame rate halves after a tenth of a second.
    times = [0.0, 0.05, 0.1, 0.2, 0.3, 0.4]
    values = [0.1, 0.9, 0.1, 0.9, 0.1, 0.1]
    assert spans(values, times=times) == [(0.05, 0.1), (0.2, 0.3)]
    assert spans(values, EventRule(min_duration_s=0.1, max_gap_s=0), times=times) == [(0.2, 0.3)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.9, 0.9, 0.1], "onset"),
        ([0.1, 0.9, 0.9], "offset"),
        ([0.9, 0.9], "both"),
        ([0.1, 0.9, 0.1], "no"),
        ([0.1, 0.9, None, 0.1], "offset"),
        ([0.1, None, 0.9, 0.1], "onset"),
    ],
)
def test_ends_that_were_not_observed_are_marked(values, expected):
    found = analysis.events(face_table({"AU12_p": values}), PLAIN, thresholds=HALF)
    assert found["censored"].tolist() == [expected]


def test_a_short_loss_of_the_face_does_not_split_an_event():
    values = [0.1, 0.9, None, 0.9, 0.1]
    assert spans(values, EventRule(max_gap_s=0.1)) == [(0.1, 0.4)]
    assert spans(values, EventRule(max_gap_s=0.05, min_duration_s=0)) == [(0.1, 0.2), (0.3, 0.4)]


def test_a_gap_in_the_recording_is_not_part_of_an_event():
    times = [0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 5.2]
    found = analysis.events(
        face_table({"AU12_p": [0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.1]}, times=times),
        PLAIN,
        thresholds=HALF,
    )
    assert found["onset_s"].tolist() == [0.2, 5.0]
    assert found["duration_s"].tolist() == pytest.approx([0.4, 0.2])  # held three frames at most
    assert found["censored"].tolist() == ["offset", "onset"]


def test_without_thresholds_the_decisions_of_the_table_count():
    table = face_table({"AU12_p": [0.4, 0.4, 0.3, 0.2], "AU12_c": [0, 1, 1, 0]})
    found = analysis.events(table, EventRule(hysteresis=0.3, min_duration_s=0))
    assert rows(found)[0][:6] == ("AU12", "1", 0.1, 0.1, 0.3, 0.2)
    assert found["peak_p"].tolist() == [0.4]


def test_the_apex_of_decisions_without_strengths_is_their_first_frame():
    table = face_table({"AU12_p": [math.nan] * 4, "AU12_c": [0, 1, 1, 0]})
    found = analysis.events(table, PLAIN)
    assert (found["apex_s"].tolist(), np.isnan(found["peak_p"]).tolist()) == ([0.1], [True])


def test_other_values_can_be_asked_for():
    table = face_table(
        {"AU12_p": [0.9, 0.9, 0.9, 0.1], "AU12_n": [0.1, 0.9, 0.1, 0.1], "AU12_r": [0, 3, 4, 0]}
    )
    neutral = analysis.events(table, EventRule("n", min_duration_s=0), thresholds=HALF)
    intensity = analysis.events(table, EventRule("r", hysteresis=0, min_duration_s=0))
    assert neutral["offset_s"].tolist() == [0.2]
    assert intensity["onset_s"].tolist() == [0.1]
    assert intensity["peak_r"].tolist() == [4.0]
    assert intensity["peak_p"].tolist() == [0.9]


def test_what_the_table_lacks_is_said():
    table = face_table({"AU12_p": [0.1, 0.9]})
    with pytest.raises(UsageError, match=r"no column AU12_n"):
        analysis.events(table, EventRule("n"))
    with pytest.raises(UsageError, match="give --threshold"):
        analysis.events(table)
    assert len(analysis.events(table, EventRule(threshold=0.5))) == 1
    with pytest.raises(UsageError, match="max_gap_s must be 0 or more"):
        EventRule(max_gap_s=-1)


def test_flagged_rows_are_left_out_unless_asked_for():
    values = [0.1, 0.9, 0.9, 0.9, 0.1]
    table = face_table({"AU12_p": values, "quality": [1, 1, 0, 0, 1]})
    found = analysis.events(table, PLAIN, thresholds=HALF)
    assert found["offset_s"].tolist() == [0.2]
    assert found["censored"].tolist() == ["offset"]
    assert analysis.events(table, PLAIN, thresholds=HALF, all_rows=True)["offset_s"].tolist() == [
        pytest.approx(0.4)
    ]


def test_faces_and_seats_have_events_of_their_own():
    one = face_table({"AU12_p": [0.9, 0.1, 0.1]}, face=1, seat=["left", "left", "right"])
    two = face_table({"AU12_p": [0.1, 0.9, 0.9]}, face=2, seat=["right", "right", "left"])
    table = merged(one, two)
    by_face = analysis.events(table, PLAIN, thresholds=HALF, by="face")
    by_seat = analysis.events(table, PLAIN, thresholds=HALF)
    assert list(zip(by_face["face"], by_face["onset_s"], strict=True)) == [("1", 0.0), ("2", 0.1)]
    assert set(zip(by_seat["face"], by_seat["onset_s"], strict=True)) == {
        *(("left", 0.0), ("left", 0.2), ("right", 0.1)),
    }
    with pytest.raises(UsageError, match="no column seat"):
        analysis.events(face_table({"AU12_p": [0.1]}), by="seat")


def test_smoothing_is_centred_and_weighted_by_time():
    table = face_table({"AU12_p": [0, 0, 0, 0.9, 0, 0, 0]})
    found = analysis.events(table, EventRule(threshold=0.25, hysteresis=0, smooth_s=0.2))
    assert found["onset_s"].tolist() == pytest.approx([0.2])
    assert found["offset_s"].tolist() == pytest.approx([0.5])


def test_the_time_in_events_is_the_time_of_active_frames():
    generator = np.random.default_rng(0)
    values = generator.random(500)
    times = np.cumsum(generator.uniform(0.02, 0.05, 500))
    table = face_table({"AU12_p": values.tolist()}, times=times.tolist())
    steps = np.append(np.diff(times), np.median(np.diff(times)))
    found = analysis.events(table, PLAIN, thresholds=HALF)
    assert found["duration_s"].sum() == pytest.approx(steps[values >= 0.5].sum(), abs=1e-3)
