"""A window that exists only in memory."""

from __future__ import annotations

import cv2

from rtau.sinks.window import Screen


class MemoryScreen(Screen):
    """Keeps what is shown and gives the keys it was given, then none."""

    def __init__(self, keys=()):  # no display is asked for: the parent's is left out
        self.keys = [ord(key) if isinstance(key, str) else key for key in keys]
        self.shown = []
        self.visible = True
        self.broken = False
        self.closed = 0

    def show(self, image):
        if self.broken:
            raise cv2.error("connection lost")
        self.shown.append(image.copy())

    def poll_key(self, wait_ms):
        return self.keys.pop(0) if self.keys else -1

    def is_visible(self):
        return self.visible

    def close(self):
        self.closed += 1
