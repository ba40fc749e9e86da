"""What a model file takes and returns: labels, sizes, thresholds and where they come from.

`rtau-export` writes the contract into the ONNX metadata (key `rtau_contract`) and as a JSON file
beside the model. The backends read it and refuse a model without one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
from pathlib import Path
from typing import Literal, TypeVar

from rtau.data import Task
from rtau.errors import ContractError
from rtau.strict_parser import StrictParser

# Key of the contract's JSON in an ONNX file's metadata_props.
METADATA_KEY = "rtau_contract"
# Increased when a field changes its meaning; the runtime refuses other schemas.
SCHEMA = 1
# A contract is a page of text; a larger file is something else, or hostile.
MAX_JSON_BYTES = 1 << 20
# FACS scores an action from 0, absent, to 5.
INTENSITIES = 6
# Of a model whose contract says nothing of it.
NEUTRAL_SHARE = 0.5

Contract = TypeVar("Contract")
Precision = Literal["fp32", "fp16", "int8"]
CamMethod = Literal["gradcam", "gradcam++"]
# The integer arithmetic an int8 file is made for: ONNX Runtime's on a CPU, or TensorRT's.
Int8Profile = Literal["cpu", "trt"]


@dataclasses.dataclass(frozen=True, slots=True)
class CropRule:
    """The position of the crop relative to a detector's box, as in training."""

    detector: str
    """The detector whose boxes the numbers are for: `haar`."""
    expand: float
    """Side of the crop relative to the longer side of the box."""
    offset_x: float
    """Shift of the centre to the right, in longer sides of the box."""
    offset_y: float
    """Shift of the centre downwards, in longer sides of the box."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.expand <= 4:
            raise ContractError(f"crop.expand must lie in [0.5, 4], got {self.expand}")
        for name in ("offset_x", "offset_y"):
            if not -1 <= getattr(self, name) <= 1:
                raise ContractError(f"crop.{name} must lie in [-1, 1], got {getattr(self, name)}")


@dataclasses.dataclass(frozen=True, slots=True)
class LandmarkRule:
    """The position of the square used in training relative to the 68 landmarks (iBUG order).

    With it a crop can be compared with the one its own landmarks would give.
    """

    side_over_landmark_box: float
    """Side of the square relative to the longer side of the landmarks' box."""
    lift: float
    """Height of the square's centre above the box's centre, in sides of the square."""

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
    """Differences between an ONNX file and what it was made from, measured when it was written."""

    reference: str
    """What it was compared with: torch, or the float32 file of a reduced one."""
    reference_sha256: str
    """SHA-256 of the weights in torch, or of the float32 file."""
    runner: str
    """What ran the file: library and provider."""
    conversion: str
    """How the file was made from the reference, in one line: the ranges of int8, for example."""
    images: int
    """Pictures both were run on."""
    images_origin: str
    """Origin of those pictures."""
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
    """Macro-F1 of this file minus that of the reference; None without labelled pictures."""
    max_dlandmark: float | None = None
    """Largest distance of a landmark, in sides of the crop; None without landmarks."""

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
    """How logits were calibrated to probabilities; the calibration is part of the file.

    calibrated logit = (logit of training - shift) / temperature, per label (Platt 1999; Guo et al.
    2017, section 4.2).
    """

    temperature: tuple[float, ...]
    """Positive, one per label."""
    shift: tuple[float, ...]
    """One per label."""
    origin: str
    """The data and the rule they were fitted with."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelContract:
    """The record of what a model file expects and returns."""

    name: str
    """Name of the model, as in its file name: `shufflenetv2-au14`."""
    network: str
    """Architecture: `shufflenetv2_x1_0`."""
    task: Task
    """multi_label (AUs, sigmoid) or multi_class (emotions, softmax)."""
    labels: tuple[str, ...]
    """Labels in output order: `AU01`, ... or `anger`, ..."""
    input_size: int
    """Side S of the input crops, px; input is `crops`: uint8 (N, S, S, 3), RGB."""
    crop: CropRule
    """Position of the crop."""
    mean: tuple[float, float, float]
    """Subtracted inside the graph, per RGB channel, on a 0-1 scale; for information."""
    std: tuple[float, float, float]
    """Divided by inside the graph, per RGB channel; for information."""
    thresholds: tuple[float, ...]
    """Probability at or above which a label is active, one per label; 0 for multi_class."""
    thresholds_origin: str
    """The data and the rule the thresholds were chosen by."""
    weights_sha256: str
    """SHA-256 of the weights the file was exported from."""
    recipe: str
    """Path of the training recipe."""
    git_commit: str
    """Commit that exported the file."""
    licence: str
    """Licence of the weights."""
    training_data: str
    """The training data, in one line; details are in the model card."""
    cam_method: CamMethod | None = None
    """What the `cams` output is; None when the file has no such output."""
    cam_scale: tuple[float, ...] | None = None
    """Per label, the raw CAM value drawn as full heat: heatmaps are comparable over time."""
    opset: int = 0
    """ONNX opset of the file; 0 for other files."""
    precision: Precision = "fp32"
    """Precision of the weights and of most of the arithmetic."""
    max_batch: int | None = None
    """Most rows per call; None for any number."""
    int8_profile: Int8Profile | None = None
    """What an int8 file is made for; None if unknown, and for other precisions."""
    parity: ParityRecord | None = None
    """Differences from torch, or of a reduced file from its float32 file; None if not measured, as
    for an engine of another precision than its ONNX file."""
    calibration: CalibrationRecord | None = None
    """What is folded into the last layer; None: the outputs rank faces and are not calibrated."""
    landmarks: LandmarkRule | None = None
    """What the `landmarks` output means: float32 (N, 68, 2), px in crop space; None when the file
    has no such output."""
    intensity_scale: tuple[tuple[float, ...], ...] | None = None
    """Per label, the probability at each FACS intensity 0 to 5, rising; the third is the threshold.
    None: the model tells no intensity."""
    sides: tuple[str, ...] | None = None
    """Labels whose left and right composites of each half of a face tell apart (`rtau.sides`); None
    when nobody has shown that of any."""
    side_gains: tuple[float, ...] | None = None
    """Per label of `sides`, the intensities that left minus right are of one unit of log-odds."""
    has_pose: bool = False
    """Whether there is a `pose` output, float32 (N, 2): pitch and yaw of the head, radians,
    positive down and to the person's right (OpenFace's `pose_Rx` and `pose_Ry`)."""
    neutral_share: float = dataclasses.field(default=NEUTRAL_SHARE, metadata={"low": 0, "high": 1})
    """The share of a person's neutral log-odds that is subtracted where a neutral is known."""
    recipe_changes: tuple[str, ...] = ()
    """What the command line changed in the recipe, `network.weights=none`."""

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
        """Returns the contract in a JSON text; `origin` names the file in error messages.

        Raises:
            ContractError: not JSON, another schema, a missing, unknown or wrong field.
        """
        return contract_from_json(cls, text, schema=SCHEMA, origin=origin)


