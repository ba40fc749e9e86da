"""Writes the report of one video as one HTML file: curves, events, pictures, summary, run record.

Takes what is shown, computes and opens nothing but the files of this package.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import importlib.resources
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rtau import __version__
from rtau import columns as names
from rtau.analysis.event_detection import Event, EventRule, Signal, signal_of
from rtau.analysis.face_series import FaceSeries, FileFrames, Floats, labels_of
from rtau.errors import UsageError
from rtau.facs import name_beside

# Okabe and Ito's colours that are dark enough for lines on white, and light enough on black.
COLOURS = ("#1679c4", "#c8641b", "#1b9a78", "#b8589a", "#8a7500", "#5b6bd6")
# Values are whole numbers of this part of full scale: four digits, and one for what is missing.
STEPS = 50_000
MISSING = 65_535
INTENSITY_SCALE = 5.0
# Boxes are whole pixels in 16 bits.
_BOX_LIMIT = 32_000


@dataclasses.dataclass(frozen=True, slots=True)
class PageVideo:
    """The video of a page."""

    src: str
    """Its address, relative to the page."""
    kind: str = "video/mp4"
    """Its media type."""
    content: bytes | None = None
    """Its bytes, where it is in the page itself."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PageContent:
    """Everything a page shows."""

    title: str
    """Name of the video."""
    frames: FileFrames
    """Its frames and faces."""
    numbers: Sequence[int]
    """Number of each frame in the video, from 1."""
    events: Sequence[Event]
    """Its events."""
    pictures: Mapping[tuple[str, str, float], bytes]
    """Face, label and apex of an event -> JPEG of the heatmap."""
    summaries: Mapping[str, Mapping[str, Any]]
    """Face -> its row of the summary."""
    rule: EventRule
    """What counts as an event."""
    thresholds: Mapping[str, float] | None
    """The model's, from the run record."""
    record: Mapping[str, Any] | None
    """The run record."""
    video: PageVideo | None
    """The video; None without."""
    no_video: str = ""
    """Why there is none."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the frames, px."""


def report_page(content: PageContent) -> str:
    """Returns the page."""
    video = content.video
    media = b"" if video is None or video.content is None else base64.b64encode(video.content)
    parts = {
        "VERSION": __version__,
        "TITLE": html.escape(content.title),
        "UPLOT_CSS": asset("vendor/uPlot.min.css"),
        "CSS": asset("report/page.css"),
        "UPLOT": asset("vendor/uPlot.iife.min.js"),
        "SCRIPT": asset("report/page.js"),
        "DATA": json_in_html(_data(content)),
        "MEDIA": media.decode("ascii"),
    }
    page = asset("report/page.html")
    # One pass over the template: what is put in is not searched again.
    pieces = page.split("@")
    return "".join(parts.get(piece, piece) for piece in pieces)


def asset(name: str) -> str:
    """Returns a file of `rtau.web`."""
    return importlib.resources.files("rtau.web").joinpath(name).read_text(encoding="utf-8")


