"""Reads folders that are named after emotions and hold pictures: `angry/*.jpg`, `happy/*.jpg`.

Knows neither people nor splits. Called by the readers of FER2013 and CK+48.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rtau_train.datasets.prepare import values
from rtau_train.datasets.prepare.listing import pictures_in


@dataclasses.dataclass(frozen=True)
class ClassFolder:
    """The pictures of one emotion."""

    path: Path
    emotion: str
    pictures: tuple[Path, ...]


def class_folders(root: Path, /) -> tuple[ClassFolder, ...]:
    """Returns the folders under `root` that are named after an emotion, sorted by emotion."""
    found = []
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if path.is_dir() and path.name.strip():
            emotion = values.emotion(path.name)
            if values.is_known_emotion(emotion):
                found.append(ClassFolder(path, emotion, tuple(pictures_in(path))))
    return tuple(sorted(found, key=lambda folder: folder.emotion))
