"""What a network sees in a face: probabilities, decisions and CAMs of chosen labels.

Runs the network once per face and takes every CAM from that run in closed form; finds no faces,
draws nothing (`rtau_train.explaining.panels`) and writes nothing. Called by
`rtau_train.commands.explain` and, as `opened` and `explain`, by whoever wants the numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from rtau.contract import CamMethod
from rtau.data import Image
from rtau.errors import UsageError
from rtau.faces import crops
from rtau_train.explaining.cam_quality import peaks
from rtau_train.models.cam import logits_and_cams
from rtau_train.models.checkpoint import Model
from rtau_train.models.facenet import FaceNet


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """A model with its network built, so that many faces need it built once."""

    name: str
    """What panels and records call it."""
    model: Model
    net: FaceNet

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in output order."""
        return self.model.recipe.network.labels

    @property
    def input_size(self) -> int:
        """Side of the crops it takes, px."""
        return self.model.recipe.network.input_size


@dataclasses.dataclass(frozen=True, eq=False)
class Heat:
    """One CAM of one label."""

    method: CamMethod
    cam: npt.NDArray[np.float32]
    """float32 (h, w) >= 0, raw, over the whole crop."""
    full: float
    """Raw value that counts as full heat for this model, label and method."""

    @property
    def highest(self) -> float:
        """Highest raw value; 0 where the CAM is empty."""
        return float(self.cam.max())

    @property
    def peak_xy(self) -> tuple[float, float] | None:
        """Centre of the hottest cell, the first of equals, in sides of the crop; None if empty."""
        if self.highest <= 0:
            return None
        x, y = peaks(self.cam)[0].tolist()
        return x, y


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """What a network says of one label in one face."""

    label: str
    probability: float
    threshold: float | None
    """Probability from which the label is active; None for a softmax, whose likeliest label is."""
    active: bool
    heats: tuple[Heat, ...]
    """One per method, in the order asked for."""


@dataclasses.dataclass(frozen=True, eq=False)
class Explanation:
    """What one model says of one face."""

    name: str
    """The model's."""
    picture_rgb: Image
    """uint8 (P, P, 3): the square the network saw, at any size, for people to look at."""
    readings: tuple[Reading, ...]
    """One per label, in the order asked for."""


def opened(name: str, model: Model, /) -> Opened:
    """Returns a model with its network built, in eval mode with the feature map it ships with."""
    return Opened(name, model, model.network())


def check_labels(models: Sequence[Opened], labels: Sequence[str], /) -> None:
    """Returns when every model knows every label.

    Raises:
        UsageError: a label is unknown to a model, or none is asked for.
    """
    if not labels:
        raise UsageError("there is no label to explain; name one that every model has")
    for one in models:
        unknown = [label for label in labels if label not in one.labels]
        if unknown:
            raise UsageError(
                f"{one.name} has no label {unknown[0]}; its labels are {', '.join(one.labels)}"
            )


def explain(
    one: Opened,
    crop_rgb: Image,
    /,
    *,
    labels: Sequence[str],
    methods: Sequence[CamMethod],
    picture_rgb: Image | None = None,
) -> Explanation:
    """Returns what a model says of one face.

    Args:
        one: the model.
        crop_rgb: uint8 (S, S, 3), the face's square; resampled if S is not the network's.
        labels: labels to explain, of the model's.
        methods: kinds of CAM.
        picture_rgb: the same square for people to look at; None shows `crop_rgb`.

    Raises:
        UsageError: a label is unknown, the crop is not square, or the model has no heat scale for
            a method.
    """
    check_labels([one], labels)
    height, width = crop_rgb.shape[:2]
    if height != width:
        raise UsageError(f"a crop must be square, got {width}x{height} px")
    eaten = _fitted(crop_rgb, one.input_size)
    logits, cams = _run(one.net, eaten, methods)
    multi_class = one.model.recipe.network.task == "multi_class"
    probabilities = _softmax(logits) if multi_class else 1 / (1 + np.exp(-logits))
    readings = []
    for label in labels:
        column = one.labels.index(label)
        threshold = None if multi_class else one.model.thresholds[column]
        probability = float(probabilities[column])
        heats = tuple(
            Heat(method, cams[k][column], one.model.scale_of(method)[column])
            for k, method in enumerate(methods)
        )
        likeliest = column == int(logits.argmax())
        active = likeliest if threshold is None else probability >= threshold
        readings.append(Reading(label, probability, threshold, active, heats))
    picture = crop_rgb if picture_rgb is None else picture_rgb
    return Explanation(one.name, picture, tuple(readings))


def _fitted(crop_rgb: Image, size: int) -> Image:
    side = len(crop_rgb)
    if side == size:
        return crop_rgb
    return crops.warp_square(crop_rgb, np.array([0, 0, side, side], np.float32), size=size)


def _run(
    net: FaceNet, crop_rgb: Image, methods: Sequence[CamMethod]
) -> tuple[npt.NDArray[np.float64], list[npt.NDArray[np.float32]]]:
    """Returns logits (A,) and per method the CAMs (A, h, w) of one crop."""
    device = net.normalise.mean.device
    with torch.inference_mode():
        # A copy: torch warns of arrays that are read-only.
        maps = net.features(torch.from_numpy(crop_rgb.copy())[None].to(device))
        logits = net.logits_of(net.pooling(maps))[0].cpu().numpy().astype(np.float64)
        cams = [
            logits_and_cams(maps, net.head, net.pooling, direct=net.direct(), method=method)[1][0]
            .cpu()
            .numpy()
            for method in methods
        ]
    return logits, cams


def _softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())
