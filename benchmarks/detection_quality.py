r"""Measures how well faces are detected: recall, false positives, jitter, and the crop rule.

Needs clips with ground truth and optionally labelled renders, both as folders; prints Markdown or
writes it into docs/detection.md, where the tables of renders stay without them. Run by hand.

    PYTHONPATH=. python benchmarks/detection_quality.py --clips examples
    PYTHONPATH=. python benchmarks/detection_quality.py --clips C --renders NAME=DIR \
        --write docs/detection.md

A clip is NAME.mp4 with NAME.csv (columns frame from 0, face, x0 y0 x1 y1 = box of the 68
landmarks). Renders are a folder with `crops/`, `labels.csv` (file, ethnicity, sex, age_group,
yaw_deg) and `landmarks68.npz` (xy, in the order of the labels).
"""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.document import write_measured
from rtau import geometry
from rtau.argument_parser import StrictArgumentParser
from rtau.config import RunConfig
from rtau.data import Faces, Frame
from rtau.faces.detectors.haar import AUTO_SHARE, CASCADE, WINDOW_PX
from rtau.runs.build import build_tracker
from rtau.sources.video_file import VideoFileSource

# The crop the networks are trained on, on the box of the 68 landmarks (docs/coordinates.md).
CROP_SIDE = 1.27
CROP_UP = 0.04
# A report is of a face when its crop and the true crop share this much (IoU).
MIN_IOU = 0.5
# A box belongs to a face, for the map, when the centres are this near, in sides of the true crop.
SAME_FACE = 0.3
# Looks around its own last answer after which a box of a still image no longer changes.
SETTLING_LOOKS = 4
SCRIPT = "benchmarks/detection_quality.py"


@dataclasses.dataclass
class Match:
    """One reported box and the crop it should have led to."""

    origin: str
    box_xyxy: np.ndarray
    crop_xyxy: np.ndarray

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Expand, offset x and offset y that carry this box onto its crop."""
        side = float((self.box_xyxy[2:] - self.box_xyxy[:2]).max())
        shift = (_centre(self.crop_xyxy) - _centre(self.box_xyxy)) / side
        return float(self.crop_xyxy[2] - self.crop_xyxy[0]) / side, *shift.tolist()


def main() -> int:
    """Measures what the folders hold and prints or writes the tables."""
    arguments = _arguments()
    matches: list[Match] = []
    reported: dict[str, list[tuple[Faces, np.ndarray]]] = {}
    scatter_lines: list[str] = []
    for video in sorted(arguments.clips.glob("*.mp4")):
        if video.with_suffix(".csv").is_file():
            reported[video.stem], lines = measure_clip(video, matches)
            scatter_lines += lines
    tables: list[str] = []
    for given in arguments.renders:
        name, _, folder = given.partition("=")
        tables += measure_renders(name, Path(folder), matches=matches, arguments=arguments)
    rule, scatter = crop_rule(matches)
    parts = {"clips": [*recall_table(reported, rule), *jitter_table(scatter_lines)]}
    if arguments.renders:
        parts["renders"] = [*map_table(matches, rule, scatter), *tables]
    for name, lines in parts.items():
        text = "\n".join(lines)
        if arguments.write is None:
            sys.stdout.write(text + "\n")
        else:
            write_measured(arguments.write, text, script=f"{SCRIPT} {name}")
    if arguments.map is not None:
        keys = ("expand", "offset_x", "offset_y")
        values = {key: round(value, 3) for key, value in zip(keys, rule, strict=True)}
        values["scatter_shift_std"], values["scatter_scale_std"] = (round(s, 3) for s in scatter)
        arguments.map.write_text(json.dumps(values), encoding="utf-8")
    return 0


def _arguments() -> Any:
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, default=Path("examples"), metavar="DIR")
    parser.add_argument("--renders", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--every", type=int, default=1, help="of the renders take every N-th")
    parser.add_argument(
        "--pad", type=float, default=0.0, help="border added to renders cut tightly, in sides"
    )
    parser.add_argument("--write", type=Path, metavar="MD", help="file to put the tables into")
    parser.add_argument("--map", type=Path, metavar="JSON", help="file to write the crop rule to")
    return parser.parse_args()


def measure_clip(
    video: Path, matches: list[Match]
) -> tuple[list[tuple[Faces, np.ndarray]], list[str]]:
    """Returns per frame what was reported and the true crops; adds to the matches."""
    truth = read_truth(video.with_suffix(".csv"))
    tracker = build_tracker(RunConfig(), is_sequence=True)
    boxes: dict[int, list[np.ndarray]] = {}
    frames = []
    for frame in decode(video):
        faces = tracker.track(frame).faces
        for track_id, box in zip(faces.track_ids.tolist(), faces.boxes_xyxy, strict=True):
            boxes.setdefault(track_id, []).append(box)
        crops = true_crops(truth.get(frame.index, np.zeros((0, 4))))
        frames.append((faces, crops))
        for face, crop in enumerate(crops):
            box = nearest(faces.boxes_xyxy, crop)
            if box is not None:
                matches.append(Match(f"{video.stem}, face {face + 1}", box, crop))
    lines = []
    for track_id, found in boxes.items():
        if len(found) > len(frames) / 2:
            cells = " | ".join(f"{value:.4f}" for value in jitter(found))
            lines.append(f"| {video.stem}, track {track_id} | {cells} |")
    return frames, lines


def decode(video: Path) -> Iterator[Frame]:
    """Yields the frames of a video as the runtime sees them."""
    with VideoFileSource(video) as source:
        yield from source


def read_truth(path: Path) -> dict[int, np.ndarray]:
    """Returns landmark boxes by frame: float64 (faces, 4)."""
    boxes: dict[int, list[list[float]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            box = [float(row[name]) for name in ("x0", "y0", "x1", "y1")]
            boxes.setdefault(int(row["frame"]), []).append(box)
    return {frame: np.array(found) for frame, found in boxes.items()}


def true_crops(landmark_boxes: np.ndarray) -> np.ndarray:
    """Returns the square each network is trained on: float32 (N, 4)."""
    up = -CROP_UP * CROP_SIDE
    return geometry.square(landmark_boxes.astype(np.float32), expand=CROP_SIDE, offset_y=up)


def nearest(boxes_xyxy: np.ndarray, crop_xyxy: np.ndarray) -> np.ndarray | None:
    """Returns the box on the crop's face, or None."""
    side = crop_xyxy[2] - crop_xyxy[0]
    for box in boxes_xyxy:
        if np.abs(_centre(box) - _centre(crop_xyxy)).max() < SAME_FACE * side:
            return np.asarray(box)
    return None


