"""Opens the live streams of a run: what other programs receive while it goes on."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING

from rtau.config import RunConfig
from rtau.errors import BackendUnavailable, UsageError
from rtau.protocols import Sink
from rtau.runs.build import is_streaming, thresholds_of
from rtau.runs.log import say
from rtau.runs.session import Session
from rtau.seats import parse_seats
from rtau.shown import message
from rtau.streams.addresses import parse_address

# What only a run with streams needs is imported by it: asyncio, http and what stands on them take a
# tenth of the time until the first result of a file, and other modules need the extra `live`.
if TYPE_CHECKING:
    from rtau.streams.access import Access
    from rtau.streams.datagrams import Datagrams

# Interval of polling for markers of LSL: their times come with them.
MARKERS_EVERY_S = 0.02


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
    for flag, address in (("--osc", stream.osc), ("--vmc", stream.vmc)):
        if address is not None:
            parse_address(address, flag=flag)
            _need("pythonosc", flag=flag)
    if stream.lsl_markers is not None and not stream.lsl:
        raise UsageError("--lsl-markers belongs to --lsl, which is missing")
    if stream.lsl:
        _need_lsl()


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
        SinkError: an address cannot be listened on, or is not known.
    """
    stream = session.config.stream
    with contextlib.ExitStack() as on_failure:
        sinks: list[Sink] = []
        streams: tuple[tuple[bool, Callable[[Session], Sink]], ...] = (
            (stream.lsl, _lsl),
            (stream.osc is not None, _osc),
            (stream.vmc is not None, _vmc),
            (stream.serve is not None, _server),
        )
        for is_wanted, build in streams:
            if is_wanted:
                sinks.append(on_failure.enter_context(contextlib.closing(build(session))))
        on_failure.pop_all()
    return sinks


def _need_lsl() -> None:
    """Raises BackendUnavailable unless pylsl and its library are there."""
    _need("pylsl", flag="--lsl")
    try:
        importlib.import_module("pylsl")
    except (RuntimeError, OSError) as error:  # the wheel without liblsl, as on aarch64
        raise BackendUnavailable(
            "--lsl needs liblsl, which the wheel of pylsl for this machine does not hold; install "
            "it (https://github.com/sccn/liblsl/releases) and set PYLSL_LIB to its file"
        ) from error


def _access(config: RunConfig, address: str) -> Access:
    from rtau.streams.access import Access  # noqa: PLC0415

    return Access(parse_address(address, flag="--serve", allows_any_port=True), config.stream.token)


def _datagrams(address: str | None, *, flag: str) -> Datagrams:
    from rtau.streams.datagrams import Datagrams  # noqa: PLC0415

    assert address is not None  # the caller has asked
    return Datagrams(parse_address(address, flag=flag), flag=flag)


def _osc(session: Session) -> Sink:
    from rtau.streams.osc import OscSink  # noqa: PLC0415

    return OscSink(_datagrams(session.config.stream.osc, flag="--osc"))


def _vmc(session: Session) -> Sink:
    from rtau.streams.vmc import VmcSink  # noqa: PLC0415

    contract = session.model.engine.contract
    return VmcSink(
        _datagrams(session.config.stream.vmc, flag="--vmc"),
        names=session.config.stream.names,
        thresholds=dict(zip(contract.labels, contract.thresholds, strict=True)),
    )


def _lsl(session: Session) -> Sink:
    from rtau.execution.poller import Poller  # noqa: PLC0415
    from rtau.streams.lsl import LslSink, MarkerInlet  # noqa: PLC0415

    stream, engine, inlet = session.config.stream, session.model.engine, None
    if stream.lsl_markers is not None:
        assert session.markers is not None  # a run with streams has markers
        found = MarkerInlet(session.markers, name=stream.lsl_markers)
        inlet = Poller(found.poll, every_s=MARKERS_EVERY_S, name="rtau-lsl-markers")
    seats = tuple(seat.name for seat in parse_seats(session.config.find.seat))
    return LslSink(
        engine.contract,
        source=message(session.source.info.name),
        device=engine.device,
        seats=seats,
        neutral=session.baseline is not None,
        inlet=inlet,
    )


def _server(session: Session) -> Sink:
    from rtau.execution.event_loop import EventLoopThread  # noqa: PLC0415
    from rtau.sinks.frame_json import FrameObjects  # noqa: PLC0415
    from rtau.streams.server_sink import ServerSink  # noqa: PLC0415

    contract, markers = session.model.engine.contract, session.markers
    address = session.config.stream.serve
    assert address is not None  # the caller has asked
    access = _access(session.config, address)
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
