"""Frames of a camera, through OpenCV: an index, a device path, or a GStreamer pipeline.

Every wait is bounded, also where the driver's is not. Called by `open_source`; tests pass a
device double instead of `cv2.VideoCapture`.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from rtau.data import Frame, Image
from rtau.errors import BackendUnavailable, SourceError, SourceOpenError, UsageError
from rtau.protocols import SourceInfo, SourceReport
from rtau.sources._latest_frame import LatestFrameReader
from rtau.sources.pictures import fitted

# A camera may need seconds to wake up and set its exposure.
OPEN_TIMEOUT_S = 10.0
# Between two reads that failed at once: not a busy loop, and far below a frame's time.
RETRY_S = 0.01
# How much longer than the limit of a read its thread may take to end.
GRACE_S = 1.0
# Declared rates beyond this are a driver's nonsense.
MOST_FPS = 1000
# OpenCV's V4L2 reads wait 10 s for an unplugged camera unless this says otherwise (whole seconds).
V4L2_TIMEOUT = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"


class CaptureDevice(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Returns True when the device is there."""
        ...

    def read(self) -> tuple[bool, Any]:
        """Returns success and a picture."""
        ...

    def get(self, prop: int, /) -> float:
        """Returns a property."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Requests a value of a property."""
        ...

    def release(self) -> None:
        """Closes the device."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class CameraMode:
    """Size and rate; None where they are not requested or not known."""

    width: int | None = None
    """px."""
    height: int | None = None
    """px."""
    fps: float | None = None
    """Frames per second."""

    def __str__(self) -> str:
        size = f"{self.width or 'any'}x{self.height or 'any'}"
        return size if self.fps is None else f"{size} at {self.fps:g} fps"

    def is_met_by(self, got: CameraMode) -> bool:
        """Returns True when `got` has every value that is requested here."""
        same_size = self.width in (None, got.width) and self.height in (None, got.height)
        unknown_rate = self.fps is None or got.fps is None
        return same_size and (unknown_rate or round(self.fps or 0, 1) == round(got.fps or 0, 1))


class CameraSource:
    """The frames of a camera, live: only the newest is kept. A `Source`.

    * `time_s` is when the read returned, on a clock that never goes back, 0 at the first frame.
    * Reads without a picture count as corrupt and are repeated; no frame for `timeout_s` (also when
      the driver hangs) is a SourceError.
    * A frame of another size than the first is fitted to the first one's size.
    * A note of the report names the camera's mode where it differs from the one asked for.
    """

    is_live = True

    def __init__(
        self,
        target: int | str,
        *,
        mode: CameraMode | None = None,
        timeout_s: float = 5.0,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        open_device: Callable[[int | str], CaptureDevice] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the camera, requests the mode and waits for the first frame.

        Args:
            target: index, `/dev/videoN`, or a GStreamer pipeline (it has a `!` in it).
            mode: size and rate to request; a camera may use others.
            timeout_s: longest wait for a frame, seconds.
            open_timeout_s: longest wait for the first one, seconds.
            open_device: makes the device; OpenCV by default.
            clock: monotonic seconds.

        Raises:
            SourceOpenError: no such camera, it is busy, or it gives no frame.
            BackendUnavailable: a GStreamer pipeline, and an OpenCV without GStreamer.
            UsageError: a pipeline that does not end in an appsink, or one with a mode.
        """
        self._target = target
        self._name = f"camera {target}" if isinstance(target, int) else target
        self._requested = mode or CameraMode()
        self._timeout_s, self._clock = timeout_s, clock
        self._open_device = open_device or device_opener(
            target, requested=self._requested, timeout_s=timeout_s
        )
        self._mode = CameraMode()
        self._corrupt = 0
        self._reader = LatestFrameReader(self._capture, name="rtau-camera")
        first = self._first_frame(open_timeout_s)
        rate = self._mode.fps
        self.info = SourceInfo(
            name=self._name,
            width=first.width,
            height=first.height,
            nominal_fps=None if rate is None else Fraction(rate).limit_denominator(1001),
            frame_count=None,
        )
        self._notes = self._differences()

    def __iter__(self) -> Iterator[Frame]:
        """Yields the latest frame, until `close()`.

        Raises:
            SourceError: the camera stopped giving frames.
        """
        try:
            # The capture loop has the same limit and the better text: it goes first.
            yield from self._reader.frames(timeout_s=self._timeout_s + GRACE_S / 2)
        except TimeoutError:
            raise self._lost() from None

    def report(self) -> SourceReport:
        """Returns lost reads, dropped frames and the note on the mode."""
        return SourceReport(corrupt=self._corrupt, dropped=self._reader.dropped, notes=self._notes)

    def close(self) -> None:
        """Closes the camera; ends an iteration in another thread at once."""
        self._reader.close(timeout_s=self._timeout_s + GRACE_S)

    def __enter__(self) -> CameraSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first_frame(self, open_timeout_s: float) -> Frame:
        try:
            first = self._reader.wait_for_first(timeout_s=open_timeout_s, close_timeout_s=GRACE_S)
        except (TimeoutError, SourceError):
            raise SourceOpenError(
                f"{self._name}: no frame within {open_timeout_s:g} s of opening; "
                "check the cable and that no other program uses it"
            ) from None
        assert first is not None, "a camera's capture loop ends with an error or a close"
        return first

    def _capture(self, reader: LatestFrameReader) -> Generator[Frame, None, None]:
        """The capture loop, on its own thread from opening to release."""
        device = self._open_device(self._target)
        try:
            if not device.isOpened():
                raise SourceOpenError(
                    f"{self._name}: cannot be opened; check that it is a camera and that no other "
                    "program uses it"
                )
            self._request_mode(device)
            yield from self._read_all(device, reader)
        finally:
            device.release()

    def _read_all(
        self, device: CaptureDevice, reader: LatestFrameReader
    ) -> Generator[Frame, None, None]:
        size: tuple[int, int] | None = None
        started_s = 0.0
        index = 0
        good_s = self._clock()
        while not reader.stopped.is_set():
            image = _bgr(*device.read())
            now_s = self._clock()
            if image is None:
                if now_s - good_s > self._timeout_s:
                    raise self._lost()
                self._corrupt += size is not None  # what comes before the first frame is waking up
                reader.stopped.wait(RETRY_S)
                continue
            if size is None:
                size, started_s = (image.shape[1], image.shape[0]), now_s
                self._mode = CameraMode(*size, _rate(device))
            good_s = now_s
            image = fitted(image, width=size[0], height=size[1])
            yield Frame(index=index, time_s=now_s - started_s, picture=image)
            index += 1

    def _request_mode(self, device: CaptureDevice) -> None:
        requested = self._requested
        if requested == CameraMode():
            return
        # Uncompressed, most USB cameras give high resolutions at a few frames per second only.
        device.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        properties = (
            (cv2.CAP_PROP_FRAME_WIDTH, requested.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, requested.height),
            (cv2.CAP_PROP_FPS, requested.fps),
        )
        for prop, value in properties:
            if value is not None:
                device.set(prop, value)

    def _differences(self) -> tuple[str, ...]:
        if self._requested.is_met_by(self._mode):
            return ()
        return (f"{self._name}: asked for {self._requested}, it gives {self._mode}",)

    def _lost(self) -> SourceError:
        return SourceError(
            f"{self._name}: no frame for {self._timeout_s:g} s, camera unplugged? "
            "Check the cable and start again"
        )


