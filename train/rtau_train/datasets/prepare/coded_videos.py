"""Reads what coders made of moments in videos: ELAN documents, and lists as CSV.

One row per face and time that was coded; what nobody coded stays uncoded. `rtau-train suggest`
writes the tasks; documents that a coder began alone are read too. Called by the command line.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np

from rtau.analysis.coder_files import listed_spans
from rtau.analysis.codes import CodedSpan
from rtau.analysis.elan_files import elan_media, elan_spans
from rtau.errors import SourceOpenError, UsageError
from rtau.sources import VIDEO_SUFFIXES
from rtau_train.datasets.prepare.listing import Listing, Moment, Rejection, SourceImage
from rtau_train.datasets.prepare.values import PRESENT, au_label

# What the time between annotations says of a label that has some.
Between = Literal["uncoded", "absent"]
SIZE_PX: Final = 224
# The bundled model's crop with room around it, for the shifts and turns of training.
CROP_EXPAND: Final = 1.4
CROP_OFFSET_Y: Final = 0.095
# One frame of a moment of `suggest`; longer annotations give several, a little apart.
STEP_S: Final = 0.2
_SUFFIXES: Final = (".eaf", ".csv", ".tsv", ".txt")
_EXPECTED: Final = (
    "expected ELAN documents (.eaf) or lists with columns au, onset_s, offset_s and code, as "
    "`rtau-train suggest` writes them"
)


@dataclasses.dataclass(frozen=True)
class _CodedVideo:
    """The codes of one video in one file."""

    origin: Path
    """The coder's file."""
    video: Path
    spans: tuple[CodedSpan, ...]
    labels: frozenset[str]
    """Labels that were coded, also where none was marked."""


def read(source: Path, /, *, between: Between = "uncoded", step_s: float = STEP_S) -> Listing:
    """Returns the coded moments of a coder's file, or of all in a folder.

    Args:
        source: an ELAN document, a list, or a folder of them.
        between: `absent` takes a label to be absent wherever it was not marked in its video.
        step_s: most seconds between two frames of one annotation.

    Raises:
        SourceOpenError: there is no such file, none is a coder's, or nothing was coded.
        UsageError: a file cannot be understood.
    """
    base = source if source.is_dir() else source.parent
    videos: list[_CodedVideo] = []
    rejections: list[Rejection] = []
    for path in _files(source):
        try:
            videos += _videos(path)
        except UsageError as error:
            if source.is_file() or path.suffix.lower() == ".eaf":
                raise
            rejections.append(Rejection(os.path.relpath(path, base), str(error)))
    images: dict[str, SourceImage] = {}
    for one in videos:
        name = Path(os.path.relpath(one.video, base)).as_posix()
        if not one.video.is_file():
            rejections.append(Rejection(name, f"{one.origin.name} names it, and it is not there"))
            continue
        for image in _images(one, name=name, between=between, step_s=step_s):
            if image.name in images:
                reason = f"coded again in {one.origin.name}; the first is kept"
                rejections.append(Rejection(image.name, reason))
            else:
                images[image.name] = image
    if not images:
        first = f"; {rejections[0].name}: {rejections[0].reason}" if rejections else ""
        raise SourceOpenError(
            f"{source}: no moment was coded{first}; write 0, 1 or A to E in place of ?"
        )
    labels = sorted({label for image in images.values() for label in image.labels})
    return Listing(
        dataset="annotations",
        task="multi_label",
        labels=tuple(labels),
        images=tuple(images.values()),
        rejections=tuple(rejections),
        size_px=SIZE_PX,
        notes=_notes(videos),
    )


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    found = sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    )
    if not found:
        raise SourceOpenError(f"{source}: no file of a coder; {_EXPECTED}")
    return found


