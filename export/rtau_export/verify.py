"""Compares model files on the same seeded crops: logits, probabilities, decisions, heatmaps.

Runs them through rtau's own backends, so what is compared is what the runtime will compute; needs
neither torch nor onnx. Called by `rtau-export verify` and by the export itself.
"""

from __future__ import annotations

import dataclasses
from contextlib import closing

from rtau.backends import open_engine
from rtau.backends.engine_file import SUFFIX
from rtau.backends.parity import Difference, as_crops, difference, probe_crops
from rtau.contract import ModelContract, Precision
from rtau.data import Image, Scores
from rtau.errors import ContractError
from rtau.protocols import Engine

# Enough crops for 384 decisions of a 12-AU model in well under a second.
PROBES = 32


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """What two models may differ by and still count as equal."""

    max_dlogit: float
    max_dp: float
    mean_dp: float
    changed_share: float
    """Share of the decisions that may change."""
    cam_correlation: float
    """Lowest correlation of any AU's heatmaps."""
    max_dlandmark: float
    """Largest move of a landmark, in sides of the crop."""

    def covers(self, found: Difference) -> bool:
        """True when nothing differs by more than allowed."""
        points_agree = found.max_dlandmark is None or found.max_dlandmark <= self.max_dlandmark
        cams_agree = found.cam_correlation is None or found.cam_correlation >= self.cam_correlation
        return (
            found.max_dlogit <= self.max_dlogit
            and found.max_dp <= self.max_dp
            and found.mean_dp <= self.mean_dp
            and found.changed_decisions <= self.changed_share * found.decisions
            and cams_agree
            and points_agree
        )


# Models of fp32 weights: the same sums in another order. Seen: 1e-5 in the logits.
FP32 = Tolerance(
    max_dlogit=2e-3,
    max_dp=2e-4,
    mean_dp=2e-4,
    changed_share=0,
    cam_correlation=0.9999,
    max_dlandmark=1e-4,
)
# Eleven bits of mantissa through some fifty layers. Seen: 3e-3, 8e-4, 0, 0.999998 and 3e-4.
FP16 = Tolerance(
    max_dlogit=0.05,
    max_dp=0.01,
    mean_dp=2e-3,
    changed_share=0.005,
    cam_correlation=0.999,
    max_dlandmark=3e-3,
)
# Eight bits. Seen on faces: 0.8, 0.16, 0.008, 1 %, 0.98, 0.013; beyond twice that a label or layer
# has lost its range. How much a decision is worth, macro-F1 says: see `rtau_export.precision`.
INT8 = Tolerance(
    max_dlogit=2.0,
    max_dp=0.3,
    mean_dp=0.02,
    changed_share=0.03,
    cam_correlation=0.9,
    max_dlandmark=0.04,
)
TOLERANCES: dict[Precision, Tolerance] = {"fp32": FP32, "fp16": FP16, "int8": INT8}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How far one model is from the reference."""

    name: str
    precision: Precision
    """The lower precision of the two models."""
    difference: Difference

    @property
    def is_equal(self) -> bool:
        """True when nothing differs by more than the precision allows."""
        return TOLERANCES[self.precision].covers(self.difference)


def compare_files(reference: str, others: list[str], *, provider: str) -> list[Comparison]:
    """Returns how far each other model file is from the reference.

    Raises:
        ContractError: the models do not have the same labels, task and input size.
        RtauError: a file cannot be opened or run.
    """
    with closing(open_engine(reference, provider=_provider(reference, provider))) as first:
        images = probe_crops(PROBES, size=first.contract.input_size)
        wanted = infer(first, images)
        found = []
        for other in others:
            with closing(open_engine(other, provider=_provider(other, provider))) as engine:
                _check_same_task(first.contract, engine.contract)
                apart = difference(wanted, infer(engine, images), first.contract)
                precision = lower(first.contract.precision, engine.contract.precision)
                found.append(Comparison(other, precision, apart))
    return found


def _provider(model: str, asked: str) -> str:
    """Returns the provider to open a model with: the one asked for, an engine's own for engines."""
    return "auto" if model.endswith(SUFFIX) else asked


def infer(engine: Engine, images_rgb: Image) -> Scores:
    """Returns an engine's scores of pictures, with CAMs if it has them."""
    return engine.infer(as_crops(images_rgb), cams=engine.contract.has_cams)


def lower(one: Precision, other: Precision) -> Precision:
    """Returns the lower of two precisions."""
    return max(one, other, key=list(TOLERANCES).index)


def _check_same_task(first: ModelContract, other: ModelContract) -> None:
    for field in ("labels", "task", "input_size"):
        wanted, got = getattr(first, field), getattr(other, field)
        if wanted != got:
            raise ContractError(
                f"{other.name}: {field} must be {wanted} like {first.name}, got {got}; only "
                "models of one task can be compared"
            )
