"""Made-up results of a study: figures computed from random answers, for tests of the report.

Nothing here was trained. The numbers are as plausible as random answers are, and never leave tests.
"""

from __future__ import annotations

import numpy as np

from rtau.facs import DISFA_PLUS_AUS
from rtau_train.assessment import Answers, class_figures, group_figures, label_figures
from rtau_train.figures import CamFigures, PartFigures, RunFigures

AUS = tuple(au.label for au in DISFA_PLUS_AUS)
BASE_RATES = np.linspace(0.04, 0.35, len(AUS))
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
RECORD = {
    "recipe": "train/recipes/made-up.toml",
    "commit": "0123abc",
    "machine": "a test",
    "torch": "2.14.1",
    "device": "cpu",
    "minutes": 12.5,
    "epochs": 3,
    "overrides": {"fit.epochs": 3},
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


def au_figures(
    *,
    seed: int = 0,
    skill: float = 1.5,
    network: str = "vgg19",
    dataset: str = "disfa+",
    protocol: str = "image",
    cams: bool = True,
) -> RunFigures:
    """Figures of made-up answers about AUs."""
    answers = au_answers(seed=seed, skill=skill)
    thresholds = (0.55,) * len(AUS)
    labels, means = label_figures(answers, thresholds=thresholds, seed=seed)
    sexes = {"sex": np.where(np.arange(len(answers.files)) % 3 == 0, "f", "m")}
    return RunFigures(
        format=1,
        task="multi_label",
        network=network,
        dataset=dataset,
        protocol=protocol,
        seed=seed,
        train=PartFigures(1400, 140),
        validation=PartFigures(200, 20),
        test=PartFigures(400, 40),
        labels=labels,
        means=means,
        groups=group_figures(answers, sexes, thresholds=thresholds),
        classes=None,
        cams=_cams(seed) if cams else (),
        record=RECORD,
    )


def emotion_figures(
    *, seed: int = 0, network: str = "resnet18", dataset: str = "fer2013", protocol: str = "given"
) -> RunFigures:
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
    return RunFigures(
        format=1,
        task="multi_class",
        network=network,
        dataset=dataset,
        protocol=protocol,
        seed=seed,
        train=PartFigures(1400, 1400),
        validation=PartFigures(350, 350),
        test=PartFigures(rows, rows),
        labels=(),
        means=None,
        groups=(),
        classes=class_figures(answers, seed=seed),
        cams=(),
        record=RECORD,
    )


def _cams(seed: int) -> tuple[CamFigures, ...]:
    generator = np.random.default_rng(seed + 1000)
    return tuple(
        CamFigures(method, label, 40, *(float(v) for v in generator.uniform(0.3, 0.8, 2)), 0.2)
        for method in ("gradcam", "gradcam++")
        for label in AUS
    )
