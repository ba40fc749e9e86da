"""Opens the live streams of a run: what other programs receive while it goes on."""

from __future__ import annotations

import importlib.util

from rtau.config import RunConfig
from rtau.errors import BackendUnavailable, UsageError
from rtau.execution.event_loop import EventLoopThread
from rtau.protocols import Sink
from rtau.runs.build import is_streaming, thresholds_of
from rtau.runs.log import say
from rtau.runs.session import Session
from rtau.sinks.frame_json import FrameObjects
from rtau.streams.access import Access
from rtau.streams.addresses import parse_address


def check_streams(config: RunConfig) -> None:
    """Raises an error for streams that cannot be opened, before anything else is.

    Raises:
        UsageError: an address or a token is not allowed, or settings contradict each other.
        BackendUnavailable: a library is missing.
    """
    stream = config.stream
    for name in ("serve_video", "token"):
        if getattr(stream, name) and stream.serve is None:
            raise UsageError(f"--{name.replace('_', '-')} belongs to --serve, which is missing")
    if stream.serve is not None:
        _access(config, stream.serve)
        _need("websockets", flag="--serve")


def _need(module: str, *, flag: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise BackendUnavailable(
            f"{flag} needs {module}, which is not installed; install it: pip install 'rtau[live]'"
        )


def refuse_streams(config: RunConfig, *, where: str) -> None:
    """Raises UsageError if live streams are asked for together with several files."""
    if is_streaming(config):
        raise UsageError(f"live streams (--serve and the like) are of one source, got {where}")


def open_streams(session: Session) -> list[Sink]:
    """Returns the open streams of a run.

    Raises:
        SinkError: an address cannot be listened on.
    """
    config = session.config
    if config.stream.serve is None:
        return []
    return [_server(session, _access(config, config.stream.serve))]


def _access(config: RunConfig, address: str) -> Access:
    return Access(parse_address(address, flag="--serve", allows_any_port=True), config.stream.token)


def _server(session: Session, access: Access) -> Sink:
    from rtau.streams.server_sink import ServerSink  # noqa: PLC0415 - needs the extra `live`

    contract, markers = session.model.engine.contract, session.markers
    assert markers is not None  # a served run takes markers
    sink = ServerSink(
        access,
        loop=EventLoopThread(name="rtau-server"),
        contract=contract,
        objects=FrameObjects(
            thresholds=thresholds_of(contract),
            landmarks=session.config.output.landmarks,
            markers=True,
        ),
        status=session.status,
        controls=session.controls,
        markers=markers,
        sends_video=session.config.stream.serve_video,
    )
    place = f"{access.address.host}:{sink.port}"
    say(f"dashboard: http://{place}/{'' if access.token is None else '?token=...'}")
    return sink
