"""Reads CK+: the original folders with FACS and emotion files, or the CK+48 class folders.

    cohn-kanade-images/S005/001/S005_001_00000011.png    neutral face to peak
    Emotion/S005/001/S005_001_00000011_emotion.txt       one number, 327 of 593 sequences
    FACS/S005/001/S005_001_00000011_facs.txt             an AU and its intensity per line

The labelled frame is the peak, the last of its sequence; first frames are neutral. Contempt, which
FER2013 lacks, is left out unless asked for. Called by the command line.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final, Literal

from rtau.errors import SourceOpenError
from rtau.facs import AU
from rtau_train.datasets.prepare import values
from rtau_train.datasets.prepare.class_folders import class_folders
from rtau_train.datasets.prepare.listing import Listing, Rejection, SourceImage, child, pictures_in
from rtau_train.datasets.prepare.manifest import Kind

Neutral = Literal["person", "sequence", "none"]
HINT: Final = (
    "expected cohn-kanade-images/S005/001/*.png with Emotion/ (or FACS/) beside it, or the folders "
    "of CK+48: anger, contempt, disgust, fear, happy, sadness, surprise"
)
SIZE_PX: Final = 224
CROPPED_SIZE_PX: Final = 48
# Codes of the emotion files, as CK+'s own ReadMe lists them.
_CODES: Final = (
    "neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise",
)  # fmt: skip
_PERSON: Final = re.compile(r"(S\d+)_")


@dataclasses.dataclass(frozen=True)
class Choices:
    """What is taken from CK+."""

    kind: Kind = "emotion"
    """Emotions; or AUs as occurrence (present whatever the intensity) or intensity."""
    keep_contempt: bool = False
    neutral: Neutral = "person"
    """Whose first frames are taken as neutral: of each person's first labelled sequence, of every
    labelled sequence, or none."""
    apex_frames: int = 1
    """Last frames of a sequence that get its label; the coders labelled the very last."""


def read(source: Path, choices: Choices, /) -> Listing:
    """Returns labelled frames of CK+.

    Raises:
        SourceOpenError: neither layout is there, or no frame can be used.
    """
    root = child(source, "cohn-kanade-images") if source.is_dir() else None
    if root is not None:
        listing = _original(source, root, choices)
    elif choices.kind == "emotion":
        listing = _cropped(source, choices)
    else:
        raise SourceOpenError(f"{source}: AUs need CK+'s original folders; {HINT}")
    if not listing.images:
        first = ""
        if listing.rejections:
            first = f"; the first: {listing.rejections[0].name}: {listing.rejections[0].reason}"
        raise SourceOpenError(f"{source}: no labelled image of CK+ was found{first}; {HINT}")
    return listing if choices.keep_contempt else _without_contempt(listing)


def _without_contempt(listing: Listing) -> Listing:
    kept = tuple(image for image in listing.images if image.emotion != values.CONTEMPT)
    left_out = len(listing.images) - len(kept)
    if not left_out:
        return listing
    note = (
        f"{left_out} images of contempt are left out (FER2013 has no such class): --contempt keep"
    )
    return dataclasses.replace(listing, images=kept, notes=(*listing.notes, note))


def _emotions(choices: Choices) -> tuple[str, ...]:
    return (*values.EMOTIONS, values.CONTEMPT) if choices.keep_contempt else values.EMOTIONS


def _cropped(source: Path, choices: Choices) -> Listing:
    inner = child(source, "CK+48") if source.is_dir() else None
    images: list[SourceImage] = []
    rejections: list[Rejection] = []
    for folder in class_folders(inner or source):
        for path in folder.pictures:
            name = path.relative_to(source).as_posix()
            person = _PERSON.match(path.name)
            if person is None:
                rejections.append(
                    Rejection(name, "the name does not begin with the person, like S010_")
                )
                continue
            images.append(SourceImage(name, path, person.group(1), emotion=folder.emotion))
    return Listing(
        dataset="ckplus",
        task="multi_class",
        labels=_emotions(choices),
        images=tuple(images),
        rejections=tuple(rejections),
        size_px=CROPPED_SIZE_PX,
        are_crops=True,
        notes=("CK+48 has no neutral images: the class neutral stays empty",),
    )


def _original(source: Path, root: Path, choices: Choices) -> Listing:
    names = ("Emotion", "Emotion_labels") if choices.kind == "emotion" else ("FACS", "FACS_labels")
    labels_root = child(source, *names)
    if labels_root is None:
        raise SourceOpenError(f"{source}: there is no folder {names[0]}; {HINT}")
    images: list[SourceImage] = []
    rejections: list[Rejection] = []
    unlabelled, unknown, people = 0, set[int](), set[str]()
    for folder in _sequences(root):
        files = sorted((labels_root / folder.relative_to(root)).glob("*.txt"))
        if not files:
            unlabelled += 1
            continue
        try:
            sequence = _sequence(folder, files, source=source, choices=choices)
        except ValueError as error:
            rejections.append(Rejection(files[0].relative_to(source).as_posix(), str(error)))
            continue
        person = folder.parent.name
        if choices.neutral == "sequence" or (choices.neutral == "person" and person not in people):
            images += sequence.neutral
        people.add(person)
        images += sequence.apex
        unknown |= sequence.unknown_aus
    return Listing(
        dataset="ckplus",
        task="multi_class" if choices.kind == "emotion" else "multi_label",
        labels=_emotions(choices) if choices.kind == "emotion" else _aus_shown(images),
        images=tuple(images),
        rejections=tuple(rejections),
        size_px=SIZE_PX,
        notes=_notes(choices, unlabelled=unlabelled, unknown=unknown),
    )


def _notes(choices: Choices, *, unlabelled: int, unknown: set[int]) -> tuple[str, ...]:
    notes = []
    if unlabelled:
        notes.append(f"{unlabelled} sequences have no label file and are left out")
    if unknown:
        numbers = ", ".join(map(str, sorted(unknown)))
        notes.append(f"these AUs are left out, rtau has none such: {numbers}")
    if choices.neutral != "none":
        notes.append(f"first frames stand for neutral, one of every {choices.neutral}")
    return tuple(notes)


def _aus_shown(images: list[SourceImage]) -> tuple[str, ...]:
    """Returns the AUs that some image shows: a column of zeros says nothing."""
    shown = {label for image in images for label, value in image.labels.items() if value > 0}
    return tuple(au.label for au in AU if au.label in shown)


@dataclasses.dataclass(frozen=True)
class _Sequence:
    """The frames of one sequence that are used."""

    neutral: tuple[SourceImage, ...]
    apex: tuple[SourceImage, ...]
    unknown_aus: frozenset[int] = frozenset()


def _sequences(root: Path) -> list[Path]:
    """Returns the folders of sequences, `S005/001`, sorted."""
    people = sorted(path for path in root.iterdir() if path.is_dir())
    return [path for person in people for path in sorted(person.iterdir()) if path.is_dir()]


def _sequence(folder: Path, files: list[Path], *, source: Path, choices: Choices) -> _Sequence:
    """Returns what is used of a sequence; ValueError says why nothing can be."""
    if len(files) > 1:
        raise ValueError(f"there are {len(files)} label files for one sequence; keep one")
    frames = pictures_in(folder)
    labelled = re.sub(r"_(emotion|facs)$", "", files[0].stem)
    place = next((i for i, path in enumerate(frames) if path.stem == labelled), None)
    if place is None:
        raise ValueError(f"there is no frame {labelled} in {folder.relative_to(source)}")
    text = files[0].read_text(encoding="utf-8", errors="replace")
    emotion, labels, unknown = "", dict[str, float](), frozenset[int]()
    if choices.kind == "emotion":
        emotion = _emotion(text)
    else:
        labels, unknown = action_units(text, choices.kind)

    def image(path: Path, emotion: str, labels: dict[str, float]) -> SourceImage:
        name = path.relative_to(source).as_posix()
        return SourceImage(name, path, folder.parent.name, labels=labels, emotion=emotion)

    rest = dict.fromkeys((au.label for au in AU), 0.0) if labels else {}
    first = frames[:1] if place > 0 else []
    last = frames[max(place + 1 - choices.apex_frames, len(first)) : place + 1]
    return _Sequence(
        neutral=tuple(image(path, "neutral" if emotion else "", rest) for path in first),
        apex=tuple(image(path, emotion, labels) for path in last),
        unknown_aus=unknown,
    )


def _emotion(text: str) -> str:
    """Returns the emotion of a file that holds one code, `   3.0000000e+00`."""
    words = text.split()
    code = _whole(words[0]) if len(words) == 1 else None
    if code is None or code >= len(_CODES):
        raise ValueError(f"expected one code from 0 to {len(_CODES) - 1}, got {text.strip()!r}")
    return _CODES[code]


def _whole(word: str) -> int | None:
    """Returns the whole number in a word like `3.0000000e+00`; None for anything else."""
    try:
        value = float(word)
    except ValueError:
        return None
    return int(value) if value.is_integer() and value >= 0 else None


def action_units(text: str, kind: Kind, /) -> tuple[dict[str, float], frozenset[int]]:
    """Returns AU -> intensity of a FACS file, and the numbers of AUs that rtau does not know.

    CK+ is coded in full, so an AU that is not listed is absent (0). Intensity 0 beside a listed AU
    means that none was given (CK+'s ReadMe): as `occurrence` it is present like any listed AU, as
    `intensity` it is not coded.

    Raises:
        ValueError: a line is not an AU and an intensity.
    """
    labels = dict.fromkeys((au.label for au in AU), 0.0)
    unknown = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        words = line.split()
        code = _whole(words[0]) if len(words) == 2 else None
        if code is None:
            raise ValueError(f"line {number}: expected an AU and its intensity, got {line!r}")
        given = values.intensity(words[1])
        if code not in set(AU):
            unknown.add(code)
        elif kind == "occurrence":
            labels[AU(code).label] = values.PRESENT
        elif given == 0:
            labels.pop(AU(code).label, None)
        else:
            labels[AU(code).label] = given
    return labels, frozenset(unknown)
