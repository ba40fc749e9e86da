"""Scores a model on photographs of emotions: are the AUs that an emotion asks for seen in it?

Nobody coded these pictures. An emotion stands for the AUs of its prototype in the emotion
prediction tables of the FACS Investigator's Guide (Ekman, Friesen & Hager 2002), which a picture
of it often lacks: figures compare models, and say little of one. With `--landmarker-python` the
blendshapes of MediaPipe are scored on the same pictures. FOLDER is one of `rtau-train prepare
fer2013`, whose pictures are faces without surroundings: each is aligned from its middle. Prints
Markdown or writes docs/weights.md.

    PYTHONPATH=.:train python benchmarks/emotion_faces.py FOLDER \
        --landmarker-python .venv-peer/bin/python --write
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.document import origin, publish
from benchmarks.rendered_heads import DOCUMENT
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import open_engine
from rtau.config import RunConfig
from rtau.data import Faces, Frame, Image
from rtau.faces.crops import cut
from rtau.protocols import Aligner, Engine
from rtau.runs.build import open_face_parts
from rtau.squares import FaceSquares, Square, boxes_from_squares
from rtau_train.card.scoring import probabilities_of, thresholds_of
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.evaluation.binary_metrics import auc
from rtau_train.geometry_teacher.landmarker import find_points

SCRIPT = "benchmarks/emotion_faces.py"
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
# What FER2013 calls its parts.
USAGES = {"public": "PublicTest", "private": "PrivateTest", "training": "Training"}
PROTOTYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "happiness": ("AU06", "AU12"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
    "sadness": ("AU01", "AU04", "AU15"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU20", "AU25"),
    "anger": ("AU04", "AU05"),
    "disgust": ("AU09", "AU10"),
}
# The blendshape that an AU is nearest to; where there is one for each side, their mean.
BLENDSHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04": ("browDownLeft", "browDownRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU06": ("cheekSquintLeft", "cheekSquintRight"),
    "AU09": ("noseSneerLeft", "noseSneerRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU25": ("jawOpen",),
    "AU26": ("jawOpen",),
}
# Side that pictures are enlarged to, and how much of it is added on every side.
SIDE_PX, BORDER = 192, 1 / 3
# Where alignment begins: a little under the middle, over the picture's side.
START_SIDES, LOWER = 0.78, 0.03
PASSES = 3
LEAST_PRESENCE = 0.5

Floats = npt.NDArray[np.float64]


class Faced(NamedTuple):
    """Pictures whose face was found, N of M."""

    rows: npt.NDArray[np.int64]
    """int64 (N,): which of the pictures."""
    crops: Image
    """uint8 (N, S, S, 3), RGB, as the model wants them."""


class Figures(NamedTuple):
    """What is said of one AU of an emotion."""

    pictures: int
    area: float
    """AUC of the emotion's pictures against neutral ones."""
    active: float
    """Share of the emotion's pictures in which it is active."""
    alarms: float
    """Share of neutral pictures in which it is."""


def enlarged(picture: Image, /) -> Image:
    """Returns a picture uint8 (H, W, 3) in the size faces are looked for, its border repeated."""
    border = round(BORDER * SIDE_PX)
    large = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    around = (border,) * 4
    return np.asarray(cv2.copyMakeBorder(large, *around, cv2.BORDER_REPLICATE), np.uint8)


def faced(pictures: Image, engine: Engine, aligner: Aligner, /) -> Faced:
    """Returns the crops of pictures uint8 (M, H, W, 3), BGR, in which the aligner sees a face."""
    rows, crops = [], []
    for row, picture in enumerate(pictures):
        large = enlarged(picture)
        frame = Frame(index=0, time_s=0.0, picture=large)
        middle = len(large) / 2
        start = Square(middle, middle + LOWER * SIDE_PX, START_SIDES * SIDE_PX, 0.0)
        squares = FaceSquares.of([start])
        for number in range(PASSES):
            found = aligner.align(frame, squares, with_mirrored=number > 0)
            squares = found.squares
        if found.presence[0] < LEAST_PRESENCE:
            continue
        face = Faces(boxes_xyxy=boxes_from_squares(squares), rolls_rad=squares.rolls_rad)
        contract = engine.contract
        cropped = cut(frame, face, rule=contract.crop, size=contract.input_size)
        if len(cropped.images_rgb):
            rows.append(row)
            crops.append(cropped.images_rgb[0])
    return Faced(np.array(rows, np.int64), np.stack(crops))


