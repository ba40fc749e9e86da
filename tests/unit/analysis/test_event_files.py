"""Files of events, read back by the libraries of the programs that they are for."""

import csv
import io
import json
import math

import pytest

from rtau.analysis.event_detection import Event
from rtau.analysis.event_files import bids_sidecar, bids_text, boris_text, elan_text, praat_text

NAN = math.nan
EVENTS = (
    Event("AU12", "clip", "1", 1.0, 1.24, 2.5, 0.97, NAN, "no"),
    Event("AU12", "clip", "1", 3.0004, 3.2, 3.6, 0.71, NAN, "no"),
    Event("AU04", "clip", "1", 0.0, 0.0, 0.4, NAN, NAN, "onset"),
    Event("AU06", "clip", 'left "A" & <b>', 1.0, 1.3, 2.25, 0.8, 3.25, "no"),
)
TIERS = {"AU12 face 1": [(1.0, 2.5, "p 0.970"), (3.0004, 3.6, "p 0.710")]}
TIERS["AU04 face 1"] = [(0.0, 0.4, "active")]
TIERS['AU06 face left "A" & <b>'] = [(1.0, 2.25, "r 3.25")]


@pytest.fixture
def in_folder(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("events", [EVENTS, ()], ids=["events", "nothing"])
def test_elan_reads_every_annotation(in_folder, events):
    elan = pytest.importorskip("pympi.Elan", reason="pympi-ling is not installed")
    document = elan.Eaf(str(in_folder("clip.eaf", elan_text(events, media="clip.mp4"))))
    found = {
        tier: document.get_annotation_data_for_tier(tier) for tier in document.get_tier_names()
    }
    expected = TIERS if events else {}
    assert found == {
        tier: [(round(a * 1000), round(b * 1000), text) for a, b, text in spans]
        for tier, spans in expected.items()
    }
    assert [one["RELATIVE_MEDIA_URL"] for one in document.media_descriptors] == ["./clip.mp4"]


def test_praat_reads_every_interval(in_folder):
    textgrid = pytest.importorskip("praatio.textgrid", reason="praatio is not installed")
    path = in_folder("clip.TextGrid", praat_text(EVENTS, end_s=5.0))
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 5)
    found = {
        tier.name: [(one.start, one.end, one.label) for one in tier.entries] for tier in grid.tiers
    }
    assert found == TIERS
    whole = textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
    for tier in whole.tiers:
        edges = [(one.start, one.end) for one in tier.entries]
        assert [b for _, b in edges[:-1]] == [a for a, _ in edges[1:]]
        assert (edges[0][0], edges[-1][1]) == (0, 5)


def test_bids_has_its_columns_in_seconds_by_onset():
    rows = list(csv.DictReader(io.StringIO(bids_text(EVENTS)), delimiter="\t"))
    assert list(rows[0])[:3] == ["onset", "duration", "trial_type"]
    assert [row["onset"] for row in rows] == ["0", "1", "1", "3.0004"]
    assert rows[0] == {
        **{"onset": "0", "duration": "0.4", "trial_type": "AU04", "face": "1", "apex": "0"},
        **{"peak_p": "n/a", "peak_r": "n/a", "censored": "onset"},
    }
    sidecar = bids_sidecar(["AU12"])
    assert set(sidecar) == set(rows[0])
    assert json.dumps(sidecar["trial_type"]["Levels"]) == '{"AU12": "AU12 lip corner puller"}'


def test_boris_gets_a_start_and_a_stop_for_each_event():
    rows = list(csv.DictReader(io.StringIO(boris_text(EVENTS))))
    assert len(rows) == 2 * len(EVENTS)
    assert [float(row["Time"]) for row in rows] == sorted(float(row["Time"]) for row in rows)
    smile = [row for row in rows if row["Behavior"] == "AU12"]
    assert [(row["Behavior type"], row["Time"]) for row in smile] == [
        *(("START", "1"), ("STOP", "2.5"), ("START", "3.0004"), ("STOP", "3.6")),
    ]
    assert {row["Subject"] for row in smile} == {"face 1"}
    assert {row["Observation id"] for row in rows} == {"clip"}
