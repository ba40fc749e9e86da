"""A window of OpenCV's that shows annotated frames and reacts to keys.

The status line and the help card are drawn on a copy of the picture. The display is checked first:
without one, OpenCV's Qt ends the process.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Mapping

import cv2

from rtau.data import FrameResult, Image, Picture
from rtau.errors import SinkError
from rtau.overlay.header import draw_header, draw_help
from rtau.overlay.video_colours import in_bgr
from rtau.protocols import SinkReport, StopRun
from rtau.status import StatusReader, ViewControls

KEYS = (
    ("q, Esc", "end the run"),
    ("space", "pause and go on"),
    ("n", "take the neutral face (cameras)"),
    (", .", "previous, next heatmap"),
    ("m", "heatmap on and off"),
    ("b", "bars on and off"),
    ("s", "status line on and off"),
    ("h", "this card"),
)
PAUSED_KEYS = (("space", "go on"), ("h", "all keys"), ("q, Esc", "end the run"))
_ESCAPE = 27
# A remote display that answers later than this is too slow for video.
_X_TIMEOUT_S = 3.0
# Larger windows do not fit a common screen; the picture is shown smaller.
_LARGEST_PX = (1600, 900)


class Screen:
    """A window of OpenCV's, opened with the first picture.

    Raises:
        SinkError: there is no display, or this OpenCV has no windows.
    """

    def __init__(self, title: str) -> None:
        check_display(os.environ, platform=sys.platform, framework=cv2.currentUIFramework())
        self._title = title
        self._is_open = False

    def show(self, image: Image) -> None:
        """Shows a picture."""
        if not self._is_open:
            self._open(image.shape[1], image.shape[0])
        cv2.imshow(self._title, image)

    def poll_key(self, wait_ms: int) -> int:
        """Returns the code of a key pressed within `wait_ms`, or -1."""
        return cv2.waitKey(wait_ms)

    def is_visible(self) -> bool:
        """Returns False once the user has closed the window."""
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # with its last window, OpenCV's Qt ends and has no properties
            return False

    def close(self) -> None:
        """Closes the window; may be called twice."""
        if self._is_open:
            self._is_open = False
            # The user may have closed it already.
            with contextlib.suppress(cv2.error):
                cv2.destroyWindow(self._title)
                cv2.waitKey(1)  # OpenCV closes windows only while it handles events

    def _open(self, width: int, height: int) -> None:
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(self._title, flags)
        shrink = min(1.0, _LARGEST_PX[0] / width, _LARGEST_PX[1] / height)
        cv2.resizeWindow(self._title, max(1, round(width * shrink)), max(1, round(height * shrink)))
        self._is_open = True


class WindowSink:
    """Shows frames in a window until q, Esc or its close button. Satisfies `rtau.protocols.Sink`.

    Args:
        title: title of the window.
        controls: changed by keys, read by the composer.
        status: called before each frame for the status line; None shows none.
        screen: where to show; None for a window of OpenCV's.

    Raises:
        SinkError: there is no display, or this OpenCV has no windows.
    """

    name = "window"
    is_view = True
    is_slow = False
    wants_overlay = True

    def __init__(
        self,
        title: str,
        *,
        controls: ViewControls,
        status: StatusReader | None = None,
        screen: Screen | None = None,
    ) -> None:
        self._screen = Screen(title) if screen is None else screen
        self._controls = controls
        self._controls.header = status is not None
        self._status = status
        self._shows_help = False
        self._image: Image | None = None
        self._actions: Mapping[int, Callable[[], None]] = {
            ord("n"): controls.take_neutral,
            ord("."): lambda: controls.step_heatmap(1),
            ord(","): lambda: controls.step_heatmap(-1),
            ord("m"): controls.toggle_heatmap,
            ord("b"): controls.toggle_bars,
            ord("s"): controls.toggle_header,
            ord("h"): self._toggle_help,
            ord(" "): controls.toggle_pause,
        }

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Shows one annotated frame and handles keys.

        Raises:
            StopRun: the user pressed q or Esc or closed the window.
            SinkError: the display is gone.
        """
        del result
        assert picture is not None
        self._image = in_bgr(picture)
        self._refresh(self._image)

    def idle(self) -> None:
        """Shows the status and takes keys while no frame comes.

        Raises:
            StopRun: the user pressed q or Esc or closed the window.
            SinkError: the display is gone.
        """
        if self._image is not None:
            self._refresh(self._image)

    def _refresh(self, image: Image) -> None:
        try:
            self._show(image)
            self._handle(self._screen.poll_key(1), image)
        except cv2.error as error:
            raise SinkError(
                f"the window cannot show the frame ({_first_line(error)}); "
                "run again with --view terminal or --view none"
            ) from error

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Closes the window; may be called twice."""
        self._screen.close()

    def _show(self, image: Image) -> None:
        shown = image
        is_paused = self._controls.is_paused
        if self._shows_help or is_paused or self._controls.header:
            shown = image.copy()
            if self._controls.header and self._status is not None:
                draw_header(shown, self._status())
            if self._shows_help:
                draw_help(shown, KEYS, title="Keys")
            elif is_paused:
                draw_help(shown, PAUSED_KEYS, title="Paused")
        self._screen.show(shown)

    def _handle(self, key: int, image: Image) -> None:
        """Handles a key and the close button, and shows the change at once."""
        if key in (_ESCAPE, ord("q")) or not self._screen.is_visible():
            raise StopRun("the window was closed")
        action = self._actions.get(key)
        if action is not None:
            action()
            self._show(image)

    def _toggle_help(self) -> None:
        self._shows_help = not self._shows_help


def check_display(environ: Mapping[str, str], *, platform: str, framework: str) -> None:
    """Raises unless a window can be opened; `framework` is `cv2.currentUIFramework()`.

    Raises:
        SinkError: this OpenCV was built without windows, or there is no display.
    """
    if not framework:
        raise SinkError(
            "this OpenCV has no windows (opencv-python-headless): use --view terminal, or pip "
            "uninstall -y opencv-python-headless && pip install 'opencv-python>=4.13,<5'"
        )
    if not platform.startswith("linux"):
        return
    display = environ.get("DISPLAY", "")
    # The Qt in OpenCV's wheels needs X11; other toolkits also use Wayland.
    if not display and environ.get("WAYLAND_DISPLAY") and not framework.startswith("QT"):
        return
    if not display:
        raise SinkError(
            "a window needs a display and DISPLAY is not set; use --view terminal, or over ssh "
            "connect with ssh -X"
        )
    if not _answers(display):
        raise SinkError(
            f"a window needs a display and no X server answers at DISPLAY={display}; set DISPLAY "
            "to a running one or use --view terminal"
        )


def _answers(display: str) -> bool:
    """Returns True when an X server accepts connections at a display such as `:0`, `host:10.0`."""
    host, _, rest = display.rpartition(":")
    number = rest.split(".")[0]
    if not number.isdigit():
        return False
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - the address the X11 protocol fixes
    if host in ("", "unix"):
        places: list[tuple[int, str | tuple[str, int]]] = [
            (socket.AF_UNIX, path),
            (socket.AF_UNIX, "\0" + path),
        ]
    else:
        places = [(socket.AF_INET, (host, 6000 + int(number)))]
    return any(_connects(family, address) for family, address in places)


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(_X_TIMEOUT_S)
        try:
            probe.connect(address)
        except OSError:
            return False
        return True


def _first_line(error: cv2.error) -> str:
    return str(error).strip().splitlines()[0]
