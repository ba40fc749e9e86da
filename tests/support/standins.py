"""Stand-ins for data sets in the layouts they are distributed in, made from rendered faces.

Two renders with the same sex, ethnicity and so on stand for one person: every render is another
head, so these "people" test code, not science. Called by the tests of `rtau-train prepare` and by
tools/make_standins.py.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from rtau.facs import DISFA_PLUS_AUS
from tests.support.standin_scenes import Picture, Points, Render, scene, small_grey

AUS = tuple(au.label for au in DISFA_PLUS_AUS)
# Which of the renderer's presets stands for which emotion; the others have none.
EMOTIONS = {
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "smile": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}
FER_CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FOLDERS = {"anger": "angry", "happiness": "happy", "sadness": "sad"}
CK_CODES = (
    "neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise",
)  # fmt: skip
DISFA_PEOPLE, DISFA_COLUMNS = 9, ("sex", "ethnicity", "age_group")
TRIAL_FRAMES = 60
JPEG_QUALITY = 95


@dataclasses.dataclass(frozen=True)
class Shot:
    """One picture to draw: a render and the path it gets in the data set."""

    render: Render
    path: str
    is_small: bool = False
    """48 px, grey, nothing but the face."""
    is_grey: bool = False
    width: int = 640
    height: int = 480


Usable = Callable[[Sequence[Render]], list[Render]]
Plan = Callable[[Sequence[Render], Path], list[Shot]]


def make(
    layout: str, renders: Sequence[Render], out: Path, *, count: int, seed: int = 1, jobs: int = 2
) -> int:
    """Writes a stand-in of one of `LAYOUTS` from `count` renders; returns its number of pictures.

    Not every render fits every layout (DISFA+ has nine people, FER2013 only emotions), so there may
    be fewer. The folder holds labels and `landmarks.csv` beside the pictures.
    """
    usable, plan = LAYOUTS[layout]
    order = np.random.default_rng(seed).permutation(len(renders))
    out.mkdir(parents=True, exist_ok=True)
    shots = plan(usable([renders[index] for index in order])[:count], out)
    numbered = list(enumerate(shots))
    with ThreadPoolExecutor(jobs) as pool:
        points = list(pool.map(lambda item: _draw(item[1], out, (seed, item[0])), numbered))
    scenes = [(shot.path, xy) for shot, xy in zip(shots, points, strict=True) if xy is not None]
    if scenes:
        _write_landmarks(out / "landmarks.csv", scenes)
    return len(shots)


def emotion(render: Render) -> str:
    """Returns the emotion a render stands for; empty for presets that are none."""
    return EMOTIONS.get(render.columns["preset"], "")


def intensities(render: Render) -> dict[str, int]:
    """Returns the twelve intensities as coders write them: whole numbers."""
    return {label: round(render.intensities[label]) for label in AUS}


def people(renders: Iterable[Render], *columns: str) -> list[list[Render]]:
    """Returns the renders grouped by their attributes, largest group first."""
    groups: dict[tuple[str, ...], list[Render]] = defaultdict(list)
    for render in renders:
        groups[tuple(render.columns.get(column, "") for column in columns)].append(render)
    return [group for _, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))]


def disfa_plus(renders: Sequence[Render], out: Path) -> list[Shot]:
    """Plans DISFA+: nine people, a trial per strongest AU, a label text per AU."""
    shots = []
    for number, person in enumerate(people(renders, *DISFA_COLUMNS), 1):
        for trial, frames in _trials(person):
            place = f"SN{number:03d}/{trial}"
            names = [f"{index:03d}.jpg" for index in range(len(frames))]
            for label in AUS:
                lines = [
                    f"{name}     {intensities(render)[label]}"
                    for name, render in zip(names, frames, strict=True)
                ]
                au = f"AU{int(label[2:])}"
                header = [f"{au} of {place}", "-" * 20]
                _write(out / "Labels" / place / f"{au}.txt", "\n".join([*header, *lines]) + "\n")
            shots += [
                Shot(render, f"Images/{place}/{name}")
                for name, render in zip(names, frames, strict=True)
            ]
    return shots


def dem(renders: Sequence[Render], out: Path) -> list[Shot]:
    """Plans DEM: many people, a manifest with whole intensities and emotions."""
    rows, shots = [], []
    groups = people(renders, "sex", "ethnicity", "age_group", "hair", "glasses")
    for number, person in enumerate(groups, 1):
        for index, render in enumerate(person, 1):
            path = f"images/P{number:03d}_{index:03d}.jpg"
            rows.append(
                {
                    "image": path,
                    "subject": f"P{number:03d}",
                    **{f"AU{int(k[2:])}": str(v) for k, v in intensities(render).items()},
                    "emotion": emotion(render),
                    **{name: render.columns[name] for name in ("sex", "age_group", "ethnicity")},
                }
            )
            shots.append(Shot(render, path, width=900, height=600))
    _write_table(out / "manifest.csv", rows)
    return shots


def manifest(renders: Sequence[Render], out: Path) -> list[Shot]:
    """Plans a lab's own data: a manifest with decimal intensities."""
    rows, shots = [], []
    for number, person in enumerate(people(renders, "sex", "ethnicity", "hair"), 1):
        for index, render in enumerate(person, 1):
            path = f"pictures/{number:02d}-{index:03d}.jpg"
            known = {name: render.columns[name] for name in ("sex", "ethnicity")}
            labels = {label: f"{render.intensities[label]:.2f}" for label in AUS}
            rows.append({"image": path, "subject": f"person {number}", **labels, **known})
            shots.append(Shot(render, path))
    _write_table(out / "manifest.csv", rows)
    return shots


