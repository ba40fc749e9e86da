"""Results over the Lab Streaming Layer (LSL), for LabRecorder and experiment software.

An outlet per seat, or per face in order of appearance, and one for markers; an inlet for the
markers of other programs. Channels have labels, types and units, as XDF's conventions say.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import pylsl

from rtau import __version__
from rtau.contract import ModelContract
from rtau.data import FrameResult, Picture
from rtau.markers import Markers
from rtau.protocols import SinkReport

TYPE, MARKER_TYPE = "FACS", "Markers"
# Begins the source id of every outlet of rtau: its own markers are not taken in.
SOURCE_ID = "rtau-"
# Channels before those of the labels: label, type, unit.
LEADING = (
    ("frame", "Frame", "number"),
    ("face_id", "Track", "number"),
    ("confidence", "Presence", "probability"),
    ("face_x", "Position", "px"),
    ("face_y", "Position", "px"),
    ("face_w", "Size", "px"),
    ("face_h", "Size", "px"),
    ("pose_Rz", "Orientation", "rad"),
)
# What liblsl would write to standard error, where only rtau's lines belong; errors stay.
QUIET = "[log]\nlevel = -2\n"


class Closable(Protocol):
    """Something with a thread that ends."""

    def close(self) -> None:
        """Ends it."""
        ...


def silence() -> None:
    """Keeps the notes of liblsl from standard error, unless the user has a configuration of it."""
    places = (Path("lsl_api.cfg"), Path.home() / "lsl_api/lsl_api.cfg", Path("/etc/lsl_api"))
    if "LSLAPICFG" not in os.environ and not any(place.exists() for place in places):
        pylsl.set_config_content(QUIET)


class LslSink:
    """Streams of one run. Satisfies `rtau.protocols.Sink`."""

    name = "LSL"
    is_view = True
    is_slow = False
    wants_overlay = False

    def __init__(
        self,
        contract: ModelContract,
        *,
        source: str,
        device: str,
        seats: Sequence[str] = (),
        neutral: bool = False,
        inlet: Closable | None = None,
    ) -> None:
        """Opens an outlet for each seat, or for the first face, and one for markers.

        Args:
            contract: of the model.
            source: name of the source; outlets of the same source and name can be found again.
            device: library and provider of the model.
            seats: names of the seats, if the run has some.
            neutral: whether there are channels relative to the person's neutral.
            inlet: closed with the sink; None without one.
        """
        silence()
        self._contract = contract
        self._source = source
        self._device = device
        self._neutral = neutral
        self._inlet = inlet
        self._outlets: dict[str, Any] = {}
        self._slots: dict[int, str] = {}
        self._active: dict[str, set[str]] = {}
        self._clock_offset_s = pylsl.local_clock() - time.perf_counter()
        self._start_s: float | None = None
        self._markers: Any = self._marker_outlet()
        for name in seats or ("1",):
            self._outlet(name)

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Pushes a sample per face, and a marker per onset, offset and event."""
        stamp_s = self._stamp_s(result)
        probabilities = result.scores.probabilities
        seen: dict[str, set[str]] = {}
        for row, name in enumerate(self._names(result)):
            labels, active = result.scores.labels, result.active[row]
            seen[name] = {label for label, on in zip(labels, active, strict=True) if on}
            sample = [*_leading(result, row), *probabilities[row].tolist(), *map(float, active)]
            if self._neutral:
                unknown, found = [float("nan")] * len(labels), result.calibrated
                sample += unknown if found is None else found.values[row].tolist()
            self._outlet(name).push_sample(sample, stamp_s)
        for name in sorted({*seen, *self._active}):
            now, before = seen.get(name, set()), self._active.get(name, set())
            changes = [(label, "on") for label in sorted(now - before)]
            changes += [(label, "off") for label in sorted(before - now)]
            for label, change in changes:
                self._markers.push_sample([f"{label} {change} {name}"], stamp_s)
        self._active = {name: labels for name, labels in seen.items() if labels}
        for marker in result.markers:
            at_s = stamp_s + marker.time_s - result.frame.time_s
            self._markers.push_sample([marker.label], at_s)

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Closes the outlets and the inlet; may be called twice."""
        if self._inlet is not None:
            self._inlet.close()
        self._outlets.clear()
        self._markers = None

    def _stamp_s(self, result: FrameResult) -> float:
        """Returns the time of a frame on LSL's clock: of its capture, or of a file played once."""
        if result.received_s is not None:
            return float(result.received_s + self._clock_offset_s)
        if self._start_s is None:
            self._start_s = pylsl.local_clock() - result.frame.time_s
        return float(self._start_s + result.frame.time_s)

    def _names(self, result: FrameResult) -> list[str]:
        """Returns the outlet of each face: its seat, or the lowest number that is free."""
        faces = result.faces
        ids = result.track_ids
        self._slots = {one: slot for one, slot in self._slots.items() if one in ids}
        names = []
        for row, track_id in enumerate(ids):
            seat = faces.seat_of(row)
            if seat is None and track_id not in self._slots:
                taken = set(self._slots.values())
                free = next(n for n in range(1, len(ids) + 1) if str(n) not in taken)
                self._slots[track_id] = str(free)
            names.append(seat if seat is not None else self._slots[track_id])
        return names

    def _outlet(self, name: str) -> Any:
        if name not in self._outlets:
            channels = [*LEADING]
            channels += [(f"{label}_p", "AU", "probability") for label in self._contract.labels]
            channels += [(f"{label}_c", "AU", "0 or 1") for label in self._contract.labels]
            if self._neutral:
                channels += [(f"{label}_n", "AU", "probability") for label in self._contract.labels]
            info = pylsl.StreamInfo(
                f"rtau {name}", TYPE, len(channels), pylsl.IRREGULAR_RATE, "float32",
                f"{SOURCE_ID}{self._source}-{name}",
            )  # fmt: skip
            self._describe(info)
            parent = info.desc().append_child("channels")
            for label, kind, unit in channels:
                channel = parent.append_child("channel")
                channel.append_child_value("label", label)
                channel.append_child_value("type", kind)
                channel.append_child_value("unit", unit)
            self._outlets[name] = pylsl.StreamOutlet(info)
        return self._outlets[name]

    def _marker_outlet(self) -> Any:
        info = pylsl.StreamInfo(
            "rtau markers", MARKER_TYPE, 1, pylsl.IRREGULAR_RATE, "string",
            f"{SOURCE_ID}{self._source}-markers",
        )  # fmt: skip
        self._describe(info)
        return pylsl.StreamOutlet(info)

    def _describe(self, info: Any) -> None:
        acquisition = info.desc().append_child("acquisition")
        for key, value in {
            "manufacturer": "rtau",
            "software": f"rtau {__version__}",
            "source": self._source,
            "model": self._contract.name,
            "weights_sha256": self._contract.weights_sha256,
            "device": self._device,
        }.items():
            acquisition.append_child_value(key, value)
        synchronization = info.desc().append_child("synchronization")
        synchronization.append_child_value("can_drop_samples", "true")


