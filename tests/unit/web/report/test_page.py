"""The report's page: what is in the file, whatever the names are."""

import base64
import json
import math
import re

import numpy as np
import pytest

from rtau import analysis
from rtau.analysis.event_detection import EventRule, find_events
from rtau.analysis.face_series import files_of
from rtau.web.report.index import IndexRow, index_page
from rtau.web.report.page import MISSING, STEPS, PageContent, PageVideo, json_in_html, report_page
from tests.support.tables import face_table

EVIL = '</script><script>alert("@DATA@")</script>'
VALUES = {"AU12_p": (0.1, 0.9, 0.9, None, 0.25), "AU12_c": (0, 1, 1, None, 0)}


def content(values=VALUES, *, title="clip.mp4", video=None, rule=None, **more):
    table = face_table(values, **more)
    rule = rule or EventRule(min_duration_s=0)
    (frames,) = files_of(table)
    events = [event for series in frames.faces for event in find_events(series, rule)]
    summary = analysis.summary(table, rule)
    row = {name: column[0] for name, column in summary.columns.items()}
    return PageContent(
        title=title,
        frames=frames,
        numbers=range(1, len(table) + 1),
        events=events,
        pictures={("1", "AU12", 0.1): b"\xff\xd8 a picture"},
        summaries={"1": row} if frames.faces else {},
        rule=rule,
        thresholds=None,
        record=None,
        video=video,
        no_video="none was given",
    )


def data_of(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


def unpacked(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_curves_spans_and_pictures_are_in_the_page():
    data = data_of(report_page(content()))
    (face,) = data["faces"]
    (label,) = face["labels"]
    values = unpacked(label["values"], "<u2")
    assert values[3] == MISSING
    np.testing.assert_allclose(values[[0, 1, 2, 4]] / STEPS, [0.1, 0.9, 0.9, 0.25], atol=1e-4)
    assert unpacked(face["seen"], "u1").tolist() == [1, 1, 1, 0, 1]
    assert unpacked(data["times"], "<f8").tolist() == [0, 0.1, 0.2, 0.3, 0.4]
    assert label["spans"] == [[0.1, 0.3]]
    assert label["words"] == "lip corner puller"
    (event,) = data["events"]
    assert (event["apex_s"], event["censored"]) == (0.1, "offset")
    assert event["picture"].startswith("data:image/jpeg;base64,")
    assert face["summary"]["mean_AU12"] == pytest.approx(np.mean([0.1, 0.9, 0.9, 0.25]))


def test_flagged_frames_are_told_apart():
    data = data_of(report_page(content({**VALUES, "quality": (1, 0, 1, 1, 1)})))
    assert unpacked(data["faces"][0]["seen"], "u1").tolist() == [1, 2, 1, 0, 1]


def test_a_page_needs_nothing_beside_it_and_no_network():
    page = report_page(content())
    without_comments = re.sub(r"https?://github\.com/leeoniya\S*", "", page)
    assert not re.search(r'(src|href)\s*=\s*["\']?https?:', without_comments)
    assert "default-src 'none'" in page


def test_no_name_becomes_markup():
    page = report_page(content(title=EVIL, video=PageVideo(EVIL)))
    assert page.count("<script") == report_page(content()).count("<script")
    assert data_of(page)["video"]["src"] == EVIL
    assert "<" not in json_in_html({"name": EVIL})
    assert "<script" not in index_page([IndexRow(EVIL, error=EVIL), IndexRow(EVIL, page=EVIL)])


def test_an_embedded_video_is_in_the_page():
    page = report_page(content(video=PageVideo("", content=b"bytes of a film")))
    assert base64.b64encode(b"bytes of a film").decode() in page
    assert data_of(page)["video"]["embedded"] is True


def test_a_video_without_faces_has_a_page():
    data = data_of(report_page(content({"AU12_p": (None, None), "AU12_c": (None, None)})))
    assert data["faces"] == data["events"] == []


def test_the_index_lists_every_report():
    rows = [
        IndexRow("a.mp4", "a.html", 65.0, 2, 0.9, 0.8, 12, (("AU12", 0.25),)),
        IndexRow("b.mp4", error="b.mp4: there is no such file"),
        IndexRow("one_frame.mp4", seen=math.nan, usable=math.nan),
    ]
    page = index_page(rows)
    assert '<a href="a.html">a.mp4</a>' in page
    assert "AU12 25 %" in page
    assert "nan" not in page
    assert "there is no such file" in page
    assert "1:05" in page
