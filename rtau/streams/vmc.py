"""One face as an avatar: blend shapes over the Virtual Motion Capture protocol (VMC).

VSeeFace, Warudo, VMagicMirror and others receive it. The weight of a shape follows the intensity of
its Action Units on each side, or their probability, which is none, where the model has no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rtau.data import FrameResult, Picture
from rtau.geometry import areas
from rtau.protocols import SinkReport
from rtau.streams.blendshapes import TABLES, weights
from rtau.streams.datagrams import Datagrams, Message

# Probabilities below this share of the threshold do not move the avatar: it would tremble.
_REST = 0.5
# The highest intensity of FACS.
_FULL = 5.0


class VmcSink:
    """Sends the blend shapes of one face per frame. Satisfies `rtau.protocols.Sink`.

    The face is the largest one, and stays the same for as long as it is seen.
    """

    name = "VMC"
    is_view = True
    is_slow = False
    wants_overlay = False

    def __init__(
        self, datagrams: Datagrams, *, names: str, thresholds: Mapping[str, float]
    ) -> None:
        """Owns the socket.

        Args:
            datagrams: the socket.
            names: the vocabulary, `arkit` or `unified`.
            thresholds: of each label.
        """
        self._datagrams = datagrams
        self._table = TABLES[names]
        self._thresholds = thresholds
        self._track_id: int | None = None

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Sends the shapes; without a face, only that there is none."""
        row = self._row(result)
        messages: list[Message] = [("/VMC/Ext/OK", (int(row is not None),))]
        messages.append(("/VMC/Ext/T", (result.frame.time_s,)))
        if row is not None:
            shapes = weights(self._strengths(result, row), self._table)
            messages += [("/VMC/Ext/Blend/Val", pair) for pair in shapes.items()]
            messages.append(("/VMC/Ext/Blend/Apply", ()))
        self._datagrams.send(messages, result=result)

    def report(self) -> SinkReport:
        """Returns a note if some bundles could not be sent."""
        return self._datagrams.report()

    def close(self) -> None:
        """Closes the socket; may be called twice."""
        self._datagrams.close()

    def _strengths(self, result: FrameResult, row: int) -> dict[str, float]:
        """Returns how far each label moves the avatar: by intensity and side if there are some."""
        labels, intensities = result.scores.labels, result.intensities
        if intensities is not None:
            whole = (value / _FULL for value in intensities.values[row].tolist())
            found = dict(zip(labels, whole, strict=True))
            if intensities.left_right is not None:
                pairs = intensities.left_right[row].tolist()
                for label, (left, right) in zip(intensities.sides, pairs, strict=True):
                    found[f"{label}_L"], found[f"{label}_R"] = left / _FULL, right / _FULL
            return found
        values = result.scores.probabilities[row].tolist()
        return {
            label: strength(value, threshold=self._thresholds.get(label, 0.5))
            for label, value in zip(labels, values, strict=True)
        }

    def _row(self, result: FrameResult) -> int | None:
        ids: Sequence[int] = result.track_ids
        if not ids:
            return None
        if self._track_id not in ids:
            self._track_id = ids[int(areas(result.faces.boxes_xyxy).argmax())]
        return ids.index(self._track_id)


def strength(probability: float, *, threshold: float) -> float:
    """Returns how far a label moves the avatar: 0 at rest, 1 where it is certain."""
    rest = _REST * threshold
    return max(0.0, (probability - rest) / (1 - rest))