def fer2013(renders: Sequence[Render], out: Path) -> list[Shot]:
    """Writes FER2013's CSV; there are no picture files."""
    rows = []
    for index, render in enumerate(renders):
        code = FER_CLASSES.index(emotion(render))
        pixels = " ".join(map(str, small_grey(render).ravel().tolist()))
        rows.append({"emotion": str(code), "pixels": pixels, "Usage": _usage(index)})
    _write_table(out / "fer2013.csv", rows)
    return []


def fer2013_folders(renders: Sequence[Render], out: Path) -> list[Shot]:
    """Plans FER2013's class folders: `train/angry/Training_1.jpg`."""
    del out
    shots = []
    for index, render in enumerate(renders):
        usage = _usage(index)
        part = "train" if usage == "Training" else "test"
        folder = FOLDERS.get(emotion(render), emotion(render))
        shots.append(Shot(render, f"{part}/{folder}/{usage}_{index}.jpg", is_small=True))
    return shots


def ckplus(renders: Sequence[Render], out: Path) -> list[Shot]:
    """Plans CK+'s original folders: sequences of a neutral face and a peak, FACS, emotions."""
    neutral = [render for render in renders if render.columns["preset"] == "neutral"]
    shots = []
    others = [render for render in renders if any(intensities(render).values())]
    firsts = itertools.cycle(neutral)
    for number, person in enumerate(people(others, "sex", "ethnicity", "hair"), 5):
        for sequence, render in enumerate(person, 1):
            place = f"S{number:03d}/{sequence:03d}"
            stem = place.replace("/", "_")
            shots.append(_ck_frame(next(firsts), place, f"{stem}_00000001"))
            shots.append(_ck_frame(render, place, f"{stem}_00000002"))
            facs = [
                f"   {int(label[2:]):.7e}   {intensity:.7e}\n"
                for label, intensity in intensities(render).items()
                if intensity
            ]
            _write(out / "FACS" / place / f"{stem}_00000002_facs.txt", "".join(facs))
            if emotion(render):
                code = f"   {CK_CODES.index(emotion(render)):.7e}\n"
                _write(out / "Emotion" / place / f"{stem}_00000002_emotion.txt", code)
    return shots


