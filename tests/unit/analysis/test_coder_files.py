"""Codes of people: ELAN as its own library writes it, lists and tables as they are found."""

import numpy as np
import pytest

from rtau.analysis.coder_files import coder_codes, listed_spans
from rtau.analysis.codes import labels_in
from rtau.analysis.elan_files import elan_spans
from rtau.analysis.event_detection import Event
from rtau.analysis.event_files import bids_text, elan_text
from rtau.errors import UsageError

EVENT = Event("AU12", None, "1", 1.0, 1.2, 2.5, 0.9, float("nan"), "no")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("AU12", [("AU12", None)]),
        ("au 4", [("AU04", None)]),
        ("AU6+12C", [("AU06", None), ("AU12", 3.0)]),
        ("12B", [("AU12", 2.0)]),
        ("1+2", [("AU01", None), ("AU02", None)]),
        ("AU12 face 1", [("AU12", None)]),
        ("AU01_r", [("AU01", None)]),
        ("smile", []),
        ("p 0.970", []),
        ("", []),
    ],
)
def test_labels_are_found_in_the_words_of_people(text, labels):
    assert labels_in(text) == labels


def test_a_document_that_elans_library_wrote_is_read(tmp_path):
    elan = pytest.importorskip("pympi.Elan", reason="pympi-ling is not installed")
    document = elan.Eaf(author="coder")
    for tier, spans in {
        "AU12": [(1000, 2500, "C"), (3000, 3500, "A")],
        "upper face": [(0, 400, "AU1+2B"), (500, 900, "looks away")],
        "AU17": [],
    }.items():
        document.add_tier(tier)
        for onset, offset, value in spans:
            document.add_annotation(tier, onset, offset, value)
    path = tmp_path / "coder.eaf"
    document.to_file(str(path))
    spans, labels = elan_spans(path.read_text())
    found = {(one.label, one.onset_s, one.offset_s, one.intensity) for one in spans}
    assert found == {
        *(("AU12", 1.0, 2.5, 3.0), ("AU12", 3.0, 3.5, 1.0)),
        *(("AU01", 0.0, 0.4, None), ("AU02", 0.0, 0.4, 2.0)),
    }
    codes = coder_codes(path.read_text(), suffix=".eaf")
    assert set(codes.occurrences) == {"AU01", "AU02", "AU12", "AU17"} >= labels
    assert not codes.occurrences["AU17"].any()


@pytest.mark.parametrize(
    "text",
    [
        "onset,offset,au\n1.0,2.5,AU12\n",
        "Start (s);Stop (s);Behavior\n1,0;2,5;AU12\n",
        "onset\tduration\ttrial_type\n1.0\t1.5\tAU12\n",
        "au,face,onset_s,apex_s,offset_s,duration_s\nAU12,1,1.0,1.2,2.5,1.5\n",
        bids_text([EVENT]),
    ],
)
def test_lists_of_spans_are_read(text):
    (span,) = listed_spans(text)
    assert (span.label, span.onset_s, span.offset_s) == ("AU12", 1.0, 2.5)


def test_our_own_elan_is_read_back():
    (span,), labels = elan_spans(elan_text([EVENT]))
    assert (span.label, span.onset_s, span.offset_s, span.face) == ("AU12", 1.0, 2.5, "1")
    assert labels == {"AU12"}


def test_a_table_with_a_column_per_unit_is_read_for_one_face():
    text = "time_s,face,AU12,AU04\n0.0,a,0,1.5\n0.0,b,1,0\n0.1,a,1,4\n0.1,b,1,\n"
    first = coder_codes(text, suffix=".csv")
    assert first.occurrences["AU12"].tolist() == [0, 1]
    assert first.occurrences["AU04"].tolist() == [0, 1]  # intensities from 2 on occur
    second = coder_codes(text, suffix=".csv", face="b")
    np.testing.assert_array_equal(second.occurrences["AU04"], [0, np.nan])


@pytest.mark.parametrize(
    ("text", "suffix", "words"),
    [
        ("<a/>", ".eaf", "XML file of <a>"),
        ("<a", ".eaf", "not an ELAN document"),
        ("", ".csv", "the file is empty"),
        ("x,y\n1,2\n", ".csv", "no codes of Action Units; expected an ELAN file"),
        ("onset,offset,au\n1,2,smile\n", ".csv", "line 2: 'smile' names no Action Unit"),
        ("onset,offset,au\nx,2,AU12\n", ".csv", "line 2, onset: must be a number, got 'x'"),
        ("time,face,AU12\n0,a,1\n", ".csv", "no face z; there are a"),
        ("file,onset,offset,au\na,1,2,AU12\nb,1,2,AU12\n", ".csv", "codes of 2 videos, a first"),
    ],
)
def test_what_is_no_codes_is_said(text, suffix, words):
    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        coder_codes(text, suffix=suffix, face="z" if "face" in words else None)
