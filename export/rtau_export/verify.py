"""Compares model files on the same seeded crops: logits, probabilities, decisions, heatmaps.

Runs them through rtau's own backends, so what is compared is what the runtime will compute; needs
neither torch nor onnx. Called by `rtau-export verify` and by the export itself.
"""

from __future__ import annotations

import dataclasses
from contextlib import closing

import numpy as np
import numpy.typing as npt

from rtau.backends import open_engine
from rtau.backends.engine_file import SUFFIX
from rtau.contract import ModelContract, Precision
from rtau.data import Image, Scores
from rtau.errors import ContractError
from rtau.parity import as_crops
from rtau.seams import Engine

# Enough crops for 384 decisions of a 12-AU model in well under a second.
PROBES = 32
SEED = 20261122


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


# Models of fp32 weights: the same sums in another order. Seen: 1e-5 in the logits.
FP32 = Tolerance(
    max_dlogit=2e-3, max_dp=2e-4, mean_dp=2e-4, changed_share=0, cam_correlation=0.9999
)
# Eleven bits of mantissa through some fifty layers. Seen: 3e-3, 8e-4, 0 and 0.999998.
FP16 = Tolerance(
    max_dlogit=0.05, max_dp=0.01, mean_dp=2e-3, changed_share=0.005, cam_correlation=0.999
)
# Eight bits. Seen on faces: 0.7, 0.16, 0.008, 1 % and 0.98; beyond twice that a label or a layer
# has lost its range. How much a decision is worth, macro-F1 says: see `rtau_export.precision`.
INT8 = Tolerance(max_dlogit=2.0, max_dp=0.3, mean_dp=0.02, changed_share=0.03, cam_correlation=0.9)
TOLERANCES: dict[Precision, Tolerance] = {"fp32": FP32, "fp16": FP16, "int8": INT8}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How far one model is from the reference."""

    name: str
    precision: Precision
    """The lower precision of the two models."""
    max_dlogit: float
    max_dp: float
    mean_dp: float
    changed_decisions: int
    decisions: int
    cam_correlation: float | None
    """Lowest correlation over AUs; None where either model has no CAMs."""

    @property
    def is_equal(self) -> bool:
        """True when nothing differs by more than the precision allows."""
        return self.within(TOLERANCES[self.precision])

    def within(self, tolerance: Tolerance) -> bool:
        """True when nothing differs by more than allowed."""
        cams_agree = (
            self.cam_correlation is None or self.cam_correlation >= tolerance.cam_correlation
        )
        return (
            self.max_dlogit <= tolerance.max_dlogit
            and self.max_dp <= tolerance.max_dp
            and self.mean_dp <= tolerance.mean_dp
            and self.changed_decisions <= tolerance.changed_share * self.decisions
            and cams_agree
        )


def probe_crops(count: int, *, size: int, seed: int = SEED) -> Image:
    """Returns seeded crops with structure from blobs to single pixels: uint8 (N, S, S, 3)."""
    rng = np.random.default_rng(seed)
    crops = np.zeros((count, size, size, 3), np.float32)
    for cells in (2, 5, 11, 28, size):
        grid = rng.normal(0, 1, (count, cells, cells, 3)).astype(np.float32)
        places = np.arange(size) * cells // size
        crops += grid[:, places][:, :, places] * np.float32(48 * (2 / cells) ** 0.25)
    level = rng.uniform(40, 215, (count, 1, 1, 3)).astype(np.float32)
    return np.asarray(np.clip(crops + level, 0, 255), dtype=np.uint8)


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
                got = infer(engine, images)
                precision = lower(first.contract.precision, engine.contract.precision)
                found.append(compare(wanted, got, first.contract, name=other, precision=precision))
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


def compare(
    wanted: Scores,
    got: Scores,
    contract: ModelContract,
    /,
    *,
    name: str,
    precision: Precision = "fp32",
) -> Comparison:
    """Returns how far `got` is from `wanted` at the thresholds of a contract."""
    change = np.abs(wanted.probabilities - got.probabilities)
    thresholds = np.array(contract.thresholds)
    changed = (wanted.probabilities >= thresholds) != (got.probabilities >= thresholds)
    return Comparison(
        name=name,
        precision=precision,
        max_dlogit=float(np.abs(wanted.logits - got.logits).max()),
        max_dp=float(change.max()),
        mean_dp=float(change.mean()),
        changed_decisions=int(changed.sum()),
        decisions=changed.size,
        cam_correlation=_cam_correlation(wanted.cams, got.cams),
    )


def _cam_correlation(
    wanted: npt.NDArray[np.float32] | None, got: npt.NDArray[np.float32] | None
) -> float | None:
    """Returns the lowest correlation over AUs, each over all crops and pixels."""
    if wanted is None or got is None:
        return None
    if wanted.shape != got.shape:
        raise ContractError(f"cams must have the shape {wanted.shape}, got {got.shape}")
    lowest = 1.0
    for label in range(wanted.shape[1]):
        a, b = (cams[:, label].astype(np.float64).ravel() for cams in (wanted, got))
        spread = float(a.std() * b.std())
        if spread == 0:  # an AU without heat in one of the two: equal only if in both
            lowest = min(lowest, 1.0 if np.array_equal(a, b) else 0.0)
        else:
            covariance = float(((a - a.mean()) * (b - b.mean())).mean())
            lowest = min(lowest, covariance / spread)
    return lowest


def _check_same_task(first: ModelContract, other: ModelContract) -> None:
    for field in ("labels", "task", "input_size"):
        wanted, got = getattr(first, field), getattr(other, field)
        if wanted != got:
            raise ContractError(
                f"{other.name}: {field} must be {wanted} like {first.name}, got {got}; only "
                "models of one task can be compared"
            )
