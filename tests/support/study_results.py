"""Made-up results of a study: figures computed from random answers, for tests of the report.

Nothing here was trained. The numbers are as plausible as random answers are, and never leave tests.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from rtau.facs import DISFA_PLUS_AUS
from rtau_train.evaluation.assessment import Answers, class_metrics, group_metrics, label_metrics
from rtau_train.evaluation.run_metrics import CamMetrics, RunMetrics, SplitMetrics, write_metrics
from rtau_train.report.networks import PAPER_NETWORKS
from rtau_train.report.results import Experiment, PartCounts, Reduced, Study, write_study

AUS = tuple(au.label for au in DISFA_PLUS_AUS)
BASE_RATES = np.linspace(0.04, 0.35, len(AUS))
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SETTINGS = {
    "loss function": "binary cross-entropy",
    "optimiser": "Adam",
    "training epochs": "3",
    "batch size": "48",
    "learning rate": "0.0001",
    "weights": "none",
}
RECORD = {
    "settings": SETTINGS,
    "commit": "0123abc",
    "machine": "a test",
    "versions": ["torch 2.14.1", "numpy 2.4.6"],
    "device": "cpu",
    "minutes": 12.5,
    "epochs_done": 3,
    "overrides": ["fit.epochs=3"],
}


def au_answers(*, seed: int = 0, rows: int = 400, people: int = 40, skill: float = 1.5) -> Answers:
    """Random answers of a network of some skill, as logits shifted by the truth."""
    generator = np.random.default_rng(seed)
    present = generator.random((rows, len(AUS))) < BASE_RATES
    logits = generator.normal(0, 1, present.shape) + skill * (2 * present - 1) - 0.3
    return Answers(
        labels=AUS,
        files=tuple(f"{row:05d}.jpg" for row in range(rows)),
        probabilities=1 / (1 + np.exp(-logits)),
        present=present,
        coded=np.ones(present.shape, bool),
        subjects=np.array([f"s{row % people:03d}" for row in range(rows)]),
    )


def au_metrics(
    *,
    seed: int = 0,
    skill: float = 1.5,
    network: str = "vgg19",
    dataset: str = "disfa+",
    protocol: str = "image",
    cams: bool = True,
) -> RunMetrics:
    """Figures of made-up answers about AUs."""
    answers = au_answers(seed=seed, skill=skill)
    thresholds = (0.55,) * len(AUS)
    labels, means = label_metrics(answers, thresholds=thresholds, seed=seed)
    sexes = {"sex": np.where(np.arange(len(answers.files)) % 3 == 0, "f", "m")}
    return RunMetrics(
        format=1,
        task="multi_label",
        network=network,
        dataset=dataset,
        protocol=protocol,
        seed=seed,
        train=SplitMetrics(1400, 140),
        validation=SplitMetrics(200, 20),
        test=SplitMetrics(400, 40),
        labels=labels,
        means=means,
        groups=group_metrics(answers, sexes, thresholds=thresholds),
        classes=None,
        cams=_cams(seed) if cams else (),
        record=RECORD,
    )


def emotion_metrics(
    *, seed: int = 0, network: str = "resnet18", dataset: str = "fer2013", protocol: str = "given"
) -> RunMetrics:
    """Figures of made-up answers about emotions."""
    generator = np.random.default_rng(seed)
    rows = 350
    truth = generator.integers(0, 7, rows)
    logits = generator.normal(0, 1, (rows, 7)) + 2 * np.eye(7)[truth]
    answers = Answers(
        labels=EMOTIONS,
        files=tuple(f"{row:05d}.png" for row in range(rows)),
        probabilities=np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
        present=np.eye(7, dtype=bool)[truth],
        coded=np.ones((rows, 7), bool),
        subjects=np.array([str(row) for row in range(rows)]),
    )
    return RunMetrics(
        format=1,
        task="multi_class",
        network=network,
        dataset=dataset,
        protocol=protocol,
        seed=seed,
        train=SplitMetrics(1400, 1400),
        validation=SplitMetrics(350, 350),
        test=SplitMetrics(rows, rows),
        labels=(),
        means=None,
        groups=(),
        classes=class_metrics(answers, seed=seed),
        cams=(),
        record=RECORD,
    )


def _cams(seed: int) -> tuple[CamMetrics, ...]:
    generator = np.random.default_rng(seed + 1000)
    return tuple(
        CamMetrics(
            method=method,
            label=label,
            rows=40,
            empty=1,
            hit_rate=float(generator.uniform(0.1, 0.8)),
            energy=float(generator.uniform(0.1, 0.8)),
            chance=0.2,
            hit_chance=0.22,
            regions="landmarks",
        )
        for method in ("gradcam", "gradcam++")
        for label in AUS
    )


# A network of no skill beside good ones, and one that was not run.
SKILLS = dict(zip(PAPER_NETWORKS, (1.6, 0.9, 0.0, 0.6, 1.2, 1.4), strict=True))
NOT_RUN = "nasnet_mobile-dem-image"
PROTOCOLS = {"disfa+": ("image", "subject"), "dem": ("image",)}
REDUCED = (
    Reduced("images", "about 57,000", "2,000 rendered faces"),
    Reduced("epochs", "50", "3"),
    Reduced("start", "ImageNet weights", "random weights"),
)


def write_paper1(folder: Path, /) -> Path:
    """Writes the made-up results of the first paper's study: 18 experiments, one not run."""
    experiments = []
    for dataset, protocols in PROTOCOLS.items():
        for protocol in protocols:
            for network in PAPER_NETWORKS:
                key = f"{network}-{dataset.rstrip('+')}-{protocol}"
                experiments.append(_experiment(key, network, dataset, protocol))
                if key != NOT_RUN:
                    _write_au_run(folder / "runs" / key, experiments[-1], seed=len(experiments))
    counts = PartCounts("disfa+", "split by image", "3", dict.fromkeys(AUS, (400, 280, 40, 80)))
    study = Study(
        format=1,
        study="paper1",
        heading="Six networks on made-up numbers",
        data="These numbers are made up by a test: nothing was trained and no face was seen.",
        experiments=tuple(experiments),
        notes=("A second plain statement.",),
        differences=("Everything starts from random weights: none could be had.",),
        reduced=REDUCED,
        counts=(counts,),
        record={"commit": "0123abc", "minutes": 12.5, "files": {"labels.csv": "sha256 00ff"}},
    )
    write_study(folder, study)
    return folder


