"""Agreement as text: a Markdown table for people, plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rtau.analysis.agreement import Estimate
from rtau.analysis.comparison import LabelAgreement

_KINDS = {"r": "intensity", "p": "probability", "c": "occurrence"}
DIGITS = 6


def agreement_markdown(
    found: Sequence[LabelAgreement], *, first: str, second: str, remarks: Sequence[str] = ()
) -> str:
    """Returns the agreement of two raters as Markdown: a row per label, intervals in brackets."""
    files = max((one.files for one in found), default=0)
    lines = [
        f"## {_plain(first)} and {_plain(second)}",
        "",
        f"{files} file{'s' if files != 1 else ''}. Base rate and coverage: {_plain(first)}, then "
        f"{_plain(second)}."
        + (" In brackets: 95 % interval over files." if files > 1 else " One file: no intervals."),
        *(f"\n* {remark}" for remark in remarks),
        "",
        "| AU | scores | r | ICC(3,1) | kappa | PABAK | F1 | base rate | lag, s | coverage | s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        measures = one.measures
        shown = [_estimate(measures[name]) for name in ("r", "icc", "kappa", "pabak", "f1")]
        rates = [_number(measures[f"base_rate_{k}"].value) for k in (1, 2)]
        cells = [
            one.label,
            " / ".join(dict.fromkeys(_KINDS[kind] for kind in one.kinds)),
            *shown,
            ", ".join(rates),
            f"{one.lag_s:+.2f}" if math.isfinite(one.lag_s) else "",
            ", ".join(_number(share) for share in one.coverage),
            f"{one.seconds:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    means = [_mean(found, name) for name in ("r", "icc", "kappa", "pabak", "f1")]
    lines.append(f"| mean | | {' | '.join(_number(mean) for mean in means)} | | | | |")
    return "\n".join(lines) + "\n"


def agreement_values(found: Sequence[LabelAgreement]) -> list[dict[str, Any]]:
    """Returns the agreement as plain values; what is not defined is None."""
    return [
        {
            "au": one.label,
            "scores": [_KINDS[kind] for kind in one.kinds],
            "files": one.files,
            "seconds": _rounded(one.seconds),
            "coverage": [_rounded(share) for share in one.coverage],
            "lag_s": _rounded(one.lag_s),
            **{name: _values(estimate) for name, estimate in one.measures.items()},
        }
        for one in found
    ]


def _values(estimate: Estimate) -> Mapping[str, float | None]:
    return {
        "value": _rounded(estimate.value),
        "low": _rounded(estimate.low),
        "high": _rounded(estimate.high),
    }


def _rounded(value: float) -> float | None:
    return round(value, DIGITS) + 0.0 if math.isfinite(value) else None


def _estimate(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return ""
    if not math.isfinite(estimate.low):
        return _number(estimate.value)
    return f"{_number(estimate.value)} [{_number(estimate.low)}, {_number(estimate.high)}]"


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}" if math.isfinite(value) else ""


def _mean(found: Sequence[LabelAgreement], name: str) -> float:
    known = [one.measures[name].value for one in found]
    known = [value for value in known if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def _plain(name: str) -> str:
    """Returns a name without what Markdown would obey."""
    return "".join(f"\\{sign}" if sign in r"\`*_{}[]<>#|" else sign for sign in name)
