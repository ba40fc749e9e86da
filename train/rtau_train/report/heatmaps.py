"""Heatmaps: panels in the papers' arrangement, and how well they lie on the AU's part of the face.

Takes results, returns a section. Draws no heatmap: `rtau-train explain` does. Called by the page.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from rtau_train.evaluation.run_metrics import CAM_METHODS, CamMetrics
from rtau_train.recipe import Protocol
from rtau_train.report import cells, names
from rtau_train.report.document import (
    Block,
    Cell,
    Fold,
    HeadGroup,
    Picture,
    PictureGrid,
    Section,
    Table,
    Words,
)
from rtau_train.report.networks import NetworkRuns, networks_of, protocols_of
from rtau_train.report.results import WHERE, Run, StudyResults

# The papers show these two; Figures 7 and 8 are of DISFA+, 11 and 12 of DEM.
SHOWN = ("vgg19", "shufflenetv2_x1_0")
FIGURES = {
    ("disfa+", "in-set"): "7",
    ("disfa+", "outside"): "8",
    ("dem", "in-set"): "11",
    ("dem", "outside"): "12",
    ("fer2013", "outside"): "4",
}
# Figure -> what heat that knows nothing would get.
CHANCE_OF = {"hit_rate": "hit_chance", "energy": "chance"}
_WHERE_WORDS = {"in-set": "a picture of the data set", "outside": "a picture from outside it"}
_ABOUT = (
    "Hit rate (pointing game): how often the hottest point lies in or near the AU's region of the "
    "face. Energy: the share of the heat inside it. Chance: what heat thrown at random would get. "
    "\N{DAGGER}: not above chance. n/a: no face has any heat for it."
)


def heatmaps_section(results: StudyResults, /) -> Section:
    """Returns panels and the tables of their quality per data set."""
    blocks: list[Block] = []
    for dataset in dict.fromkeys(run.experiment.dataset for run in results.runs):
        runs = [run for run in results.runs if run.experiment.dataset == dataset]
        if results.study.study == "paper1":
            for where in WHERE:
                blocks += _panels(results, runs, where)
        else:
            blocks += _panels(results, runs, "outside")
        blocks += _other_panels(runs, is_paper_1=results.study.study == "paper1")
        networks = networks_of(results, dataset)
        for protocol in protocols_of(networks):
            blocks += _quality(networks, dataset, protocol)
    if any(isinstance(block, Table) for block in blocks):
        blocks.insert(0, Words(_ABOUT))
    return Section("heatmaps", "Heatmaps", tuple(blocks))


def _panels(results: StudyResults, runs: Sequence[Run], where: str) -> Iterator[Block]:
    """Yields what the papers show of a data set, or that it was not made."""
    dataset = runs[0].experiment.dataset
    words = f"{names.dataset_name(dataset)}, {_WHERE_WORDS[where]}"
    number = FIGURES.get((dataset, where))
    words += f" (as the paper's Figure {number})" if number else ""
    composed = [
        Picture(content, "png", f"Heatmaps: {words}. {one.caption}".strip(), is_wide=False)
        for one, content in results.panels
        if (one.dataset, one.where) == (dataset, where)
    ]
    yield from composed
    grid = _grid(runs, where, words)
    if grid is not None:
        yield grid
    elif not composed:
        yield Words(f"Heatmap panels, {words}: {names.NOT_RUN}.")


def _grid(runs: Sequence[Run], where: str, words: str) -> PictureGrid | None:
    """Returns the panels of the networks that the papers show; None without any."""
    rows = []
    for method in reversed(CAM_METHODS):  # the papers' upper row is Grad-CAM++
        columns = tuple(
            tuple(_pictures(runs, network=network, where=where, method=method)) for network in SHOWN
        )
        rows.append((names.METHODS[method], columns))
    if not any(column for _, columns in rows for column in columns):
        return None
    head = tuple(map(names.network_name, SHOWN))
    return PictureGrid(f"Heatmaps: {words}", head, tuple(rows))


def _pictures(
    runs: Sequence[Run], /, *, network: str, where: str, method: str
) -> Iterator[Picture]:
    """Yields the panels of the first run of a network that has any of this kind."""
    for run in runs:
        if run.experiment.network != network:
            continue
        chosen = [one for one in run.panels if (one.where, one.method) == (where, method)]
        for panel in chosen:
            yield Picture(panel.content, "png", names.paper_label(panel.label), is_wide=False)
        if chosen:
            return


def _other_panels(runs: Sequence[Run], *, is_paper_1: bool) -> Iterator[Fold]:
    """Yields what the papers' arrangement has no place for."""
    for run in runs:
        placed = is_paper_1 and run.experiment.network in SHOWN
        pictures = tuple(
            Picture(panel.content, "png", panel.name, is_wide=False)
            for panel in run.panels
            if not (placed and panel.where)
        )
        if pictures:
            yield Fold(f"Further heatmaps: {run.experiment.key}", pictures)