def _videos(path: Path) -> Iterator[_CodedVideo]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceOpenError(f"{path}: cannot be read ({error})") from error
    try:
        if path.suffix.lower() == ".eaf":
            spans, labels = elan_spans(text)
            video = _named(elan_media(text), path)
            yield _CodedVideo(path, video, tuple(spans), frozenset(labels))
            return
        listed = listed_spans(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if listed is None:
        raise UsageError(f"{path}: not a coder's file; {_EXPECTED}")
    for file in dict.fromkeys(span.file for span in listed):
        own = tuple(span for span in listed if span.file == file)
        video = _named(file or None, path)
        yield _CodedVideo(path, video, own, frozenset(span.label for span in own))


def _named(name: str | None, origin: Path) -> Path:
    """Returns the video that a coder's file names, or the one of its own name beside it."""
    if name is None:
        beside = (origin.with_suffix(suffix) for suffix in VIDEO_SUFFIXES)
        return next((path for path in beside if path.is_file()), origin.with_suffix(".mp4"))
    plain = name.removeprefix("file://")
    places = [origin.parent / text for text in (plain, urllib.parse.unquote(plain))]
    # A document that went to another machine still lies beside its video.
    places += [origin.parent / Path(path.name) for path in places]
    return next((path for path in places if path.is_file()), places[0])


def _images(
    coded: _CodedVideo, *, name: str, between: Between, step_s: float
) -> Iterator[SourceImage]:
    """Yields a picture per face and time that says something."""
    for face in dict.fromkeys(span.face for span in coded.spans):
        spans = [span for span in coded.spans if span.face == face]
        subject = next((span.subject for span in spans if span.subject), "")
        for time_s in _times(spans, between=between, step_s=step_s):
            labels = _labels_at(time_s, spans, coded.labels if between == "absent" else ())
            if not labels:
                continue
            place = f"{round(time_s * 1000):08d}ms"
            yield SourceImage(
                name=f"{name}/{place}{f'-{face}' if face else ''}",
                path=coded.video,
                subject=subject or (f"{name} {face}" if face else name),
                labels=labels,
                columns={"time_s": f"{time_s:.3f}", "face": face},
                moment=Moment(time_s, face),
            )


def _times(spans: Sequence[CodedSpan], *, between: Between, step_s: float) -> list[float]:
    """Returns the times that are looked at, rising: in the middle of equal parts of each stretch.

    Stretches are the annotations; with `absent` also what lies between two of any label.
    """
    stretches = {(span.onset_s, span.offset_s) for span in spans if span.occurs is not None}
    if between == "absent":
        edges = sorted({edge for stretch in stretches for edge in stretch} | {0.0})
        stretches = set(itertools.pairwise(edges))
    times: set[float] = set()
    for onset_s, offset_s in stretches:
        parts = max(1, round((offset_s - onset_s) / step_s))
        middles = onset_s + (np.arange(parts) + 0.5) * (offset_s - onset_s) / parts
        times.update(round(float(time_s), 3) for time_s in middles)
    return sorted(times)


def _labels_at(
    time_s: float, spans: Iterable[CodedSpan], absent: Iterable[str]
) -> dict[str, float]:
    """Returns the intensity of each label that is coded at a time."""
    labels = dict.fromkeys(absent, 0.0)
    undecided = set()
    for span in spans:
        if not span.onset_s <= time_s < span.offset_s:
            continue
        if span.occurs is None:
            undecided.add(span.label)
        elif not span.occurs:
            labels.setdefault(span.label, 0.0)
        else:
            value = PRESENT if span.intensity is None else span.intensity
            labels[span.label] = max(labels.get(span.label, 0.0), value)
    kept = {label: value for label, value in labels.items() if label not in undecided}
    return {label: value for label, value in sorted(kept.items()) if au_label(label) == label}


def _notes(videos: Sequence[_CodedVideo]) -> tuple[str, ...]:
    left = sum(span.occurs is None for video in videos for span in video.spans)
    unnamed = [video for video in videos if not any(span.subject for span in video.spans)]
    notes = []
    if left:
        notes.append(f"{left} moments are not coded yet and left out")
    if unnamed and len(videos) > 1:
        notes.append(
            f"{unnamed[0].origin.name} names no person, so each face of a video counts as another: "
            "name people (participant of a tier, column subject), or one may be in two parts of a "
            "split"
        )
    return tuple(notes)