def json_in_html(value: Any) -> str:
    """Returns JSON that may stand in a script element, whatever texts are in it."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def _data(content: PageContent) -> dict[str, Any]:
    frames, width = content.frames, content.size[0]
    kind = shown_kind(content)
    return {
        "title": content.title,
        "facts": _facts(content),
        "times": _packed(frames.times_s, np.float64),
        "ends": _packed(frames.times_s + frames.durations_s, np.float64),
        "numbers": _packed(np.asarray(content.numbers), np.int32),
        "unit": INTENSITY_SCALE if kind == "r" else 1,
        "width": width or 1,
        "faces": [
            _face(content, series, kind=kind, colour=COLOURS[k % len(COLOURS)])
            for k, series in enumerate(frames.faces)
        ],
        "events": [_event(content, event) for event in content.events],
        "video": None
        if content.video is None
        else {
            "src": content.video.src,
            "type": content.video.kind,
            "embedded": content.video.content is not None,
        },
        "no_video": content.no_video,
        "made": _made(content),
        "record": content.record,
    }


def shown_kind(content: PageContent) -> str:
    """Returns which columns the curves show: `p`, `n`, `r`, or `c` where there is nothing else."""
    if not content.frames.faces:
        return "p"
    table = content.frames.faces[0].table
    first = next(iter(labels_of(table)), "")
    kinds = "prc" if content.rule.values == "auto" else content.rule.values
    return next((kind for kind in kinds if f"{first}_{kind}" in table.columns), "p")


def _face(content: PageContent, series: FaceSeries, *, kind: str, colour: str) -> dict[str, Any]:
    seen = series.seen.astype(np.uint8) + (series.seen & ~series.usable)
    table = series.table
    boxes = np.zeros((len(series.rows), 4))
    if all(name in table.columns for name in names.BOX):
        boxes = np.nan_to_num(np.stack([series.values(name) for name in names.BOX], axis=1))
    row = content.summaries.get(series.face, {})
    return {
        "name": series.face,
        "colour": colour,
        "share": _finite(row.get("seen")),
        "seen": _packed(seen, np.uint8),
        "boxes": _packed(boxes.clip(-_BOX_LIMIT, _BOX_LIMIT).round(), np.int16),
        "summary": {name: _finite(value) for name, value in row.items()},
        "labels": [
            _label(content, series, label, kind=kind, share=row.get(f"active_{label}"))
            for label in labels_of(table)
            if f"{label}_{kind}" in table.columns
        ],
    }


def _label(
    content: PageContent, series: FaceSeries, label: str, *, kind: str, share: Any
) -> dict[str, Any]:
    scale = INTENSITY_SCALE if kind == "r" else 1.0
    values = series.values(f"{label}_{kind}") / scale
    return {
        "au": label,
        "words": name_beside(label),
        "values": _packed(_steps(values), np.uint16),
        "threshold": _threshold(content, series, label, scale=scale),
        "share": _finite(share),
        "spans": [
            [round(one.onset_s, 6), round(one.offset_s, 6)]
            for one in content.events
            if one.au == label and one.face == series.face
        ],
    }


def _threshold(
    content: PageContent, series: FaceSeries, label: str, *, scale: float
) -> float | None:
    """Returns where the line of the threshold is; None where decisions alone are known."""
    try:
        signal: Signal = signal_of(series, label, content.rule, thresholds=content.thresholds)
    except UsageError:
        return None
    is_of_decisions = content.rule.threshold is None and not content.thresholds and scale == 1
    return None if is_of_decisions else signal.on / scale


def _event(content: PageContent, event: Event) -> dict[str, Any]:
    picture = content.pictures.get((event.face, event.au, event.apex_s))
    jpeg = None if picture is None else base64.b64encode(picture).decode("ascii")
    return {
        "au": event.au,
        "words": name_beside(event.au),
        "face": event.face,
        "onset_s": round(event.onset_s, 6),
        "apex_s": round(event.apex_s, 6),
        "offset_s": round(event.offset_s, 6),
        "duration_s": round(event.duration_s, 6),
        "peak_p": _finite(event.peak_p),
        "peak_r": _finite(event.peak_r),
        "censored": event.censored,
        "picture": None if jpeg is None else f"data:image/jpeg;base64,{jpeg}",
    }


def _facts(content: PageContent) -> str:
    frames = content.frames
    count, faces = len(frames.times_s), len(frames.faces)
    seconds = float(frames.durations_s.sum())
    words = [
        f"{seconds:.1f} s",
        f"{count} frames",
        f"{faces} face{'s' if faces != 1 else ''}",
        f"{len(content.events)} event{'s' if len(content.events) != 1 else ''}",
    ]
    return ", ".join(words)


def _made(content: PageContent) -> list[tuple[str, str]]:
    rule, record = content.rule, content.record
    rows = [
        (
            "Events",
            f"threshold {'of the model' if rule.threshold is None else f'{rule.threshold:g}'}, "
            f"hysteresis {rule.hysteresis:g} of it, at least {rule.min_duration_s:g} s, "
            f"gaps up to {rule.max_gap_s:g} s closed"
            + (f", smoothed over {rule.smooth_s:g} s" if rule.smooth_s else ""),
        ),
        (
            "Values",
            {
                "p": "raw probability",
                "n": "probability calibrated to the person's neutral",
                "r": "intensity, 0 to 5",
                "c": "decisions",
            }[shown_kind(content)],
        ),
        ("Report", f"rtau {__version__}"),
    ]
    if record is None:
        return [*rows, ("Run record", "none beside the table: model and settings are not known")]
    model, source = record.get("model") or {}, record.get("source") or {}
    return [
        ("Video", f"{source.get('name')}, {source.get('width')} x {source.get('height')} px"),
        ("Model", f"{model.get('name')} ({model.get('precision')}), SHA-256 {model.get('sha256')}"),
        (
            "Run",
            f"rtau {record.get('rtau_version')}, {record.get('started_utc')}, on "
            f"{record.get('device')}, {record.get('end_reason')}",
        ),
        ("Command", " ".join(record.get("command") or [])),
        *rows,
    ]


def _packed(values: Any, kind: Any) -> str:
    """Returns an array as little-endian bytes in base64."""
    plain = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<"))
    return base64.b64encode(plain.tobytes()).decode("ascii")


def _steps(values: Floats) -> np.ndarray:
    known = np.nan_to_num(values.clip(0, 1)) * STEPS
    return np.where(np.isnan(values), MISSING, known.round()).astype(np.uint16)


def _finite(value: Any) -> Any:
    """Returns a plain value of JSON: None for what is not a number."""
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return float(value) if math.isfinite(value) else None
    return value