def _quality(networks: Sequence[NetworkRuns], dataset: str, protocol: Protocol) -> Iterator[Block]:
    known = [one for one in networks if (metrics := one.metrics(protocol)) and metrics.cams]
    where = f"{names.dataset_name(dataset)}, split {names.PROTOCOLS[protocol]}"
    if not known:
        yield Words(f"Heatmap quality, {where}: {names.NOT_RUN}.")
        return
    for field, words in (("hit_rate", "Hit rate"), ("energy", "Energy")):
        caption = f"{words} of heatmaps, {where}"
        yield _quality_table(networks, protocol, field=field, caption=caption)


def _quality_table(
    networks: Sequence[NetworkRuns], protocol: Protocol, /, *, field: str, caption: str
) -> Table:
    found = {
        (one.name, cam.method, cam.label): cam
        for one in networks
        if (metrics := one.metrics(protocol))
        for cam in metrics.cams
    }
    labels = dict.fromkeys(label for _, _, label in found)
    columns = [(one.name, method) for one in networks for method in CAM_METHODS]
    rows = []
    for label in labels:
        cams = [found.get((*column, label)) for column in columns]
        rows.append(_quality_row(names.paper_label(label), cams, field))
    means = [_mean([found.get((*column, label)) for label in labels]) for column in columns]
    rows.append(_quality_row("mean", means, field))
    groups = (
        HeadGroup("", 1),
        *(HeadGroup(one.name, len(CAM_METHODS)) for one in networks),
        HeadGroup("", 1),
    )
    methods = tuple(names.METHODS[method] for method in CAM_METHODS)
    head = ("label", *methods * len(networks), "chance")
    return Table(caption, head, tuple(rows), groups=groups, summary_rows=1)


def _quality_row(label: str, cams: Sequence[CamMetrics | None], field: str) -> tuple[Cell, ...]:
    row = [Cell(label)]
    for cam in cams:
        if cam is None:
            row.append(cells.not_run())
            continue
        value = getattr(cam, field)
        is_weak = not math.isnan(value) and value <= getattr(cam, CHANCE_OF[field])
        row.append(Cell(names.number(value), is_weak=is_weak, is_missing=math.isnan(value)))
    chances = [getattr(cam, CHANCE_OF[field]) for cam in cams if cam is not None]
    known = [chance for chance in chances if not math.isnan(chance)]
    row.append(cells.number_cell(sum(known) / len(known) if known else math.nan))
    return tuple(row)


def _mean(cams: Sequence[CamMetrics | None]) -> CamMetrics | None:
    """Returns the means over the labels with any heat, NaN without one; None: not measured."""
    measured = [cam for cam in cams if cam is not None]
    if not measured:
        return None
    known = [cam for cam in measured if not math.isnan(cam.hit_rate)]
    means: dict[str, Any] = {
        field: sum(getattr(cam, field) for cam in known) / len(known) if known else math.nan
        for field in (*CHANCE_OF, *CHANCE_OF.values())
    }
    return dataclasses.replace(measured[0], label="mean", **means)
