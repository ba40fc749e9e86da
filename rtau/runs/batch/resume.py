"""Whether a file was done before, by its run record: never by the mere existence of results.

Reads records and looks at files; writes nothing. Called by `rtau.runs.batch.run` for `--resume`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtau.errors import SourceOpenError
from rtau.runs.batch.plan import FileJob
from rtau.runs.run_record import END_OF_SOURCE, FRAME_LIMIT, SCHEMA, FileStamp

# Settings that leave the results as they are: (section, key). The model is known by its hash.
WITHOUT_EFFECT = frozenset(
    (
        ("model", "model"),
        ("model", "threads"),
        ("output", "encoder_threads"),
        ("output", "record"),
        ("output", "view"),
        ("source", "reconnects"),
        ("source", "timeout_s"),
    )
)
NO_RECORD = "no run record"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Making:
    """What results must have been made by to count as done."""

    rtau_version: str
    """Version of this package."""
    model_sha256: str
    """SHA-256 of the model file."""
    settings: Mapping[str, Mapping[str, Any]]
    """The whole configuration, as a run record has it."""


def why_again(job: FileJob, making: Making) -> str | None:
    """Returns None where a file is done, otherwise why it must be run (again).

    Done means: its record says that a run came to the end, over the file as it is now (size and
    time of change), with this version, model and settings, and left results of the sizes that are
    there now.
    """
    try:
        record = json.loads(job.record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return NO_RECORD
    except (OSError, ValueError) as error:
        return f"the run record cannot be read ({error})"
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        return "the run record is of another kind"
    return _difference(record, job, making)


def _difference(record: Mapping[str, Any], job: FileJob, making: Making) -> str | None:
    end = record.get("end_reason")
    if end not in (END_OF_SOURCE, FRAME_LIMIT):
        return f"its run was not finished ({end})"
    if _part(record, "source").get("file") != _stamp(job.file):
        return "the file has changed"
    if record.get("rtau_version") != making.rtau_version:
        return f"made by rtau {record.get('rtau_version')}"
    if _part(record, "model").get("sha256") != making.model_sha256:
        return "made with another model"
    changed = changed_settings(_part(record, "settings"), making.settings)
    if changed:
        return f"made with other settings ({', '.join(changed)})"
    return _damage(_part(record, "output_bytes"), job.outputs.files)


def _stamp(file: Path) -> dict[str, int]:
    """Returns the state of a file as a record has it, of one that is gone nothing."""
    try:
        return dataclasses.asdict(FileStamp.of(file))
    except SourceOpenError:
        return {}  # equals no record; that it is gone its run will report


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Returns the settings that differ and have an effect, as `section.key`, in order."""
    names = {
        (section, key)
        for settings in (before, now)
        for section, values in settings.items()
        if isinstance(values, Mapping)
        for key in values
    }
    return [
        f"{section}.{key}"
        for section, key in sorted(names - WITHOUT_EFFECT)
        if _setting(before, section, key) != _setting(now, section, key)
    ]


def _damage(sizes: Mapping[str, Any], files: Mapping[str, Path]) -> str | None:
    """Returns what is wrong with the results of a finished run, None where nothing is."""
    for kind, path in files.items():
        if kind not in sizes:
            return f"made without {path.suffix}"
        if not path.is_file():
            return f"{path.name} is missing"
        if path.stat().st_size != sizes[kind]:
            return f"{path.name} has changed since"
    return None


# A missing setting equals nothing, not even a setting that is None.
_ABSENT = object()


def _setting(settings: Mapping[str, Any], section: str, key: str) -> Any:
    values = settings.get(section)
    return values.get(key, _ABSENT) if isinstance(values, Mapping) else _ABSENT


def _part(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Returns an object of the record, or an empty one where the record has none."""
    part = record.get(key)
    return part if isinstance(part, Mapping) else {}