def ck48(renders: Sequence[Render], out: Path) -> list[Shot]:
    """Plans CK+48: class folders of small grey faces."""
    del out
    shots = []
    for number, person in enumerate(people(renders, "sex", "ethnicity", "hair"), 10):
        for index, render in enumerate(person, 1):
            folder = {"happiness": "happy"}.get(emotion(render), emotion(render))
            name = f"S{number:03d}_{index:03d}_00000017.png"
            shots.append(Shot(render, f"CK+48/{folder}/{name}", is_small=True))
    return shots


def _of_nine(renders: Sequence[Render]) -> list[Render]:
    """Returns the renders of the nine largest groups, in their order."""
    groups = people(renders, *DISFA_COLUMNS)[:DISFA_PEOPLE]
    chosen = {id(render) for group in groups for render in group}
    return [render for render in renders if id(render) in chosen]


def _with_emotion(renders: Sequence[Render]) -> list[Render]:
    return [render for render in renders if emotion(render)]


def _expressive(renders: Sequence[Render]) -> list[Render]:
    return [render for render in renders if emotion(render) not in ("", "neutral")]


# Name -> which renders fit, and how the data set is laid out.
LAYOUTS: dict[str, tuple[Usable, Plan]] = {
    "disfa+": (_of_nine, disfa_plus),
    "dem": (list, dem),
    "fer2013": (_with_emotion, fer2013),
    "fer2013-folders": (_with_emotion, fer2013_folders),
    "ckplus": (list, ckplus),
    "ck48": (_expressive, ck48),
    "folder": (list, manifest),
}


def _usage(index: int) -> str:
    """Returns FER2013's word for a picture's part: eight in ten are Training."""
    return {8: "PublicTest", 9: "PrivateTest"}.get(index % 10, "Training")


def _trials(person: Sequence[Render]) -> list[tuple[str, Sequence[Render]]]:
    """Returns a person's frames by strongest AU, in trials of limited length."""
    groups: dict[str, list[Render]] = defaultdict(list)
    for render in person:
        strongest = max(AUS, key=lambda label: render.intensities[label])
        is_shown = intensities(render)[strongest] > 0
        groups[f"AU{int(strongest[2:])}" if is_shown else "Neutral"].append(render)
    trials: list[tuple[str, Sequence[Render]]] = []
    for index, (name, frames) in enumerate(sorted(groups.items()), 1):
        for part, start in enumerate(range(0, len(frames), TRIAL_FRAMES), 1):
            trial = f"A{index}_{name}_TrailNo_{part}"
            trials.append((trial, frames[start : start + TRIAL_FRAMES]))
    return trials


def _ck_frame(render: Render, place: str, stem: str) -> Shot:
    path = f"cohn-kanade-images/{place}/{stem}.png"
    return Shot(render, path, is_grey=True, height=490)


def _draw(shot: Shot, out: Path, seed: tuple[int, int]) -> Points | None:
    """Writes one picture; returns its landmarks, None for small ones."""
    path = out / shot.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if shot.is_small:
        _save(path, small_grey(shot.render))
        return None
    rng = np.random.default_rng(seed)
    picture, points = scene(shot.render, rng, width=shot.width, height=shot.height)
    if shot.is_grey:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    _save(path, picture)
    return points


def _save(path: Path, picture: Picture) -> None:
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    if not cv2.imwrite(str(path), picture, settings):
        raise OSError(f"{path}: cannot be written")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_table(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_landmarks(path: Path, scenes: Sequence[tuple[str, Points]]) -> None:
    columns = [f"{axis}{point}" for point in range(68) for axis in "xy"]
    rows = (
        {"file": name, **dict(zip(columns, (f"{v:.2f}" for v in points.ravel()), strict=True))}
        for name, points in scenes
    )
    _write_table(path, list(rows))
