"""The files one run writes: named by its settings, checked before the run, opened as sinks.

Nothing is opened before all names are checked against each other and against the inputs. Every file
is written under a temporary name (`rtau.sinks.PartFile`) and takes its place after the run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rtau.backends import find_model
from rtau.config import CsvStyle, OutputConfig, RunConfig
from rtau.contract import ModelContract
from rtau.errors import RtauError, UsageError
from rtau.protocols import Sink, Source
from rtau.replacing import beside, is_special
from rtau.runs.build import table_rows, thresholds_of, video_sink
from rtau.runs.run_record import remove_run_record
from rtau.sinks import (
    STDOUT,
    OpenFaceRows,
    PartFile,
    TableRows,
    check_distinct,
    check_format,
    check_output,
)
from rtau.sinks.csv_file import CsvSink
from rtau.sinks.jsonl_file import JsonlSink
from rtau.sinks.table_sinks import ParquetSink
from rtau.sinks.video_file import check_suffix

RECORD_SUFFIX = ".run.json"
# Flag of a table -> its format.
FORMATS = {"--csv": "CSV", "--parquet": "Parquet", "--jsonl": "JSON lines"}


@dataclasses.dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one run; None where nothing is written."""

    video: Path | None = None
    csv: str | None = None
    parquet: Path | None = None
    jsonl: str | None = None
    record: Path | None = None

    @classmethod
    def of(cls, settings: RunConfig, *, inputs: Iterable[Path | None] = ()) -> Outputs:
        """Returns the checked outputs of a run's settings; a record goes beside the first file.

        A pipe or a device has none beside it.

        Args:
            settings: of the run.
            inputs: files the run reads, besides the model and the faces of the settings.

        Raises:
            UsageError: two outputs are one file, or an output is an input or a directory, or there
                is no such model.
            SinkError: a folder is missing or not writable.
        """
        config = settings.output
        for flag, name in (("--csv", config.csv), ("--jsonl", config.jsonl)):
            if name is not None and not Path(name).name:
                raise UsageError(f"{flag} must name a file, got {name!r}")
        paths = {"--out": config.out, "--parquet": config.parquet, "--record": config.record}
        for flag, path in paths.items():
            if path is not None and not path.name:
                raise UsageError(f"{flag} must name a file, got {str(path)!r}")
        files = (config.out, _file(config.csv), config.parquet, _file(config.jsonl))
        first = next((path for path in files if path and not is_special(path)), None)
        record = config.record or (run_record_of(first) if first else None)
        outputs = cls(config.out, config.csv, config.parquet, config.jsonl, record)
        outputs._check([*(path for path in inputs if path is not None), *files_read(settings)])
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

    def named(self) -> dict[str, str]:
        """Returns what is written where, by kind, for the record and the summary line."""
        return {
            kind: str(place)
            for kind, place in dataclasses.asdict(self).items()
            if place is not None
        }

    def places(self) -> str:
        """Returns the files, comma-separated."""
        return ", ".join(name for name in self.named().values() if name != STDOUT)

    def kept_words(self) -> str:
        """Returns where these results of a run are, which was cut short and replaces none."""
        places = self.places()
        return f"the earlier results stay{f', the new ones are in {places}' if places else ''}"

    def _check(self, inputs: Sequence[Path]) -> None:
        if self.csv == STDOUT and self.jsonl == STDOUT:
            raise UsageError(
                "--csv - and --jsonl - cannot both write to standard output; name a file for one"
            )
        if self.video is not None:
            check_suffix(self.video)
        files = [*self.files.values(), *([self.record] if self.record is not None else [])]
        for k, path in enumerate(files):
            check_output(path, inputs=inputs)
            check_distinct(path, files[:k])
        flags = {holds: flag for flag, holds in FORMATS.items()}
        for flag, holds in FORMATS.items():
            if table := self.files.get(flag.removeprefix("--")):
                check_format(table, flag=flag, holds=holds, flags=flags)


def files_read(config: RunConfig) -> list[Path]:
    """Returns the files that the settings of a run name as inputs: model, its JSON, and faces.

    Raises:
        UsageError: there is no such model.
    """
    model = find_model(config.model.model)
    sidecar = model.with_name(f"{model.name}.json")
    found = [model, sidecar, *([config.find.faces] if config.find.faces else [])]
    return [path for path in found if path.exists()]


