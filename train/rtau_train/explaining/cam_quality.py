"""How well heatmaps point at the muscles of their Action Unit: pointing game and energy share.

Counts, for faces that truly show an AU, whether the highest heat and how much of all heat lies in
the AU's region, beside the region's share of the crop, which is what chance would give. Draws
nothing and splits nothing (docs/cam-quality.md). Called by `rtau_train.commands.cam_quality`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from rtau.contract import CamMethod, CropRule
from rtau.data import Image
from rtau.errors import UsageError
from rtau.facs import au_from_label
from rtau_train.datasets import augmentation
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.evaluation.run_metrics import CamMetrics, RegionSource
from rtau_train.explaining import facial_regions
from rtau_train.explaining.facial_regions import Mask, Points
from rtau_train.explaining.mean_face import mean_face
from rtau_train.models.cam import logits_and_cams
from rtau_train.models.checkpoint import Model
from rtau_train.models.facenet import FaceNet
from rtau_train.recipe import Crop

# In the order of the first paper's figures.
METHODS: tuple[CamMethod, ...] = ("gradcam++", "gradcam")
# Side of the grid over the crop on which heat and regions meet, px: the same for every network, so
# that figures of networks with other crops compare.
GRID_PX = 224
# How far from a region the highest heat still counts as a hit: the 15 px of Zhang et al. (IJCV
# 2018) on this grid, which is half a cell of a 7x7 map, as near as such a map can point.
TOLERANCE_PX = 15
# Faces per forward pass.
BATCH = 64

Cam = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False)
class Faces:
    """A batch of crops with what they show."""

    crops: Image
    """uint8 (N, S, S, 3), RGB, as the network takes them."""
    occurs: npt.NDArray[np.bool_]
    """bool (N, A), labels in the network's order."""
    points: Points
    """(N, 68, 2) in sides of the crop, or (1, 68, 2) for all: where regions are laid."""
    source: RegionSource
    """What the points are."""


class _Measured(NamedTuple):
    """The figures of one CAM, or their means."""

    hit_rate: float
    energy: float
    chance: float
    hit_chance: float


def peaks(cam: Cam, /) -> npt.NDArray[np.float64]:
    """Returns where a CAM (h, w) is highest: (K, 2) x, y in sides of the crop, K > 1 for ties.

    Cell centres: there the CAM, enlarged to the crop by bilinear interpolation, has its maximum.
    """
    return _centres(cam == cam.max())


def hit(cam: Cam, mask: Mask, /) -> float:
    """Returns 1 if the highest heat lies in a mask, else 0; where cells tie, their mean.

    The pointing game of Zhang et al. (IJCV 2018); for theirs the mask is `near(region)`.
    """
    return _share_inside(peaks(cam), mask)


