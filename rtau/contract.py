"""What a model file takes and returns: the one place for labels, sizes, thresholds and origins.

Written by `rtau-export`, carried in the ONNX metadata (key `rtau_contract`) and as a JSON file
beside the model; read by the backends, which refuse a model without one. Knows no backend.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Literal

from rtau.data import Task
from rtau.errors import ContractError
from rtau.strict_parser import StrictParser

# Key of the contract's JSON in an ONNX file's metadata_props.
METADATA_KEY = "rtau_contract"
# Raised when a field changes its meaning; the runtime refuses other schemas.
SCHEMA = 1
# A contract is a page of text; anything larger is not one (and may be hostile).
MAX_JSON_BYTES = 1 << 20

Precision = Literal["fp32", "fp16", "int8"]
CamMethod = Literal["gradcam", "gradcam++"]
# Whose integer arithmetic an int8 file is made for: ONNX Runtime on a CPU, or TensorRT.
Int8Profile = Literal["cpu", "trt"]


@dataclasses.dataclass(frozen=True, slots=True)
class CropRule:
    """How the square crop lies on a detector's box: the geometry the weights were trained for."""

    detector: str
    """Name of the detector whose boxes the numbers are for: `haar`."""
    expand: float
    """Side of the crop over the longer side of the box."""
    offset_x: float
    """Move of the centre to the right, in longer sides of the box."""
    offset_y: float
    """Move of the centre downwards, in longer sides of the box."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.expand <= 4:
            raise ContractError(f"crop.expand must lie in [0.5, 4], got {self.expand}")
        for name in ("offset_x", "offset_y"):
            if not -1 <= getattr(self, name) <= 1:
                raise ContractError(f"crop.{name} must lie in [-1, 1], got {getattr(self, name)}")


@dataclasses.dataclass(frozen=True, slots=True)
class LandmarkRule:
    """How the square a crop was trained on lies on the 68 landmarks a file returns (iBUG order).

    With it `rtau.faces.landmarks` goes from the landmarks to the next crop.
    """

    side_over_landmark_box: float
    """Side of the square over the longer side of the box of the landmarks."""
    lift: float
    """How far the square's centre lies above the box's centre, in sides of the square."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.side_over_landmark_box <= 4:
            raise ContractError(
                "landmarks.side_over_landmark_box must lie in [0.5, 4], got "
                f"{self.side_over_landmark_box}"
            )
        if not -1 <= self.lift <= 1:
            raise ContractError(f"landmarks.lift must lie in [-1, 1], got {self.lift}")


@dataclasses.dataclass(frozen=True, slots=True)
class ParityRecord:
    """How far an ONNX file is from what it was made of, as measured when it was written."""

    reference: str
    """What it was compared with: torch, or the float32 file of a reduced one."""
    reference_sha256: str
    """SHA-256 of the weights in torch, or of the float32 file."""
    runner: str
    """What ran the file: library and provider."""
    conversion: str
    """How the file was made of the reference, in one line: the ranges of int8, for example."""
    images: int
    """Pictures both were run on."""
    images_origin: str
    """Where those pictures are from."""
    max_dlogit: float
    """Largest difference of a logit."""
    max_dp: float
    """Largest difference of a probability."""
    mean_dp: float
    """Mean absolute difference of the probabilities."""
    changed_decisions: int
    """Decisions at the contract's thresholds that differ."""
    decisions: int
    """Decisions in all: pictures times labels."""
    cam_correlation: float | None = None
    """Lowest correlation of any label's CAMs; None without CAMs."""
    macro_f1_difference: float | None = None
    """Macro-F1 of this file less that of the reference; None without labelled pictures."""
    max_dlandmark: float | None = None
    """Largest move of a landmark, in sides of the crop; None without landmarks."""

    def __post_init__(self) -> None:
        if not 0 <= self.changed_decisions <= self.decisions:
            raise ContractError(
                f"parity.changed_decisions must lie in [0, {self.decisions}], got "
                f"{self.changed_decisions}"
            )
        if self.images < 1:
            raise ContractError(f"parity.images must be at least 1, got {self.images}")


