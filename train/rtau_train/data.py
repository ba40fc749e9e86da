"""A folder of labelled crops: pictures, labels, people, and landmarks where they are known.

    crops/            square RGB pictures of equal size, in any subfolders
    labels.csv        a row per picture: `file` (under crops/); a column per AU (`AU01`, ...) with
                      its intensity 0-5, empty where it was not coded, or `emotion`; `subject`,
                      without which every picture is another person; `split` where the data set
                      has its own; any columns that describe the person or scene
    landmarks68.npz   optional; `xy`: (rows, 68, 2), iBUG order, px in the picture
    prepared.json     how the folder was made (`rtau_train.preparation`)

Pictures are decoded when they are asked for; augmentation is elsewhere. `read_folder` makes the
record; the loop, the evaluation and everything that looks at data use it.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image, Task
from rtau.errors import SourceOpenError, UsageError
from rtau_train import augment
from rtau_train.preparation import Preparation

# Occurrence of an AU wherever intensity is known: FACS B ("slight") is 2 on the 0-5 scale.
OCCURS_FROM = 2.0
# Decoding releases Python's lock, so two threads keep two cores busy; more wait for the disk.
READERS = 2

Rows = npt.NDArray[np.int64]
Words = npt.NDArray[np.str_]


def occurrence(targets: npt.NDArray[np.float32], /, *, task: Task) -> npt.NDArray[np.bool_]:
    """Returns bool (N, A): intensity 2 or more, or the row's class; False where not coded."""
    return np.asarray(np.nan_to_num(targets) >= (OCCURS_FROM if task == "multi_label" else 0.5))