def near(region: Mask, /) -> Mask:
    """Returns a region on the grid with all that is no further from it than the tolerance."""
    away_px = cv2.distanceTransform(np.uint8(1) - region.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(away_px <= TOLERANCE_PX)


def energy(cam: Cam, mask: Mask, /) -> float:
    """Returns the share of a CAM's heat that lies in the region; the CAM must not be all 0.

    The energy-based pointing game of Wang et al. (Score-CAM, CVPR workshops 2020) with the region
    in place of their box; the CAM is enlarged to the region's grid by bilinear interpolation.
    """
    heat = cv2.resize(cam.astype(np.float64), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return float(heat[mask].sum() / heat.sum())


def cam_metrics(
    net: FaceNet,
    batches: Iterable[Faces],
    /,
    *,
    labels: Sequence[str],
    methods: Sequence[CamMethod] = METHODS,
    progress: Callable[[int], None] | None = None,
) -> tuple[CamMetrics, ...]:
    """Returns the figures of every label and method, labels in order, methods within.

    Args:
        net: in eval mode, with the feature map that is shipped (`Model.network`).
        batches: what to run it on, all with the same source of regions.
        labels: AUs of `rtau.facs`, in the order of the network's outputs.
        methods: kinds of CAM.
        progress: told now and then how many more faces are done.

    Raises:
        UsageError: there are no faces.
        ValueError: a label names no AU, or crops, occurrences and points do not fit together.
    """
    measured: dict[tuple[str, CamMethod], list[_Measured | None]] = {
        (label, method): [] for label in labels for method in methods
    }
    sources: set[RegionSource] = set()
    for faces in batches:
        _check(faces, labels)
        sources.add(faces.source)
        for rows in np.split(np.arange(len(faces.crops)), range(BATCH, len(faces.crops), BATCH)):
            cams = _cams(net, faces.crops[rows], methods)
            for place, column, region in _regions(faces, rows, labels):
                around = near(region)
                for method in methods:
                    one = _judge(cams[method][place, column], region, around)
                    measured[labels[column], method].append(one)
            if progress is not None:
                progress(len(rows))
    if len(sources) != 1:
        raise UsageError(f"regions must have one source, got {sorted(sources) or 'no face at all'}")
    return tuple(
        _metrics(found, label=label, method=method, source=next(iter(sources)))
        for (label, method), found in measured.items()
    )


def faces_of(model: Model, data: LabelledCrops, rows: Rows, /) -> Iterator[Faces]:
    """Yields some rows of a data set as a model's network takes them, those that show a label.

    Regions lie on the data's landmarks; where there are none, on the mean face in crops cut by the
    rule the pictures were prepared with.

    Raises:
        UsageError: the labels are no AUs, or there are neither landmarks nor a crop rule.
        SourceOpenError: a picture cannot be read.
    """
    if model.recipe.network.task != "multi_label":
        raise UsageError("CAM quality needs Action Units: emotions have no region of the face")
    rule, size = model.recipe.crop, model.recipe.network.input_size
    template = None if data.landmarks is not None else mean_face(_rule(data))[None]
    rows = rows[data.occurs[rows].any(axis=1)]
    for first in range(0, len(rows), BATCH):
        some = rows[first : first + BATCH]
        images, landmarks = data.read(some)
        crops = np.stack(
            [
                augmentation.plain_crop(
                    image, None if landmarks is None else landmarks[k], rule, size=size
                )
                for k, image in enumerate(images)
            ]
        )
        if landmarks is None:
            assert template is not None
            yield Faces(crops, data.occurs[some], template, "mean face")
            continue
        points = [
            augmentation.plain_points(own, image, rule, size=size) / size
            for own, image in zip(landmarks, images, strict=True)
        ]
        yield Faces(crops, data.occurs[some], np.stack(points), "landmarks")


def _centres(cells: Mask) -> npt.NDArray[np.float64]:
    """Returns the centres of the cells of a CAM that are True: (K, 2), in sides of the crop."""
    rows, columns = np.nonzero(cells)
    height, width = cells.shape
    return np.stack([(columns + 0.5) / width, (rows + 0.5) / height], axis=1)


def _share_inside(points: npt.NDArray[np.float64], mask: Mask) -> float:
    places = np.floor(points * mask.shape[::-1]).astype(int)
    return float(mask[places[:, 1], places[:, 0]].mean())


def _rule(data: LabelledCrops) -> Crop | CropRule:
    if data.preparation is None or data.preparation.crop is None:
        raise UsageError(
            "the data have no landmarks68.npz and do not say where their crops were cut, so the "
            "place of a face in them is unknown; prepare them with `rtau-train prepare`"
        )
    return data.preparation.crop


def _check(faces: Faces, labels: Sequence[str]) -> None:
    count = len(faces.crops)
    if faces.occurs.shape != (count, len(labels)):
        raise ValueError(f"occurs must be ({count}, {len(labels)}), got {faces.occurs.shape}")
    if faces.points.shape not in ((count, 68, 2), (1, 68, 2)):
        raise ValueError(f"points must be ({count} or 1, 68, 2), got {faces.points.shape}")
    for label in labels:
        au_from_label(label)


def _cams(net: FaceNet, crops: Image, methods: Sequence[CamMethod]) -> dict[CamMethod, Cam]:
    """Returns per method the CAMs of some crops: float32 (n, A, h, w)."""
    device = net.normalise.mean.device
    with torch.inference_mode():
        maps = net.features(torch.from_numpy(crops).to(device))
        return {
            method: logits_and_cams(
                maps, net.head, net.pooling, direct=net.direct(), method=method
            )[1]
            .cpu()
            .numpy()
            for method in methods
        }


def _regions(faces: Faces, rows: Rows, labels: Sequence[str]) -> Iterator[tuple[int, int, Mask]]:
    """Yields place in the batch, column and region of every label that a face of it shows."""
    for place, row in enumerate(rows):
        points = faces.points[row if len(faces.points) > 1 else 0]
        for column in np.flatnonzero(faces.occurs[row]).tolist():
            yield place, column, facial_regions.mask(labels[column], points, side_px=GRID_PX)


def _judge(cam: Cam, region: Mask, around: Mask) -> _Measured | None:
    """Returns what one CAM is worth; None where it has no heat."""
    if not cam.any():
        return None
    everywhere = _centres(np.ones(cam.shape, bool))
    return _Measured(
        hit_rate=hit(cam, around),
        energy=energy(cam, region),
        chance=float(region.mean()),
        hit_chance=_share_inside(everywhere, around),
    )


def _metrics(
    measured: Sequence[_Measured | None], *, label: str, method: CamMethod, source: RegionSource
) -> CamMetrics:
    warm = [found for found in measured if found is not None]
    unknown = (float("nan"),) * len(_Measured._fields)
    means = _Measured(*np.mean(warm, axis=0).tolist()) if warm else _Measured(*unknown)
    return CamMetrics(
        method=method,
        label=label,
        rows=len(warm),
        empty=len(measured) - len(warm),
        regions=source,
        **means._asdict(),
    )
