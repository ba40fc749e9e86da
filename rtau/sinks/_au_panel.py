"""Readings of faces as lines of styled text for a terminal of any width.

Text and style names only: no library, no colour codes, no clock, so every line can be tested as
plain text. The terminal view and the progress line print what comes out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from rtau.data import FrameResult
from rtau.facs import words_for_label
from rtau.status import ViewStatus, clock, progress_parts, speed_parts

Span = tuple[str, str]
Line = tuple[Span, ...]

# Style names; the terminal view knows their colours.
PLAIN, DIM, STRONG, ACTIVE, TICK, TITLE = "plain", "dim", "strong", "active", "tick", "title"

_GAP = 2
# Cells of a bar: at least, with FACS names and without, and at most where there is room.
_BAR, _BAR_SHORT, _BAR_LONGEST = 12, 8, 32


@dataclasses.dataclass(frozen=True, slots=True)
class Signs:
    """The characters bars are built of."""

    mark: str
    full: str
    thin: str
    bed: str
    tick: str
    between: str


UNICODE = Signs(mark="●", full="█", thin="━", bed="─", tick="┃", between=" · ")
ASCII = Signs(mark="*", full="#", thin="=", bed="-", tick="|", between=" | ")


@dataclasses.dataclass(frozen=True, slots=True)
class Face:
    """The readings of one face."""

    track_id: int
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    active: tuple[bool, ...]


def faces_of(result: FrameResult) -> list[Face]:
    """Returns the readings of each face of a result, in order of its track id."""
    assert result.faces.track_ids is not None
    rows = sorted(range(len(result.faces)), key=result.faces.track_ids.__getitem__)
    probabilities = result.scores.probabilities
    return [
        Face(
            track_id=int(result.faces.track_ids[row]),
            labels=result.scores.labels,
            probabilities=tuple(probabilities[row].tolist()),
            active=tuple(result.active[row].tolist()),
        )
        for row in rows
    ]


def bar(probability: float, *, width: int, threshold: float, is_active: bool, signs: Signs) -> Line:
    """Returns a bar of `width` cells: heavy when active, a thin line when not, with a tick.

    The tick stands where the threshold is; a threshold of 0 has none.
    """
    filled = round(min(max(probability, 0.0), 1.0) * width)
    cells = [
        (signs.full if is_active else signs.thin, ACTIVE if is_active else PLAIN)
        if at < filled
        else (signs.bed, DIM)
        for at in range(width)
    ]
    if threshold > 0:
        cells[min(int(threshold * width), width - 1)] = (signs.tick, TICK)
    return _joined(cells)


def card(
    face: Face, *, thresholds: Sequence[float], with_words: bool, bar_cells: int, signs: Signs
) -> list[Line]:
    """Returns a face's readings, a line per label under a title, all of one width."""
    codes = max(len(label) for label in face.labels)
    names = [_name(label) if with_words else "" for label in face.labels]
    words = max(len(name) for name in names)
    lines: list[Line] = []
    for label, name, probability, is_active, threshold in zip(
        face.labels, names, face.probabilities, face.active, thresholds, strict=True
    ):
        style = STRONG if is_active else DIM
        named = f"{label:<{codes}} {name:<{words}} " if words else f"{label:<{codes}} "
        lines.append(
            (
                (f"{signs.mark if is_active else ' '} ", ACTIVE),
                (named, style),
                *bar(
                    probability,
                    width=bar_cells,
                    threshold=threshold,
                    is_active=is_active,
                    signs=signs,
                ),
                (f" {percent(probability):>4}", style),
            )
        )
    title = f"face {face.track_id}"
    return [((f"{title:<{line_width(lines[0])}}", TITLE),), *lines]


def brief(face: Face, *, width: int, signs: Signs) -> Line:
    """Returns a face's active labels in one line; those that do not fit are counted."""
    active = [
        f"  {signs.mark} {label} {percent(probability)}"
        for label, probability, is_active in zip(
            face.labels, face.probabilities, face.active, strict=True
        )
        if is_active
    ]
    title = f"face {face.track_id:<3}"
    room = width - len(title) - len("  +99")
    shown: list[str] = []
    while len(shown) < len(active) and len("".join(shown)) + len(active[len(shown)]) <= room:
        shown.append(active[len(shown)])
    spans = [(title, TITLE), *((text, STRONG) for text in shown)]
    if len(shown) < len(active):
        spans.append((f"  +{len(active) - len(shown)}", DIM))
    elif not active:
        spans.append(("  -", DIM))
    return cut(tuple(spans), width)


def sentence(face: Face) -> str:
    """Returns a face's active labels as plain text: `face 1: AU06 61%, AU12 87%`."""
    active = [
        f"{label} {percent(probability)}"
        for label, probability, is_active in zip(
            face.labels, face.probabilities, face.active, strict=True
        )
        if is_active
    ]
    return f"face {face.track_id}: {', '.join(active) or 'none active'}"


