"""What a view shows of a run, and what its user may change while the run goes on.

Plain records, without rich, OpenCV or threads: nothing is measured or drawn here. The runner fills
`ViewStatus`, both views show it; views turn keys into `ViewControls`, which the composer reads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

# Heatmap selections that are no label of the model.
NO_HEATMAP = "none"
PAUSED = "paused"
TOP_HEATMAP = "top"


@dataclasses.dataclass(frozen=True, slots=True)
class ViewStatus:
    """How a run is doing at one moment."""

    source: str
    """Name of the source, for people."""
    model: str
    """Name of the model."""
    device: str
    """Library and provider really used."""
    is_live: bool
    """True for cameras and streams: no end is known, late frames are dropped."""
    frames_done: int = 0
    """Frames that went through all stages."""
    frames_total: int | None = None
    """Frames the source declares; None when unknown or endless."""
    fps: float | None = None
    """Frames done per second of wall time; None before two frames."""
    latency_p50_s: float | None = None
    """Median seconds from capture to after the last sink; None before the first frame."""
    latency_p95_s: float | None = None
    """95th percentile of the same, seconds."""
    dropped: int = 0
    """Captured frames left out because newer ones were there."""
    corrupt: int = 0
    """Frames that could not be decoded."""
    elapsed_s: float = 0.0
    """Wall time since the run began, seconds."""
    notices: tuple[str, ...] = ()
    """What is worth knowing: lost streams, views that were dropped, a neutral that is taken."""
    is_paused: bool = False
    """Whether somebody has paused the run."""
    decide_by: str = "p"
    """`n` where probabilities relative to a person's neutral decide."""

    @property
    def fraction_done(self) -> float | None:
        """Share of the frames that is done, in [0, 1]; None when no end is known."""
        if self.is_live or not self.frames_total:
            return None
        return min(1.0, self.frames_done / self.frames_total)

    @property
    def remaining_s(self) -> float | None:
        """Wall time until the last frame at the present rate, seconds; None when unknown."""
        if self.is_live or not self.frames_total or not self.fps:
            return None
        return max(0, self.frames_total - self.frames_done) / self.fps


StatusReader = Callable[[], ViewStatus]


def speed_parts(status: ViewStatus) -> list[str]:
    """Returns rate, latency and losses in short pieces for people, the most wanted first."""
    if status.is_paused:
        return [PAUSED]
    parts = ["-- fps" if status.fps is None else f"{status.fps:.1f} fps"]
    if status.latency_p50_s is not None and status.latency_p95_s is not None:
        p50_ms, p95_ms = 1000 * status.latency_p50_s, 1000 * status.latency_p95_s
        parts.append(f"latency {p50_ms:.0f} ms, p95 {p95_ms:.0f} ms")
    if status.is_live or status.dropped:
        parts.append(f"dropped {status.dropped}")
    if status.corrupt:
        parts.append(f"corrupt {status.corrupt}")
    return parts


def progress_parts(status: ViewStatus) -> list[str]:
    """Returns how far the run is, in short pieces for people."""
    if status.fraction_done is None:
        return [f"{status.frames_done} frames", clock(status.elapsed_s)]
    parts = [
        f"{status.fraction_done:.0%}",
        f"{status.frames_done} of {status.frames_total} frames",
    ]
    if status.remaining_s is not None:
        parts.append(f"{clock(status.remaining_s)} left")
    return parts


def clock(seconds: float) -> str:
    """Returns a duration as people read it: `0:07`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class ViewControls:
    """What the user asked a view to change; written by its keys, read before every frame.

    Each value is one attribute that is replaced as a whole, so a reader in another thread sees
    the old or the new one and never a mixture.
    """

    def __init__(
        self, *, cam_labels: tuple[str, ...] = (), heatmap: str = NO_HEATMAP, bars: bool = True
    ) -> None:
        """Starts from the options of the run; `cam_labels` is empty for a model without CAMs."""
        self._cycle = (NO_HEATMAP, TOP_HEATMAP, *cam_labels) if cam_labels else (NO_HEATMAP,)
        if heatmap not in self._cycle:
            raise ValueError(f"heatmap must be one of {', '.join(self._cycle)}, got {heatmap!r}")
        self.heatmap = heatmap
        self.bars = bars
        self.header = False
        self.is_paused = False
        """True while no frame is to be processed; the runner waits."""
        self.ask_neutral: Callable[[], object] | None = None
        """Takes the neutral of every face; None in a run that takes none."""
        shown_first = TOP_HEATMAP if cam_labels else NO_HEATMAP
        self._last_heatmap = shown_first if heatmap == NO_HEATMAP else heatmap

    @property
    def has_heatmaps(self) -> bool:
        """True when there is a heatmap to choose."""
        return len(self._cycle) > 1

    @property
    def choices(self) -> tuple[str, ...]:
        """The heatmaps there are to choose: none, top, and the labels."""
        return self._cycle

    def choose_heatmap(self, heatmap: str) -> None:
        """Shows a heatmap of `choices`.

        Raises:
            ValueError: it is none of them.
        """
        if heatmap not in self._cycle:
            raise ValueError(f"heatmap must be one of {', '.join(self._cycle)}, got {heatmap!r}")
        self.heatmap = heatmap
        if heatmap != NO_HEATMAP:
            self._last_heatmap = heatmap

    def step_heatmap(self, step: int) -> None:
        """Moves the choice along none, top, and the labels, round and round."""
        at = self._cycle.index(self.heatmap)
        self.choose_heatmap(self._cycle[(at + step) % len(self._cycle)])

    def toggle_heatmap(self) -> None:
        """Hides the heatmap, or shows the last chosen one again."""
        self.heatmap = self._last_heatmap if self.heatmap == NO_HEATMAP else NO_HEATMAP

    def toggle_pause(self) -> None:
        """Pauses the run, or lets it go on."""
        self.is_paused = not self.is_paused

    def take_neutral(self) -> None:
        """Takes the neutral of every face, in a run that takes one."""
        if self.ask_neutral is not None:
            self.ask_neutral()

    def toggle_bars(self) -> None:
        """Hides or shows the bars and chips."""
        self.bars = not self.bars

    def toggle_header(self) -> None:
        """Hides or shows the status line on the picture."""
        self.header = not self.header
