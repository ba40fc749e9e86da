"""Stand-ins and prepared folders for the tests of `rtau-train prepare`."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from rtau.contract import CropRule
from rtau_train.datasets.prepare.cutting import Plan
from rtau_train.datasets.prepare.listing import Listing, SourceImage
from tests.support.standin_scenes import read_renders

FACES = Path(__file__).parents[1] / "data" / "synth-facs"
HAAR_BOX = CropRule("haar", 1.0, 0.0, 0.0)
CUT_64 = Plan(dataset="folder", size_px=64, crop=HAAR_BOX)
CROPS_48 = Plan(dataset="folder", size_px=48, crop=None)


def renders(count: int | None = None):
    return read_renders(FACES)[:count]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Returns every file of a folder and what it holds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_picture(path: Path, shape: tuple[int, ...] = (48, 48, 3)) -> Path:
    """Writes a drawn picture that shows no face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(0, 255, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    assert cv2.imwrite(str(path), ramp.astype(np.uint8))
    return path


def drawn_listing(folder: Path, count: int = 3, **changes) -> Listing:
    """Returns a listing of drawn square pictures, AU12 rising from one to the next."""
    images = tuple(
        SourceImage(
            name=f"a/{index}.png",
            path=write_picture(folder / "a" / f"{index}.png"),
            subject=f"person {index % 2}",
            labels={"AU01": 0.0, "AU12": float(index)},
        )
        for index in range(count)
    )
    known = {
        "dataset": "folder",
        "task": "multi_label",
        "labels": ("AU01", "AU12"),
        "images": images,
        "rejections": (),
        "size_px": 48,
        "are_crops": True,
    }
    return Listing(**{**known, **changes})
