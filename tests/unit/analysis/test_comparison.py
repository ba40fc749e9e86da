"""Two raters side by side: aligned by time, matched by boxes, shifted by a lag."""

import numpy as np
import pytest

from rtau.analysis.codes import CodedSpan, codes_of_columns, codes_of_face, codes_of_spans
from rtau.analysis.comparison import compare, face_like
from rtau.analysis.face_series import files_of, frame_durations
from rtau.errors import UsageError
from tests.support.tables import face_table

TIMES = np.arange(100) * 0.04
WAVE = np.sin(TIMES * 3) ** 2


def codes(values, *, times=TIMES, face=1, kind="p", **options):
    table = face_table({f"AU12_{kind}": values}, times=list(times), face=face)
    return codes_of_face(files_one(table), **options)


def files_one(table):
    (frames,) = files_of(table)
    return frames.faces[0]


def test_a_rater_agrees_with_itself():
    (found,) = compare([(codes(WAVE), codes(WAVE))])
    assert (found.label, found.kinds, found.files, found.lag_s) == ("AU12", ("p", "p"), 1, 0.0)
    assert found.seconds == pytest.approx(4.0)
    assert found.coverage == (1.0, 1.0)
    assert found.measures["r"].value == pytest.approx(1)
    assert found.measures["kappa"].value == pytest.approx(1)


def test_other_frame_rates_are_aligned_by_time():
    rare = np.arange(0, 100, 5)
    held = np.repeat(WAVE[rare], 5)
    (found,) = compare([(codes(held), codes(WAVE[rare], times=TIMES[rare]))])
    assert found.measures["r"].value == pytest.approx(1)
    assert found.seconds == pytest.approx(4.0)


def test_a_late_rater_has_a_lag():
    late = np.sin(np.clip(TIMES - 0.2, 0, None) * 3) ** 2
    (found,) = compare([(codes(WAVE), codes(late))])
    assert found.lag_s == pytest.approx(0.2)
    (back,) = compare([(codes(late), codes(WAVE))])
    assert back.lag_s == pytest.approx(-0.2)


def test_what_one_rater_did_not_see_lowers_its_coverage():
    values = WAVE.tolist()
    values[:25] = [None] * 25
    (found,) = compare([(codes(WAVE), codes(values))])
    assert found.coverage == pytest.approx((1.0, 0.75))
    assert found.seconds == pytest.approx(3.0)


def test_intensities_are_compared_where_both_have_them():
    table = face_table({"AU12_p": WAVE, "AU12_r": WAVE * 5}, times=list(TIMES))
    both = codes_of_face(files_one(table))
    (found,) = compare([(both, codes(WAVE * 5, kind="r"))])
    assert found.kinds == ("r", "r")
    (mixed,) = compare([(codes(WAVE), codes(WAVE * 5, kind="r"))])
    assert mixed.kinds == ("p", "r")
    assert mixed.measures["icc"].value == pytest.approx(1)  # on one scale


def test_spans_of_a_person_are_compared_with_frames():
    marked = codes_of_spans([CodedSpan("AU12", 1.0, 2.0), CodedSpan("AU04", 0.0, 1.0)])
    values = np.where((TIMES >= 1.0 - 1e-9) & (TIMES < 2.0 - 1e-9), 0.9, 0.1)
    for pair in ((codes(values), marked), (marked, codes(values))):
        (found,) = compare([pair])
        assert found.measures["kappa"].value == pytest.approx(1)
        assert found.measures["base_rate_1"].value == pytest.approx(0.25)
    letters = codes_of_spans([CodedSpan("AU12", 1.0, 2.0, 3.0)])
    assert letters.scores["AU12"]["r"].tolist() == [0, 0.6, 0]
    two_people = compare([(marked, letters)])
    assert two_people[0].measures["kappa"].value == pytest.approx(1)


def test_times_may_be_those_of_a_clock_and_no_larger():
    clock_s = 1.7e9  # as programs count seconds since 1970
    marked = codes_of_spans([CodedSpan("AU12", clock_s, clock_s + 1e6)])
    (found,) = compare([(marked, marked)])
    assert found.measures["kappa"].value == pytest.approx(1)
    for onset_s, offset_s in ((0, 1e300), (np.nan, 1)):
        with pytest.raises(UsageError, match="a time must be at most"):
            codes_of_spans([CodedSpan("AU12", onset_s, offset_s)])
    with pytest.raises(UsageError, match="a time must be at most"):
        frame_durations(np.array([0.0, 0.04, 1e300]))


def test_thresholds_of_the_run_record_decide():
    low = codes(WAVE, thresholds={"AU12": 0.1})
    assert low.occurrences["AU12"].sum() == (WAVE >= 0.1).sum()
    assert codes(WAVE).occurrences["AU12"].sum() == (WAVE >= 0.5).sum()


def test_faces_are_matched_by_their_boxes():
    left, right = codes(WAVE, face=1), codes(WAVE, face=5)
    assert face_like(left, [right, left]) == 1
    assert face_like(left, [right]) is None
    person = codes_of_columns(TIMES, frame_durations(TIMES), {"AU12": WAVE})
    assert face_like(person, [right]) == 0
    assert face_like(left, []) is None


def test_raters_without_a_common_label_are_refused():
    with pytest.raises(UsageError, match="no Action Unit in common"):
        compare([(codes(WAVE), codes_of_spans([CodedSpan("AU04", 0, 1)]))])
    with pytest.raises(UsageError, match="0 and 1 or as 0 to 5"):
        codes_of_columns(TIMES, frame_durations(TIMES), {"AU12": WAVE * 100})
