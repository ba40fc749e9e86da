"""AU panels as lines of styled text for a terminal of any width.

Text and style names only, so that the lines can be tested as plain text; the terminal view and the
progress line print them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from rtau.data import FrameResult
from rtau.facs import name_beside
from rtau.status import ViewStatus, clock, progress_parts, speed_parts

Span = tuple[str, str]
Line = tuple[Span, ...]

# Seconds between updates on a terminal, where more would flicker and take time from the model, and
# between lines elsewhere.
REFRESH_S, LINE_EVERY_S = 0.1, 5.0

# Style names; the terminal view maps them to colours.
PLAIN, DIM, STRONG, ACTIVE, TICK, TITLE = "plain", "dim", "strong", "active", "tick", "title"

# Said of a face on which no label is active.
NOTHING = "no AU active"
_GAP = 2
# Cells of a bar: minimum with FACS names, minimum without, maximum.
_BAR, _BAR_SHORT, _BAR_LONGEST = 12, 8, 32


@dataclasses.dataclass(frozen=True, slots=True)
class Signs:
    """The characters of bars, marks and separators."""

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
    """Probabilities and decisions of one face."""

    track_id: int
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    active: tuple[bool, ...]
    quality_reason: tuple[str, ...] = ()
    """Why its scores may be unreliable."""

    def active_labels(self) -> list[str]:
        """Returns the active labels with their probabilities: `AU12 87%`."""
        rows = zip(self.labels, self.probabilities, self.active, strict=True)
        return [f"{label} {percent(probability)}" for label, probability, is_on in rows if is_on]


def faces_of(result: FrameResult) -> list[Face]:
    """Returns the faces of a result, in order of their track ids."""
    ids = result.track_ids
    rows = sorted(range(len(ids)), key=ids.__getitem__)
    probabilities = result.deciding
    return [
        Face(
            track_id=ids[row],
            labels=result.scores.labels,
            probabilities=tuple(probabilities[row].tolist()),
            active=tuple(result.active[row].tolist()),
            quality_reason=() if result.quality_reasons is None else result.quality_reasons[row],
        )
        for row in rows
    ]


def bar(probability: float, *, width: int, threshold: float, is_active: bool, signs: Signs) -> Line:
    """Returns a bar of `width` cells, thick when active, with a tick at the threshold unless 0."""
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
    """Returns the panel of a face: a title and a line per label, all of one width."""
    codes = max(len(label) for label in face.labels)
    names = [name_beside(label) if with_words else "" for label in face.labels]
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
    title = f"face {face.track_id}" + ("" if any(face.active) else f"  {NOTHING}")
    if face.quality_reason:
        title += f"  ({', '.join(face.quality_reason)})"
    width = line_width(lines[0])
    return [((f"{title:<{width}}"[:width], TITLE),), *lines]


def brief(face: Face, *, width: int, signs: Signs) -> Line:
    """Returns a face's active labels on one line; those that do not fit are counted."""
    active = [f"  {signs.mark} {text}" for text in face.active_labels()]
    title = f"face {face.track_id:<3}"
    room = width - len(title) - len("  +99")
    shown: list[str] = []
    while len(shown) < len(active) and len("".join(shown)) + len(active[len(shown)]) <= room:
        shown.append(active[len(shown)])
    spans = [(title, TITLE), *((text, STRONG) for text in shown)]
    if len(shown) < len(active):
        spans.append((f"  +{len(active) - len(shown)}", DIM))
    elif not active:
        spans.append((f"  {NOTHING}", DIM))
    return cut(tuple(spans), width)


def sentence(face: Face) -> str:
    """Returns a face's active labels as plain text: `face 1: AU06 61%, AU12 87%`."""
    return f"face {face.track_id}: {', '.join(face.active_labels()) or NOTHING}"


def board(
    faces: Sequence[Face],
    *,
    thresholds: Sequence[float],
    width: int,
    height: int,
    signs: Signs = UNICODE,
) -> list[Line]:
    """Returns the panels of all faces in at most `height` lines of at most `width` cells.

    The first form that fits: panels with FACS names side by side, panels without names, one line
    per face, as many such lines as fit and a count of the other faces.
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
    """Returns the lines above the panels: source, model and device, speed, progress."""
    is_endless = status.fraction_done is None
    speed = [*speed_parts(status), *([clock(status.elapsed_s)] if is_endless else [])]
    lines = [
        *_title(status, width=width, signs=signs),
        cut(((signs.between.join(speed), PLAIN),), width),
    ]
    lines += [cut(((notice, ACTIVE),), width) for notice in status.notices]
    return lines if is_endless else [*lines, progress(status, width=width, signs=signs)]


def _title(status: ViewStatus, *, width: int, signs: Signs) -> list[Line]:
    """Returns source, model and device: on one line if they fit, or on two.

    Why this device was chosen stands in brackets behind it, and is left out where it does not fit.
    """
    device = status.device.partition(" (")[0]
    for words in (status.device, device):
        names = signs.between.join(["", status.model, words])
        line: Line = ((status.source, TITLE), (names, DIM))
        if line_width(line) <= width:
            return [line]
    below = signs.between.join([status.model, device])
    return [cut(((status.source, TITLE),), width), cut(((below, DIM),), width)]


def keys(pairs: Sequence[tuple[str, str]], *, width: int) -> list[Line]:
    """Returns a line for each key and what it does."""
    longest = max(len(key) for key, _ in pairs)
    return [cut(((f"{key:<{longest}}  ", STRONG), (words, PLAIN)), width) for key, words in pairs]


def progress(status: ViewStatus, *, width: int, signs: Signs = UNICODE) -> Line:
    """Returns a line with the run's progress, and a bar if the number of frames is known."""
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
    """Returns the line, truncated to `width` cells."""
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
    """Returns the panels side by side in rows; None if not even one fits the width."""

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
    """Returns cells as spans, neighbours of one style merged."""
    spans: list[Span] = []
    for text, style in cells:
        if spans and spans[-1][1] == style:
            spans[-1] = (spans[-1][0] + text, style)
        else:
            spans.append((text, style))
    return tuple(spans)