def jitter(boxes: list[np.ndarray]) -> np.ndarray:
    """Returns the sd of centre x, y (in sides) and log side against their own neighbours.

    From second differences, which leave smooth movement out; sd = sd(difference) / sqrt(6).
    """
    xyxy = np.array(boxes, np.float64)
    sides = xyxy[:, 2] - xyxy[:, 0]
    values = np.column_stack(
        [(xyxy[:, :2] + xyxy[:, 2:]) / 2 / np.median(sides), np.log(sides)]  # (frames, 3)
    )
    return np.asarray(np.diff(values, n=2, axis=0).std(axis=0) / np.sqrt(6))


def crop_rule(matches: list[Match]) -> tuple[np.ndarray, tuple[float, float]]:
    """Returns (expand, offset x, offset y) and (sd of shift in crop sides, sd of log scale).

    Every origin counts once, whatever its number of boxes: people differ, frames of one do not.
    """
    origins = sorted({match.origin for match in matches})
    numbers = np.array([match.numbers for match in matches])
    by_origin = [numbers[[m.origin == origin for m in matches]] for origin in origins]
    rule = np.median([np.median(rows, axis=0) for rows in by_origin], axis=0)
    weights = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in by_origin])
    rows = np.concatenate(by_origin)
    shift = (rows[:, 1:] - rule[1:]) / rule[0]
    scale = np.log(rows[:, 0] / rule[0])
    shift_sd = float(np.sqrt(np.average((shift**2).mean(axis=1), weights=weights)))
    return rule, (shift_sd, float(np.sqrt(np.average(scale**2, weights=weights))))


