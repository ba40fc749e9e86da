"""What the tests of the card share: engines that see brightness, made-up figures, small folders."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import math
import shutil
from pathlib import Path

import cv2
import numpy as np

from rtau.backends.scripted import ScriptedEngine
from rtau.contract import CropRule, ModelContract
from rtau.sources.video_file import VideoFileSource
from rtau_train.card import record
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.datasets.preparation import Preparation
from rtau_train.evaluation.assessment import group_metrics, label_metrics
from tests.support.doubles import make_contract
from tests.support.media import write_clip
from tests.support.prepared import write_csv, write_picture
from tests.support.study_results import AUS, au_answers
from tests.support.training import FACES, ROOT, small_recipe

CROP = CropRule(detector="haar", expand=1.065, offset_x=0.0, offset_y=0.095)
CLIP = ROOT / "examples" / "one_face.mp4"


def contract(**changes) -> ModelContract:
    """A contract of the small recipe's labels and size."""
    network = small_recipe().network
    values = {
        "name": "small-au12",
        "network": network.name,
        "labels": network.labels,
        "input_size": network.input_size,
        "crop": CROP,
        "thresholds": (0.5,) * len(network.labels),
        "thresholds_origin": "best F1 on a part of its own",
        "training_data": "72 rendered faces",
        "cam_method": None,
        "cam_scale": None,
    }
    return make_contract(**{**values, **changes})


def bright_engine(**changes) -> ScriptedEngine:
    """Says of a crop how bright it is, of every AU the same, 0.5 at grey level 128."""
    made = contract(**changes)

    def logits(crops):
        mean = crops.images_rgb.mean(axis=(1, 2, 3), dtype=np.float64)
        return np.repeat((mean[:, None] - 128) / 16, len(made.labels), axis=1).astype(np.float32)

    return ScriptedEngine(made, logits)


def brightness(crops) -> np.ndarray:
    """What the engine says of uint8 crops (N, S, S, 3): float64 (N,)."""
    mean = crops.mean(axis=(1, 2, 3), dtype=np.float64)
    return 1 / (1 + np.exp(-(mean - 128) / 16))


def as_portraits(data: LabelledCrops, *, sheets: int = 6, origin: str = "SFHQ-T2I"):
    """Renders as if `prepare portraits` had made them: AU04 not coded, a few sheets."""
    targets = data.targets.copy()
    targets[:, data.labels.index("AU04")] = np.nan
    made = Preparation(
        dataset="portraits",
        task="multi_label",
        labels=data.labels,
        size_px=128,
        crop=CropRule("haar", 1.385, 0.0, 0.095),
        images=len(data),
        rejected=0,
        rtau_version="0",
        source="somewhere",
    )
    return dataclasses.replace(
        data,
        targets=targets,
        subjects=np.array([f"sheet{row % sheets}" for row in range(len(data))]),
        columns={"origin": np.full(len(data), origin)},
        landmarks=None,
        preparation=made,
        cut_by=(CropRule("haar", 1.385, 0.0, 0.095),) * len(data),
    )


def london_folder(folder: Path, people=(1, 2, 4, 6)) -> Path:
    """Writes one render per person, and the same one brighter as the smile."""
    rows = []
    for person in people:
        neutral = cv2.imread(str(FACES / "crops" / "00" / f"{person:05d}.jpg"))
        brighter = np.clip(neutral.astype(int) + 40, 0, 255).astype(np.uint8)
        for kind, picture in (("neutral", neutral), ("smiling", brighter)):
            (folder / "crops").mkdir(parents=True, exist_ok=True)
            name = f"{kind}{person}.png"
            cv2.imwrite(str(folder / "crops" / name), picture)
            rows.append({"file": name, "sheet": f"{kind}_front/{person:03d}_03.jpg"})
    write_csv(folder / "blendshapes.csv", rows)
    return folder


def without_a_face(picture: Path) -> None:
    """Replaces a picture by one that shows no face."""
    write_picture(picture, (128, 128, 3))


