"""Draws the picture of warped portraits in docs/data-sets.md: a face per row, an action per column.

    tools/make_warp_sheet.py PORTRAITS TEACHER.json ASSETS PYTHON OUT.jpg

PYTHON is an interpreter that has MediaPipe, as of `rtau-train warp`. Every action has
intensity 4 on both sides, then AU12 on the person's left alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from rtau.facs import AU
from rtau_train.geometry_teacher import teacher
from rtau_train.geometry_teacher.landmarker import find_points
from rtau_train.geometry_teacher.pictures import read_portraits
from rtau_train.synth.assets import read_assets
from rtau_train.warping.displacement import AUS, displacements
from rtau_train.warping.faces import base_face
from rtau_train.warping.pairs import Change, changed, finished

SIZE_PX = 144
INTENSITY = 4.0
# Of the square of 1.9 landmark boxes, what the sheet shows.
SHOWN = slice(12, 132)
HEADER_PX = 16


def main() -> None:
    """Writes the sheet."""
    folder, judge, assets, python, out = sys.argv[1:]
    by = displacements(read_assets(Path(assets)))
    made = teacher.read(Path(judge))
    portraits = read_portraits(Path(folder))
    mesh = find_points([one.path for one in portraits], python=python, progress=lambda _: None)
    both = [Change("au", {au: INTENSITY}, {au: INTENSITY}, 0.7) for au in AUS]
    changes = [*both, Change("au", {12: INTENSITY}, {12: 0.0}, 0.7)]
    titles = ["neutral", *(AU(au).label for au in AUS), "AU12, left"]
    rows = []
    for row, portrait in enumerate(portraits):
        face = base_face(portrait, mesh.points[row], made, size=SIZE_PX)
        rng = np.random.default_rng(3)
        images = [finished(face.image, face.points_xy, np.random.default_rng(0)).image]
        images += [changed(face, change, by=by, rng=rng).image for change in changes]
        rows.append(np.hstack([image[SHOWN, SHOWN] for image in images]))
    side = SHOWN.stop - SHOWN.start
    header = np.full((HEADER_PX, side * len(titles), 3), 255, np.uint8)
    for column, title in enumerate(titles):
        place = (column * side + 4, HEADER_PX - 4)
        cv2.putText(header, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.imwrite(out, np.vstack([header, *rows]), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
