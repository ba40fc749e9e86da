"""What the face alignment file takes and returns: sizes, margin, the meaning of its points.

Carried in the ONNX metadata (key `rtau_alignment`) and as a JSON file beside the model. The runtime
cuts crops and reads squares by it; `rtau_train.face_alignment` writes it.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Final

from rtau.contract import contract_from_json
from rtau.errors import ContractError
from rtau.squares import PointRule

METADATA_KEY: Final = "rtau_alignment"
# Raised when a field changes its meaning; the runtime refuses other schemas.
SCHEMA: Final = 1

# Names of the file's input and outputs: crops uint8 (N, S, S), presence_logit float32 (N,),
# points float32 (N, K, 2), and in files whose contract has `occlusion`: occlusion_logit
# float32 (N,).
INPUT: Final = "crops"
PRESENCE: Final = "presence_logit"
POINTS: Final = "points"
OCCLUSION: Final = "occlusion_logit"


@dataclasses.dataclass(frozen=True, slots=True)
class AlignmentParity:
    """How far the ONNX file is from the network it was made of, as measured when it was written."""

    reference: str
    """What it was compared with."""
    runner: str
    """What ran the file."""
    crops: int
    """Crops both were run on."""
    max_dlogit: float
    """Largest difference of a presence logit."""
    max_dpoint_px: float
    """Largest move of a point, px in the crop."""


@dataclasses.dataclass(frozen=True, slots=True)
class PresenceCalibration:
    """How logits of training were brought to probabilities; the file's own are so already."""

    scale: float
    """calibrated logit = scale * logit of training + shift."""
    shift: float
    """See `scale`."""
    origin: str
    """The data and the rule they were chosen by."""


@dataclasses.dataclass(frozen=True, slots=True)
class OcclusionOutput:
    """What the output `occlusion_logit` means: sigmoid of it is the probability of a cover."""

    limit: float
    """From this probability on, a part of the face counts as covered."""
    origin: str
    """The data and the rules that calibration and limit were chosen by."""
    weights_sha256: str
    """SHA-256 of the weights of the branch."""
    recipe: str
    """Path of the training recipe in the repository."""
    git_commit: str
    """Commit that wrote the output."""
    training_data: str
    """What the branch has seen, in one line."""
    max_dlogit: float
    """Largest difference from torch when the file was written."""

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise ContractError(f"occlusion.limit must lie between 0 and 1, got {self.limit}")

    @property
    def limit_logit(self) -> float:
        """The limit as a logit."""
        return math.log(self.limit / (1 - self.limit))


@dataclasses.dataclass(frozen=True, slots=True)
class AlignmentContract:
    """The record of what the file expects and returns."""

    name: str
    """Name of the model, as in its file name."""
    network: str
    """Architecture, in one line."""
    input_size: int
    """Side S of a crop, px; the input is `crops`: uint8 (N, S, S), grey."""
    expand: float
    """Side of a crop over the side of the face square it is cut along; both have one centre."""
    points: PointRule
    """What the `points` output means: how its K points, px in the crop, lie on the face square.
    With 68 points their order is iBUG's."""
    max_shift: float
    """Crops this far off their face, in sides of the face square, were learnt as faces."""
    max_scale: float
    """The same for the larger of both squares over the smaller."""
    max_roll_deg: float
    """The same for the turn between both; beyond 95 degrees a face was learnt as none."""
    calibration: PresenceCalibration
    """Folded into the graph: sigmoid(presence_logit) is a probability."""
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
    opset: int
    """ONNX opset of the file."""
    parity: AlignmentParity | None = None
    """How far the file is from torch; None where nobody measured it."""
    occlusion: OcclusionOutput | None = None
    """The output `occlusion_logit`; None for a file without it."""

    def __post_init__(self) -> None:
        if not 16 <= self.input_size <= 256:
            raise ContractError(f"input_size must lie in [16, 256] px, got {self.input_size}")
        if not 0.5 <= self.expand <= 4:
            raise ContractError(f"expand must lie in [0.5, 4], got {self.expand}")
        if not (self.max_shift >= 0 and self.max_scale >= 1 and self.max_roll_deg >= 0):
            raise ContractError(
                "max_shift and max_roll_deg must not be negative and max_scale must be 1 or more, "
                f"got {self.max_shift}, {self.max_roll_deg} and {self.max_scale}"
            )

    def to_json(self) -> str:
        """Returns the contract as JSON, keys in the order of the fields."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str, *, origin: str) -> AlignmentContract:
        """Returns the contract a JSON text holds; `origin` names the file in error texts.

        Raises:
            ContractError: not JSON, another schema, a missing, unknown or wrong field.
        """
        return contract_from_json(cls, text, schema=SCHEMA, origin=origin)