def map_table(matches: list[Match], rule: np.ndarray, scatter: tuple[float, float]) -> list[str]:
    """Returns the map per origin, renders together, and over all."""
    groups: dict[str, list[tuple[float, float, float]]] = {}
    for match in matches:
        groups.setdefault(match.origin.split("#")[0], []).append(match.numbers)
    lines = [
        "### From the box to the crop",
        "",
        "| boxes of | boxes | expand | offset x | offset y | sd of x, y | sd of log expand |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, numbers in groups.items():
        rows = np.array(numbers)
        middle, spread = np.median(rows, axis=0), rows.std(axis=0)
        lines.append(
            f"| {name} | {len(rows)} | {middle[0]:.3f} | {middle[1]:+.3f} | {middle[2]:+.3f} "
            f"| {spread[1]:.3f}, {spread[2]:.3f} | {np.log(rows[:, 0]).std():.3f} |"
        )
    return [
        *lines,
        f"| **median over people** | | **{rule[0]:.3f}** | **{rule[1]:+.3f}** | **{rule[2]:+.3f}** "
        f"| {scatter[0]:.3f} of the crop | {scatter[1]:.3f} |",
        "",
    ]


def recall_table(
    reported: dict[str, list[tuple[Faces, np.ndarray]]], rule: np.ndarray
) -> list[str]:
    """Returns recall and false reports per clip."""
    lines = [
        "### Clips: recall and false reports",
        "",
        f"A face counts as found when its crop and the true crop have IoU >= {MIN_IOU}.",
        "",
        "| clip | true faces | found | recall | false reports | ids | first found |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, frames in reported.items():
        found, true, false, first, ids = 0, 0, 0, None, set()
        for index, (faces, crops) in enumerate(frames):
            squares = geometry.square(
                faces.boxes_xyxy, expand=rule[0], offset_x=rule[1], offset_y=rule[2]
            )
            hit = geometry.iou(crops, squares) >= MIN_IOU
            found += int(hit.any(axis=1).sum())
            true += len(crops)
            false += len(faces) - int(hit.any(axis=0).sum())
            ids |= set(faces.track_ids.tolist())
            first = index if first is None and hit.any() else first
        lines.append(
            f"| {name} | {true} | {found} | {found / true:.1%} | {false} "
            f"| {', '.join(map(str, sorted(ids)))} | frame {first} |"
        )
    return [*lines, ""]


def jitter_table(lines: list[str]) -> list[str]:
    """Returns the table of how much boxes scatter from frame to frame."""
    return [
        "### Jitter of the boxes",
        "",
        "| face | centre x, sides | centre y, sides | log of the side |",
        "|---|---|---|---|",
        *lines,
        "",
    ]


def measure_renders(name: str, folder: Path, *, matches: list[Match], arguments: Any) -> list[str]:
    """Returns recall by skin tone, sex and age, with and without this project's search."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        labels = list(csv.DictReader(file))
    landmarks = np.load(folder / "landmarks68.npz")["xy"].astype(np.float32)
    searches = {"plain cascade": plain_search(), "rtau": rtau_search()}
    hits: dict[str, list[bool]] = {search: [] for search in searches}
    false = dict.fromkeys(searches, 0)
    used = range(0, min(len(labels), len(landmarks)), arguments.every)
    for index in used:
        image = cv2.imread(str(folder / "crops" / labels[index]["file"]))
        pad = round(arguments.pad * image.shape[0])
        image = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        low, high = landmarks[index].min(axis=0) + pad, landmarks[index].max(axis=0) + pad
        crop = true_crops(np.concatenate([low, high])[None])[0]
        for search, find in searches.items():
            boxes = find(image)
            box = nearest(boxes, crop)
            hits[search].append(box is not None)
            false[search] += len(boxes) - (box is not None)
            if box is not None and search == "rtau":
                matches.append(Match(f"{name}#{index}", box, crop))
    chosen = [labels[index] for index in used]
    return render_table(name, labels=chosen, hits=hits, false=false)


def plain_search() -> Callable[[np.ndarray], np.ndarray]:
    """Returns the search most programs make: scale step 1.1, three neighbours, no equalisation."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADE))

    def find(image: np.ndarray) -> np.ndarray:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        smallest = max(round(min(grey.shape) * AUTO_SHARE), WINDOW_PX)
        rects = cascade.detectMultiScale(grey, 1.1, 3, minSize=(smallest, smallest))
        corners = np.array(rects, np.float32).reshape(-1, 4)
        return np.hstack([corners[:, :2], corners[:, :2] + corners[:, 2:]])

    return find


def rtau_search() -> Callable[[np.ndarray], np.ndarray]:
    """Returns the search `rtau image` makes."""

    def find(image: np.ndarray) -> np.ndarray:
        tracker = build_tracker(RunConfig(), is_sequence=False)
        return tracker.track(Frame(index=0, time_s=0.0, picture=image)).faces.boxes_xyxy

    return find


def render_table(
    name: str,
    *,
    labels: list[dict[str, str]],
    hits: dict[str, list[bool]],
    false: dict[str, int],
) -> list[str]:
    """Returns recall by group for every search."""
    groups: dict[str, list[bool]] = {"all": [True] * len(labels)}
    for column in ("ethnicity", "sex", "age_group"):
        for value in sorted({row[column] for row in labels}):
            groups[f"{column} {value}"] = [row[column] == value for row in labels]
    yaw = np.abs([float(row["yaw_deg"]) for row in labels])
    for low, high in ((0, 10), (10, 18), (18, 90)):
        groups[f"yaw {low}-{high}°"] = ((yaw >= low) & (yaw < high)).tolist()
    lines = [
        f"### Renders `{name}`: recall on single images",
        "",
        f"| group | images | {' | '.join(hits)} |",
        f"|---|---|{'---|' * len(hits)}",
    ]
    for group, chosen in groups.items():
        shares = [np.mean(np.array(found)[chosen]) for found in hits.values()]
        cells = " | ".join(f"{share:.1%}" for share in shares)
        lines.append(f"| {group} | {sum(chosen)} | {cells} |")
    counts = " | ".join(str(false[search]) for search in hits)
    return [*lines, f"| false reports | {len(labels)} | {counts} |", ""]


def _centre(box_xyxy: np.ndarray) -> np.ndarray:
    return (box_xyxy[:2] + box_xyxy[2:]) / 2


if __name__ == "__main__":
    sys.exit(main())
