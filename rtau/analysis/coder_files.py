"""Codes of people from their files: ELAN, lists of spans (BIDS, BORIS, rtau's events), and tables.

Takes text, opens no file.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence

import numpy as np

from rtau.analysis.codes import (
    LETTERS,
    UNDECIDED,
    CodedSpan,
    Codes,
    coded_spans,
    codes_of_columns,
    codes_of_spans,
    labels_in,
)
from rtau.analysis.elan_files import elan_spans
from rtau.analysis.face_series import Floats, frame_durations
from rtau.errors import UsageError
from rtau.table import LARGEST

# What a column is called by those who write such lists, in small letters.
_ONSETS = ("onset_s", "onset", "start_s", "start (s)", "start", "begin", "begin time")
_OFFSETS = ("offset_s", "offset", "end_s", "stop (s)", "stop", "end", "end time")
_DURATIONS = ("duration_s", "duration", "duration (s)")
_LABELS = ("au", "trial_type", "behavior", "label", "code", "tier")
_INTENSITIES = ("intensity",)
# Beside a column of labels; of `rtau-train suggest`.
_CODES = ("code",)
_FACES = ("face", "subject")
_SUBJECTS = ("subject",)
_FILES = ("file",)
_TIMES = ("time_s", "timestamp", "time", "onset_s")
EXPECTED = (
    "expected an ELAN file (.eaf), a list with onset, offset and au, or a table with time_s and a "
    "column per AU"
)


def listed_spans(text: str) -> list[CodedSpan] | None:
    """Returns the spans of a list with onsets, separated by commas, tabs or semicolons.

    None if it is no such list.

    Raises:
        UsageError: a cell is no number.
    """
    header, rows = _cells(text)
    onset, offset = _place(header, _ONSETS), _place(header, _OFFSETS)
    duration, label = _place(header, _DURATIONS), _place(header, _LABELS)
    if onset is None or label is None or (offset is None and duration is None):
        return None
    spans: list[CodedSpan] = []
    for number, row in enumerate(rows, start=2):
        first = _number(row[onset], f"line {number}, {header[onset]}")
        if offset is not None:
            last = _number(row[offset], f"line {number}, {header[offset]}")
        else:
            assert duration is not None
            last = first + _number(row[duration], f"line {number}, {header[duration]}")
        found = _listed(header, row, label=label, place=(first, last))
        if not found:
            raise UsageError(f"line {number}: {row[label]!r} names no Action Unit, such as AU12")
        spans += found
    return spans


def coded_columns(text: str, *, face: str | None = None) -> Codes | None:
    """Returns the codes of a table with a time and a column per AU; None if it is no such table.

    Args:
        text: the table.
        face: which one, for a table with a column `face`; None for the first.

    Raises:
        UsageError: a cell is no number, there is no such face, or no row at all.
    """
    header, rows = _cells(text)
    time = _place(header, _TIMES)
    labels = {k: found[0][0] for k, name in enumerate(header) if (found := labels_in(name))}
    if time is None or not labels:
        return None
    if not rows:
        raise UsageError("the table has no rows below its header")
    which = _place(header, _FACES)
    if which is not None:
        faces = list(dict.fromkeys(row[which] for row in rows))
        wanted = faces[0] if face is None and faces else face
        if wanted not in faces:
            raise UsageError(f"there is no face {wanted}; there are {', '.join(faces)}")
        rows = [row for row in rows if row[which] == wanted]
    times = _numbers(rows, time, header)
    return codes_of_columns(
        times,
        frame_durations(times),
        {label: _numbers(rows, k, header) for k, label in labels.items()},
    )


def coder_codes(text: str, *, suffix: str, face: str | None = None) -> Codes:
    """Returns the codes of a person's file.

    Args:
        text: its contents.
        suffix: of its name; `.eaf` for ELAN.
        face: whom, where the file has several.

    Raises:
        UsageError: it is none of the kinds that are known, or holds the codes of several videos.
    """
    if suffix.lower() == ".eaf":
        spans, labels = elan_spans(text)
        return codes_of_spans(_of_face(spans, face), labels=labels)
    listed = listed_spans(text)
    if listed is not None:
        videos = list(dict.fromkeys(span.file for span in listed if span.file))
        if len(videos) > 1:
            raise UsageError(
                f"the codes of {len(videos)} videos, {videos[0]} first; give a folder with a file "
                "for each, named like its video"
            )
        return codes_of_spans(_of_face(listed, face))
    columns = coded_columns(text, face=face)
    if columns is None:
        raise UsageError(f"no codes of Action Units; {EXPECTED}")
    return columns


def _of_face(spans: Sequence[CodedSpan], face: str | None) -> list[CodedSpan]:
    """Returns the spans of one face: that one, or the first that is named."""
    named = list(dict.fromkeys(span.face for span in spans if span.face))
    if not named:
        return list(spans)
    wanted = named[0] if face is None else face
    if wanted not in named:
        raise UsageError(f"there is no face {wanted}; there are {', '.join(named)}")
    return [span for span in spans if span.face in ("", wanted)]


def _listed(
    header: Sequence[str], row: Sequence[str], *, label: int, place: tuple[float, float]
) -> list[CodedSpan]:
    """Returns the spans of one row; a column `code` beside that of labels says what is coded."""

    def cell(known: Sequence[str]) -> str:
        column = _place(header, known)
        return "" if column is None or column == label else row[column].strip()

    if _place(header, _CODES) not in (None, label):
        of_row = [found for found, _ in labels_in(row[label])]
        spans = coded_spans(of_row, cell(_CODES) or UNDECIDED, place)
    else:
        strength = cell(_INTENSITIES)
        spans = [_with_intensity(span, strength) for span in coded_spans([], row[label], place)]
    face, subject, file = cell(_FACES), cell(_SUBJECTS), cell(_FILES)
    return [dataclasses.replace(one, face=face, subject=subject, file=file) for one in spans]


def _with_intensity(span: CodedSpan, text: str) -> CodedSpan:
    if not text:
        return span
    strength = LETTERS.get(text.upper())
    if strength is None:
        strength = _number(text, "an intensity")
    return dataclasses.replace(span, intensity=strength)


def _cells(text: str) -> tuple[list[str], list[list[str]]]:
    first = text.partition("\n")[0]
    delimiter = max("\t;,", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise UsageError(f"not a table ({error})") from None
    if not rows:
        raise UsageError(f"the file is empty; {EXPECTED}")
    header = [name.strip() for name in rows[0]]
    return header, [row + [""] * (len(header) - len(row)) for row in rows[1:]]


def _place(header: Sequence[str], known: Sequence[str]) -> int | None:
    """Returns the column that is called by one of these names."""
    lower = [name.lower() for name in header]
    return next((lower.index(name) for name in known if name in lower), None)


def _numbers(rows: Sequence[Sequence[str]], column: int, header: Sequence[str]) -> Floats:
    return np.array(
        [
            _number(row[column], f"line {k}, {header[column]}") if row[column].strip() else np.nan
            for k, row in enumerate(rows, start=2)
        ]
    )


def _number(text: str, where: str) -> float:
    try:
        # Excel in many languages writes a comma; a thousands separator never stands in such files.
        number = float(text.strip().replace(",", "."))
    except ValueError:
        raise UsageError(f"{where}: must be a number, got {text!r}") from None
    if abs(number) > LARGEST:
        raise UsageError(f"{where}: must be a number up to {LARGEST:g}, got {number:g}")
    return number
