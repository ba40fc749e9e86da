"""A folder of labelled crops: pictures, labels, people, and landmarks where they are known.

    crops/            square RGB pictures of equal size, in any subfolders
    labels.csv        a row per picture: `file` (under crops/); a column per AU (`AU01`, ...) with
                      its intensity 0-5, empty where it was not coded, or `emotion`; `subject`,
                      without which every picture is another person; `split` where the data set
                      has its own; any columns that describe the person or scene
    landmarks68.npz   optional; `xy`: (rows, 68, 2), iBUG order, px in the picture
    prepared.json     how the folder was made (`rtau_train.datasets.preparation`)

Pictures are decoded when they are asked for; augmentation is elsewhere. `read_folder` makes the
record; the loop, the evaluation and everything that looks at data use it.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtau.contract import CropRule
from rtau.data import Image, Task
from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets import augmentation
from rtau_train.datasets.augmentation import Rule
from rtau_train.datasets.decoded import READERS, Decoded, read_picture
from rtau_train.datasets.preparation import Preparation
from rtau_train.recipe import Aligned, Inner, Recipe

# Occurrence of an AU wherever intensity is known: FACS B ("slight") is 2 on the 0-5 scale.
OCCURS_FROM = 2.0

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
    """float32 (N, 68, 2), px in the original picture, or None where no row has them; a row
    without them is NaN."""
    preparation: Preparation | None = None
    """How the folder was made; None for renders."""
    copies: Rows | None = None
    """int64 (N,): 0 for a picture itself, k for its k-th artificial image; None: no copies."""
    cut_by: tuple[CropRule | None, ...] = ()
    """Per row, where on a detector's box the picture was cut; None: not known. Empty: of none."""
    decoded: Decoded | None = None
    """The pictures, where they are kept decoded."""
    side_px: int | None = None
    """Side pictures are brought to when they are read; None leaves them and asks for one size."""

    def __post_init__(self) -> None:
        rows = len(self.files)
        if self.targets.shape != (rows, len(self.labels)):
            raise ValueError(
                f"targets must be ({rows}, {len(self.labels)}), got {self.targets.shape}"
            )
        for name in ("subjects", "copies", "landmarks", "cut_by", "decoded"):
            values = getattr(self, name)
            is_absent = values is None or (name == "cut_by" and not values)
            if not is_absent and len(values) != rows:
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

    @property
    def shows_nothing(self) -> npt.NDArray[np.bool_]:
        """Bool (N,): where every label that the data code is coded, and none occurs.

        A label that no row codes is taken to be absent as well.
        """
        used = self.coded.any(axis=0)
        coded = self.coded[:, used].all(axis=1) & bool(used.any())
        return np.asarray(coded & ~self.occurs.any(axis=1))

    @property
    def datasets(self) -> Words:
        """Str (N,): the data set of each row, `renders` where none is named."""
        made = self.preparation
        alone = np.full(len(self), "renders" if made is None else made.dataset)
        return self.columns.get("dataset", alone)

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
            cut_by=tuple(self.cut_by[row] for row in rows) if self.cut_by else (),
            copies=copies,
            decoded=None if self.decoded is None else self.decoded.take(rows),
        )

    def rule_of(self, row: int, recipe: Recipe, /) -> Rule:
        """Returns where a row's canonical square lies; None: it is the whole picture.

        On its landmarks where they are known and the recipe has a rule for them, else inside the
        picture if that was cut wider than the recipe's crop.

        Raises:
            UsageError: the recipe lays crops on landmarks and the row has neither them nor a
                known cut, or its picture was cut narrower than the recipe's crop.
        """
        if recipe.crop is not None and self.has_landmarks(row):
            return Aligned(recipe.shipping.haar_crop) if recipe.crop.aligned else recipe.crop
        cut = self.cut_by[row] if self.cut_by else None
        if cut is None:
            if recipe.crop is None:
                return None
            raise UsageError(
                "the recipe's [crop] lies on landmarks, and the data have no landmarks68.npz; use "
                "a recipe without [crop], which takes the pictures whole"
            )
        return _inner(cut, recipe.shipping.haar_crop, self.files[row])

    def has_landmarks(self, row: int, /) -> bool:
        """True where the 68 points of a row are known."""
        return self.landmarks is not None and bool(np.isfinite(self.landmarks[row]).all())

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
        image = read_picture(self.pictures[row]) if self.decoded is None else self.decoded.one(row)
        points = self.landmarks[row] if self.landmarks is not None else None
        if self.side_px is not None:
            image, points = augmentation.resized(image, points, side_px=self.side_px)
        copy = 0 if self.copies is None else int(self.copies[row])
        if copy:
            rng = np.random.default_rng([zlib.crc32(self.files[row].encode()), copy])
            image, points = augmentation.artificial(image, points, rng=rng)
        return image, points


