"""The verb `rtau-train explain`: panels of heatmaps of image files, and one JSON of the figures.

Parses, finds the faces, hands over and writes; a file without a readable face is told and left out.
Called by `rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

import rtau
from rtau.config import RunConfig
from rtau.contract import CamMethod
from rtau.data import Frame
from rtau.errors import SourceError, SourceOpenError, UsageError
from rtau.facs import au_from_label
from rtau.protocols import Tracker
from rtau.runs.build import build_tracker
from rtau.sources import expand_images
from rtau_train import records
from rtau_train.explaining.explain import Explanation, Opened, check_labels, explain, opened
from rtau_train.explaining.largest_face import FoundFace, find_largest, read_image
from rtau_train.explaining.panels import CELL_PX, HeatScale, draw
from rtau_train.models.checkpoint import load_model
from rtau_train.whole_file import write_whole

RECORD = "explain.json"
FORMAT = 1
# Digits behind the point of places.
_DIGITS = 6


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser("explain", help="show where a network looks, as panels of heatmaps")
    verb.add_argument("run_folder", type=Path, metavar="RUN", help="folder of `fit`, or a model.pt")
    verb.add_argument("images", nargs="+", metavar="IMAGE", help="image files or folders of them")
    verb.add_argument(
        "--out", type=Path, default=Path("explained"), metavar="DIR",
        help="folder to write (default explained/)",
    )  # fmt: skip
    verb.add_argument(
        "--beside", type=Path, action="append", default=[], metavar="RUN",
        help="show this run beside the first; may be repeated",
    )  # fmt: skip
    verb.add_argument(
        "--methods", default="gradcam++,gradcam", metavar="NAMES",
        help="gradcam, gradcam++ or both, from the top row down (default gradcam++,gradcam)",
    )  # fmt: skip
    which = verb.add_mutually_exclusive_group()
    which.add_argument("--aus", metavar="NUMBERS", help="Action Units, `4,25` (default all)")
    which.add_argument("--labels", metavar="NAMES", help="labels by name, `anger,fear`")
    verb.add_argument(
        "--crop", choices=("haar", "whole"), default="haar",
        help="haar: find the largest face and cut it by the recipe's rule (default); "
        "whole: each picture is a face's crop already",
    )  # fmt: skip
    verb.add_argument(
        "--scale", choices=typing.get_args(HeatScale), default="model",
        help="full heat: the model's fixed value (default), or each map's own maximum (face)",
    )  # fmt: skip
    verb.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads")
    verb.set_defaults(run=run)


@dataclasses.dataclass(frozen=True)
class ExplainRequest:
    """What one command asks for."""

    models: tuple[Opened, ...]
    labels: tuple[str, ...]
    methods: tuple[CamMethod, ...]
    heat_scale: HeatScale
    tracker: Tracker | None
    """None: pictures are crops already."""


def run(arguments: argparse.Namespace) -> None:
    """Writes a panel per image that has a face, and the record of all.

    Raises:
        UsageError: a label, a method or a file name is wrong; nothing was written.
        SourceOpenError: a model cannot be read; nothing was written.
        SourceError: images have no panel; those of the others and the record are written.
    """
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    request = _request(arguments)
    places = _places(expand_images(arguments.images).files, arguments.out)
    images: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    for file, place in places.items():
        try:
            images.append(_explain_file(file, place, request))
        except (SourceError, SourceOpenError) as error:
            _leave_out(file, str(error), left_out)
    record = {**_heading(request, arguments), "images": images, "left_out": left_out}
    _write(arguments.out / RECORD, (json.dumps(record, indent=2) + "\n").encode())
    print(arguments.out)
    if left_out:
        raise SourceError(
            f"{len(left_out)} of {len(places)} images have no panel; {RECORD} says why"
        )


def _request(arguments: argparse.Namespace) -> ExplainRequest:
    methods = _methods(arguments.methods)
    wanted = _labels(arguments)
    models = _models([arguments.run_folder, *arguments.beside])
    labels = wanted or models[0].labels
    check_labels(models, labels)
    for one in models:
        for method in methods:
            one.model.scale_of(method)  # refuses a checkpoint that has none
    is_cut = arguments.crop == "haar"
    tracker = build_tracker(RunConfig(), is_sequence=False) if is_cut else None
    return ExplainRequest(models, labels, methods, arguments.scale, tracker)


def _methods(text: str) -> tuple[CamMethod, ...]:
    known = typing.get_args(CamMethod)
    names = [name.strip() for name in text.split(",")]
    if len(set(names)) != len(names) or not set(names) <= set(known):
        raise UsageError(f"--methods must name {' and '.join(known)} once each, got {text!r}")
    return tuple(typing.cast(list[CamMethod], names))


def _labels(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Returns the labels asked for, none for all."""
    text = arguments.aus if arguments.aus is not None else arguments.labels
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if arguments.aus is not None:
        try:
            names = [au_from_label(name).label for name in names]
        except ValueError as error:
            raise UsageError(f"--aus: {error}") from None
    if text is not None and (not names or len(set(names)) != len(names)):
        raise UsageError(f"labels must be named once each, got {text!r}")
    return tuple(names)


