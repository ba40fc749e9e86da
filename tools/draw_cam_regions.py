"""Draws the regions of docs/cam-quality.md on rendered faces, and writes the document's table.

    python tools/draw_cam_regions.py

For each AU of the study one face of tests/data/synth-facs that shows it: left the region on the
face's own landmarks, right the region on the mean face. The table says for every AU of `rtau.facs`
how much of the crop its region takes and how well the two agree, over all faces of that folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.facs import AU, DISFA_PLUS_AUS
from rtau.overlay.palette import INK, WHITE, Colour
from rtau.overlay.text import line_height, strip
from rtau_train.datasets import augmentation
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.explaining import facial_regions
from rtau_train.explaining.mean_face import mean_face
from rtau_train.recipe import Crop

ROOT = Path(__file__).resolve().parent.parent
FACES = ROOT / "tests" / "data" / "synth-facs"
PICTURE = ROOT / "docs" / "images" / "cam-regions.jpg"
DOCUMENT = ROOT / "docs" / "cam-quality.md"
BEGIN, END = "<!-- regions: begin -->", "<!-- regions: end -->"
# The crop of the rendered faces' recipe (train/recipes/shufflenetv2-synth.toml).
CROP = Crop(side_over_landmark_box=1.27, lift=0.04)
TILE_PX, GRID_PX, PAIRS_ABREAST = 168, 224, 4
# Of the figure, and of masks.
JPEG_QUALITY = 90
TINT: Colour = (120, 230, 120)
CAP_PX = 9

Points = npt.NDArray[np.float64]


def main() -> int:
    """Writes picture and table; returns the exit code."""
    data = read_folder(FACES, labels=tuple(au.label for au in DISFA_PLUS_AUS))
    assert data.landmarks is not None
    images = data.images(np.arange(len(data)))
    crops = [
        augmentation.plain_crop(image, points, CROP, size=TILE_PX)
        for image, points in zip(images, data.landmarks, strict=True)
    ]
    own = [
        np.asarray(augmentation.plain_points(points, image, CROP, size=1), np.float64)
        for image, points in zip(images, data.landmarks, strict=True)
    ]
    pairs = []
    for column, au in enumerate(DISFA_PLUS_AUS):
        row = int(data.targets[:, column].argmax())
        pairs.append(pair(au, crops[row], own[row]))
    rows = [
        np.hstack(pairs[first : first + PAIRS_ABREAST])
        for first in range(0, len(pairs), PAIRS_ABREAST)
    ]
    cv2.imwrite(str(PICTURE), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table(own)}\n{END}{after}", encoding="utf-8")
    print(PICTURE, DOCUMENT)
    return 0


def pair(au: AU, crop_rgb: Image, points: Points) -> Image:
    """Returns one face with a region on its own landmarks and on the mean face, titled."""
    faces = [outlined(crop_rgb, au, where) for where in (points, mean_face(CROP))]
    title = np.full((line_height(CAP_PX) + 4, 2 * TILE_PX, 3), 255, np.uint8)
    coverage = strip(f"{au.label} {au.words}", CAP_PX, bold=True)[:, :, None] / 255
    ground = title[2 : 2 + len(coverage), 4 : 4 + coverage.shape[1]]
    ground[:] = np.round(ground * (1 - coverage) + np.array(INK) * coverage)
    return cv2.copyMakeBorder(
        np.vstack([title, np.hstack(faces)]), 0, 8, 0, 12, cv2.BORDER_CONSTANT, value=WHITE
    ).astype(np.uint8)


def outlined(crop_rgb: Image, au: AU, points: Points) -> Image:
    """Returns a face with a region tinted and outlined: uint8 (TILE_PX, TILE_PX, 3), BGR."""
    image = np.ascontiguousarray(crop_rgb[:, :, ::-1])
    mask = facial_regions.mask(au.label, points, side_px=TILE_PX)
    image[mask] = np.round(0.6 * image[mask] + 0.4 * np.array(TINT))
    edges, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, edges, -1, WHITE, 1, cv2.LINE_AA)
    for x, y in np.round(points * TILE_PX).astype(int):
        cv2.circle(image, (int(x), int(y)), 1, INK, -1)
    return image


def table(faces: list[Points]) -> str:
    """Returns the regions of every AU as Markdown."""
    lines = [
        "| AU | muscle (FACS) | region | share of the crop | IoU with the mean face's |",
        "|---|---|---|---|---|",
    ]
    for au, region in facial_regions.REGIONS.items():
        mean = facial_regions.mask(au.label, mean_face(CROP), side_px=GRID_PX)
        own = [facial_regions.mask(au.label, points, side_px=GRID_PX) for points in faces]
        shared = np.mean([(mask & mean).sum() / (mask | mean).sum() for mask in own])
        lines.append(
            f"| {au.label} {au.words} | {region.muscle} | {region.place} "
            f"| {np.mean(own):.3f} | {shared:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
