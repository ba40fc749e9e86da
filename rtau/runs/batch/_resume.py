"""Decides for `--resume` whether a file is done, by its run record and the state of its files.

The mere existence of results is not enough. Writes nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rtau.contract import sha256_of
from rtau.errors import SourceOpenError
from rtau.runs.batch.plan import FileJob
from rtau.runs.run_record import END_OF_SOURCE, FRAME_LIMIT, SCHEMA, FileStamp

# Settings without an effect on results: (section, key). The model is compared by its hash.
IRRELEVANT_SETTINGS = frozenset(
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
class Fingerprint:
    """The version, model and settings that results must have been made with to count as done."""

    rtau_version: str
    """Version of this package."""
    model_sha256: str
    """SHA-256 of the model file."""
    settings: Mapping[str, Mapping[str, Any]]
    """All settings, as in a run record."""


def reason_to_rerun(job: FileJob, fingerprint: Fingerprint) -> str | None:
    """Returns None if a file is done, otherwise why it must be run (again).

    A file is done if its run record shows a complete run of the file in its present state (size and
    modification time), with this version, model and settings, and the results still have the sizes
    of the record.
    """
    try:
        record = json.loads(job.record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return NO_RECORD
    except (OSError, ValueError, RecursionError) as error:
        return f"the run record cannot be read ({error})"
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        return f"the run record does not have schema {SCHEMA}"
    return _difference(record, job, fingerprint)


def _difference(record: Mapping[str, Any], job: FileJob, fingerprint: Fingerprint) -> str | None:
    end = record.get("end_reason")
    if end not in (END_OF_SOURCE, FRAME_LIMIT):
        return f"its run was not finished ({end})"
    if _part(record, "source").get("file") != _stamp(job.file):
        return "the file has changed"
    if record.get("rtau_version") != fingerprint.rtau_version:
        return f"made by rtau {record.get('rtau_version')}"
    if _part(record, "model").get("sha256") != fingerprint.model_sha256:
        return "made with another model"
    changed = changed_settings(_part(record, "settings"), fingerprint.settings)
    if changed:
        return f"made with other settings ({', '.join(changed)})"
    return _neutral_difference(record, fingerprint) or _output_difference(
        _part(record, "output_bytes"), job.outputs.files
    )


def _neutral_difference(record: Mapping[str, Any], fingerprint: Fingerprint) -> str | None:
    """Returns that the file of neutrals is not that of the record; None if it is, or none is."""
    neutral = Path(fingerprint.settings["decide"]["neutral"] or "")
    if neutral.suffix != ".toml" or not neutral.is_file():
        return None
    is_same = _part(record, "neutral").get("sha256") == sha256_of(neutral)
    return None if is_same else f"{neutral} has changed"


def _stamp(file: Path) -> dict[str, int]:
    """Returns the state of a file as in a record; empty if the file is gone."""
    try:
        return dataclasses.asdict(FileStamp.of(file))
    except SourceOpenError:
        return {}  # differs from every record; running the file reports that it is gone


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Returns the settings that differ and affect results, as sorted `section.key`."""
    names = {
        (section, key)
        for settings in (before, now)
        for section, values in settings.items()
        if isinstance(values, Mapping)
        for key in values
    }
    return [
        f"{section}.{key}"
        for section, key in sorted(names - IRRELEVANT_SETTINGS)
        if _setting(before, section, key) != _setting(now, section, key)
    ]


def _output_difference(sizes: Mapping[str, Any], files: Mapping[str, Path]) -> str | None:
    """Returns how the results differ from those of the record; None if they do not."""
    for kind, path in files.items():
        if kind not in sizes:
            return f"made without {path.suffix}"
        if not path.is_file():
            return f"{path.name} is missing"
        if path.stat().st_size != sizes[kind]:
            return f"{path.name} has changed since"
    return None


# A missing setting differs from every value, also from None.
_ABSENT = object()


def _setting(settings: Mapping[str, Any], section: str, key: str) -> Any:
    values = settings.get(section)
    return values.get(key, _ABSENT) if isinstance(values, Mapping) else _ABSENT


def _part(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Returns an object of the record, empty if the record has none."""
    part = record.get(key)
    return part if isinstance(part, Mapping) else {}