@dataclasses.dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """How logits were brought to probabilities of occurrence; the file's own do so already.

    calibrated logit = (logit of training - shift) / temperature, per label (Platt 1999; Guo et al.
    2017, section 4.2).
    """

    temperature: tuple[float, ...]
    """Positive, one per label."""
    shift: tuple[float, ...]
    """One per label."""
    origin: str
    """The data and the rule they were chosen by."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelContract:
    """The record of what a model file expects and returns."""

    name: str
    """Name of the model, as in its file name: `shufflenetv2-au12`."""
    network: str
    """Architecture: `shufflenetv2_x1_0`."""
    task: Task
    """multi_label (AUs, sigmoid) or multi_class (emotions, softmax)."""
    labels: tuple[str, ...]
    """Labels in output order: `AU01`, ... or `anger`, ..."""
    input_size: int
    """Side S of the input crops, px; input is `crops`: uint8 (N, S, S, 3), RGB."""
    crop: CropRule
    """Where a crop is cut."""
    mean: tuple[float, float, float]
    """Subtracted inside the graph, per RGB channel, on a 0-1 scale; for the record only."""
    std: tuple[float, float, float]
    """Divided by inside the graph, per RGB channel; for the record only."""
    thresholds: tuple[float, ...]
    """Probability at or above which a label is active, one per label; 0 for multi_class."""
    thresholds_origin: str
    """The data and the rule the thresholds were chosen by."""
    weights_sha256: str
    """SHA-256 of the weights the file was exported from."""
    recipe: str
    """Path of the training recipe in the repository."""
    git_commit: str
    """Commit that exported the file."""
    licence: str
    """Licence of the weights."""
    training_data: str
    """What the weights have seen, in one line; the card has the chain."""
    cam_method: CamMethod | None = None
    """What the `cams` output holds; None when the file has no such output."""
    cam_scale: tuple[float, ...] | None = None
    """Per label, the raw CAM value drawn as full heat: fixed, so heatmaps compare over time."""
    opset: int = 0
    """ONNX opset of the file; 0 where there is none."""
    precision: Precision = "fp32"
    """Precision of the weights and of most of the arithmetic."""
    max_batch: int | None = None
    """Rows the file takes at most; None for any."""
    int8_profile: Int8Profile | None = None
    """What an int8 file is made for; None where it is not said, and for other precisions."""
    parity: ParityRecord | None = None
    """How far the file is from torch, or a reduced one from its float32 file; None where nobody
    measured it, as for an engine of another precision than its ONNX file."""
    calibration: CalibrationRecord | None = None
    """What is folded into the last layer; None: outputs order faces and are no probabilities."""
    landmarks: LandmarkRule | None = None
    """What the `landmarks` output means: float32 (N, 68, 2), px in crop space; None when the file
    has no such output."""

    def __post_init__(self) -> None:
        _check_contract(self)

    @property
    def has_cams(self) -> bool:
        """True when the file can return a CAM per label."""
        return self.cam_method is not None

    @property
    def has_landmarks(self) -> bool:
        """True when the file returns 68 landmarks of every face."""
        return self.landmarks is not None

    def to_json(self) -> str:
        """Returns the contract as JSON, keys in the order of the fields."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str, *, origin: str) -> ModelContract:
        """Returns the contract a JSON text holds; `origin` names the file in error texts.

        Raises:
            ContractError: not JSON, another schema, a missing, unknown or wrong field.
        """
        if len(text) > MAX_JSON_BYTES:
            raise ContractError(f"{origin}: a contract must be under 1 MiB, got {len(text)} bytes")
        try:
            payload = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ContractError(f"{origin}: the contract is not JSON ({error})") from None
        if not isinstance(payload, dict):
            raise ContractError(f"{origin}: the contract must be a JSON object")
        schema = payload.pop("schema", None)
        if schema != SCHEMA:
            raise ContractError(
                f"{origin}: contract schema must be {SCHEMA}, got {schema!r}; export the model "
                "again with this version of rtau"
            )
        try:
            return StrictParser(error=ContractError).parse(cls, payload)
        except ContractError as error:
            raise ContractError(f"{origin}: {error}") from None


def read_sidecar(model: Path) -> ModelContract:
    """Returns the contract in the JSON file beside a model.

    Raises:
        ContractError: the file is missing or wrong.
    """
    path = model.with_suffix(".json")
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_JSON_BYTES + 1)
        return ModelContract.from_json(raw.decode("utf-8"), origin=str(path))
    except OSError as error:
        raise ContractError(
            f"{path}: the model's contract cannot be read ({error.strerror}); keep the .json "
            "that `rtau-export` wrote beside the model"
        ) from None
    except UnicodeDecodeError:
        raise ContractError(f"{path}: the contract must be UTF-8 text") from None


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hex.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check_contract(contract: ModelContract) -> None:
    if not contract.labels or len(set(contract.labels)) != len(contract.labels):
        raise ContractError(f"labels must be distinct and at least one, got {contract.labels}")
    if not 16 <= contract.input_size <= 1024:
        raise ContractError(f"input_size must lie in [16, 1024] px, got {contract.input_size}")
    for name in ("thresholds", "cam_scale"):
        values = getattr(contract, name)
        if values is not None and len(values) != len(contract.labels):
            raise ContractError(
                f"{name} must have one value per label ({len(contract.labels)}), got {len(values)}"
            )
    if contract.calibration is not None:
        _check_calibration(contract.calibration, labels=len(contract.labels))
    if not all(0 <= threshold <= 1 for threshold in contract.thresholds):
        raise ContractError(f"thresholds must lie in [0, 1], got {contract.thresholds}")
    if (contract.cam_method is None) != (contract.cam_scale is None):
        raise ContractError("cam_method and cam_scale must be given together or not at all")
    if contract.cam_scale is not None and not all(0 < s < float("inf") for s in contract.cam_scale):
        raise ContractError(f"cam_scale must be positive and finite, got {contract.cam_scale}")
    if contract.int8_profile is not None and contract.precision != "int8":
        raise ContractError(
            f"int8_profile must be null for {contract.precision}, got {contract.int8_profile}"
        )
    if contract.max_batch is not None and contract.max_batch < 1:
        raise ContractError(f"max_batch must be at least 1, got {contract.max_batch}")


def _check_calibration(calibration: CalibrationRecord, *, labels: int) -> None:
    for name in ("temperature", "shift"):
        values = getattr(calibration, name)
        if len(values) != labels:
            raise ContractError(
                f"calibration.{name} must have one value per label ({labels}), got {len(values)}"
            )
    if not all(0 < value < float("inf") for value in calibration.temperature):
        raise ContractError(
            f"calibration.temperature must be positive, got {calibration.temperature}"
        )