class OpenOutputs:
    """The outputs of a run while it writes them, each claimed and under a temporary name."""

    def __init__(self, outputs: Outputs) -> None:
        """Claims every file.

        Raises:
            UsageError: another run is writing one of them.
            SinkError: a folder cannot be written.
        """
        self.outputs = outputs
        self._parts: dict[str, PartFile] = {}
        record = {} if outputs.record is None else {"record": outputs.record}
        try:
            for kind, path in {**outputs.files, **record}.items():
                self._parts[kind] = PartFile(path)
        except BaseException:
            self.release()
            raise

    def sinks(
        self,
        config: OutputConfig,
        *,
        contract: ModelContract,
        source: Source | None = None,
        file_of: Callable[[int], str] | None = None,
        seats: bool = False,
        markers: bool = False,
        neutral: bool = False,
    ) -> Iterator[Sink]:
        """Yields the sinks, each open: tables first, so that a failing video costs no row.

        Args:
            config: how the files are written.
            contract: of the model.
            source: where the frames of the annotated video come from; None without one.
            file_of: the file of each frame index, for the tables; None for one video.
            seats: whether the tables have a column for seats.
            markers: whether the run takes events.
            neutral: whether the tables have columns relative to the person's neutral.

        Raises:
            BackendUnavailable: a Parquet file without pyarrow.
            SinkError: a file or an encoder cannot be opened.
        """
        options: dict[str, Any] = {
            "file_of": file_of,
            "landmarks": config.landmarks,
            "markers": markers,
        }
        columns = {**options, "seats": seats, "neutral": neutral, "sides": config.sides}
        rows = table_rows(contract, **columns)
        if self.outputs.csv is not None:
            yield CsvSink(self._text_file("csv"), _in_style(rows, config.csv_style))
        if self.outputs.parquet is not None:
            yield ParquetSink(self._parts["parquet"].path, rows)
        if self.outputs.jsonl is not None:
            path, thresholds = self._text_file("jsonl"), thresholds_of(contract)
            yield JsonlSink(path, thresholds=thresholds, **options)
        if self.outputs.video is not None and source is not None:
            yield video_sink(self._parts["video"].path, source=source, output=config)

    def sizes(self) -> dict[str, int]:
        """Returns the size of each result, bytes; a video without a frame leaves none."""
        return {
            kind: part.path.stat().st_size
            for kind, part in self._parts.items()
            if kind != "record" and part.path.is_file()
        }

    @property
    def leftovers(self) -> list[str]:
        """Sentences about what earlier runs left under temporary names, with the files."""
        found = [str(path) for part in self._parts.values() for path in part.leftovers]
        if not found:
            return []
        return [
            f"left by earlier runs that did not finish, to look at or delete: {', '.join(found)}"
        ]

    def explain(self, error: BaseException, *, where: Outputs) -> None:
        """Makes the text of the error that ended a run say where its results are."""
        if isinstance(error, RtauError):
            kept = "" if where is self.outputs else f"; {where.kept_words()}"
            error.args = (f"{self.renamed(str(error), where=where)}{kept}",)

    def renamed(self, text: str, *, where: Outputs) -> str:
        """Returns a text with the final names of files that are in their places."""
        if where is self.outputs:
            for part in self._parts.values():
                text = text.replace(str(part.path), str(part.target))
        return text

    def settle(self, *, is_whole: bool, has_frames: bool) -> Outputs:
        """Puts every result in its place; returns where they are.

        What a run that failed or was interrupted has written does not replace earlier results: it
        stays under the temporary names, or is removed if it has no frame.

        Raises:
            SinkError: one cannot be put there.
        """
        if is_whole or not any(part.replaces for part in self._parts.values()):
            if self.outputs.record is not None:
                remove_run_record(self.outputs.record)  # it would not describe the new results
            for part in self._parts.values():
                part.place()
            return self.outputs
        if not has_frames:
            self.discard()
            return Outputs()
        found = {kind: part.path for kind, part in self._parts.items() if part.path.exists()}
        return Outputs(
            video=found.get("video"),
            csv=str(found["csv"]) if "csv" in found else self.outputs.csv,
            parquet=found.get("parquet"),
            jsonl=str(found["jsonl"]) if "jsonl" in found else self.outputs.jsonl,
            record=self._parts["record"].path if "record" in self._parts else None,
        )

    def discard(self) -> None:
        """Removes what was written; earlier results stay."""
        for part in self._parts.values():
            part.discard()

    def release(self) -> None:
        """Ends the claims; may be called twice."""
        for part in self._parts.values():
            part.release()

    def _text_file(self, kind: str) -> Path | str:
        part = self._parts.get(kind)
        if part is None:
            return STDOUT
        part.create()
        return part.path


def run_record_of(result: Path) -> Path:
    """Returns where the run record beside a result is."""
    return beside(result, RECORD_SUFFIX)


def _file(name: str | None) -> Path | None:
    return None if name is None or name == STDOUT else Path(name)


def _in_style(rows: TableRows, style: CsvStyle) -> TableRows | OpenFaceRows:
    return rows if style == "rtau" else OpenFaceRows(rows, spaces=style == "openface-spaces")
