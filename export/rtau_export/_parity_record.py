"""What was measured of a model file, as its contract keeps it: rounded to digits that mean much.

Measures nothing itself; needs neither torch nor onnx. Called by the export and by the reduction.
"""

from __future__ import annotations

from rtau.backends.parity import Difference
from rtau.contract import ParityRecord

# Significant digits: two runs of one library on one machine agree in as many.
DIGITS = 3
# A correlation is read by its distance from 1.
CORRELATION_DECIMALS = 7


def parity_record(
    found: Difference,
    /,
    *,
    reference: str,
    reference_sha256: str,
    runner: str,
    conversion: str,
    images: int,
    images_origin: str,
    macro_f1_difference: float | None = None,
) -> ParityRecord:
    """Returns the record of a difference; the arguments are the fields of `ParityRecord`."""
    correlation, f1_change = found.cam_correlation, macro_f1_difference
    moved = found.max_dlandmark
    return ParityRecord(
        reference=reference,
        reference_sha256=reference_sha256,
        runner=runner,
        conversion=conversion,
        images=images,
        images_origin=images_origin,
        max_dlogit=_rounded(found.max_dlogit),
        max_dp=_rounded(found.max_dp),
        mean_dp=_rounded(found.mean_dp),
        changed_decisions=found.changed_decisions,
        decisions=found.decisions,
        cam_correlation=None if correlation is None else round(correlation, CORRELATION_DECIMALS),
        macro_f1_difference=None if f1_change is None else round(f1_change, 5),
        max_dlandmark=None if moved is None else _rounded(moved),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
