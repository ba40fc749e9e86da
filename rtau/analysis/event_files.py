"""Events as the files of other programs: ELAN, Praat, BIDS and BORIS.

Returns text, writes nothing.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rtau.analysis.elan_files import ElanTier, elan_document, tier_name
from rtau.analysis.event_detection import Event
from rtau.facs import words_for_label

BIDS_COLUMNS = (
    *("onset", "duration", "trial_type", "face", "apex", "peak_p", "peak_r", "censored"),
)
BORIS_COLUMNS = (
    *("Observation id", "Media file name", "Subject", "Behavior", "Behavioral category"),
    *("Modifiers", "Behavior type", "Time", "Comment"),
)


def peak_text(event: Event) -> str:
    """Returns what an annotation says: the highest intensity or probability."""
    if not math.isnan(event.peak_r):
        return f"r {event.peak_r:.2f}"
    return "active" if math.isnan(event.peak_p) else f"p {event.peak_p:.3f}"


def elan_text(events: Iterable[Event], *, media: str | None = None) -> str:
    """Returns an ELAN annotation document: a tier per label and face.

    Args:
        events: of one file.
        media: path of the video, relative to the document, or None.
    """
    tiers = [
        ElanTier(tier, tuple((one.onset_s, one.offset_s, peak_text(one)) for one in members))
        for tier, members in _by_tier(events).items()
    ]
    return elan_document(tiers, media=media)


def praat_text(events: Iterable[Event], *, end_s: float) -> str:
    """Returns a Praat TextGrid in its long form: an interval tier per label and face.

    Args:
        events: of one file.
        end_s: the end of the file, seconds.
    """
    tiers = _by_tier(events)
    end_s = max([end_s, *(event.offset_s for one in tiers.values() for event in one)])
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_number(end_s)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (tier, members) in enumerate(tiers.items(), start=1):
        intervals = _intervals(members, end_s)
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(tier)}",
            "        xmin = 0",
            f"        xmax = {_number(end_s)}",
            f"        intervals: size = {len(intervals)}",
        ]
        for place, (first, last, text) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{place}]:",
                f"            xmin = {_number(first)}",
                f"            xmax = {_number(last)}",
                f"            text = {_quoted(text)}",
            ]
    return "\n".join(lines) + "\n"


def bids_text(events: Iterable[Event]) -> str:
    """Returns a BIDS `_events.tsv`: sorted by onset, seconds, `n/a` for what is not known."""
    rows = [
        {
            "onset": _number(event.onset_s),
            "duration": _number(event.duration_s),
            "trial_type": event.au,
            "face": event.face,
            "apex": _number(event.apex_s),
            "peak_p": _number(event.peak_p),
            "peak_r": _number(event.peak_r),
            "censored": event.censored,
        }
        for event in sorted(events, key=lambda event: (event.onset_s, event.au, event.face))
    ]
    return _separated(BIDS_COLUMNS, rows, delimiter="\t")


def bids_sidecar(labels: Iterable[str]) -> dict[str, Any]:
    """Returns the contents of the JSON beside a BIDS `_events.tsv`, which describes its columns."""
    levels = {label: f"{label} {words_for_label(label)}".strip() for label in labels}
    return {
        "onset": {"Description": "First frame of the event", "Units": "s"},
        "duration": {"Description": "From the first frame to the end of the last", "Units": "s"},
        "trial_type": {"Description": "FACS Action Unit detected by rtau", "Levels": levels},
        "face": {"Description": "Track number or seat of the face"},
        "apex": {"Description": "Time of the highest value", "Units": "s"},
        "peak_p": {"Description": "Highest probability of the AU"},
        "peak_r": {"Description": "Highest intensity of the AU, 0 to 5"},
        "censored": {"Description": "Which end was not observed: no, onset, offset or both"},
    }


def boris_text(events: Iterable[Event]) -> str:
    """Returns a table of START and STOP rows with the names of BORIS's tabular events."""
    rows = []
    for event in events:
        file = event.file or ""
        row = {
            "Observation id": file,
            "Media file name": file,
            "Subject": f"face {event.face}" if event.face.isdigit() else event.face,
            "Behavior": event.au,
            "Behavioral category": "Action Unit",
            "Comment": peak_text(event),
        }
        rows.append({**row, "Behavior type": "START", "Time": _number(event.onset_s)})
        rows.append({**row, "Behavior type": "STOP", "Time": _number(event.offset_s)})
    rows.sort(key=lambda row: (row["Observation id"], float(row["Time"])))
    return _separated(BORIS_COLUMNS, rows, delimiter=",")


def _by_tier(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Returns the events of each tier in time, tiers by face and label."""
    found: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda one: (_face_order(one.face), one.au, one.onset_s)):
        found.setdefault(tier_name(event.au, event.face), []).append(event)
    return found


def _face_order(face: str) -> tuple[int, str]:
    return (int(face), "") if face.isdigit() else (0, face)


def _intervals(events: Sequence[Event], end_s: float) -> list[tuple[float, float, str]]:
    """Returns intervals that fill the whole tier, empty ones between events."""
    found, reached = [], 0.0
    for event in events:
        onset = max(event.onset_s, reached)
        if onset > reached:
            found.append((reached, onset, ""))
        found.append((onset, event.offset_s, peak_text(event)))
        reached = event.offset_s
    if reached < end_s:
        found.append((reached, end_s, ""))
    return found


def _separated(columns: Sequence[str], rows: Iterable[Mapping[str, str]], *, delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(
        text,
        columns,
        delimiter=delimiter,
        lineterminator="\n",
        restval="",
        quoting=csv.QUOTE_MINIMAL,
    )
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _number(value: float) -> str:
    """Returns a number with a decimal point, microseconds at best; `n/a` if it is not known."""
    if math.isnan(value):
        return "n/a"
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text or "0"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
