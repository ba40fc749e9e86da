"""What an engine is built for: rows per call, GPU generations, and the precision that can be had.

Pure parsing and rules, no TensorRT: the builder applies what stands here. Called by the command
line and by `rtau_export.engine`.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

from rtau.contract import Precision
from rtau.errors import UsageError

# More rows than this at once is no stream of faces; TensorRT would reserve memory for all of them.
MAX_ROWS = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class BatchProfile:
    """Rows per call an engine takes, and the number it is tuned for."""

    least: int
    best: int
    greatest: int

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.best <= self.greatest <= MAX_ROWS:
            raise UsageError(
                f"--batch must rise from 1 to at most {MAX_ROWS}: least,best,greatest, got "
                f"{self.least},{self.best},{self.greatest}; try --batch 1,8,32"
            )

    @property
    def rows(self) -> tuple[int, int, int]:
        """Least, best and greatest."""
        return (self.least, self.best, self.greatest)


def parse_batch(text: str) -> BatchProfile:
    """Returns a profile from `1,8,32`, `1,32` (tuned for the greatest) or `8` (8 and no other).

    Raises:
        UsageError: anything else.
    """
    parts = text.split(",")
    if not 1 <= len(parts) <= 3 or not all(re.fullmatch(r"\s*\d{1,6}\s*", part) for part in parts):
        raise UsageError(f"--batch must be least,best,greatest rows such as 1,8,32, got {text!r}")
    numbers = [int(part) for part in parts]
    return BatchProfile(
        least=numbers[0], best=numbers[min(1, len(parts) - 1)], greatest=numbers[-1]
    )


def parse_generation(text: str) -> str:
    """Returns a GPU generation as `8.6` from `sm_86`, `86` or `8.6`.

    Raises:
        UsageError: anything else.
    """
    found = re.fullmatch(r"(?:sm_?)?(\d{1,2})\.?(\d)", text.strip().lower())
    if found is None:
        raise UsageError(
            f"--for must name GPU generations such as sm_86 or 8.6, got {text!r}; "
            "`nvidia-smi --query-gpu=compute_cap --format=csv` prints a GPU's own"
        )
    return f"{found[1]}.{found[2]}"


@dataclasses.dataclass(frozen=True, slots=True)
class PrecisionPlan:
    """How a precision is reached."""

    precision: Precision
    """Precision of the engine."""
    typing: Literal["strong", "weak"]
    """strong: every type as in the ONNX file. weak: TensorRT 10 chooses under the flags."""
    flags: tuple[str, ...] = ()
    """Names of TensorRT 10's builder flags."""


def plan_precision(
    asked: Precision | None, model: Precision, *, has_flags: bool, name: str
) -> PrecisionPlan:
    """Returns how an engine of the asked precision is made of an ONNX file.

    Args:
        asked: what the user wants; None for the file's own.
        model: precision of the file, as its contract says.
        has_flags: True for TensorRT 10, which can lower a float32 file's precision itself.
        name: the file's name without suffix, for the text.

    Raises:
        UsageError: the file cannot give that precision with this TensorRT.
    """
    wanted = asked or model
    if wanted == model:
        if model == "int8" and has_flags:
            return PrecisionPlan("int8", "weak", ("INT8",))
        return PrecisionPlan(wanted, "strong")
    if (wanted, model) == ("fp16", "fp32") and has_flags:
        return PrecisionPlan("fp16", "weak", ("FP16",))
    if model != "fp32":
        raise UsageError(
            f"{name}.onnx is {model} already, an engine of it cannot be {wanted}; give the fp32 "
            "file, or leave --precision out"
        )
    reason = (
        "int8 needs scales from real faces"
        if wanted == "int8"
        else "this TensorRT takes every type from the file"
    )
    calibrate = " --calibrate FOLDER" if wanted == "int8" else ""
    raise UsageError(
        f"{name}.onnx is {model} and cannot become a {wanted} engine: {reason}; first: rtau-export "
        f"onnx CHECKPOINT --out {name}-{wanted}.onnx --precision {wanted}{calibrate}"
    )
