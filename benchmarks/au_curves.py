"""Compares the AU curves of a clip with its known truth: ranking, correlation, lag, steadiness.

Needs a clip NAME.mp4 with NAME.csv (frame from 0, face, x0 y0 x1 y1 = box of the 68 landmarks, and
`AU01` ... intensities 0-5). Prints Markdown; with --write puts it between the markers of a file.

    python benchmarks/au_curves.py examples/one_face.mp4 --write docs/au-curves.md
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from rtau.backends import open_engine
from rtau.decide import Decider
from rtau.detectors import open_detector
from rtau.finder import FaceFinder, SearchPolicy
from rtau.pipeline import Pipeline
from rtau.sources.video_file import VideoFileSource
from rtau.trackers.iou import IouTracker

# Occurrence in the renders' labels, as in DISFA: intensity 2 or more.
PRESENT = 2.0
# Lags are looked for up to this far, seconds.
MAX_LAG_S = 0.4
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclasses.dataclass(frozen=True)
class Curve:
    """One AU of one face over a clip: what the model said and what was true, frame by frame."""

    label: str
    probabilities: np.ndarray
    intensities: np.ndarray
    fps: float

    def auc(self) -> float:
        """Returns the chance that a frame with the AU scores above one without it."""
        present = self.intensities >= PRESENT
        if present.all() or not present.any():
            return float("nan")
        ranks = _ranks(self.probabilities)
        count = int(present.sum())
        rank_sum = ranks[present].sum() - count * (count + 1) / 2
        return float(rank_sum / (count * (len(present) - count)))

    def correlation(self) -> float:
        """Returns Pearson's r of probability and true intensity."""
        return _pearson(self.probabilities, self.intensities)

    def lag_ms(self) -> float:
        """Returns by how much the curve runs behind the truth where they correlate best."""
        most = int(MAX_LAG_S * self.fps)
        lags = range(-most, most + 1)
        found = [_pearson(*_shifted(self.probabilities, self.intensities, lag)) for lag in lags]
        return 1000 * lags[int(np.nanargmax(found))] / self.fps

    def jitter(self) -> float:
        """Returns the standard deviation from frame to frame while the truth stands still."""
        still = np.diff(self.intensities) == 0
        return float(np.diff(self.probabilities)[still].std())


def main() -> None:
    """Measures the clips and prints or writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, help="NAME.mp4 with NAME.csv beside it")
    parser.add_argument("--model", default="shufflenetv2-au12")
    parser.add_argument("--write", type=Path, help="Markdown file with the two markers")
    args = parser.parse_args()
    text = "\n\n".join([_origin(args.model), *(_report(clip, args.model) for clip in args.clips)])
    sys.stdout.write(text + "\n")
    if args.write is not None:
        page = args.write.read_text()
        head, rest = page.split(BEGIN)
        tail = rest.split(END)[1]
        args.write.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")


def curves_of(clip: Path, model: str) -> dict[int, list[Curve]]:
    """Returns the curves of a clip by face of its truth, frames with that face found only."""
    engine = open_engine(model, provider="cpu")
    pipeline = Pipeline(
        finder=FaceFinder(open_detector(), IouTracker(), SearchPolicy()),
        engine=engine,
        decider=Decider(engine.contract),
    )
    truth = _truth(clip.with_suffix(".csv"))
    rows: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    labels = engine.contract.labels
    source = VideoFileSource(clip)
    times_s = []
    for frame in source:
        result = pipeline.step([frame])[0]
        times_s.append(frame.time_s)
        centres = (result.faces.boxes_xyxy[:, :2] + result.faces.boxes_xyxy[:, 2:]) / 2
        for face, line in truth.get(frame.index, {}).items():
            box = np.array([float(line[k]) for k in ("x0", "y0", "x1", "y1")])
            inside = ((centres > box[:2]) & (centres < box[2:])).all(axis=1)
            for row in np.flatnonzero(inside)[:1]:
                true = np.array([float(line[label]) for label in labels])
                rows.setdefault(face, []).append((result.scores.probabilities[row], true))
    source.close()
    engine.close()
    fps = (len(times_s) - 1) / (times_s[-1] - times_s[0])
    curves = {}
    for face, pairs in rows.items():
        said, true = (np.array(part) for part in zip(*pairs, strict=True))
        curves[face] = [Curve(label, said[:, k], true[:, k], fps) for k, label in enumerate(labels)]
    return curves


def _report(clip: Path, model: str) -> str:
    lines = [f"**{clip.name}**", ""]
    for face, curves in sorted(curves_of(clip, model).items()):
        lines += [
            f"Face {face}, {len(curves[0].probabilities)} frames",
            "",
            "| AU | AUC | r | lag, ms | jitter |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {c.label} | {c.auc():.2f} | {c.correlation():.2f} | {c.lag_ms():+.0f} "
            f"| {c.jitter():.3f} |"
            for c in curves
        ]
        auc = np.nanmean([c.auc() for c in curves])
        correlation = np.nanmean([c.correlation() for c in curves])
        lines += [f"| mean | {auc:.2f} | {correlation:.2f} | | |", ""]
    return "\n".join(lines).rstrip()


def _origin(model: str) -> str:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
    ).stdout.strip()
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return f"Model `{model}`, commit {commit}, {machine}."


def _truth(path: Path) -> dict[int, dict[int, dict[str, str]]]:
    found: dict[int, dict[int, dict[str, str]]] = {}
    with path.open(newline="") as file:
        for line in csv.DictReader(file):
            found.setdefault(int(line["frame"]), {})[int(line["face"])] = line
    return found


def _ranks(values: np.ndarray) -> np.ndarray:
    """Returns ranks from 1, ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _pearson(one: np.ndarray, other: np.ndarray) -> float:
    if one.std() == 0 or other.std() == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _shifted(said: np.ndarray, true: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the overlapping parts when the curve runs `lag` frames behind the truth."""
    if lag >= 0:
        return said[lag:], true[: len(true) - lag]
    return said[:lag], true[-lag:]


if __name__ == "__main__":
    main()