def board(
    faces: Sequence[Face],
    *,
    thresholds: Sequence[float],
    width: int,
    height: int,
    signs: Signs = UNICODE,
) -> list[Line]:
    """Returns the readings of all faces in at most `height` lines of at most `width` cells.

    Cards with FACS names stand side by side; where they do not fit, cards without names, then one
    line per face, then as many of those as there is room for and a count of the rest.
    """
    if not faces:
        return [(("no face", DIM),)]
    for with_words in (True, False):
        lines = _cards(
            faces, thresholds=thresholds, with_words=with_words, width=width, signs=signs
        )
        if lines is not None and len(lines) <= height:
            return lines
    lines = [brief(face, width=width, signs=signs) for face in faces]
    if len(lines) <= height:
        return lines
    shown = max(0, height - 1)
    return [*lines[:shown], ((f"and {len(lines) - shown} more faces"[:width], DIM),)]


def header(status: ViewStatus, *, width: int, signs: Signs = UNICODE) -> list[Line]:
    """Returns the lines above the readings: what runs, how fast, and how far it is."""
    names = signs.between.join([status.model, status.device])
    speed = speed_parts(status)
    lines: list[Line] = [
        cut(((status.source, TITLE), (signs.between + names, DIM)), width),
    ]
    if status.fraction_done is None:
        speed.append(clock(status.elapsed_s))
        return [*lines, cut(((signs.between.join(speed), PLAIN),), width)]
    lines.append(cut(((signs.between.join(speed), PLAIN),), width))
    return [*lines, progress(status, width=width, signs=signs)]


def progress(status: ViewStatus, *, width: int, signs: Signs = UNICODE) -> Line:
    """Returns one line that says how far the run is, with a bar where the end is known."""
    said = signs.between.join(progress_parts(status))
    room = min(40, width - len(said) - _GAP)
    if status.fraction_done is None or room < _BAR_SHORT:
        return cut(((said, PLAIN),), width)
    filled = round(status.fraction_done * room)
    return (
        (signs.thin * filled, ACTIVE),
        (signs.bed * (room - filled), DIM),
        (" " * _GAP + said, PLAIN),
    )


def percent(probability: float) -> str:
    """Returns a probability as people read it: `87%`."""
    return f"{round(100 * probability)}%"


def plain(line: Line) -> str:
    """Returns the text of a line without its styles."""
    return "".join(text for text, _ in line)


def line_width(line: Line) -> int:
    """Returns the width of a line, cells."""
    return sum(len(text) for text, _ in line)


def cut(line: Line, width: int) -> Line:
    """Returns the line without what lies beyond `width` cells."""
    spans: list[Span] = []
    for text, style in line:
        if width <= 0:
            break
        spans.append((text[:width], style))
        width -= len(text)
    return tuple(spans)


def _cards(
    faces: Sequence[Face],
    *,
    thresholds: Sequence[float],
    with_words: bool,
    width: int,
    signs: Signs,
) -> list[Line] | None:
    """Returns the cards side by side in rows, or None when not even one fits the width."""

    def cards(bar_cells: int) -> list[list[Line]]:
        return [
            card(
                face, thresholds=thresholds, with_words=with_words, bar_cells=bar_cells, signs=signs
            )
            for face in faces
        ]

    shortest = _BAR if with_words else _BAR_SHORT
    taken = line_width(cards(shortest)[0][0]) + _GAP
    columns = min(len(faces), (width + _GAP) // taken)
    if columns < 1:
        return None
    spare = (width + _GAP) // columns - taken
    drawn = cards(min(shortest + spare, _BAR_LONGEST))
    lines: list[Line] = []
    for start in range(0, len(drawn), columns):
        if start:
            lines.append((("", PLAIN),))
        lines.extend(_with_gaps(row) for row in zip(*drawn[start : start + columns], strict=True))
    return lines


def _with_gaps(parts: Iterable[Line]) -> Line:
    spans: list[Span] = []
    for part in parts:
        if spans:
            spans.append((" " * _GAP, PLAIN))
        spans.extend(part)
    return tuple(spans)


def _joined(cells: Sequence[Span]) -> Line:
    """Returns neighbouring cells of one style as one span."""
    spans: list[Span] = []
    for text, style in cells:
        if spans and spans[-1][1] == style:
            spans[-1] = (spans[-1][0] + text, style)
        else:
            spans.append((text, style))
    return tuple(spans)


def _name(label: str) -> str:
    """Returns the words beside a label; none where the label is a word already."""
    words = words_for_label(label)
    return "" if words == label else words
