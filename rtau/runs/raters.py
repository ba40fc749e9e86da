"""Reads what raters say of videos, from files and folders, and pairs the same videos and faces.

Knows which files there are; how two raters agree is `rtau.analysis.comparison`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from rtau.analysis.coder_files import coder_codes
from rtau.analysis.codes import Codes, codes_of_face
from rtau.analysis.comparison import LabelAgreement, compare, face_like, longest
from rtau.analysis.face_series import GroupBy, files_of
from rtau.errors import RtauError, SourceOpenError, UsageError
from rtau.runs.result_tables import ResultTable, naming, read_result, read_results
from rtau.sinks import file_cell
from rtau.sources import VIDEO_SUFFIXES

# Files of people's codes; a CSV may be one, or a table of faces.
CODE_SUFFIXES = (".eaf", ".tsv", ".txt")
# What BIDS puts behind the name of a recording.
_BIDS_ENDING = "_events"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Rater:
    """One rater: for each video, the codes of each face by its name."""

    name: str
    """The file or the folder, as it was given."""
    videos: Mapping[str, Mapping[str, Codes]]
    """Name of the video -> name of the face -> codes."""


@dataclasses.dataclass(frozen=True, slots=True)
class PairAgreement:
    """How the first rater and another agree."""

    first: str
    """Name of the first rater."""
    second: str
    """Name of the other."""
    labels: tuple[LabelAgreement, ...]
    """Per label."""
    remarks: tuple[str, ...]
    """Which faces and files were compared."""


def read_rater(
    path: Path, *, by: GroupBy = "auto", fps: float | None = None, face: str | None = None
) -> Rater:
    """Returns what one file or folder says.

    Args:
        path: a table of faces, a file of a person's codes, or a folder of them.
        by: what a face is.
        fps: frames per second of tables without times.
        face: which face of a person's file; None for the first.

    Raises:
        SourceOpenError: nothing there that can be read.
        UsageError: a file is of no kind that is known.
    """
    if path.is_dir():
        return Rater(str(path), _folder(path, by=by, fps=fps, face=face))
    if not path.exists():
        raise SourceOpenError(f"{path}: there is no such file or folder; check the path")
    return Rater(str(path), _file(path, Path(), by=by, fps=fps, face=face))


def agreement_of(raters: Sequence[Rater], *, face: str | None = None) -> list[PairAgreement]:
    """Returns how the first rater agrees with each other one, over the videos both have.

    Args:
        raters: two or more.
        face: which face of the first; None for the one that is seen longest.

    Raises:
        UsageError: they have no video, no face or no label in common.
    """
    first, *others = raters
    return [_pair(first, other, face) for other in others]


def _pair(first: Rater, second: Rater, face: str | None) -> PairAgreement:
    shared = [name for name in first.videos if name in second.videos]
    if not shared:
        raise UsageError(
            f"{first.name} and {second.name} have no video in common: "
            f"{', '.join(list(first.videos)[:3])} and {', '.join(list(second.videos)[:3])}"
        )
    pairs, remarks = [], []
    for video in shared:
        mine, theirs = first.videos[video], second.videos[video]
        where = f"{video}: " if video else ""
        if not mine or not theirs:
            remarks.append(f"{where}one of the two has no face")
            continue
        chosen = _chosen(mine, face, rater=f"{first.name}{f', {video}' if video else ''}")
        match = face_like(mine[chosen], list(theirs.values()))
        if match is None:
            remarks.append(f"{where}no face of the second overlaps face {chosen} of the first")
            continue
        other = list(theirs)[match]
        if len(mine) > 1 or len(theirs) > 1:
            remarks.append(
                f"{where}face {chosen or '1'} of the first, {other or '1'} of the second"
            )
        pairs.append((mine[chosen], theirs[other]))
    if not pairs:
        raise UsageError(f"{first.name} and {second.name}: {'; '.join(remarks)}")
    left = sorted({*first.videos, *second.videos} - set(shared))
    if left:
        remarks.append(f"only one of the two has {', '.join(left)}")
    return PairAgreement(first.name, second.name, tuple(compare(pairs)), tuple(remarks))


def _chosen(faces: Mapping[str, Codes], face: str | None, *, rater: str) -> str:
    if face is None:
        return list(faces)[longest(list(faces.values()))]
    if face not in faces:
        raise UsageError(f"{rater} has no face {face}; there are {', '.join(faces)}")
    return face


def _folder(
    folder: Path, *, by: GroupBy, fps: float | None, face: str | None
) -> dict[str, Mapping[str, Codes]]:
    found: dict[str, Mapping[str, Codes]] = {}
    try:
        tables = list(read_results([folder]))
    except SourceOpenError:
        tables = []  # a folder of people's codes has none
    for table in tables:
        found |= _table(table, table.name, by=by, fps=fps)
    of_tables = {table.path for table in tables}
    for path in sorted(folder.rglob("*")):
        is_code = path.suffix.lower() in (*CODE_SUFFIXES, ".csv") and path not in of_tables
        if is_code and path.is_file() and not path.name.startswith("."):
            name = path.relative_to(folder).with_suffix("")
            try:
                found |= _file(path, name, by=by, fps=fps, face=face)
            except UsageError:
                if path.suffix.lower() == ".eaf":
                    raise
                continue  # another file of the folder, such as a summary
    if not found:
        raise SourceOpenError(f"{folder}: the folder has no table of faces and no codes")
    return found


def _file(
    path: Path, name: Path, *, by: GroupBy, fps: float | None, face: str | None
) -> dict[str, Mapping[str, Codes]]:
    if path.suffix.lower() not in CODE_SUFFIXES:
        try:
            return _table(read_result(path, name=name), name, by=by, fps=fps)
        except UsageError:
            if path.suffix == ".parquet":
                raise
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceOpenError(f"{path}: cannot be read ({error})") from error
    try:
        codes = coder_codes(text, suffix=path.suffix, face=face)
    except RtauError as error:
        raise UsageError(f"{path}: {error}") from None
    return {_video(name): {"": codes}}


def _table(
    result: ResultTable, name: Path, *, by: GroupBy, fps: float | None
) -> dict[str, Mapping[str, Codes]]:
    with naming(result):
        files = list(files_of(result.table, by=by, fps=fps))
    thresholds = result.thresholds
    named = [None if one.file in (file_cell(name.as_posix()), None) else one.file for one in files]
    return {
        _video(name if file is None or len(files) == 1 else Path(file)): {
            series.face: codes_of_face(series, thresholds=thresholds) for series in one.faces
        }
        for one, file in zip(files, named, strict=True)
    }


def _video(name: Path) -> str:
    """Returns the name by which the same video is known in the results of several raters."""
    plain = name.with_suffix("") if name.suffix.lower() in VIDEO_SUFFIXES else name
    text = plain.as_posix().removesuffix(_BIDS_ENDING)
    return "" if text == "." else text
