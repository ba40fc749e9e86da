"""The figures of a run as a short Markdown table, for the terminal.

The report and the card have their own tables; nothing is computed here. Called by
`rtau-train evaluate`.
"""

from __future__ import annotations

from rtau.facs import words_for_label
from rtau_train.evaluation.run_metrics import ClassMetrics, LabelMetrics, MeanMetrics, RunMetrics


def metrics_table(metrics: RunMetrics, /) -> str:
    """Returns the figures per label or class as Markdown, their means last, the part first."""
    used = f", {metrics.used_for}" if metrics.used_for else ""
    part = f"{metrics.part}, {metrics.size.rows:,} pictures{used}"
    return f"{part[0].upper()}{part[1:]}\n\n{_figures(metrics)}"


def _figures(metrics: RunMetrics) -> str:
    if metrics.classes is not None:
        return _classes(metrics.classes)
    assert metrics.means is not None  # RunMetrics promises one of them
    head = (
        "| AU | | AUC | PR-AUC | F1 at 0.5 | 95 % interval | F1 | threshold | always present "
        "| base rate |"
    )
    rows = [head, f"|{'---|' * 10}", *map(_label_row, metrics.labels), _mean_row(metrics.means)]
    return "\n".join(rows)


def _label_row(row: LabelMetrics) -> str:
    return (
        f"| {row.label} | {words_for_label(row.label)} | {row.auc:.3f} | {row.pr_auc:.3f} "
        f"| {row.f1_half:.3f} | {_interval(row.f1_half_low, row.f1_half_high)} "
        f"| {row.f1:.3f} | {row.threshold:.3f} | {row.f1_all_positive:.3f} "
        f"| {row.base_rate:.3f} |"
    )


def _mean_row(means: MeanMetrics) -> str:
    interval = _interval(means.macro_f1_half_low, means.macro_f1_half_high)
    return (
        f"| **mean** | | {means.mean_auc:.3f} | {means.mean_pr_auc:.3f} "
        f"| {means.macro_f1_half:.3f} | {interval} | {means.macro_f1:.3f} | "
        f"| {means.macro_f1_all_positive:.3f} | |"
    )


def _classes(found: ClassMetrics) -> str:
    lines = ["| | precision | recall | F1 | rows |", "|---|---|---|---|---|"]
    for k, label in enumerate(found.labels):
        lines.append(
            f"| {label} | {found.precision[k]:.3f} | {found.recall[k]:.3f} | {found.f1[k]:.3f} "
            f"| {sum(found.matrix[k])} |"
        )
    interval = _interval(found.accuracy_low, found.accuracy_high)
    lines.append(
        f"\nAccuracy {found.accuracy:.3f} ({interval}), macro-F1 {found.macro_f1:.3f}; always "
        f"saying the most frequent class {found.majority_accuracy:.3f}."
    )
    return "\n".join(lines)


def _interval(low: float, high: float) -> str:
    return f"{low:.2f}-{high:.2f}"
