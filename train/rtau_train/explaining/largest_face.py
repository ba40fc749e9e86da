"""The largest face of an image, found as `rtau image` finds it and cut as a model wants it.

Training sees prepared crops; this is for pictures from outside, which need the runtime's detector,
its rule of belief and its crop geometry. Called by `rtau_train.commands.explain`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from rtau.contract import CropRule
from rtau.data import Faces, Frame, Image
from rtau.errors import SourceError
from rtau.faces import crops
from rtau.protocols import Tracker
from rtau.sources.images import ImageSource


@dataclasses.dataclass(frozen=True, eq=False)
class FoundFace:
    """One face in one image."""

    frame: Frame
    faces: Faces
    """The face, alone."""
    count: int
    """Faces that were found in the image."""

    @property
    def box_xyxy(self) -> list[float]:
        """The detector's box, px in the image."""
        return [float(value) for value in self.faces.boxes_xyxy[0]]

    def cut(self, rule: CropRule, /, *, size: int) -> Image:
        """Returns the face's crop, uint8 (size, size, 3), RGB.

        Raises:
            SourceError: the face is too small to read.
        """
        cut = crops.cut(self.frame, self.faces, rule=rule, size=size)
        if not len(cut.images_rgb):
            raise SourceError(
                f"the face is smaller than {crops.MIN_SQUARE_PX:.0f} px; give a larger picture"
            )
        return np.asarray(cut.images_rgb[0])


def read_image(path: Path, /) -> Frame:
    """Returns an image file as a frame, upright.

    Raises:
        SourceOpenError: it is missing, unreadable or cut short.
    """
    return next(iter(ImageSource([path])))


def find_largest(frame: Frame, tracker: Tracker, /) -> FoundFace:
    """Returns the largest face of an image; the tracker is one for unrelated images.

    Raises:
        SourceError: no face was found.
    """
    faces = tracker.track(frame).faces
    if not len(faces):
        raise SourceError(
            "no face was found; give a larger or more frontal one, or --crop whole for a picture "
            "that is a face's crop already"
        )
    sides = faces.boxes_xyxy[:, 2:] - faces.boxes_xyxy[:, :2]
    largest = np.zeros(len(faces), bool)
    largest[int(sides.prod(axis=1).argmax())] = True
    return FoundFace(frame, faces.select(largest), len(faces))
