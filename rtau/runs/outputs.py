"""The files one run writes: named by its settings, checked before the run, opened as sinks.

Nothing is opened before all names are checked against each other and against the inputs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rtau.config import OutputConfig
from rtau.contract import ModelContract
from rtau.errors import UsageError
from rtau.protocols import Sink, Source
from rtau.runs.build import csv_sink, table_rows, thresholds_of, video_sink
from rtau.sinks import STDOUT, check_output, is_same_file
from rtau.sinks.jsonl_file import JsonlSink
from rtau.sinks.table_sinks import ParquetSink

RECORD_SUFFIX = ".run.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one run; None where nothing is written."""

    video: Path | None = None
    csv: str | None = None
    parquet: Path | None = None
    jsonl: str | None = None
    record: Path | None = None

    @classmethod
    def of(cls, config: OutputConfig, *, inputs: Iterable[Path] = ()) -> Outputs:
        """Returns the checked outputs of a run's settings; a record goes beside the first file.

        Raises:
            UsageError: two outputs are one file, or an output is an input or a directory.
            SinkError: a folder is missing or not writable.
        """
        beside = config.out or _file(config.csv) or config.parquet or _file(config.jsonl)
        record = config.record or (beside.with_suffix(RECORD_SUFFIX) if beside else None)
        outputs = cls(config.out, config.csv, config.parquet, config.jsonl, record)
        outputs._check(tuple(inputs))
        return outputs

    @property
    def uses_stdout(self) -> bool:
        """True when results go to standard output, which must then contain nothing else."""
        return STDOUT in (self.csv, self.jsonl)

    @property
    def keeps_something(self) -> bool:
        """True when results go anywhere but to a view."""
        return any((self.video, self.csv, self.parquet, self.jsonl))

    @property
    def files(self) -> dict[str, Path]:
        """The result files by kind, without the record and standard output."""
        found = {
            "video": self.video,
            "csv": _file(self.csv),
            "parquet": self.parquet,
            "jsonl": _file(self.jsonl),
        }
        return {kind: path for kind, path in found.items() if path is not None}

    def sizes(self) -> dict[str, int]:
        """Returns the sizes of the result files there are, bytes, by kind."""
        # A video without a frame leaves none.
        return {kind: path.stat().st_size for kind, path in self.files.items() if path.is_file()}

    def named(self) -> dict[str, str]:
        """Returns what is written where, by kind, for the record and the summary line."""
        return {
            kind: str(place)
            for kind, place in dataclasses.asdict(self).items()
            if place is not None
        }

    def open_sinks(
        self,
        config: OutputConfig,
        *,
        contract: ModelContract,
        source: Source | None = None,
        file_of: Callable[[int], str] | None = None,
    ) -> Iterator[Sink]:
        """Yields the sinks, each open: tables first, so that a failing video costs no row.

        Args:
            config: how the files are written.
            contract: of the model.
            source: where the frames of the annotated video come from; None without one.
            file_of: the file of each frame index, for the tables; None for one video.

        Raises:
            BackendUnavailable: a Parquet file without pyarrow.
            SinkError: a file or an encoder cannot be opened.
        """
        landmarks = config.landmarks
        if self.csv is not None:
            yield csv_sink(self.csv, contract=contract, file_of=file_of, landmarks=landmarks)
        if self.parquet is not None:
            rows = table_rows(contract, file_of=file_of, landmarks=landmarks)
            yield ParquetSink(self.parquet, rows)
        if self.jsonl is not None:
            thresholds = thresholds_of(contract)
            yield JsonlSink(self.jsonl, thresholds=thresholds, file_of=file_of, landmarks=landmarks)
        if self.video is not None and source is not None:
            yield video_sink(self.video, source=source, output=config)

    def _check(self, inputs: Sequence[Path]) -> None:
        if self.csv == STDOUT and self.jsonl == STDOUT:
            raise UsageError(
                "--csv - and --jsonl - cannot both write to standard output; name a file for one"
            )
        files = [*self.files.values(), *([self.record] if self.record is not None else [])]
        for k, path in enumerate(files):
            check_output(path, inputs=inputs)
            if any(is_same_file(path, other) for other in files[:k]):
                raise UsageError(f"two outputs have the same name: {path}; choose another")


def _file(name: str | None) -> Path | None:
    return None if name is None or name == STDOUT else Path(name)