class MarkerInlet:
    """Takes in the markers of other programs; `poll` is called again and again by a thread."""

    def __init__(self, markers: Markers, *, name: str) -> None:
        """Looks for marker streams of a name, in the background; `*` means any."""
        silence()
        self._markers = markers
        self._name = name
        self._resolver = pylsl.ContinuousResolver(prop="type", value=MARKER_TYPE)
        self._inlets: dict[str, Any] = {}
        self._clock_offset_s = pylsl.local_clock() - time.perf_counter()

    def poll(self) -> None:
        """Opens what is new, and adds what has come."""
        for info in self._resolver.results():
            is_own = info.source_id().startswith(SOURCE_ID)
            if info.uid() in self._inlets or is_own or self._name not in ("*", info.name()):
                continue
            # Times are brought to this machine's clock.
            inlet = pylsl.StreamInlet(info, max_buflen=60, processing_flags=pylsl.proc_clocksync)
            inlet.open_stream(timeout=5.0)
            self._inlets[info.uid()] = inlet
        for inlet in self._inlets.values():
            samples, stamps_s = inlet.pull_chunk(timeout=0.0)
            for sample, stamp_s in zip(samples or (), stamps_s or (), strict=True):
                text = " ".join(str(part) for part in sample)
                self._markers.add(text, at_s=stamp_s - self._clock_offset_s)


def _leading(result: FrameResult, row: int) -> list[float]:
    faces = result.faces
    x0, y0, x1, y1 = faces.boxes_xyxy[row].tolist()
    presence = float("nan") if faces.scores is None else float(faces.scores[row])
    return [
        float(result.frame.index + 1),
        float(result.track_ids[row]),
        presence,
        x0,
        y0,
        x1 - x0,
        y1 - y0,
        faces.roll_of(row),
    ]