def joined(parts: Sequence[LabelledCrops], /) -> LabelledCrops:
    """Returns several data sets as one, their pictures brought to the largest one's side.

    People of different data sets are different people. A label that one of them has no column for
    is not coded there; landmarks are NaN where they are not known. Any other column that one of
    them lacks is empty there; column `dataset` says which row is whose.

    Raises:
        UsageError: the data sets are labelled in different ways, or two have one name.
        SourceOpenError: a first picture cannot be read.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if len({part.task for part in parts}) > 1:
        raise UsageError("several --data must all have AUs or all have emotions")
    names = _names(parts)
    people = [np.char.add(f"{name}/", p.subjects) for name, p in zip(names, parts, strict=True)]
    columns = {
        name: np.concatenate([p.columns.get(name, np.full(len(p), "")) for p in parts])
        for name in dict.fromkeys(name for part in parts for name in part.columns)
    }
    columns["dataset"] = np.repeat(names, [len(part) for part in parts])
    return dataclasses.replace(
        first,
        pictures=tuple(path for part in parts for path in part.pictures),
        files=tuple(
            f"{name}/{file}" for name, part in zip(names, parts, strict=True) for file in part.files
        ),
        targets=np.concatenate([part.targets for part in parts]),
        subjects=np.concatenate(people),
        columns=columns,
        landmarks=_joined_landmarks(parts),
        cut_by=tuple(rule for part in parts for rule in part.cut_by or (None,) * len(part)),
        preparation=_joined_preparation(parts, names),
        decoded=None,
        side_px=max(_side_px(part) for part in parts),
    )


def _names(parts: Sequence[LabelledCrops]) -> list[str]:
    """Returns a name per data set: its own, and `renders`, numbered if there are several."""
    names: list[str] = []
    for part in parts:
        name = "renders" if part.preparation is None else part.preparation.dataset
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names


def _side_px(part: LabelledCrops) -> int:
    """Returns the side of a data set's pictures: as its record says, or as the first one is."""
    if part.preparation is not None:
        return part.preparation.size_px
    return len(part.images(np.zeros(1, np.int64))[0])


def _joined_landmarks(parts: Sequence[LabelledCrops]) -> npt.NDArray[np.float32] | None:
    """Returns the landmarks of all rows, px in each row's own picture; None where none has any."""
    if all(part.landmarks is None for part in parts):
        return None
    unknown = [np.full((len(part), 68, 2), np.nan, np.float32) for part in parts]
    return np.concatenate(
        [
            none if part.landmarks is None else part.landmarks
            for none, part in zip(unknown, parts, strict=True)
        ]
    )


def _joined_preparation(parts: Sequence[LabelledCrops], names: Sequence[str]) -> Preparation | None:
    """Returns one record for all; None with renders, which have none, among them."""
    made = [part.preparation for part in parts if part.preparation is not None]
    if len(made) < len(parts):
        return None
    return dataclasses.replace(
        made[0], dataset="+".join(names), images=sum(map(len, parts)), source="several"
    )


def _inner(cut: CropRule, wanted: CropRule, file: str) -> Inner | None:
    """Returns the square of one crop rule inside a picture cut by another; None: all of it."""
    inner = Inner(
        side=wanted.expand / cut.expand,
        centre_x=0.5 + (wanted.offset_x - cut.offset_x) / cut.expand,
        centre_y=0.5 + (wanted.offset_y - cut.offset_y) / cut.expand,
    )
    if inner.side > 1:
        raise UsageError(
            f"{file}: the picture was cut {cut.expand:g} boxes wide, the recipe's crop is "
            f"{wanted.expand:g}; run `rtau-train prepare` again with --crop-expand "
            f"{wanted.expand:g} or more"
        )
    return None if inner == Inner(1.0, 0.5, 0.5) else inner
