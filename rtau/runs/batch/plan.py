"""Plans a batch: its files, and where their results go, in a tree like that of the sources.

Names and checks only; opens no video.
"""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rtau.errors import SourceOpenError, UsageError
from rtau.replacing import beside
from rtau.runs.outputs import RECORD_SUFFIX, Outputs
from rtau.sinks import check_output
from rtau.sources import LeftOut, expand_videos, tree_of

# Kinds of results, as `--write` names them.
KINDS = ("mp4", "csv", "parquet", "jsonl")
DEFAULT_KINDS = ("mp4", "csv")


@dataclasses.dataclass(frozen=True, slots=True)
class FileJob:
    """One file of a batch and its results."""

    file: Path
    """The video."""
    stem: Path
    """Path of each result without its suffix."""
    kinds: tuple[str, ...]
    """Which of `KINDS` are written."""

    @property
    def outputs(self) -> Outputs:
        """Its results and its run record, in one folder."""
        return Outputs(
            video=self._beside(".mp4") if "mp4" in self.kinds else None,
            csv=str(self._beside(".csv")) if "csv" in self.kinds else None,
            parquet=self._beside(".parquet") if "parquet" in self.kinds else None,
            jsonl=str(self._beside(".jsonl")) if "jsonl" in self.kinds else None,
            record=self.record,
        )

    @property
    def record(self) -> Path:
        """The file of the run record."""
        return self._beside(RECORD_SUFFIX)

    def absolute(self) -> FileJob:
        """Returns the same job with absolute paths."""
        return FileJob(self.file.absolute(), self.stem.absolute(), self.kinds)

    def _beside(self, suffix: str) -> Path:
        # With a suffix to replace, or `take.1` would become `take.csv`.
        return beside(self.stem.with_name(f"{self.stem.name}.x"), suffix)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The files of a batch."""

    jobs: tuple[FileJob, ...]
    """In the order of the sources."""
    excluded: int
    """Number of videos below `--out-dir`: results of earlier batches, not sources."""
    left_out: LeftOut
    """What lies in the folders of the sources and is not taken."""
    renamed: int = 0
    """Number of files whose results keep their suffix, because another would have the same name."""


def plan(
    sources: Sequence[str], *, out_dir: Path, kinds: Sequence[str], full_names: bool = False
) -> Plan:
    """Returns a job per video; files of a folder or pattern keep their relative path.

    Args:
        sources: files, folders and patterns.
        out_dir: the folder of the results.
        kinds: which of `KINDS` are written.
        full_names: keep the suffix of every source in the names of its results (`a.mov.csv`). By
            default only those of files such as `a.mov` and `a.mp4` in one folder keep it.

    Raises:
        SourceOpenError: there is no video.
        UsageError: two files would write the same results.
    """
    found = expand_videos(sources)
    files = found.files
    trees = [tree for source in sources if (tree := tree_of(source)) is not None]
    wanted = _without_results(files, trees=trees, out_dir=out_dir)
    if not wanted:
        raise SourceOpenError(
            f"all {len(files)} videos are below --out-dir {out_dir} and count as results; "
            "give the folder of the sources"
        )
    places = [(file, _tree_of(file, trees)) for file in wanted]
    short = [stem_of(file, tree=tree, out_dir=out_dir) for file, tree in places]
    count = collections.Counter(short)
    stems = [
        stem_of(file, tree=tree, out_dir=out_dir, full_names=full_names or count[stem] > 1)
        for (file, tree), stem in zip(places, short, strict=True)
    ]
    _check_collisions(wanted, stems)
    jobs = (FileJob(*pair, tuple(kinds)) for pair in zip(wanted, stems, strict=True))
    return Plan(
        tuple(jobs),
        excluded=len(files) - len(wanted),
        left_out=found.left_out,
        renamed=0 if full_names else sum(number for number in count.values() if number > 1),
    )


def stem_of(file: Path, *, tree: Path | None, out_dir: Path, full_names: bool = False) -> Path:
    """Returns the path of a file's results without suffix: in/a/b.mp4 below in gives out/a/b."""
    place = Path(file.name) if tree is None else file.relative_to(tree)
    name = place.name
    if not full_names:
        # Without its suffix `..mp4` would be `.`; such a file keeps its full name.
        shorter = name[: len(name) - len(place.suffix)]
        name = shorter if shorter.strip(".") else name
    return out_dir / place.parent / name


def kinds_of(text: str | None) -> tuple[str, ...]:
    """Returns the kinds in a comma-separated list such as `csv,jsonl`; the default for None.

    Raises:
        UsageError: the list is empty or has an unknown kind.
    """
    if text is None:
        return DEFAULT_KINDS
    named = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in named if part not in KINDS]
    if unknown or not named:
        raise UsageError(
            f"--write must be a comma-separated list of {', '.join(KINDS)}, got {text!r}"
        )
    return tuple(kind for kind in KINDS if kind in named)


def check_jobs(jobs: Sequence[FileJob], *, inputs: Iterable[Path] = ()) -> None:
    """Creates the folders of the results and checks that every result can be written.

    Linear in the number of jobs: outputs are looked up among the inputs, not compared with each.

    Args:
        jobs: the files.
        inputs: what the batch reads besides: model, faces, settings.

    Raises:
        UsageError: a result would replace one of the sources or inputs, or is a directory.
        SinkError: a folder is not writable.
    """
    read = [*(job.file for job in jobs), *inputs]
    sources = {os.path.realpath(path): path for path in read}
    identities = {_identity(path): path for path in read if path.exists()}
    for job in jobs:
        _make_folder(job.stem.parent)
        for path in (*job.outputs.files.values(), job.record):
            victim = sources.get(os.path.realpath(path))
            if victim is None and path.exists():
                victim = identities.get(_identity(path))
            check_output(path, inputs=[] if victim is None else [victim])


def _tree_of(file: Path, trees: Sequence[Path]) -> Path | None:
    return next((tree for tree in trees if tree in file.parents), None)


def _without_results(files: Sequence[Path], *, trees: Sequence[Path], out_dir: Path) -> list[Path]:
    """Returns the files without those a source folder contains only because `out_dir` is in it."""
    results = Path(os.path.realpath(out_dir))
    above = [tree for tree in trees if Path(os.path.realpath(tree)) in results.parents]
    return [
        file
        for file in files
        if _tree_of(file, above) is None or results not in Path(os.path.realpath(file)).parents
    ]


def _check_collisions(files: Sequence[Path], stems: Sequence[Path]) -> None:
    first: dict[Path, Path] = {}
    for file, stem in zip(files, stems, strict=True):
        other = first.setdefault(stem, file)
        if other is file:
            continue
        raise UsageError(
            f"{other} and {file} would both write {stem}.*; run them in separate batches"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be created ({error.strerror or error}); "
            "choose another --out-dir"
        ) from error


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
