"""Many faces in one picture, and very large pictures: what a face costs, and how much memory.

For `hard_use.py`. Portraits are tiled; of a folder of portraits more differ.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.hard_runs import Row, Scale, run

Image = npt.NDArray[np.uint8]

# 200 of them make a picture of 3648x2112; by default only faces of 176 px or more are looked for
# in a video of it, and these have about 100.
TILE_PX, MIN_FACE_PX = 192, 30
VIDEO_FRAMES = 25
# The first frames search every face; a run is compared with one that is that much shorter.
FIRST_FRAMES = 5
# More per face than this many times what the cheapest number of faces costs is a cliff.
CLIFF = 2.0
# A share of the portraits, at 192 px and in rows, that must be found.
FOUND = 0.9


def face_rows(folder: Path, scale: Scale) -> Iterator[Row]:
    """Yields what pictures and videos of many faces cost."""
    counts, costs_ms, worst = [], [], 1.0
    for faces in scale.faces:
        picture = tiled(scale.portraits, faces)
        cv2.imwrite(str(folder / f"{faces}.png"), picture)
        done = run("image", folder / f"{faces}.png", "--csv", folder / "i.csv")
        found = _faces_in(folder / "i.csv") if done.code == 0 else 0
        counts.append(f"{found} of {faces} in {done.cpu_s:.1f} s")
        worst = min(worst, found / faces)
    yield Row(
        f"`rtau image`, {_listed(scale.faces)} faces of {TILE_PX} px in one picture",
        f"{FOUND:.0%} of them found in each",
        "; ".join(counts) + " of processor time, start included",
        worst >= FOUND,
    )
    counts, peak_mib = [], 0.0
    for faces in scale.faces:
        clip = folder / f"{faces}.mp4"
        write_still_clip(clip, tiled(scale.portraits, faces), frames=VIDEO_FRAMES)
        words = ["--csv", folder / "v.csv", "--min-face", MIN_FACE_PX, "--view", "none"]
        short, done = (
            run("video", clip, "--max-frames", frames, *words)
            for frames in (FIRST_FRAMES, VIDEO_FRAMES)
        )
        per_frame_ms = 1e3 * (done.cpu_s - short.cpu_s) / (VIDEO_FRAMES - FIRST_FRAMES)
        costs_ms.append(per_frame_ms / faces)
        peak_mib = max(peak_mib, done.peak_mib)
        found = _faces_in(folder / "v.csv") / VIDEO_FRAMES if done.code == 0 else 0
        counts.append(f"{found:.1f} of {faces}")
    cheapest = min(costs_ms)
    yield Row(
        f"`rtau video --csv` of {_listed(scale.faces)} faces, {VIDEO_FRAMES} frames, "
        f"`--min-face {MIN_FACE_PX}`",
        f"a face of the most costs no more than {CLIFF:g} times what it costs at best",
        f"{'; '.join(counts)} found in a frame; "
        f"{', '.join(f'{cost:.1f}' for cost in costs_ms)} core-ms a face and frame after the first "
        f"{FIRST_FRAMES} frames; {peak_mib:.0f} MiB at most",
        costs_ms[-1] <= CLIFF * cheapest,
    )


def large_rows(folder: Path, scale: Scale) -> Iterator[Row]:
    """Yields what a picture and a video of 7680x4320 take."""
    width, height = scale.large
    portrait = cv2.imread(str(_portraits(scale.portraits)[0]))
    picture = np.full((height, width, 3), 90, np.uint8)
    side = height // 2
    picture[side // 2 : side // 2 + side, side : 2 * side] = cv2.resize(portrait, (side, side))
    cv2.imwrite(str(folder / "large.jpg"), picture)
    done = run("image", folder / "large.jpg", "--csv", folder / "l.csv", "--out", folder / "l.png")
    found = _faces_in(folder / "l.csv") if done.code == 0 else 0
    size = f"{width}x{height}"
    yield Row(
        f"`rtau image --csv --out` of {size}",
        "its face is found, the picture written",
        f"{found} face in {done.seconds:.1f} s, {done.peak_mib:.0f} MiB"
        if done.code == 0
        else done.last_line,
        found == 1 and (folder / "l.png").is_file(),
    )
    clip = folder / "large.mp4"
    write_still_clip(clip, picture, frames=scale.large_frames)
    words = ["--csv", folder / "lv.csv", "--out", folder / "lv.mp4", "--view", "none"]
    done = run("video", clip, *words)
    found = _faces_in(folder / "lv.csv") if done.code == 0 else 0
    yield Row(
        f"`rtau video --csv --out` of {scale.large_frames} frames of {size}",
        "its face is found in every frame",
        f"{found} of {scale.large_frames} in {done.seconds:.1f} s, {done.peak_mib:.0f} MiB"
        if done.code == 0
        else done.last_line,
        found == scale.large_frames,
    )


def tiled(portraits: Path, faces: int) -> Image:
    """Returns so many portraits in rows and columns as wide as high at 16:9."""
    columns = max(1, math.ceil(math.sqrt(faces * 16 / 9)))
    rows = math.ceil(faces / columns)
    picture = np.full((rows * TILE_PX, columns * TILE_PX, 3), 90, np.uint8)
    paths = itertools.cycle(_portraits(portraits))
    for number, path in zip(range(faces), paths, strict=False):
        top, left = (TILE_PX * place for place in divmod(number, columns))
        portrait = cv2.resize(cv2.imread(str(path)), (TILE_PX, TILE_PX))
        picture[top : top + TILE_PX, left : left + TILE_PX] = portrait
    return picture


def write_still_clip(path: Path, picture: Image, *, frames: int) -> None:
    """Writes a video that shows one picture, moved by a pixel from frame to frame."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast"})
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            moved = np.roll(picture, number % 2, axis=1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="bgr24")))
        out.mux(stream.encode(None))


def _portraits(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png"))
    if not found:
        raise SystemExit(f"{folder}: no portraits (.jpg, .png) there")
    return found


def _faces_in(table: Path) -> int:
    with table.open(encoding="utf-8", newline="") as file:
        return sum(row["success"] == "1" for row in csv.DictReader(file))


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
