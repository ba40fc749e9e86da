r"""Measures how the whole tracker finds faces: turned still pictures, and clips of moving heads.

Prints Markdown or writes it into docs/detection.md; the tables of what is not measured stay.

    PYTHONPATH=.:train python benchmarks/face_finding.py --portraits DIR --heads DIR \
        --write docs/detection.md

Portraits are pictures with one face each, in the middle. Heads are the files `heads-*.npz` that
`rtau-train face-align` renders; the last of them, which it holds out, is used.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.document import origin, write_measured
from benchmarks.moving_heads import (
    FACE_RADIUS_SIDES,
    FPS,
    Cutout,
    TrueFace,
    drawn_clip,
    read_cutouts,
)
from rtau.argument_parser import StrictArgumentParser
from rtau.backends.face_alignment import open_face_alignment
from rtau.config import OverlayConfig, RunConfig
from rtau.data import Faces, Frame, FrameResult, Scores, TrackedFaces
from rtau.geometry import Boxes
from rtau.overlay._blur import HiddenFaces
from rtau.runs.build import FaceParts, build_tracker, open_face_parts
from rtau.squares import Square, squares_from_boxes

SCRIPT = "benchmarks/face_finding.py"
ANGLES_DEG = (0, 10, 15, 20, 25, 30, 45)
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
# A portrait's face: how far from the middle and how large, in shorter sides of the picture. Wide
# enough for half-length portraits: at 0.3 and 0.2 three right boxes of a hundred counted as wrong.
PORTRAIT_DISTANCE, PORTRAIT_SIDE = 0.35, 0.15
# A row is of a face when the centres are this near (sides of the face) and the sides this alike.
NEAR_SIDES, MAX_RATIO = 0.4, 1.6
# Faces that show less are not asked for, and rows on them are neither right nor wrong.
MIN_VISIBLE_SHARE = 0.8
# A face is hidden when so much of it is in boxes that are blurred.
HIDDEN_SHARE = 0.95
# Edges of the groups of the last table.
SIDES_PX, YAWS_DEG, ROLLS_DEG = (0, 80, 120, 180, 280), (0, 15, 30, 45), (0, 10, 20, 35)


@dataclasses.dataclass(frozen=True)
class VisibleFace:
    """A visible face of a frame."""

    face: TrueFace
    is_found: bool
    frames_in_view: int
    """For how many frames it has been visible without a break, this one included."""


@dataclasses.dataclass
class Score:
    """What was found in all frames of some clips."""

    visible_faces: list[VisibleFace] = dataclasses.field(default_factory=list)
    rows: int = 0
    """Reported; without those on faces that show too little."""
    rows_off_faces: int = 0
    """Reported where no face is, or a second time where one is."""
    pairs: Counter[tuple[Any, Any]] = dataclasses.field(default_factory=Counter)
    """Frames by person and track id, each with its clip."""
    in_view: Counter[tuple[int, int]] = dataclasses.field(default_factory=Counter)
    """Frames that each person, with the clip, has been visible for without a break."""

    def add(self, truth: Sequence[TrueFace], faces: Faces, /, *, clip: int) -> None:
        """Counts one frame."""
        rows = matched_rows(truth, faces.boxes_xyxy)
        self.rows += len(faces)
        self.rows_off_faces += len(faces) - len(rows)
        visible = {(clip, face.person) for face in truth if is_visible(face)}
        self.in_view = Counter({one: self.in_view[one] + 1 for one in visible})
        for index, face in enumerate(truth):
            row = rows.get(index)
            if not is_visible(face):
                self.rows -= row is not None
                continue
            in_view = self.in_view[(clip, face.person)]
            self.visible_faces.append(VisibleFace(face, row is not None, in_view))
            if row is not None:
                self.pairs[(clip, face.person), (clip, int(faces.track_ids[row]))] += 1


def main() -> int:
    """Measures what was given and prints or writes the tables."""
    arguments = _arguments()
    made_by = origin("numpy", "onnxruntime", "opencv-python")
    parts = open_face_parts(RunConfig())
    measured = {}
    if arguments.portraits is not None:
        measured["portraits"] = measure_portraits(arguments.portraits, parts)
    if arguments.heads is not None:
        cutouts = read_cutouts(arguments.heads, rule=open_face_alignment().contract.points)
        if arguments.blur:
            measured["blur"] = measure_blur(cutouts, parts, arguments=arguments)
        else:
            measured["scenes"] = measure_scenes(cutouts, parts, arguments=arguments)
    for name, lines in measured.items():
        text = "\n".join([*lines, "", made_by])
        if arguments.write is None:
            sys.stdout.write(text + "\n\n")
        else:
            write_measured(arguments.write, text, script=f"{SCRIPT} {name}")
    return 0


def _arguments() -> Any:
    parser = StrictArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--portraits", type=Path, metavar="DIR", help="every second one is used")
    parser.add_argument("--heads", type=Path, metavar="DIR", help="with heads-*.npz")
    parser.add_argument("--clips", type=int, default=8, help="of moving heads")
    parser.add_argument("--seed", type=int, default=1, help="of the first clip; then upwards")
    parser.add_argument("--people", type=int, default=4, help="in each clip")
    parser.add_argument("--frames", type=int, default=75, help="of each clip")
    parser.add_argument("--blur", action="store_true", help="what `--blur` hides of them instead")
    parser.add_argument("--write", type=Path, metavar="MD", help="file to put the tables into")
    arguments = parser.parse_args()
    if arguments.portraits is None and arguments.heads is None:
        parser.error("--portraits or --heads is needed, got neither")
    return arguments


def measure_portraits(folder: Path, parts: FaceParts) -> list[str]:
    """Returns the table of still pictures by the angle that they are turned by."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)[1::2]
    if not files:
        raise SystemExit(
            f"{folder}: must hold two pictures or more ({', '.join(sorted(PICTURES))})"
        )
    lines = [
        "### Portraits: found by angle",
        "",
        f"| turned by | found of {len(files)} | boxes too many |",
        "|---|---|---|",
    ]
    for angle_deg in ANGLES_DEG:
        found, too_many = 0, 0
        for path in files:
            picture = turned(cv2.imread(str(path)), angle_deg)
            tracker = build_tracker(RunConfig(), is_sequence=False, parts=parts)
            faces = tracker.track(Frame(index=0, time_s=0.0, picture=picture)).faces
            is_found = shows_portrait(faces.boxes_xyxy, picture)
            found += is_found
            too_many += len(faces) - is_found
        lines.append(f"| {angle_deg}° | {found} | {too_many} |")
    return lines