def clip_folder(folder: Path, *, frames: int = 30, first: int = 0) -> Path:
    """Writes some frames of the sample clip, and their truth."""
    folder.mkdir(parents=True, exist_ok=True)
    with VideoFileSource(CLIP) as source:
        shown = itertools.islice(source, first, first + frames)
        pictures = [frame.image_bgr for frame in shown]
    write_clip(folder / "short.mp4", pictures, fps=25)
    with CLIP.with_suffix(".csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if first <= int(row["frame"]) < first + frames]
    write_csv(
        folder / "short.csv", [{**row, "frame": str(int(row["frame"]) - first)} for row in rows]
    )
    return folder


def rendered_folder(folder: Path, *, assets: str | None) -> Path:
    """Copies the labels of the test renders, with a record of their assets if there is one."""
    folder.mkdir(parents=True)
    shutil.copy(FACES / "labels.csv", folder)
    if assets is not None:
        (folder / "synth.json").write_text(f'{{"assets_sha256": "{assets}"}}')
    return folder


def render_metrics(*, seed: int = 0, rows: int = 400) -> record.RenderMetrics:
    """Figures of random answers of some skill."""
    said = au_answers(seed=seed, rows=rows)
    thresholds = [0.4] * len(AUS)
    labels, means = label_metrics(said, thresholds=thresholds, seed=0)
    sexes = {"sex": np.array(["f", "m"])[np.arange(rows) % 2]}
    return record.RenderMetrics(
        rows=rows,
        subjects=rows,
        labels=labels,
        means=means,
        groups=group_metrics(said, sexes, thresholds=thresholds),
        changes=(
            record.ChangeMetrics("", means.mean_auc, means.macro_f1, 1.0),
            record.ChangeMetrics("JPEG, quality 20", 0.71, 0.4, 0.9),
            record.ChangeMetrics("without colour", 0.8, 0.5, 0.95),
        ),
    )


def card_metrics(**changes) -> record.CardMetrics:
    """Made-up figures of a card without portraits, photographs or clips."""
    values = {
        "format": record.FORMAT,
        "model": record.ModelFile("small-au12", 2.5, "f" * 64, "0" * 64, None),
        "origins": origins(),
        "renders": render_metrics(),
        "portraits": None,
        "london": None,
        "clips": (),
        "measurement": record.Measurement("abc", "a test", ("numpy 2",), "scripted", 1.5),
    }
    return record.CardMetrics(**{**values, **changes})


def origins(**changes) -> record.Origins:
    """Made-up origins: renders of released assets."""
    values = {
        "datasets": (record.DatasetRows("renders", "`rtau-train synth`", 72, 24, 24, 0),),
        "has_released_skins": True,
        "has_older_skins": False,
        "has_avatars": False,
        "has_portraits": False,
        "has_geometry": False,
        "has_warped": False,
        "starts_from_file": "",
        "stages": (record.Stage("small.toml", 3, 1.0, "a test"),),
        "starts_from_imagenet": False,
        "max_yaw_deg": math.nan,
        "max_pitch_deg": math.nan,
    }
    return record.Origins(**{**values, **changes})


def portrait_metrics() -> record.PortraitMetrics:
    labels = (
        record.TeacherMetrics("AU01", 9, 3, 0.7, 0.3),
        record.TeacherMetrics("AU12", 9, 4, 0.9, 0.8),
    )
    return record.PortraitMetrics(9, 5, ("SFHQ-T2I",), 2, labels, 0.8, 0.55)


def london_metrics(*, active: int = 3, not_found: tuple[str, ...] = ()) -> record.LondonMetrics:
    neutral = (
        record.NeutralMetrics("AU12", 0, 0.0),
        record.NeutralMetrics("AU17", active, active / 20),
    )
    smiles = (record.SmileMetrics("AU12", 20, 0.95, 0.97, 0.6),)
    return record.LondonMetrics(20, 20, 20, not_found, neutral, smiles)


def clip_metrics(face: int = 0) -> record.ClipMetrics:
    labels = (
        record.CurveMetrics("AU01", 0.2 + face / 2, -1.0),
        record.CurveMetrics("AU12", 0.9, math.nan),
    )
    return record.ClipMetrics("two.mp4", face, 25.0, 100, 98, labels, 0.55)