def blendshape_scores(
    pictures: Image, labels: tuple[str, ...], /, *, python: str
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Returns MediaPipe's scores, (M, A), NaN where it has none, and where it sees a face, (M,)."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{row:05d}.png" for row in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            cv2.imwrite(str(path), enlarged(picture))
        mesh = find_points(paths, python=python, progress=lambda _: None)
    scores = np.full((len(pictures), len(labels)), np.nan)
    for column, label in enumerate(labels):
        columns = [mesh.blendshape_names.index(shape) for shape in BLENDSHAPES.get(label, ())]
        if columns:
            scores[:, column] = mesh.blendshapes[:, columns].mean(axis=1)
    return scores, mesh.faces > 0


def figures(
    scores: Floats,
    emotions: npt.NDArray[np.str_],
    /,
    *,
    labels: tuple[str, ...],
    thresholds: Floats,
) -> dict[tuple[str, str], Figures]:
    """Returns the figures of each emotion that is shown and AU of its prototype that is known.

    Args:
        scores: float64 (N, A).
        emotions: (N,), names of `CLASSES`.
        labels: the AUs, A of them.
        thresholds: float64 (A,).
    """
    found = {}
    for emotion, prototype in PROTOTYPES.items():
        if emotion not in emotions:
            continue
        for label in (au for au in prototype if au in labels):
            column = labels.index(label)
            shown, calm = (scores[emotions == name, column] for name in (emotion, "neutral"))
            is_shown = np.arange(len(shown) + len(calm)) < len(shown)
            found[emotion, label] = Figures(
                len(shown),
                auc(np.concatenate([shown, calm]), is_shown),
                float((shown >= thresholds[column]).mean()),
                float((calm >= thresholds[column]).mean()),
            )
    return found


def table(
    ours: Mapping[tuple[str, str], Figures], peer: Mapping[tuple[str, str], Figures]
) -> Iterator[str]:
    """Yields a Markdown table; `peer` may be empty."""
    yield "| emotion | AU | pictures | AUC | active | active in neutral | AUC, MediaPipe |"
    yield "|---|---|---|---|---|---|---|"
    for (emotion, label), of in ours.items():
        other = f"{peer[emotion, label].area:.3f}" if peer else "not run"
        yield (
            f"| {emotion} | {label} | {of.pictures} | {of.area:.3f} | {of.active:.0%} "
            f"| {of.alarms:.0%} | {other} |"
        )
    mean = np.mean([of.area for of in ours.values()])
    other = f"{np.mean([of.area for of in peer.values()]):.3f}" if peer else "not run"
    yield f"| mean | | | {mean:.3f} | | | {other} |"


def text_of(engine: Engine, folder: Path, /, *, part: str, python: str | None) -> str:
    """Returns the table of the pictures of a part of a folder."""
    contract = engine.contract
    data = read_folder(folder, labels=CLASSES, task="multi_class")
    asked = np.flatnonzero(data.columns["usage"] == USAGES[part])
    pictures = np.ascontiguousarray(data.read(asked)[0][..., ::-1])
    emotions = np.array(CLASSES)[data.targets[asked].argmax(axis=1)]
    seen = faced(pictures, engine, open_face_parts(RunConfig()).aligner)
    known = np.arange(len(seen.rows))
    peer: dict[tuple[str, str], Figures] = {}
    if python is not None:
        scores, has_face = blendshape_scores(pictures[seen.rows], contract.labels, python=python)
        known = np.flatnonzero(has_face)
        peer = figures(
            scores[known],
            emotions[seen.rows[known]],
            labels=contract.labels,
            thresholds=np.full(len(contract.labels), np.inf),
        )
    ours = figures(
        probabilities_of(engine, seen.crops[known]),
        emotions[seen.rows[known]],
        labels=contract.labels,
        thresholds=thresholds_of(contract),
    )
    head = f"Model `{contract.name}`. {origin('onnxruntime')}"
    counts = f"{len(asked)} pictures; a face is seen in {len(seen.rows)}" + (
        f", by MediaPipe too in {len(known)} of these, which are scored." if peer else "."
    )
    return "\n".join([head, "", counts, "", *table(ours, peer)])


def main() -> int:
    """Measures and prints; returns 0."""
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of `rtau-train prepare fer2013`")
    parser.add_argument("--part", choices=tuple(USAGES), default="public")
    parser.add_argument("--model", default="shufflenetv2-au14")
    parser.add_argument("--landmarker-python", metavar="PYTHON", help="one that has MediaPipe")
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    text = text_of(
        open_engine(arguments.model, threads=1),
        arguments.folder,
        part=arguments.part,
        python=arguments.landmarker_python,
    )
    publish(text, document=DOCUMENT if arguments.write else None, script=SCRIPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
