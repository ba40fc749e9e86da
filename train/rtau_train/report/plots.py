"""Draws the report's figures with matplotlib: matrices per AU, training curves, reliability.

Takes numbers, returns SVG bytes; knows of no page. No display and no state of matplotlib is
touched. Called by the sections of the report.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rtau_train.evaluation.reliability import BINS, ReliabilityBin
from rtau_train.evaluation.run_metrics import LabelMetrics
from rtau_train.report.names import paper_label
from rtau_train.report.results import Epoch

# Okabe & Ito's colours, told apart by people with any colour vision; black is left for the axes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, FAINT = "#1f2430", "#9aa1ad"
_STYLE: Any = {  # matplotlib types its keys one by one
    "font.family": "DejaVu Sans",  # matplotlib brings it along
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "rtau",  # the same numbers give the same bytes
}
_MATRIX_COLUMNS = 6
# From one matrix to the next, in sides of a cell, across and down.
_PITCH = (2.14, 2.6)
_BLUES = mpl.colormaps["Blues"]

Bins = Sequence[ReliabilityBin]
Curves = Sequence[tuple[str, Sequence[Epoch]]]


def matrices(labels: Sequence[LabelMetrics], /) -> bytes:
    """Returns an SVG with the confusion matrix of each label, as the papers' Figures 5 and 6."""
    with mpl.rc_context(_STYLE):
        rows = -(-len(labels) // _MATRIX_COLUMNS)
        width, height = _MATRIX_COLUMNS * _PITCH[0], rows * _PITCH[1]
        figure = Figure(figsize=(10, 10 * height / width))
        axes = figure.add_axes((0, 0, 1, 1))  # one for all: an axes per label is slow
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
        axes.axis("off")
        for k, label in enumerate(labels):
            row, column = divmod(k, _MATRIX_COLUMNS)
            _matrix(axes, label, corner=(column * _PITCH[0] + 0.07, row * _PITCH[1] + 0.4))
        return _svg(figure)


def training_curves(curves: Curves, /, *, score: str) -> bytes:
    """Returns an SVG with the loss and the validation score of every named run by epoch.

    A run without epochs is left out and keeps its colour, the same in every figure.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 3.2))
        left, right = _axes(figure, 1, 2)
        figure.subplots_adjust(0.05, 0.26, 0.99, 0.92, wspace=0.12)
        for k, (name, epochs) in enumerate(curves):
            if not epochs:
                continue
            style = _line_style(k, len(epochs))
            places = [one.epoch for one in epochs]
            left.plot(places, [one.loss for one in epochs], label=name, **style)
            right.plot(places, [one.score for one in epochs], **style)
        for axes, title in ((left, "training loss"), (right, score)):
            axes.set_title(title, loc="left")
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(color=FAINT, alpha=0.25, linewidth=0.6)
        figure.legend(loc="lower center", ncols=6, frameon=False)
        return _svg(figure)


def reliabilities(runs: Sequence[tuple[str, Sequence[Bins]]], /, *, columns: int = 6) -> bytes:
    """Returns an SVG with a reliability diagram per named run: faint per label, bold pooled."""
    with mpl.rc_context(_STYLE):
        rows = -(-len(runs) // columns)
        figure = Figure(figsize=(10, 2.3 * rows))
        places = _axes(figure, rows, columns)
        figure.subplots_adjust(0.05, 0.2 / rows, 0.99, 1 - 0.14 / rows, wspace=0.3, hspace=0.6)
        for axes, (name, labels) in zip(places, runs, strict=False):
            _reliability(axes, labels)
            axes.set_title(name, loc="left")
        for axes in places[len(runs) :]:
            axes.axis("off")
        for axes in places[::columns]:
            axes.set_ylabel("share present")
        for axes in places[: len(runs)]:
            axes.set_xlabel("probability")
        return _svg(figure)


def _axes(figure: Figure, rows: int, columns: int) -> list[Axes]:
    return list(np.ravel(figure.subplots(rows, columns, squeeze=False)))


def _matrix(axes: Axes, label: LabelMetrics, /, *, corner: tuple[float, float]) -> None:
    """Draws four squares of side 1 with their counts, and the label above them."""
    counts = label.confusion
    cells = np.array([[counts.tn, counts.fp], [counts.fn, counts.tp]], float)
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    for (row, column), share in np.ndenumerate(shares):
        x, y = corner[0] + column, corner[1] + row
        axes.add_patch(Rectangle((x, y), 1, 1, color=_BLUES(share / 1.15), linewidth=0))
        ink = "white" if share > 0.6 else INK
        words = f"{int(cells[row, column])}\n{share:.0%}"
        axes.text(x + 0.5, y + 0.5, words, ha="center", va="center", color=ink, fontsize=8)
    title = (corner[0] + 1, corner[1] - 0.1)
    axes.text(*title, paper_label(label.label), ha="center", va="bottom", color=INK)


def _reliability(axes: Axes, labels: Sequence[Bins]) -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle="--")
    for bins in labels if len(labels) > 1 else ():
        points = [(one.mean_probability, one.share_present) for one in bins]
        axes.plot(*zip(*points, strict=True), color=COLOURS[0], alpha=0.22, linewidth=0.8)
    pooled = list(_pooled(labels))
    points = [(one.mean_probability, one.share_present) for one in pooled]
    axes.plot(*zip(*points, strict=True), color=COLOURS[0], linewidth=1.8)
    rows = np.array([one.rows for one in pooled])
    sizes = 4 + 36 * rows / rows.max()
    across, up = zip(*points, strict=True)
    axes.scatter(across, up, s=sizes, color=COLOURS[0], zorder=3)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))


def _pooled(labels: Sequence[Bins]) -> Iterator[ReliabilityBin]:
    """Yields the bins of all labels together: each weighs by its rows."""
    edges = np.linspace(0, 1, BINS + 1)[1:-1]
    every = [one for bins in labels for one in bins]
    places = np.searchsorted(edges, [one.mean_probability for one in every])
    for place in np.unique(places):
        chosen = [one for one, where in zip(every, places, strict=True) if where == place]
        rows = sum(one.rows for one in chosen)
        yield ReliabilityBin(
            sum(one.mean_probability * one.rows for one in chosen) / rows,
            sum(one.share_present * one.rows for one in chosen) / rows,
            rows,
        )


def _line_style(k: int, points: int) -> dict[str, Any]:
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": "-" if k < len(COLOURS) else "--",
        "linewidth": 1.6,
        "marker": "o" if points < 12 else "",
        "markersize": 3,
    }


def _svg(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return content.getvalue()
