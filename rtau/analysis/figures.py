"""Figures for papers: agreement per label, and the time lines of a face. Needs matplotlib.

`save_figure` writes the kind of its suffix: PNG, PDF or SVG.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rtau.analysis.comparison import LabelAgreement
from rtau.analysis.event_detection import Event, EventRule
from rtau.analysis.face_series import FileFrames, labels_of
from rtau.errors import UsageError
from rtau.replacing import replacing
from rtau.table import library

SUFFIXES = (".png", ".pdf", ".svg")
# A column of a journal is 3.4 inches wide, a page 7.
WIDTH_IN = 7.0
DPI = 200
INK, MUTED, GRID = "#1b1f24", "#6b7280", "#e5e7eb"
# Okabe and Ito's, for any number of faces.
FACE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
COLOURS = {"r": "#2563eb", "kappa": "#d97706"}
_WORDS = {"r": "Pearson's r", "kappa": "Cohen's kappa"}


def agreement_figure(pairs: Mapping[str, Sequence[LabelAgreement]]) -> Any:
    """Returns a matplotlib figure: r and kappa of every label with their intervals.

    Args:
        pairs: title of two raters -> their agreement.

    Raises:
        BackendUnavailable: matplotlib is not installed.
    """
    rows = max(len(labels) for labels in pairs.values())
    figure = _figure(WIDTH_IN, 0.9 + 0.28 * rows)
    axes = figure.subplots(1, len(pairs), squeeze=False)[0]
    for axis, (title, labels) in zip(axes, pairs.items(), strict=True):
        for measure, offset in (("r", -0.14), ("kappa", 0.14)):
            for row, one in enumerate(labels):
                estimate = one.measures[measure]
                if math.isnan(estimate.value):
                    continue
                colour, place = COLOURS[measure], row + offset
                if not math.isnan(estimate.low):
                    axis.plot([estimate.low, estimate.high], [place] * 2, color=colour, lw=1.2)
                axis.plot(estimate.value, place, "o", color=colour, ms=4)
            axis.plot([], [], "o", color=COLOURS[measure], ms=4, label=_WORDS[measure])
        axis.set_yticks(range(len(labels)), [one.label for one in labels])
        axis.set_ylim(len(labels) - 0.5, -0.5)
        axis.set_xlim(min(-0.05, *_lows(labels)), 1.02)
        axis.set_title(title, fontsize=8, color=INK, loc="left")
        axis.axvline(0, color=MUTED, lw=0.6)
        _plain_axis(axis)
    axes[0].legend(loc="lower left", fontsize=7, frameon=False)
    return figure


def timeline_figure(frames: FileFrames, events: Sequence[Event], *, rule: EventRule) -> Any:
    """Returns a matplotlib figure: a line per label and face over time, with the events shaded.

    Args:
        frames: of one video, with its faces.
        events: of these faces.
        rule: whose values are drawn.

    Raises:
        UsageError: there is no face, or no such column.
        BackendUnavailable: matplotlib is not installed.
    """
    if not frames.faces:
        raise UsageError("there is no face to draw")
    table = frames.faces[0].table
    kinds = "prc" if rule.values == "auto" else rule.values
    labels = [(one, k) for one in labels_of(table) for k in kinds if f"{one}_{k}" in table.columns]
    kind = labels[0][1] if labels else kinds[0]
    shown = [label for label, k in labels if k == kind]
    if not shown:
        raise UsageError(f"the table has no columns of the values {kinds[0]} to draw")
    top = 5.0 if kind == "r" else 1.0
    figure = _figure(WIDTH_IN, 0.6 + 0.42 * len(shown))
    axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for axis, label in zip(axes, shown, strict=True):
        for number, series in enumerate(frames.faces):
            colour = FACE_COLOURS[number % len(FACE_COLOURS)]
            values = series.values(f"{label}_{kind}")
            axis.plot(series.times_s, values, color=colour, lw=0.9, label=f"face {series.face}")
            for one in events:
                if (one.au, one.face) == (label, series.face):
                    axis.axvspan(one.onset_s, one.offset_s, color=colour, alpha=0.15, lw=0)
        axis.set_ylim(0, top)
        axis.set_yticks([0, top])
        axis.set_ylabel(label, fontsize=8, rotation=0, ha="right", va="center", color=INK)
        _plain_axis(axis)
    axes[-1].set_xlabel("time, s", fontsize=8, color=INK)
    axes[-1].set_xlim(float(frames.times_s[0]), float(frames.times_s[-1] + frames.durations_s[-1]))
    if len(frames.faces) > 1:
        lines, words = axes[0].get_legend_handles_labels()
        figure.legend(
            lines, words, loc="outside upper right", fontsize=7, frameon=False, ncols=len(words)
        )
    return figure


def save_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Writes a figure as PNG, PDF or SVG: all of it or nothing.

    Raises:
        UsageError: the suffix is another.
        SinkError: it cannot be written.
    """
    suffix = check_suffix(path)
    with replacing(path) as part:
        figure.savefig(part, format=suffix[1:], dpi=DPI)


def check_suffix(path: str | os.PathLike[str]) -> str:
    """Returns the suffix of a figure's file.

    Raises:
        UsageError: it is of no kind that can be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"a figure ends in {', '.join(SUFFIXES)}, got {os.fspath(path)!r}")
    return suffix


def _lows(labels: Sequence[LabelAgreement]) -> list[float]:
    values = [
        value
        for one in labels
        for name in COLOURS
        for value in (one.measures[name].low, one.measures[name].value)
        if not math.isnan(value)
    ]
    return [*values, 0.0]


def _figure(width_in: float, height_in: float) -> Any:
    """Returns an empty figure that no display and no global state knows of."""
    figures = library("matplotlib.figure", extra="plot")
    return figures.Figure(figsize=(width_in, height_in), layout="constrained")


def _plain_axis(axis: Any) -> None:
    axis.grid(axis="x", color=GRID, lw=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=7, colors=INK, length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.spines["bottom"].set_color(MUTED)