def device_opener(
    target: int | str, *, requested: CameraMode, timeout_s: float
) -> Callable[[int | str], CaptureDevice]:
    """Returns the function that opens a camera through OpenCV, after what can be checked before.

    Raises:
        SourceOpenError, BackendUnavailable, UsageError: as `CameraSource`.
    """
    if isinstance(target, str) and is_pipeline(target):
        _check_pipeline(target, requested=requested)
        return lambda pipeline: cv2.VideoCapture(str(pipeline), cv2.CAP_GSTREAMER)
    if sys.platform != "linux":
        return lambda index: cv2.VideoCapture(index, cv2.CAP_ANY)
    _check_device(Path(f"/dev/video{target}" if isinstance(target, int) else target))
    os.environ.setdefault(V4L2_TIMEOUT, str(max(1, round(timeout_s))))
    return lambda index: cv2.VideoCapture(index, cv2.CAP_V4L2)


def is_pipeline(target: str) -> bool:
    """Returns True for a GStreamer pipeline: elements joined by exclamation marks."""
    return "!" in target


def _check_pipeline(target: str, *, requested: CameraMode) -> None:
    if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        raise BackendUnavailable(
            f"a GStreamer pipeline needs an OpenCV with GStreamer, and OpenCV {cv2.__version__} "
            "here has none (wheels from PyPI never do); use the system's: on a Jetson "
            "`apt install python3-opencv` and a virtual environment with --system-site-packages"
        )
    if "appsink" not in target:
        raise UsageError(
            f"a GStreamer pipeline must end in `! videoconvert ! video/x-raw,format=BGR ! appsink "
            f"drop=1`, got {target!r}"
        )
    if requested != CameraMode():
        raise UsageError(
            "--width, --height and --fps are not for a GStreamer pipeline: write them into its caps"
        )


def _check_device(path: Path) -> None:
    if not path.exists():
        there = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "none"
        raise SourceOpenError(f"no camera at {path} (cameras here: {there}); plug it in")
    if not path.is_char_device():
        raise SourceOpenError(f"{path}: expected a camera such as /dev/video0, got another file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceOpenError(
            f"{path}: no permission to use the camera; add yourself to its group "
            "(`sudo usermod -aG video $USER`, then log in again)"
        )


def _rate(device: CaptureDevice) -> float | None:
    rate = device.get(cv2.CAP_PROP_FPS)
    return rate if 0 < rate <= MOST_FPS else None


def _bgr(ok: bool, image: Any) -> Image | None:
    """Returns what a read gave as uint8 (H, W, 3), BGR; None when it is no picture."""
    if not ok or image is None or image.size == 0 or image.dtype != np.uint8:
        return None
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    if channels == 4:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2BGR), dtype=np.uint8)
    return np.asarray(image, dtype=np.uint8) if channels == 3 else None
