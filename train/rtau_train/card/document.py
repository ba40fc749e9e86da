"""Writes the card of a model as Markdown: figures and contract into the words of the template.

No sentence is about one model: numbers, names and what is weak come from the records. Called by the
command line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from rtau.contract import ModelContract
from rtau_train.card import tables
from rtau_train.card.record import CardMetrics, ClipMetrics, LondonMetrics, RenderMetrics
from rtau_train.evaluation.binary_metrics import known_mean
from rtau_train.evaluation.run_metrics import GroupMetrics

# So many AUs of the lowest figure are named among the failures.
WEAKEST: Final = 3
# Groups with fewer rows are too small to be called the weakest.
LEAST_GROUP_ROWS: Final = 50
# A neutral face should raise an AU more seldom than this.
FALSE_ALARM_AIM: Final = 0.05
# What the values of a group mean, where they do not say so themselves.
GROUP_WORDS: Final = {
    "age_group": "`age_group` 0 is young, 1 middle-aged, 2 old",
    "skin_tone": "`skin_tone` goes from 1, the lightest, to 6",
    "ethnicity": "`ethnicity` is the face's shape and, in the prototype's renders, its skin",
    "glasses": "`glasses` 1 is with spectacles",
}


def card_text(metrics: CardMetrics, contract: ModelContract, /) -> str:
    """Returns the card of a model as Markdown."""
    environment = Environment(
        loader=PackageLoader("rtau_train.card"),
        autoescape=False,  # noqa: S701 - Markdown, and nothing in it comes from a stranger
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = tables.percent
    environment.filters["number"] = tables.number
    environment.tests["known"] = lambda value: not math.isnan(value)
    return environment.get_template("card.md.jinja").render(
        metrics=metrics,
        contract=contract,
        tables=tables,
        aim=FALSE_ALARM_AIM,
        group_words=group_words(metrics.renders.groups),
        failures=failures(metrics),
    )


def group_words(groups: Sequence[GroupMetrics], /) -> str:
    """Returns what the values of the groups there are mean, as one sentence; empty for none."""
    columns = dict.fromkeys(group.column for group in groups)
    return "; ".join(GROUP_WORDS[name] for name in columns if name in GROUP_WORDS)


def failures(metrics: CardMetrics, /) -> tuple[str, ...]:
    """Returns where the figures are worst, a sentence each."""
    renders, portraits, london = metrics.renders, metrics.portraits, metrics.london
    lowest = weakest([(row.auc, row.label) for row in renders.labels])
    said = [
        f"Weakest on held-out renders: {lowest}.",
        *_weakest_group(renders),
        *_costliest_change(renders),
    ]
    if portraits is not None:
        lowest = weakest([(row.auc, row.label) for row in portraits.labels])
        said.append(f"Furthest from the teacher on held-out portraits: {lowest}.")
    if london is not None:
        said.append(_false_alarms(london))
    if metrics.clips:
        lowest = weakest(_mean_correlations(metrics.clips), figure="mean r")
        said.append(f"Follow the truth of the clips least: {lowest}.")
    return tuple(said)


def weakest(rows: Sequence[tuple[float, str]], /, *, figure: str = "AUC") -> str:
    """Returns the labels of the lowest figure, lowest first; one without a figure is left out.

    Args:
        rows: figure and label each.
        figure: what it is called.
    """
    known = sorted((value, label) for value, label in rows if not math.isnan(value))
    named = [f"{label} ({figure} {value:.2f})" for value, label in known[:WEAKEST]]
    return ", ".join(named) or "nothing could be judged"


def _weakest_group(renders: RenderMetrics) -> list[str]:
    large = [
        group
        for group in renders.groups
        if group.rows >= LEAST_GROUP_ROWS and not math.isnan(group.mean_auc)
    ]
    if not large:
        return []
    last = min(large, key=lambda group: group.mean_auc)
    return [
        f"Weakest group of {LEAST_GROUP_ROWS} renders or more: {last.column} {last.value}, mean "
        f"AUC {last.mean_auc:.3f} against {renders.means.mean_auc:.3f} of all."
    ]


def _costliest_change(renders: RenderMetrics) -> list[str]:
    changed = [one for one in renders.changes[1:] if not math.isnan(one.mean_auc)]
    if not changed:
        return []
    last = min(changed, key=lambda one: one.mean_auc)
    return [
        f"What costs most of what was tried: {last.name}, mean AUC {last.mean_auc:.3f}, "
        f"{1 - last.same_decisions:.0%} of the decisions change."
    ]


def _mean_correlations(clips: Sequence[ClipMetrics]) -> list[tuple[float, str]]:
    """Returns the mean correlation of each AU over the faces of all clips, and the AU."""
    return [
        (known_mean(clip.labels[place].correlation for clip in clips), row.label)
        for place, row in enumerate(clips[0].labels)
    ]


def _false_alarms(london: LondonMetrics) -> str:
    often = sorted(
        (row for row in london.neutral if row.share >= FALSE_ALARM_AIM),
        key=lambda row: -row.share,
    )
    if not often:
        return f"No AU reaches {FALSE_ALARM_AIM:.0%} of false alarms on neutral faces."
    named = ", ".join(f"{row.label} ({row.share:.0%})" for row in often)
    return f"False alarms on {FALSE_ALARM_AIM:.0%} or more of the neutral faces: {named}."