def turned(picture: np.ndarray, angle_deg: float) -> np.ndarray:
    """Returns a picture turned clockwise about its middle, its border replicated."""
    height, width = picture.shape[:2]
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, -angle_deg, 1)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def shows_portrait(boxes_xyxy: Boxes, picture: np.ndarray) -> bool:
    """True where a box is large and in the middle of the picture."""
    height, width = picture.shape[:2]
    shorter = min(height, width)
    return any(
        math.hypot(box.x - width / 2, box.y - height / 2) < PORTRAIT_DISTANCE * shorter
        and box.side > PORTRAIT_SIDE * shorter
        for box in squares_from_boxes(boxes_xyxy).rows()
    )


def measure_scenes(cutouts: Sequence[Cutout], parts: FaceParts, *, arguments: Any) -> list[str]:
    """Returns the tables of clips in which heads move."""
    score = Score()
    for clip in range(arguments.seed, arguments.seed + arguments.clips):
        tracker = build_tracker(RunConfig(), is_sequence=True, parts=parts)
        drawn = drawn_clip(cutouts, seed=clip, people=arguments.people, frames=arguments.frames)
        for index, (grey, truth) in enumerate(drawn):
            picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
            frame = Frame(index=index, time_s=index / FPS, picture=picture)
            score.add(truth, tracker.track(frame).faces, clip=clip)
    last = arguments.seed + arguments.clips - 1
    asked = (
        f"{arguments.clips} clips (seeds {arguments.seed} to {last}), {arguments.people} people, "
        f"{arguments.frames} frames each"
    )
    return [f"### Moving heads: {asked}", "", *score_table(score), "", *group_table(score)]


def measure_blur(cutouts: Sequence[Cutout], parts: FaceParts, *, arguments: Any) -> list[str]:
    """Returns the table of what `--blur` hides of moving heads."""
    config = dataclasses.replace(RunConfig(), overlay=OverlayConfig(blur=True))
    shares: list[float] = []
    blurred: list[float] = []
    for clip in range(arguments.seed, arguments.seed + arguments.clips):
        tracker = build_tracker(config, is_sequence=True, parts=parts)
        hidden = HiddenFaces()
        drawn = drawn_clip(cutouts, seed=clip, people=arguments.people, frames=arguments.frames)
        for index, (grey, truth) in enumerate(drawn):
            picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
            frame = Frame(index=index, time_s=index / FPS, picture=picture)
            found = tracker.track(frame)
            boxes = hidden.update(_result(frame, found))
            covered = np.zeros(grey.shape, np.uint8)
            for x0, y0, x1, y1 in boxes.clip(0).astype(int).tolist():
                covered[y0:y1, x0:x1] = 1
            blurred.append(float(covered.mean()))
            shares += [covered_share(face.square, covered) for face in truth if is_visible(face)]
    last = arguments.seed + arguments.clips - 1
    return [
        f"### Moving heads under `--blur`: seeds {arguments.seed} to {last}",
        "",
        f"| visible faces | hidden, {HIDDEN_SHARE:.0%} of the face and more "
        "| share of the pictures that is blurred |",
        "|---|---|---|",
        f"| {len(shares)} | {np.mean(np.array(shares) >= HIDDEN_SHARE):.1%} "
        f"| {np.mean(blurred):.1%} |",
    ]


