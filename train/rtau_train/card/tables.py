"""The tables of a card as Markdown; nothing is computed here.

Called by the document.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rtau.facs import words_for_label
from rtau_train.card.record import (
    ChangeMetrics,
    ClipMetrics,
    DatasetRows,
    LondonMetrics,
    PortraitMetrics,
    RenderMetrics,
)
from rtau_train.evaluation.run_metrics import GroupMetrics

Cells = Sequence[str]


def number(value: float, /, digits: int = 3) -> str:
    """Returns a figure as it stands in a cell; a dash where there was nothing to count."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def percent(value: float, /) -> str:
    """Returns a share as whole per cent."""
    return "-" if math.isnan(value) else f"{value:.0%}"


def datasets_table(datasets: Iterable[DatasetRows], /) -> str:
    """Returns how many rows of each data set are in each part."""
    head = ("", "made by", "trained on", "chose thresholds", "reported")
    rows = [
        (one.name, one.made_by, f"{one.train:,}", f"{one.validation:,}", f"{one.test:,}")
        for one in datasets
    ]
    return _table(head, rows)


def labels_table(found: RenderMetrics, /) -> str:
    """Returns the figures per AU on held-out renders, their means last."""
    head = ("AU", "", "AUC", "F1", "threshold", "base rate", "ECE")
    rows = [
        (
            *(row.label, words_for_label(row.label), number(row.auc), number(row.f1)),
            *(number(row.threshold), number(row.base_rate), number(row.ece)),
        )
        for row in found.labels
    ]
    means = found.means
    last = ("**mean**", "", number(means.mean_auc), number(means.macro_f1), "", "")
    return _table(head, [*rows, (*last, number(means.mean_ece))])


def groups_table(groups: Iterable[GroupMetrics], /) -> str:
    """Returns the means per group of held-out renders."""
    head = ("", "", "rows", "mean AUC", "macro-F1")
    rows = [
        (
            *(group.column, group.value, f"{group.rows:,}"),
            *(number(group.mean_auc), number(group.macro_f1)),
        )
        for group in groups
    ]
    return _table(head, rows)


def changes_table(changes: Iterable[ChangeMetrics], /) -> str:
    """Returns what is left when every picture is changed."""
    head = ("pictures", "mean AUC", "macro-F1", "decisions as before")
    rows = [
        (
            one.name or "as they are",
            *(number(one.mean_auc), number(one.macro_f1), percent(one.same_decisions)),
        )
        for one in changes
    ]
    return _table(head, rows)


def portraits_table(found: PortraitMetrics, /) -> str:
    """Returns how far each AU follows the teacher, the means last."""
    head = ("AU", "", "portraits", "with the AU", "AUC", "Spearman")
    rows = [
        (
            *(row.label, words_for_label(row.label), f"{row.rows:,}", f"{row.positives:,}"),
            *(number(row.auc), number(row.spearman)),
        )
        for row in found.labels
    ]
    last = ("**mean**", "", "", "", number(found.mean_auc), number(found.mean_spearman))
    return _table(head, [*rows, last])


def neutral_table(found: LondonMetrics, /) -> str:
    """Returns the false alarms of each AU on neutral faces."""
    head = ("AU", "", "neutral faces above the threshold", "share")
    rows = [
        (
            *(row.label, words_for_label(row.label)),
            *(f"{row.active} of {found.neutral_faces}", percent(row.share)),
        )
        for row in found.neutral
    ]
    return _table(head, rows)


def smiles_table(found: LondonMetrics, /) -> str:
    """Returns how smiles differ from the neutral faces of the same people."""
    head = ("AU", "", "people", "higher in the smile", "AUC", "smiles above the threshold")
    rows = [
        (
            *(row.label, words_for_label(row.label), str(row.pairs), percent(row.rising)),
            *(number(row.auc), percent(row.active)),
        )
        for row in found.smiles
    ]
    return _table(head, rows)


def clips_table(clips: Sequence[ClipMetrics], /) -> str:
    """Returns correlation and lag of each AU, two columns per face."""
    faces = [_face_name(clip, clips) for clip in clips]
    head = ["AU", *(cell for name in faces for cell in (f"{name}: r", "lag"))]
    rows = [
        [row.label, *(cell for clip in clips for cell in _curve_cells(clip, place))]
        for place, row in enumerate(clips[0].labels)
    ]
    means = [cell for clip in clips for cell in (number(clip.mean_correlation, 2), "")]
    return _table(head, [*rows, ["**mean**", *means]])


def frames_words(clips: Sequence[ClipMetrics], /) -> str:
    """Returns in how many frames of each clip the face was found."""
    return ", ".join(f"{_face_name(clip, clips)} {clip.found} of {clip.frames}" for clip in clips)


def _face_name(clip: ClipMetrics, clips: Sequence[ClipMetrics]) -> str:
    name = clip.clip.removesuffix(".mp4")
    several = sum(other.clip == clip.clip for other in clips) > 1
    return f"{name}, face {clip.face}" if several else name


def _curve_cells(clip: ClipMetrics, place: int) -> Cells:
    row = clip.labels[place]
    lag = "-" if math.isnan(row.lag_frames) else f"{row.lag_frames:+.0f}"
    return number(row.correlation, 2), lag


def _table(head: Cells, rows: Iterable[Cells]) -> str:
    lines = [_line(head), "|" + "---|" * len(head), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Cells) -> str:
    return f"| {' | '.join(cells)} |"
