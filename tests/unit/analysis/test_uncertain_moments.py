"""Moments to code: where the model is least sure, dealt out evenly, and read back as they were."""

import numpy as np
import pytest

from rtau.analysis.coder_files import coder_codes, listed_spans
from rtau.analysis.elan_files import elan_media, elan_spans
from rtau.analysis.face_series import files_of
from rtau.analysis.uncertain_moments import (
    VOCABULARY,
    csv_task,
    elan_task,
    uncertain_moments,
    uncertainty,
)
from tests.support.tables import face_table

THRESHOLDS = {"AU04": 0.5, "AU12": 0.5}
SURE, OFF = 0.99, 0.01


def table_of(au12, **more):
    return face_table({"AU12_p": au12, **more})


def test_a_moment_is_uncertain_on_the_threshold_and_where_it_flickers():
    values = [OFF] * 20 + [0.5] * 3 + [OFF] * 20 + [SURE, OFF] * 3 + [OFF] * 20
    (frames,) = files_of(table_of(values))
    found = uncertainty(frames.faces[0], "AU12", 0.5)
    assert found[21] == pytest.approx(1)
    assert np.median(found[43:49]) > 0.3  # of a flicker between two values that are sure alone
    assert found[:18].max() == pytest.approx(found[-10:].max()) == pytest.approx(0.02)


def test_frames_without_a_usable_face_are_no_moments():
    values = [0.5] * 10 + [None] * 10 + [OFF] * 10
    flagged = [1] * 5 + [0] * 5 + [np.nan] * 10 + [1] * 10
    found = uncertain_moments(table_of(values, quality=flagged), thresholds=THRESHOLDS, count=9)
    assert {one.onset_s < 0.5 for one in found[:1]} == {True}
    assert all(not 0.5 <= (one.onset_s + one.offset_s) / 2 < 2.0 for one in found)


def test_labels_take_turns_and_moments_of_one_lie_apart():
    hovering = [0.5] * 100
    sure = [0.9] * 100
    table = table_of(hovering, AU04_p=sure)
    found = uncertain_moments(table, thresholds=THRESHOLDS, count=6)
    assert sorted(one.au for one in found) == ["AU04"] * 3 + ["AU12"] * 3
    onsets = [one.onset_s for one in found if one.au == "AU12"]
    assert np.diff(onsets).min() >= 0.9
    only = uncertain_moments(table, thresholds=THRESHOLDS, count=6, labels=["AU12"])
    assert {one.au for one in only} == {"AU12"}


@pytest.fixture
def moments():
    return uncertain_moments(table_of([0.5] * 30), thresholds=THRESHOLDS, count=2)


def test_elans_own_library_reads_a_task_with_its_choices(moments, tmp_path):
    elan = pytest.importorskip("pympi.Elan", reason="pympi-ling is not installed")
    path = tmp_path / "task.eaf"
    path.write_text(elan_task(moments, media="a & b.mp4", subject="P1"), encoding="utf-8")
    document = elan.Eaf(str(path))
    tier = "AU12 face 1"
    assert [value for *_, value in document.get_annotation_data_for_tier(tier)] == ["?", "?"]
    assert document.get_parameters_for_tier(tier)["PARTICIPANT"] == "P1"
    (vocabulary,) = document.controlled_vocabularies
    entries = document.get_cv_entries(vocabulary)
    assert {value for one in entries.values() for value, *_ in one[0]} == set(VOCABULARY)
    assert elan_media(path.read_text(encoding="utf-8")) == "./a & b.mp4"


def test_what_a_coder_writes_is_read_back_from_both_kinds(moments):
    first, second = moments
    eaf = elan_task(moments, media=None, subject="P1").replace(">?<", ">C<", 1)
    spans, _ = elan_spans(eaf.replace(">?<", ">0<", 1))
    listed = listed_spans(
        csv_task(moments, file="x.mp4", subject="P1")
        .replace(",\n", ",C\n", 1)
        .replace(",\n", ",0\n")
    )
    for found in (spans, listed):
        assert [(one.label, one.face, one.subject) for one in found] == [("AU12", "1", "P1")] * 2
        assert [(one.occurs, one.intensity) for one in found] == [(True, 3.0), (False, None)]
        assert [one.onset_s for one in found] == pytest.approx([first.onset_s, second.onset_s])
    assert {one.file for one in listed} == {"x.mp4"}


def test_a_task_says_nothing_between_its_moments(moments):
    text = csv_task(moments, file="x.mp4").replace(",\n", ",1\n", 1).replace(",\n", ",0\n", 1)
    codes = coder_codes(text, suffix=".csv")
    said = {t: codes.occurrences["AU12"][codes.rows_at(np.array([t]))[0]] for t in (0.1, 0.6, 1.0)}
    assert said[0.1] == 1
    assert np.isnan(said[0.6])
    assert said[1.0] == 0