def _result(frame: Frame, found: TrackedFaces) -> FrameResult:
    """Returns a result that has no use but to be hidden: its scores mean nothing."""
    rows = len(found.faces)
    return FrameResult(
        frame=frame,
        faces=found.faces,
        frame_from_crop=np.zeros((rows, 2, 3), np.float32),
        scores=Scores(("AU12",), "multi_label", np.zeros((rows, 1), np.float32)),
        active=np.zeros((rows, 1), np.bool_),
        tentative_xyxy=found.tentative_xyxy,
    )


def covered_share(square: Square, covered: np.ndarray) -> float:
    """Returns the share of the disc of a face that is covered, of what is in the frame."""
    disc = np.zeros(covered.shape, np.uint8)
    radius = round(FACE_RADIUS_SIDES * square.side)
    cv2.circle(disc, (round(square.x), round(square.y)), radius, 1, -1)
    return float(covered[disc > 0].mean()) if disc.any() else 1.0


def is_visible(face: TrueFace) -> bool:
    """True for a face that has to be found."""
    return face.visible_share >= MIN_VISIBLE_SHARE


def matched_rows(truth: Sequence[TrueFace], boxes_xyxy: Boxes) -> dict[int, int]:
    """Returns the row of each face that has one, by the face's index; visible and near ones first.

    A row belongs to one face at most: a second one on the same face is too many.
    """
    boxes = squares_from_boxes(boxes_xyxy).rows()
    near = sorted(
        (not is_visible(face), _distance_sides(box, face.square), index, row)
        for index, face in enumerate(truth)
        for row, box in enumerate(boxes)
        if _distance_sides(box, face.square) < NEAR_SIDES and box.ratio(face.square) < MAX_RATIO
    )
    rows: dict[int, int] = {}
    for *_, index, row in near:
        if index not in rows and row not in rows.values():
            rows[index] = row
    return rows


def _distance_sides(box: Square, place: Square) -> float:
    return math.hypot(box.x - place.x, box.y - place.y) / place.side


def identity_f1(pairs: Counter[tuple[Any, Any]], /, *, faces: int, rows: int) -> float:
    """Returns IDF1: how well the best one-to-one map of track ids to people fits, 0 to 1.

    2 IDTP / (faces + rows), where IDTP counts faces that have the id their person is mapped to:
    Ristani et al. 2016, "Performance Measures and a Data Set for Multi-Target, Multi-Camera
    Tracking".

    Args:
        pairs: frames by person and track id.
        faces: true ones in all frames.
        rows: reported ones in all frames.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - of the train extra

    if not faces + rows:
        return 1.0
    people, ids = (sorted({pair[end] for pair in pairs}) for end in (0, 1))
    frames = np.array([[pairs[person, track] for track in ids] for person in people])
    frames = frames.reshape(len(people), len(ids))
    kept = frames[linear_sum_assignment(frames, maximize=True)]
    return float(2 * kept.sum() / (faces + rows))


def score_table(score: Score) -> list[str]:
    """Returns what was found, what was no face, and how ids held."""
    found = [one.is_found for one in score.visible_faces]
    settled = [one.is_found for one in score.visible_faces if one.frames_in_view > FPS]
    people = len({person for person, _ in score.pairs})
    share = identity_f1(score.pairs, faces=len(found), rows=score.rows)
    return [
        "| visible faces | found | found after a second in view | rows | rows that are no face "
        "| ids per person | IDF1 |",
        "|---|---|---|---|---|---|---|",
        f"| {len(found)} | {_percent(found)} | {_percent(settled)} of {len(settled)} "
        f"| {score.rows} | {score.rows_off_faces} "
        f"| {len(score.pairs) / max(people, 1):.2f} | {share:.3f} |",
    ]


def group_table(score: Score) -> list[str]:
    """Returns the share found by size, yaw, roll and skin tone."""
    lines = ["| group | visible faces | found |", "|---|---|---|"]
    for name, is_in in _groups():
        found = [one.is_found for one in score.visible_faces if is_in(one.face)]
        lines.append(f"| {name} | {len(found)} | {_percent(found)} |")
    return lines


def _groups() -> Iterator[tuple[str, Callable[[TrueFace], bool]]]:
    scales: list[tuple[str, str, tuple[int, ...], Callable[[TrueFace], float]]] = [
        ("side", " px", SIDES_PX, lambda face: face.square.side),
        ("yaw", "°", YAWS_DEG, lambda face: abs(float(face.row["yaw_deg"]))),
        ("roll", "°", ROLLS_DEG, lambda face: abs(math.degrees(face.square.roll))),
    ]
    for name, unit, edges, value in scales:
        for low, high in itertools.pairwise(edges):
            yield (
                f"{name} {low}-{high}{unit}",
                lambda face, low=low, high=high, value=value: low <= value(face) < high,
            )
    for tone in "123456":
        yield f"skin tone {tone}", lambda face, tone=tone: face.row["skin_tone"] == tone


def _percent(found: Sequence[bool]) -> str:
    return f"{np.mean(found):.1%}" if found else "none"


if __name__ == "__main__":
    sys.exit(main())
