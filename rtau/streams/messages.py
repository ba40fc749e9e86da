"""What a served run and its clients say to each other, beside the objects of the frames.

Plain JSON objects, described by docs/stream.schema.json; no socket here.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from rtau import __version__
from rtau.contract import ModelContract
from rtau.facs import name_beside
from rtau.sinks.frame_json import SCHEMA
from rtau.status import ViewStatus

# Most characters of one message of a client.
MAX_COMMAND = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """What a client asks for."""

    name: str
    """`mark`, `heatmap`, `pause`, `neutral` or `video`."""
    value: str = ""
    """The label of a mark, the heatmap that is chosen, `on` or `off` for pause and video."""


class CommandError(ValueError):
    """A message of a client that is no command; its text says why."""


def parse_command(text: str | bytes, *, known: Sequence[str]) -> Command:
    """Returns the command of a client's message.

    Raises:
        CommandError: it is none of the known ones.
    """
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        raise CommandError("a command must be a JSON object") from None
    if not isinstance(payload, dict):
        raise CommandError("a command must be a JSON object")
    name, value = payload.get("command"), payload.get("value", "")
    if not isinstance(name, str) or name not in known:
        raise CommandError(f"command must be one of {', '.join(known)}")
    if not isinstance(value, str) or payload.keys() - {"command", "value"}:
        raise CommandError('a command has the keys "command" and "value", a text')
    return Command(name, value)


def run_object(
    contract: ModelContract,
    status: ViewStatus,
    *,
    run: str,
    commands: Sequence[str],
    heatmaps: Sequence[str],
    has_video: bool,
) -> dict[str, Any]:
    """Returns what a client is told first: the run, its model and what may be asked of it."""
    return {
        "schema": SCHEMA,
        "type": "run",
        "run": run,
        "rtau_version": __version__,
        "source": status.source,
        "is_live": status.is_live,
        "model": status.model,
        "device": status.device,
        "task": contract.task,
        "labels": list(contract.labels),
        "names": {label: name_beside(label) for label in contract.labels},
        "thresholds": list(contract.thresholds) if contract.task == "multi_label" else None,
        "commands": list(commands),
        "heatmaps": list(heatmaps),
        "has_video": has_video,
        "decide_by": status.decide_by,
    }


def status_object(
    status: ViewStatus, *, heatmap: str, clients: int, thinned: int, since_frame_s: float | None
) -> dict[str, Any]:
    """Returns how the run is doing, as clients are told every second."""
    return {
        "schema": SCHEMA,
        "type": "status",
        "frames_done": status.frames_done,
        "frames_total": status.frames_total,
        "fps": _rounded(status.fps, 2),
        "latency_p50_s": _rounded(status.latency_p50_s, 5),
        "latency_p95_s": _rounded(status.latency_p95_s, 5),
        "dropped": status.dropped,
        "corrupt": status.corrupt,
        "elapsed_s": round(status.elapsed_s, 1),
        "since_frame_s": _rounded(since_frame_s, 1),
        "heatmap": heatmap,
        "paused": status.is_paused,
        "clients": clients,
        "thinned": thinned,
        "notices": list(status.notices),
    }


def end_object() -> dict[str, Any]:
    """Returns the last message of a run."""
    return {"schema": SCHEMA, "type": "end"}


def refused_object(reason: str) -> dict[str, Any]:
    """Returns the answer to a message that is no command, or that cannot be done."""
    return {"schema": SCHEMA, "type": "refused", "reason": reason}


def text_of(payload: dict[str, Any]) -> str:
    """Returns an object as JSON on one line."""
    return json.dumps(payload, separators=(",", ":"), allow_nan=False)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
