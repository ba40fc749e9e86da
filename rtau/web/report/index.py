"""The index of a folder of reports, as one HTML file."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Sequence

from rtau import __version__
from rtau.web.report.page import asset

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rtau: {count} reports</title>
<style>{css}</style>
</head>
<body>
<header><h1>{count} reports</h1><p class="muted">{hours} of video, {events} events. Made by rtau \
{version}.</p></header>
<main><section class="card scroll"><table>
<thead><tr><th>Video</th><th>length</th><th>faces</th><th>seen</th><th>usable</th><th>events</th>\
<th>most active</th></tr></thead>
<tbody>
{rows}
</tbody></table></section></main>
<footer class="muted">Seen and usable: of the face that is seen longest, shares of the time. AUs \
describe visible muscle actions; they are not emotions.</footer>
</body>
</html>
"""


@dataclasses.dataclass(frozen=True, slots=True)
class IndexRow:
    """One report, or why there is none."""

    title: str
    """Name of the video."""
    page: str = ""
    """Address of the report, relative to the index."""
    seconds: float = 0.0
    """Length of the video, seconds."""
    faces: int = 0
    """Faces in it."""
    seen: float = 0.0
    """Share of the time in which the face that is seen longest is seen; NaN for a single frame."""
    usable: float = 0.0
    """The same without flagged frames."""
    events: int = 0
    """Events of all faces."""
    most: tuple[tuple[str, float], ...] = ()
    """The labels active longest, with their shares."""
    error: str = ""
    """Why there is no report."""


def index_page(rows: Sequence[IndexRow]) -> str:
    """Returns the index."""
    return _PAGE.format(
        count=len(rows),
        css=asset("report/page.css"),
        hours=_length(sum(row.seconds for row in rows)),
        events=sum(row.events for row in rows),
        version=__version__,
        rows="\n".join(_row(row) for row in rows),
    )


def _row(row: IndexRow) -> str:
    title = html.escape(row.title)
    if row.error:
        return (
            f'<tr><td>{title}</td><td class="words" colspan="6">{html.escape(row.error)}</td></tr>'
        )
    most = ", ".join(f"{html.escape(label)} {100 * share:.0f} %" for label, share in row.most)
    cells = [
        f'<a href="{html.escape(row.page, quote=True)}">{title}</a>',
        _length(row.seconds),
        str(row.faces),
        _share(row.seen),
        _share(row.usable),
        str(row.events),
        most,
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _share(share: float) -> str:
    """Returns a share in percent; nothing where there is no time to have a share of."""
    return "" if math.isnan(share) else f"{100 * share:.0f} %"


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