@dataclasses.dataclass(frozen=True)
class LabelledCrops:
    """Rows of labelled pictures; the pixels are read by `images` and `read`."""

    pictures: tuple[Path, ...]
    """Where each picture lies."""
    files: tuple[str, ...]
    """Its name in records, under crops/."""
    labels: tuple[str, ...]
    """AUs or emotions, A of them, in the order asked for."""
    task: Task
    targets: npt.NDArray[np.float32]
    """float32 (N, A). multi_label: intensity 0-5, NaN where not coded; multi_class: one-hot."""
    subjects: Words
    """str (N,): who is shown."""
    columns: dict[str, Words]
    """The other columns of labels.csv, as text (N,)."""
    landmarks: npt.NDArray[np.float32] | None = None
    """float32 (N, 68, 2), px in the original picture, or None where they are not known."""
    preparation: Preparation | None = None
    """How the folder was made; None for renders."""
    copies: Rows | None = None
    """int64 (N,): 0 for a picture itself, k for its k-th artificial image; None: no copies."""
    side_px: int | None = None
    """Side pictures are brought to when they are read; None leaves them and asks for one size."""

    def __post_init__(self) -> None:
        rows = len(self.files)
        if self.targets.shape != (rows, len(self.labels)):
            raise ValueError(
                f"targets must be ({rows}, {len(self.labels)}), got {self.targets.shape}"
            )
        for name in ("subjects", "copies", "landmarks"):
            values = getattr(self, name)
            if values is not None and len(values) != rows:
                raise ValueError(f"{name} must have {rows} rows, got {len(values)}")

    def __len__(self) -> int:
        return len(self.files)

    @property
    def coded(self) -> npt.NDArray[np.bool_]:
        """Bool (N, A): where a label is known."""
        return ~np.isnan(self.targets)

    @property
    def occurs(self) -> npt.NDArray[np.bool_]:
        """Bool (N, A): intensity 2 or more, or the row's class; False where it is not known."""
        return occurrence(self.targets, task=self.task)

    def take(self, rows: Rows, /, *, copies: Rows | None = None) -> LabelledCrops:
        """Returns some rows, in any order and repeated at will; `copies` numbers repetitions."""
        if copies is None and self.copies is not None:
            copies = self.copies[rows]
        return dataclasses.replace(
            self,
            pictures=tuple(self.pictures[row] for row in rows),
            files=tuple(self.files[row] for row in rows),
            targets=self.targets[rows],
            subjects=self.subjects[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            landmarks=None if self.landmarks is None else self.landmarks[rows],
            copies=copies,
        )

    def name(self, row: int, /) -> str:
        """Returns what a row is called in lists: its file, and `#k` for its k-th copy."""
        copy = 0 if self.copies is None else int(self.copies[row])
        return f"{self.files[row]}#{copy}" if copy else self.files[row]

    def images(self, rows: Rows, /) -> Image:
        """Returns the pictures of some rows: uint8 (len(rows), H, H, 3), RGB.

        Raises:
            SourceOpenError: a picture cannot be read or differs in size.
        """
        return self.read(rows)[0]

    def read(self, rows: Rows, /) -> tuple[Image, npt.NDArray[np.float32] | None]:
        """Returns pictures uint8 (n, H, H, 3), RGB, and their landmarks (n, 68, 2) or None.

        Copies are made here, each from its own seed, so the same row is always the same picture.

        Raises:
            SourceOpenError: a picture cannot be read or differs in size.
        """
        first = self._one(int(rows[0]))[0]
        images = np.empty((len(rows), *first.shape), np.uint8)
        points = None if self.landmarks is None else np.empty((len(rows), 68, 2), np.float32)

        def read(place: int) -> None:
            row = int(rows[place])
            image, landmarks = self._one(row)
            if image.shape != first.shape:
                raise SourceOpenError(
                    f"{self.pictures[row]}: pictures must have one size, {first.shape[:2]}, "
                    f"got {image.shape[:2]}"
                )
            images[place] = image
            if points is not None and landmarks is not None:
                points[place] = landmarks

        with ThreadPoolExecutor(max_workers=READERS) as pool:
            list(pool.map(read, range(len(rows))))
        return images, points

    def _one(self, row: int) -> tuple[Image, npt.NDArray[np.float32] | None]:
        image_bgr = cv2.imread(str(self.pictures[row]), cv2.IMREAD_COLOR)
        if image_bgr is None:
            raise SourceOpenError(f"{self.pictures[row]}: the picture is missing or unreadable")
        image = np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        points = None if self.landmarks is None else self.landmarks[row]
        if self.side_px is not None:
            image, points = augment.resized(image, points, side_px=self.side_px)
        copy = 0 if self.copies is None else int(self.copies[row])
        if copy:
            rng = np.random.default_rng([zlib.crc32(self.files[row].encode()), copy])
            image, points = augment.artificial(image, points, rng=rng)
        return image, points


def joined(parts: Sequence[LabelledCrops], /) -> LabelledCrops:
    """Returns several data sets as one, their pictures brought to the largest one's side.

    People of different data sets are different people. Landmarks are kept if all have them.

    Raises:
        UsageError: the data sets say nothing of their size, or are labelled differently.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    made = [part.preparation for part in parts if part.preparation is not None]
    if len(made) < len(parts) or len({preparation.task for preparation in made}) > 1:
        raise UsageError(
            "several --data must all be folders of `rtau-train prepare` with one kind of labels"
        )
    names = [preparation.dataset for preparation in made]
    people = [np.char.add(f"{m.dataset}/", p.subjects) for m, p in zip(made, parts, strict=True)]
    shared = set.intersection(*(set(part.columns) for part in parts))
    points = [part.landmarks for part in parts if part.landmarks is not None]
    return dataclasses.replace(
        first,
        pictures=tuple(path for part in parts for path in part.pictures),
        files=tuple(
            f"{name}/{file}" for name, part in zip(names, parts, strict=True) for file in part.files
        ),
        targets=np.concatenate([part.targets for part in parts]),
        subjects=np.concatenate(people),
        columns={name: np.concatenate([p.columns[name] for p in parts]) for name in shared},
        landmarks=np.concatenate(points) if len(points) == len(parts) else None,
        preparation=dataclasses.replace(
            made[0], dataset="+".join(names), images=sum(map(len, parts)), source="several"
        ),
        side_px=max(preparation.size_px for preparation in made),
    )
