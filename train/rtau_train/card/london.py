"""Neutral and smiling faces of real people: false alarms, and whether smiles are told apart.

Reads the layout of the Face Research Lab London Set that comes with MediaPipe's scores: crops/ and
blendshapes.csv, whose `sheet` is neutral_front/PERSON_NN.jpg or smiling_front/PERSON_NN.jpg. Nobody
coded these faces: a smile was asked for, so only what it must change is judged. Odd-numbered people
are left to whoever chooses thresholds. Called by the measurement of a card.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np

from rtau.contract import ModelContract
from rtau.errors import SourceOpenError
from rtau.protocols import Engine
from rtau_train.card.record import LondonMetrics, NeutralMetrics, SmileMetrics
from rtau_train.card.scoring import Probabilities, probabilities_of, thresholds_of
from rtau_train.datasets.prepare.cutting import Cutter, NoCropError, Plan
from rtau_train.datasets.prepare.listing import SourceImage
from rtau_train.datasets.prepare.london import Expression, person_and_expression, read_sheets
from rtau_train.datasets.prepare.portraits import BORDER, SCORES
from rtau_train.datasets.prepare.tables import Row
from rtau_train.evaluation import binary_metrics

# What a smile that was asked for should raise, most certain first.
SMILE_AUS: Final = ("AU12", "AU25", "AU06")


@dataclasses.dataclass(frozen=True)
class Portrait:
    """One picture of the set."""

    path: Path
    person: int
    kind: Expression


@dataclasses.dataclass(frozen=True, eq=False)
class _Said:
    """What was said of the faces of one kind, a row each."""

    people: tuple[int, ...]
    probabilities: Probabilities
    not_found: tuple[str, ...]
    """Files without a face that is found; they have no row."""


def london_metrics(engine: Engine, folder: Path, /) -> LondonMetrics:
    """Returns the figures of the even-numbered people of a folder.

    Raises:
        SourceOpenError: the table or a picture is missing, a sheet is of another form, or no
            even-numbered person has both faces found.
        DetectorError: this OpenCV cannot detect faces.
    """
    shown = [portrait for portrait in read_portraits(folder) if portrait.person % 2 == 0]
    cutter = Cutter(_plan(engine.contract))
    neutral, smiling = (
        _said(engine, cutter, [one for one in shown if one.kind == kind])
        for kind in ("neutral", "smiling")
    )
    if not set(neutral.people) & set(smiling.people):
        raise SourceOpenError(
            f"{folder}: no even-numbered person has a neutral and a smiling face that is found, of "
            f"{len(shown)} pictures"
        )
    labels = engine.contract.labels
    thresholds = thresholds_of(engine.contract)
    return LondonMetrics(
        people=len({portrait.person for portrait in shown}),
        neutral_faces=len(neutral.people),
        smiling_faces=len(smiling.people),
        not_found=(*neutral.not_found, *smiling.not_found),
        neutral=tuple(
            NeutralMetrics(label, int(active.sum()), float(active.mean()))
            for label, active in zip(labels, (neutral.probabilities >= thresholds).T, strict=True)
        ),
        smiles=tuple(
            _smile(label, neutral, smiling, column=labels.index(label), thresholds=thresholds)
            for label in SMILE_AUS
            if label in labels
        ),
    )


def read_portraits(folder: Path, /) -> tuple[Portrait, ...]:
    """Returns the pictures that a folder's table names.

    Raises:
        SourceOpenError: the table, a column or a picture is missing, or a sheet is of another form.
    """
    return tuple(_portrait(folder, row) for row in read_sheets(folder).rows)


def _portrait(folder: Path, row: Row) -> Portrait:
    shown = person_and_expression(row["sheet"])
    if shown is None:
        raise SourceOpenError(
            f"{folder / SCORES}: sheet must be like neutral_front/001_03.jpg or "
            f"smiling_front/001_08.jpg, got {row['sheet']!r} in data row {row.number}"
        )
    path = folder / "crops" / row["file"]
    if not path.is_file():
        raise SourceOpenError(f"{path}: there is no such picture; {SCORES} names it")
    person, expression = shown
    return Portrait(path, int(person), expression)


def _plan(contract: ModelContract) -> Plan:
    """Returns how faces are cut: as the runtime does, with room for the detector around them."""
    return Plan("portraits", size_px=contract.input_size, crop=contract.crop, border=BORDER)


def _said(engine: Engine, cutter: Cutter, shown: list[Portrait]) -> _Said:
    people, crops, not_found = [], [], []
    for portrait in shown:
        try:
            crop = cutter.cut(SourceImage(portrait.path.name, portrait.path))
        except NoCropError:
            not_found.append(portrait.path.name)
            continue
        people.append(portrait.person)
        crops.append(crop.image_rgb)
    size = engine.contract.input_size
    images = np.array(crops, np.uint8).reshape(-1, size, size, 3)
    return _Said(tuple(people), probabilities_of(engine, images), tuple(not_found))


def _smile(
    label: str, neutral: _Said, smiling: _Said, /, *, column: int, thresholds: Probabilities
) -> SmileMetrics:
    resting, raised = neutral.probabilities[:, column], smiling.probabilities[:, column]
    before, after = _by_person(neutral, column), _by_person(smiling, column)
    pairs = sorted(before.keys() & after.keys())
    scores = np.concatenate([resting, raised])
    return SmileMetrics(
        label=label,
        pairs=len(pairs),
        rising=float(np.mean([after[person] > before[person] for person in pairs])),
        auc=binary_metrics.auc(scores, np.arange(len(scores)) >= len(resting)),
        active=float((raised >= thresholds[column]).mean()),
    )


def _by_person(said: _Said, column: int) -> dict[int, float]:
    """Returns each person's mean probability."""
    people = np.array(said.people)
    return {
        person: float(said.probabilities[people == person, column].mean())
        for person in set(said.people)
    }
