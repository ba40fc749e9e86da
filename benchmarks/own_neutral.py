"""What subtracting a share of a person's own neutral does, on neutral and smiling people.

Reads the Face Research Lab London Set in the layout that `rtau-train prepare london` takes; people
with even numbers report. Each face is scored as `rtau image` scores it; decisions are made at the
contract's thresholds.

    PYTHONPATH=.:train python benchmarks/own_neutral.py FOLDER --write
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.document import origin, publish
from rtau import Detector
from rtau.argument_parser import StrictArgumentParser
from rtau.baseline import calibrated
from rtau.intensity import log_odds
from rtau_train.card.london import SMILE_AUS, Portrait, read_portraits
from rtau_train.evaluation.binary_metrics import auc

DOCUMENT = Path(__file__).parents[1] / "docs" / "neutral.md"
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
# The crops end at the face's edge, where the detector finds nothing.
BORDER_SHARE = 0.3

Values = npt.NDArray[np.float32]


def pairs(detector: Detector, folder: Path) -> tuple[Values, Values]:
    """Returns the probabilities of neutral and smiling faces (people, A), of people with both."""
    found: dict[tuple[int, str], Values] = {}
    for portrait in read_portraits(folder):
        if portrait.person % 2 == 0 and (values := scored(detector, portrait)) is not None:
            found[portrait.person, portrait.kind] = values
    people = sorted({person for person, _ in found})
    both = [one for one in people if (one, "neutral") in found and (one, "smiling") in found]
    neutral, smiling = (
        np.stack([found[person, kind] for person in both]) for kind in ("neutral", "smiling")
    )
    return neutral, smiling


def scored(detector: Detector, portrait: Portrait) -> Values | None:
    """Returns the probabilities of the largest face of a picture; None if none is found."""
    image = cv2.imread(str(portrait.path))
    border = round(BORDER_SHARE * len(image))
    result = detector.detect(
        cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
    )
    if not len(result):
        return None
    sides = result.faces.boxes_xyxy[:, 2] - result.faces.boxes_xyxy[:, 0]
    return result.scores.probabilities[int(sides.argmax())]


def rows(
    neutral: Values, smiling: Values, *, labels: tuple[str, ...], thresholds: Values
) -> Iterator[str]:
    """Yields a Markdown table with a row per share."""
    heads = [f"{label} in smiles, AUC" for label in SMILE_AUS]
    yield (
        "| share | neutral faces active, mean of AUs | worst AU | AU12 active in smiles | "
        f"other AUs active in smiles, mean | {' | '.join(heads)} |"
    )
    yield "|---" * (5 + len(heads)) + "|"
    rest = log_odds(neutral)
    is_other = np.array([label not in SMILE_AUS for label in labels])
    for share in SHARES:
        before, after = (
            np.stack([calibrated(v, r, share=share) for v, r in zip(values, rest, strict=True)])
            for values in (neutral, smiling)
        )
        alarms, hits = ((values >= thresholds).mean(axis=0) for values in (before, after))
        areas = [
            auc(np.append(before[:, k], after[:, k]), np.arange(2 * len(before)) >= len(before))
            for k in map(labels.index, SMILE_AUS)
        ]
        worst = int(alarms.argmax())
        yield (
            f"| {share:g} | {alarms.mean():.1%} | {alarms[worst]:.1%} ({labels[worst]}) | "
            f"{hits[labels.index('AU12')]:.0%} | {hits[is_other].mean():.1%} | "
            f"{' | '.join(f'{area:.3f}' for area in areas)} |"
        )


def main() -> int:
    """Measures and prints; returns 0."""
    parser = StrictArgumentParser(description="Measure shares of a person's own neutral.")
    parser.add_argument("folder", type=Path, help="the London set: crops/ and blendshapes.csv")
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    with Detector(threads=1) as detector:
        neutral, smiling = pairs(detector, arguments.folder)
        thresholds = np.array(detector.contract.thresholds, np.float32)
        lines = [
            f"{len(neutral)} people, {detector.contract.name}. {origin('onnxruntime')}",
            "",
            *rows(neutral, smiling, labels=detector.labels, thresholds=thresholds),
        ]
    publish(
        "\n".join(lines),
        document=DOCUMENT if arguments.write else None,
        script="benchmarks/own_neutral.py",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
