"""A sink that serves a run to browsers and programs: dashboard, results, commands.

`write` hands the results to an event loop and returns; while nobody is connected it makes no text.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import cv2

from rtau.contract import ModelContract
from rtau.data import FrameResult, Picture
from rtau.errors import SinkError
from rtau.markers import Markers
from rtau.overlay.video_colours import in_bgr
from rtau.protocols import SinkReport
from rtau.sinks.frame_json import FrameObjects
from rtau.status import ViewControls, ViewStatus
from rtau.streams.access import Access
from rtau.streams.messages import (
    Command,
    CommandError,
    end_object,
    parse_command,
    run_object,
    status_object,
    text_of,
)
from rtau.streams.server import RunServer, repeat

# Frames that may wait for the event loop; older ones are left out.
OUTBOX = 64
STATUS_EVERY_S = 1.0
# Pictures a second, the largest side of one, px, and its JPEG quality.
VIDEO_FPS, VIDEO_PX, JPEG_QUALITY = 12, 960, 80


class Loop(Protocol):
    """An event loop on a thread of its own: `rtau.execution.event_loop.EventLoopThread`."""

    def wait_for(self, coroutine: Coroutine[Any, Any, Any], /) -> Any:
        """Returns the result of a coroutine."""
        ...

    def call(self, function: Callable[..., object], /, *arguments: object) -> None:
        """Has the loop call a function soon."""
        ...

    def close(self) -> None:
        """Ends the loop."""
        ...


class ServerSink:
    """Serves a run. Satisfies `rtau.protocols.Sink`."""

    name = "server"
    is_view = True
    is_slow = False

    def __init__(
        self,
        access: Access,
        *,
        loop: Loop,
        contract: ModelContract,
        objects: FrameObjects,
        status: Callable[[], ViewStatus],
        controls: ViewControls,
        markers: Markers,
        sends_video: bool = False,
    ) -> None:
        """Listens at once; owns the loop.

        Args:
            access: where it listens, and who may connect.
            loop: where it lives.
            contract: of the model.
            objects: makes the objects of the frames.
            status: how the run is doing; called on the loop's thread.
            controls: what clients may change.
            markers: where the events that clients mark go.
            sends_video: whether clients may ask for pictures.

        Raises:
            SinkError: the address cannot be listened on.
        """
        self.wants_overlay = sends_video
        self._loop = loop
        self._contract = contract
        self._objects = objects
        self._status = status
        self._controls = controls
        self._markers = markers
        self._run = secrets.token_hex(8)
        optional = {"neutral": controls.ask_neutral is not None, "video": sends_video}
        offered = tuple(name for name, is_there in optional.items() if is_there)
        self._commands = ("mark", "heatmap", "pause", *offered)
        self._outbox: deque[str] = deque()
        self._lock = threading.Lock()
        self._lost = 0
        self._picture: Picture | None = None
        self._status_s = self._written_s = -1.0
        self._is_open = False
        self._task: asyncio.Task[None] | None = None
        self._server = RunServer(
            access,
            greeting=self._greeting,
            act=self._act,
            parse=lambda text: parse_command(text, known=self._commands),
        )
        try:
            loop.wait_for(self._begin())
        except OSError as error:
            loop.close()
            raise SinkError(
                f"--serve cannot listen on {access.address} ({error.strerror or error}); "
                "choose another port, or end the program that uses it"
            ) from error
        self._is_open = True

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Hands a result to the event loop."""
        self._written_s = time.monotonic()
        if picture is not None:
            self._picture = picture  # the newest wins; encoded on the loop, if somebody looks
        if not len(self._server.hub):
            return
        text = self._objects.text(result)
        with self._lock:
            if len(self._outbox) >= OUTBOX:
                self._outbox.popleft()
                self._lost += 1
            self._outbox.append(text)
            is_first = len(self._outbox) == 1
        if is_first:
            self._loop.call(self._flush)

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Tells clients that the run is over and disconnects them; may be called twice."""
        if self._is_open:
            self._is_open = False
            self._loop.wait_for(self._end())
            self._loop.close()

    async def _begin(self) -> None:
        await self._server.start()
        self._task = asyncio.ensure_future(repeat(1 / VIDEO_FPS, self._tick))

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._flush()
        self._server.hub.send(text_of(end_object()))
        await self._server.stop()

    def _flush(self) -> None:
        with self._lock:
            texts = list(self._outbox)
            self._outbox.clear()
        for text in texts:
            self._server.hub.send(text)

    def _tick(self) -> None:
        """Sends a picture if there is a new one, and the status once a second."""
        hub = self._server.hub
        if not len(hub):
            return
        now_s = time.monotonic()
        if now_s - self._status_s >= STATUS_EVERY_S:
            self._status_s = now_s
            hub.send(text_of(self._status_object(now_s)))
        picture, self._picture = self._picture, None
        if picture is not None and hub.wants_video:
            hub.send_picture(jpeg_of(picture))

    def _status_object(self, now_s: float) -> dict[str, Any]:
        return status_object(
            self._status(),
            heatmap=self._controls.heatmap,
            clients=len(self._server.hub),
            thinned=self._server.hub.thinned + self._lost,
            since_frame_s=None if self._written_s < 0 else now_s - self._written_s,
        )

    def _greeting(self) -> str:
        return text_of(
            run_object(
                self._contract,
                self._status(),
                run=self._run,
                commands=self._commands,
                heatmaps=self._controls.choices,
                has_video=self.wants_overlay,
            )
        )

    def _act(self, command: Command) -> None:
        """Executes a command.

        Raises:
            CommandError: it cannot be done.
        """
        if command.name == "mark":
            if not self._markers.add(command.value):
                raise CommandError("too many marks wait for the next frame")
        elif command.name == "heatmap":
            if command.value not in self._controls.choices:
                raise CommandError(f"heatmap must be one of {', '.join(self._controls.choices)}")
            self._controls.choose_heatmap(command.value)
        elif command.name == "pause":
            if command.value not in ("on", "off"):
                raise CommandError("pause must be on or off")
            self._controls.is_paused = command.value == "on"
            self._server.hub.send(text_of(self._status_object(time.monotonic())))
        elif command.name == "neutral":
            self._controls.take_neutral()


def jpeg_of(picture: Picture) -> bytes:
    """Returns a picture as JPEG, at most `VIDEO_PX` on its longer side."""
    image = in_bgr(picture)
    height, width = image.shape[:2]
    shrink = min(1.0, VIDEO_PX / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = image if shrink == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
