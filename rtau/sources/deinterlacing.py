"""De-interlaces decoded frames with FFmpeg's bwdif: one whole picture per frame.

The two fields of an interlaced frame are of different moments, so that a moving face has combs.
Progressive frames pass unchanged. Called by `frame_decoder.py`; keeps order and timestamps.
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import VideoFrame

# AVFieldOrder of libavcodec: 0 unknown, 1 progressive, 2 and 4 top field first, 3 and 5 bottom.
PARITY_FROM_FIELD_ORDER = {2: "tff", 3: "bff", 4: "tff", 5: "bff"}
# The filter counts frames; the timestamps are kept beside it.
COUNT = Fraction(1, 1000)


class Deinterlacer:
    """De-interlaces the frames of one stream from the first interlaced one on.

    The filter looks one frame ahead: `push` returns the frame before, `flush` the last one.
    """

    def __init__(self, *, field_order: int = 0) -> None:
        """Takes the container's field order, which makes every frame interlaced if it names one."""
        self.frames = 0
        """Interlaced frames so far."""
        self._parity = PARITY_FROM_FIELD_ORDER.get(field_order)
        self._graph: Graph | None = None
        self._kind: tuple[int, int, str] | None = None
        self._waiting: deque[tuple[int | None, Fraction | None]] = deque()
        self._pushed = 0
        self._only: VideoFrame | None = None

    def push(self, frame: VideoFrame) -> list[VideoFrame]:
        """Takes the next frame; returns those that are ready."""
        is_interlaced = frame.interlaced_frame or self._parity is not None
        self.frames += is_interlaced
        kind = (frame.width, frame.height, frame.format.name)
        ready: list[VideoFrame] = []
        if self._graph is not None and kind != self._kind:
            ready = self.flush()
        if self._graph is None:
            if not is_interlaced:
                return [*ready, frame]
            self._graph, self._kind = self._opened(frame), kind
            self._only = frame
        else:
            self._only = None
        self._waiting.append((frame.pts, frame.time_base))
        frame.pts, frame.time_base = self._pushed, COUNT
        self._pushed += 1
        self._graph.vpush(frame)
        return [*ready, *self._pulled(self._graph)]

    def flush(self) -> list[VideoFrame]:
        """Returns the frames that wait for a next one."""
        graph, self._graph = self._graph, None
        if graph is None:
            return []
        if self._only is not None:  # the filter leaves a frame without a neighbour as it is
            only, self._only = self._only, None
            only.pts, only.time_base = self._pushed, COUNT
            graph.vpush(only)
        else:
            graph.vpush(None)
        return self._pulled(graph)

    def _opened(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        deint = "interlaced" if self._parity is None else "all"
        graph.link_nodes(
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=COUNT
            ),
            graph.add("bwdif", f"mode=send_frame:parity={self._parity or 'auto'}:deint={deint}"),
            graph.add("buffersink"),
        ).configure()
        return graph

    def _pulled(self, graph: Graph) -> list[VideoFrame]:
        ready: list[VideoFrame] = []
        while True:
            try:
                frame = graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return ready
            frame.pts, frame.time_base = self._waiting.popleft()
            ready.append(frame)
