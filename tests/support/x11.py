"""Asks an X11 window to close, as a window manager's close button does."""

from __future__ import annotations

import ctypes
import ctypes.util

CLIENT_MESSAGE = 33
DATA_IN_32_BITS = 32


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib, padded to the size of an XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 24),
    )


def has_xlib() -> bool:
    """Returns True where libX11 is installed."""
    return ctypes.util.find_library("X11") is not None


def ask_to_close(display: str, window: int) -> None:
    """Sends WM_DELETE_WINDOW (ICCCM 4.2.8.1) to a window of a display such as `:99`."""
    xlib = ctypes.CDLL(ctypes.util.find_library("X11"))
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    xlib.XInternAtom.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(xlib.XOpenDisplay(display.encode()))
    assert connection, f"no X server at {display}"
    protocols, delete = (
        xlib.XInternAtom(connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    event = _ClientMessage(
        type=CLIENT_MESSAGE, window=window, message_type=protocols, format=DATA_IN_32_BITS
    )
    event.data[0] = delete
    xlib.XSendEvent(connection, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(event))
    xlib.XFlush(connection)
    xlib.XCloseDisplay(connection)