def _models(paths: Sequence[Path]) -> tuple[Opened, ...]:
    """Returns the models of runs, each under its folder's name, numbered where names repeat."""
    names: list[str] = []
    for path in paths:
        name = _name(path.resolve())
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return tuple(opened(name, load_model(path)) for name, path in zip(names, paths, strict=True))


def _name(path: Path) -> str:
    if path.suffix != ".pt":
        return path.name
    return path.parent.name if path.name == "model.pt" else path.stem


def _places(files: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Returns where the panel of each image goes."""
    places: dict[Path, Path] = {}
    for file in files:
        place = out / f"{file.stem}.png"
        same = [other for other, taken in places.items() if taken == place]
        if same:
            raise UsageError(f"{same[0]} and {file} would both write {place}; explain them apart")
        if place.resolve() == file.resolve():
            raise UsageError(f"the panel {place} would replace its input; choose another --out")
        places[file] = place
    return places


def _leave_out(file: Path, reason: str, left_out: list[dict[str, str]]) -> None:
    reason = reason.removeprefix(f"{file}: ")
    print(f"rtau-train: {file}: {reason}", file=sys.stderr)
    left_out.append({"file": records.portable(file), "reason": reason})


def _explain_file(file: Path, place: Path, request: ExplainRequest) -> dict[str, Any]:
    """Writes one panel and returns its part of the record."""
    frame = read_image(file)
    about: dict[str, Any] = {"file": records.portable(file), "panel": place.name}
    if request.tracker is None:
        found = _explain_whole(frame, request)
    else:
        face = find_largest(frame, request.tracker)
        about |= {"faces_found": face.count, "box_xyxy": _rounded(face.box_xyxy)}
        if face.count > 1:
            print(f"{file}: {face.count} faces; the largest is shown", file=sys.stderr)
        found = _explain_face(face, request)
    panel = draw(found, heat_scale=request.heat_scale, title=file.name)
    _write(place, cv2.imencode(".png", panel)[1].tobytes())
    return {**about, "models": [_readings(one) for one in found]}


def _explain_whole(frame: Frame, request: ExplainRequest) -> list[Explanation]:
    if frame.width != frame.height:
        raise SourceError(
            f"a crop must be square, got {frame.width}x{frame.height} px; without --crop whole the "
            "face is found and cut"
        )
    crop_rgb = np.ascontiguousarray(frame.image_bgr[:, :, ::-1])
    return [
        explain(one, crop_rgb, labels=request.labels, methods=request.methods)
        for one in request.models
    ]


def _explain_face(face: FoundFace, request: ExplainRequest) -> list[Explanation]:
    """Returns what each model says of a face, cut by the model's own rule."""
    found = []
    for one in request.models:
        rule = one.model.recipe.shipping.haar_crop
        found.append(
            explain(
                one,
                face.cut(rule, size=one.input_size),
                labels=request.labels,
                methods=request.methods,
                picture_rgb=face.cut(rule, size=CELL_PX),
            )
        )
    return found


def _heading(request: ExplainRequest, arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what the record says of the whole command."""
    paths = [arguments.run_folder, *arguments.beside]
    return {
        "format": FORMAT,
        "rtau_version": rtau.__version__,
        "crop": arguments.crop,
        "heat_scale": request.heat_scale,
        "models": [
            {
                "name": one.name,
                "path": records.portable(path),
                "network": one.model.recipe.network.name,
                "weights_sha256": one.model.weights_sha256(),
            }
            for one, path in zip(request.models, paths, strict=True)
        ],
    }


def _readings(one: Explanation) -> dict[str, Any]:
    """Returns what one model says of one face: places in sides of the crop from its top left."""
    return {
        "name": one.name,
        "readings": [
            {
                "label": reading.label,
                "probability": reading.probability,
                "threshold": reading.threshold,
                "active": reading.active,
                "cams": [
                    {
                        "method": heat.method,
                        "highest": heat.highest,
                        "full_heat": heat.full,
                        "peak_xy": None if heat.peak_xy is None else _rounded(heat.peak_xy),
                    }
                    for heat in reading.heats
                ],
            }
            for reading in one.readings
        ],
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, _DIGITS) for value in values]


def _write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
