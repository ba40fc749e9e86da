"""Where one run writes: the named files, checked against each other and against the inputs.

Turns the `[output]` settings into sinks in the order that loses least; opens nothing before all
names have passed. Used by the verbs, never by the library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

from rtau.config import OutputConfig
from rtau.errors import UsageError
from rtau.protocols import Sink
from rtau.runs.build import csv_sink, thresholds_of, video_sink
from rtau.runs.session import Session
from rtau.sinks import STDOUT, check_output, is_same_file
from rtau.sinks.jsonl_file import JsonlSink

RECORD_SUFFIX = ".run.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one run; None where nothing is written."""

    video: Path | None = None
    csv: str | None = None
    jsonl: str | None = None
    record: Path | None = None

    @classmethod
    def of(cls, config: OutputConfig) -> Outputs:
        """Returns the outputs a run's settings name; a record goes beside the first file."""
        beside = config.out or _file(config.csv) or _file(config.jsonl)
        record = config.record or (beside.with_suffix(RECORD_SUFFIX) if beside else None)
        return cls(video=config.out, csv=config.csv, jsonl=config.jsonl, record=record)

    @property
    def uses_stdout(self) -> bool:
        """True when results go to standard output, which must then hold nothing else."""
        return STDOUT in (self.csv, self.jsonl)

    @property
    def keeps_something(self) -> bool:
        """True when results go anywhere but to a view."""
        return any((self.video, self.csv, self.jsonl))

    @property
    def files(self) -> dict[str, Path]:
        """The files of results by kind; neither the record nor standard output is one."""
        found = {"video": self.video, "csv": _file(self.csv), "jsonl": _file(self.jsonl)}
        return {kind: path for kind, path in found.items() if path is not None}

    def named(self) -> dict[str, str]:
        """Returns what is written where, for the record and the closing line."""
        found = {
            "video": self.video,
            "csv": self.csv,
            "jsonl": self.jsonl,
            "record": self.record,
        }
        return {kind: str(place) for kind, place in found.items() if place is not None}

    def check(self, inputs: Iterable[Path]) -> None:
        """Returns when every file can be written and none destroys another or an input.

        Raises:
            UsageError: two outputs are one file, or an output is an input or a directory.
            SinkError: a directory is missing or does not let us write.
        """
        if self.csv == STDOUT and self.jsonl == STDOUT:
            raise UsageError("--csv - and --jsonl - both want standard output; name a file for one")
        files = [*self.files.values(), *([self.record] if self.record is not None else [])]
        for k, path in enumerate(files):
            check_output(path, inputs=inputs)
            for other in files[:k]:
                if is_same_file(path, other):
                    raise UsageError(f"two outputs have the same name: {path}; choose another")

    def sinks(self, session: Session, *, file_of: Callable[[int], str] | None = None) -> list[Sink]:
        """Returns the open sinks: tables first, so that a video that fails costs no row.

        Raises:
            SinkError: a file or an encoder cannot be opened; none is left open.
        """
        contract, landmarks = session.engine.contract, session.config.output.landmarks
        thresholds = thresholds_of(contract)
        built: list[Sink] = []
        try:
            if self.csv is not None:
                table = csv_sink(self.csv, contract=contract, file_of=file_of, landmarks=landmarks)
                built.append(table)
            if self.jsonl is not None:
                lines = JsonlSink(
                    self.jsonl, thresholds=thresholds, file_of=file_of, landmarks=landmarks
                )
                built.append(lines)
            if self.video is not None:
                output = session.config.output
                built.append(video_sink(self.video, source=session.source, output=output))
        except BaseException:
            for sink in reversed(built):
                sink.close()
            raise
        return built


def _file(name: str | None) -> Path | None:
    return None if name is None or name == STDOUT else Path(name)