def write_paper2(folder: Path, /) -> Path:
    """Writes the made-up results of the second paper's study: three networks, one not run."""
    networks = ("resnet18", "resnet34", "resnet50")
    experiments = [_experiment(f"{name}-fer2013", name, "fer2013", "given") for name in networks]
    for seed, one in enumerate(experiments[:2]):
        run = folder / one.folder
        run.mkdir(parents=True)
        for name, part in (("evaluation", "private test"), ("evaluation-public", "public test")):
            made = emotion_metrics(seed=10 * seed + len(part), network=one.network)
            write_metrics(run / f"{name}.json", dataclasses.replace(made, part=part))
        _write_history(run / "history.csv", seed=seed)
    study = Study(
        format=1,
        study="paper2",
        heading="Three ResNets on made-up numbers",
        data="These numbers are made up by a test: nothing was trained and no face was seen.",
        experiments=tuple(experiments),
    )
    write_study(folder, study)
    return folder


def _experiment(key: str, network: str, dataset: str, protocol: str) -> Experiment:
    return Experiment(
        key=key,
        network=network,
        dataset=dataset,
        protocol=protocol,
        recipe=f"train/recipes/{network}-{dataset.rstrip('+')}.toml",
        folder=f"runs/{key}",
    )


def _write_au_run(run: Path, one: Experiment, /, *, seed: int) -> None:
    run.mkdir(parents=True)
    skill = SKILLS[one.network] * (0.8 if one.dataset == "dem" else 1)
    skill *= 0.6 if one.protocol == "subject" else 1
    metrics = au_metrics(
        seed=seed, skill=skill, network=one.network, dataset=one.dataset, protocol=one.protocol
    )
    write_metrics(run / "evaluation.json", metrics)
    _write_history(run / "history.csv", seed=seed)
    (run / "run.json").write_text('{"files": {"model.pt": "sha256 ab12"}}')
    if one.network in ("vgg19", "shufflenetv2_x1_0") and one.protocol == "image":
        _write_panels(run / "panels", seed=seed)


def _write_history(path: Path, /, *, seed: int) -> None:
    scatter = np.random.default_rng(seed).normal(0, 0.01, (12, 2))
    lines = ["epoch,epochs,loss,validation_loss,score,rate,wall_s"]
    for k, (loss, score) in enumerate(scatter, start=1):
        lines.append(
            f"{k},12,{0.3 + 0.4 * math.exp(-k / (3 + seed % 5)) + loss:.4f},"
            f"0.4,{0.9 - 0.4 * math.exp(-k / (2 + seed % 6)) + score:.4f},0.001,30.0"
        )
    path.write_text("\n".join(lines) + "\n")


def _write_panels(folder: Path, /, *, seed: int) -> None:
    folder.mkdir()
    for name, image in _panels(seed):
        cv2.imwrite(str(folder / f"{name}.png"), image)


def _panels(seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yields drawn discs under warm spots: no face is needed to see an arrangement."""
    places = np.random.default_rng(seed).uniform(30, 66, (8, 2))
    names = (
        f"{where}_{method}_{label}"
        for where in ("in-set", "outside")
        for method in ("gradcam", "gradcam++")
        for label in ("AU04", "AU25")
    )
    for name, (x, y) in zip(names, places, strict=True):
        image = np.full((96, 96, 3), 60, np.uint8)
        cv2.ellipse(image, (48, 50), (30, 38), 0, 0, 360, (150, 170, 190), -1)
        rows, columns = np.mgrid[:96, :96]
        heat = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 300)
        coloured = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_JET)
        yield name, cv2.addWeighted(image, 0.6, coloured, 0.4, 0)