def contract_from_json(kind: type[Contract], text: str, /, *, schema: int, origin: str) -> Contract:
    """Returns the contract record that a JSON text holds.

    Args:
        kind: the record, a dataclass.
        text: a JSON object with the fields of the record and `schema`.
        schema: the one that is understood.
        origin: name of the file in error texts.

    Raises:
        ContractError: not JSON, another schema, a missing, unknown or wrong field.
    """
    if len(text) > MAX_JSON_BYTES:
        raise ContractError(f"{origin}: a contract must be under 1 MiB, got {len(text)} bytes")
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits too
        raise ContractError(f"{origin}: the contract is not JSON ({error})") from None
    if not isinstance(payload, dict):
        raise ContractError(f"{origin}: the contract must be a JSON object")
    given = payload.pop("schema", None)
    if given != schema:
        raise ContractError(
            f"{origin}: contract schema must be {schema}, got {given!r}; export the model "
            "again with this version of rtau"
        )
    try:
        return StrictParser(error=ContractError).parse(kind, payload)
    except ValueError as error:  # ContractError is one; so is what nested records raise
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
    for label in contract.labels:
        if not label.isprintable() or not label[:1].isalnum():  # they are headers of tables
            raise ContractError(
                f"labels must begin with a letter or a number and be printable, got {label!r}"
            )
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
    _check_intensities(contract)
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


def _check_intensities(contract: ModelContract) -> None:
    scale, labels = contract.intensity_scale, len(contract.labels)
    if scale is not None:
        if contract.task != "multi_label":
            raise ContractError("intensity_scale must be null for multi_class")
        if len(scale) != labels or any(len(knots) != INTENSITIES for knots in scale):
            raise ContractError(
                f"intensity_scale must have {labels} rows of {INTENSITIES} probabilities, got "
                f"{[len(knots) for knots in scale]}"
            )
        for label, knots in zip(contract.labels, scale, strict=True):
            rises = all(low < high for low, high in itertools.pairwise(knots))
            if not rises or not 0 < knots[0] < knots[-1] < 1:
                raise ContractError(
                    f"intensity_scale must rise within (0, 1), got {knots} for {label}"
                )
    if contract.sides is not None:
        unknown = sorted(set(contract.sides) - set(contract.labels))
        if unknown or not contract.sides or len(set(contract.sides)) != len(contract.sides):
            raise ContractError(f"sides must be distinct labels, got {contract.sides}")
        if scale is None:
            raise ContractError("sides must be null without intensity_scale")
    gains = contract.side_gains or ()
    if len(gains) != len(contract.sides or ()) or not all(0 < gain < math.inf for gain in gains):
        raise ContractError(f"side_gains must have a positive number per side, got {gains}")


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
