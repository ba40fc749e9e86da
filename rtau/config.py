"""The settings of a run: frozen records with the default, range and help text of each setting.

Flags, `--config` files (`rtau.config_file`) and the documentation are generated from these fields.
Values are checked once, when the records are built.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from rtau.errors import ConfigError
from rtau.seats import parse_seats
from rtau.strict_parser import StrictParser

View = Literal["auto", "window", "terminal", "none"]
Policy = Literal["auto", "wait", "drop"]
CsvStyle = Literal["rtau", "openface", "openface-spaces"]
ShapeNames = Literal["arkit", "unified"]
DecideBy = Literal["p", "n"]
# Where `--serve` listens: this machine alone can connect.
SERVE_ADDRESS = "127.0.0.1:8765"


def setting(
    default: Any,
    description: str,
    *,
    low: float | None = None,
    high: float | None = None,
    metavar: str | None = None,
    bare: str | None = None,
) -> Any:
    """Returns a dataclass field with its help text and its range, both ends included.

    `bare` is the value of a flag that is given without one; None if it needs one.
    """
    meta = {"description": description, "low": low, "high": high, "metavar": metavar, "bare": bare}
    return dataclasses.field(default=default, metadata=meta)


@dataclasses.dataclass(frozen=True, slots=True)
class SourceConfig:
    """How frames are read."""

    width: int | None = setting(None, "requested camera width, px", low=1, metavar="PX")
    height: int | None = setting(None, "requested camera height, px", low=1, metavar="PX")
    fps: float | None = setting(
        None, "requested camera frame rate, frames per second", low=0.1, high=1000
    )
    policy: Policy = setting(
        "auto",
        "when frames arrive faster than they are processed: wait (process every frame) or drop "
        "(process the newest); auto: wait for files, drop for cameras and streams",
    )
    max_frames: int | None = setting(None, "maximum number of frames", low=1, metavar="N")
    start: float = setting(0.0, "begin at this time of the video, seconds", low=0, metavar="S")
    end: float | None = setting(None, "end before this time, seconds", low=0, metavar="S")
    every: int = setting(
        1, "process every N-th frame only; all are decoded", low=1, high=10_000, metavar="N"
    )
    timeout_s: float = setting(
        5.0, "timeout for a frame of a camera or stream, seconds", low=0.1, high=600, metavar="S"
    )
    reconnects: int = setting(
        5, "maximum reconnection attempts to a lost stream", low=0, high=1000, metavar="N"
    )

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise ConfigError(f"--end must be after --start {self.start:g}, got {self.end:g}")


@dataclasses.dataclass(frozen=True, slots=True)
class FindConfig:
    """How faces are detected and tracked."""

    min_face: str = setting(
        "auto",
        "minimum face size: px (`60`), a share of the frame height (`12%`), or auto: 1/12 of the "
        "shorter side of the frame, of an image down to 1/48 or 24 px while smaller faces turn up",
        metavar="SIZE",
    )
    detect_every: float = setting(
        0.3,
        "interval between face detections, seconds of video; 0: full-frame detection in every "
        "frame. While a face is tracked, detection covers only the regions that have changed",
        low=0,
        high=5,
        metavar="S",
    )
    min_confidence: float = setting(
        0.5,
        "least probability that a reported face is a face",
        low=0,
        high=1,
        metavar="P",
    )
    max_faces: int = setting(
        0, "faces reported per frame at most, the largest first; 0 = all", low=0, high=1000
    )
    seat: tuple[str, ...] = setting(
        (),
        "name a region of the frame: left=0,0,0.5,1 (fractions; x0,y0,x1,y1). Faces in it have "
        "its name in the column `seat`; may be given several times",
        metavar="NAME=BOX",
    )
    faces: Path | None = setting(
        None, "use the face boxes of this CSV, written by rtau, instead of detection", metavar="CSV"
    )

    def __post_init__(self) -> None:
        parse_seats(self.seat)


@dataclasses.dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model scores the faces, and on what it runs."""

    model: str = setting(
        "shufflenetv2-au14", "name of a bundled model, or a model file", metavar="MODEL"
    )
    provider: str = setting(
        "auto",
        "execution provider of the model (cpu, cuda, ...), an error if it is not available; "
        "auto: the best available",
    )
    threads: int = setting(
        0,
        "threads of the model; 0: chosen by the backend, one per core, or half as many for a small "
        "model in ONNX Runtime",
        low=0,
        high=256,
        metavar="N",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class DecideConfig:
    """How probabilities become decisions."""

    smooth: float = setting(
        0.0,
        "time constant of exponential smoothing of the probabilities, seconds; 0: off",
        low=0,
        high=10,
        metavar="S",
    )
    hysteresis: float = setting(
        0.0,
        "hysteresis: an active AU stays active until its probability is this share of the "
        "threshold under it, 0.4: down to 60% of it; 0: off",
        low=0,
        high=0.9,
        metavar="SHARE",
    )
    neutral: str | None = setting(
        None,
        "the person's own neutral face, for the columns `_n`: seconds of the source (0-5), a "
        "picture or clip of the person, or a file that an earlier run wrote (.neutral.toml)",
        metavar="WHAT",
    )
    steady: bool = setting(
        True,
        "smoothing and hysteresis for the decisions in views and annotated videos, where neither "
        "is set (docs/steady.md); tables keep p >= threshold",
    )
    decide_by: DecideBy = setting(
        "p",
        "which probabilities decide: p, the raw ones, or n, those relative to the person's neutral "
        "where one is known",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class OverlayConfig:
    """What is drawn on the annotated frames."""

    heatmap: str = setting(
        "none",
        "heatmap to draw: none, top (the active AU with the highest probability) or a label such "
        "as AU12",
        metavar="AU",
    )
    heatmap_hz: float = setting(
        10.0, "maximum refresh rate of the heatmap, Hz", low=0.1, high=1000, metavar="HZ"
    )
    blur: bool = setting(False, "blur faces in the annotated output; AUs are not affected")
    bars: bool = setting(True, "draw AU bars beside each face")
    points: bool = setting(
        False, "draw the 68 landmarks of each face (needs a model with landmarks)"
    )


@dataclasses.dataclass(frozen=True, slots=True)
class OutputConfig:
    """Where results go; no other file is written."""

    out: Path | None = setting(None, "annotated H.264 video", metavar="MP4")
    audio: bool = setting(True, "keep the sound of the source in the annotated video")
    csv: str | None = setting(
        None, "table of results with OpenFace's column names; - for standard output"
    )
    csv_style: CsvStyle = setting(
        "rtau",
        "columns of --csv; openface: those of OpenFace 2.2 in its order, a row per frame, with "
        "zeros where no face is; openface-spaces: the same with a space before each name but the "
        "first",
    )
    parquet: Path | None = setting(
        None, "the table of --csv as a Parquet file (needs pyarrow)", metavar="FILE"
    )
    jsonl: str | None = setting(
        None, "results as JSON lines, one per frame; - for standard output", metavar="FILE"
    )
    landmarks: bool = setting(
        False,
        "write the 68 landmarks of each face to tables and --jsonl (needs a model with landmarks)",
    )
    sides: bool = setting(
        False,
        "the intensity on the left and on the right of each face, of the AUs whose sides the model "
        "tells apart, in tables, --jsonl and streams (three times the network's time)",
    )
    record: Path | None = setting(
        None,
        "run record: versions, settings, counts and times (default: beside --out, --csv, "
        "--parquet or --jsonl)",
        metavar="JSON",
    )
    view: View = setting(
        "auto",
        "live view; auto: window or terminal for cameras, for files the terminal if no output is "
        "named; none: a progress bar",
    )
    encoder: str = setting("libx264", "H.264 encoder (libx264, libopenh264, h264_nvenc, ...)")
    crf: int = setting(
        20, "constant rate factor of libx264: 0 lossless, 51 worst", low=0, high=51, metavar="N"
    )
    preset: str = setting("veryfast", "speed preset of libx264 (ultrafast ... veryslow)")
    encoder_threads: int = setting(
        0,
        "threads of the encoder; 0: chosen by the number of cores and the frame size",
        low=0,
        high=256,
        metavar="N",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class StreamConfig:
    """Where results go while the run goes on; nothing waits for a receiver."""

    serve: str | None = setting(
        None,
        "serve a dashboard and the results over WebSocket at this address "
        f"({SERVE_ADDRESS} if none is given)",
        metavar="HOST:PORT",
        bare=SERVE_ADDRESS,
    )
    serve_video: bool = setting(
        False, "send the annotated picture to the dashboard too; without it no picture leaves"
    )
    token: str | None = setting(
        None, "secret that --serve asks for; needed for other addresses than this machine's own"
    )
    osc: str | None = setting(None, "send the results as OSC over UDP", metavar="HOST:PORT")
    vmc: str | None = setting(
        None,
        "send one face as blend shapes of an avatar (VMC over UDP, usually port 39539)",
        metavar="HOST:PORT",
    )
    names: ShapeNames = setting("arkit", "names of the blend shapes of --vmc")
    lsl: bool = setting(False, "stream the results over the Lab Streaming Layer")
    lsl_markers: str | None = setting(
        None,
        "take in the markers of this LSL stream, or of all (*) if none is named",
        metavar="NAME",
        bare="*",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class RunConfig:
    """All settings of a run, as kept in its run record."""

    source: SourceConfig = dataclasses.field(default_factory=SourceConfig)
    find: FindConfig = dataclasses.field(default_factory=FindConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    decide: DecideConfig = dataclasses.field(default_factory=DecideConfig)
    overlay: OverlayConfig = dataclasses.field(default_factory=OverlayConfig)
    output: OutputConfig = dataclasses.field(default_factory=OutputConfig)
    stream: StreamConfig = dataclasses.field(default_factory=StreamConfig)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Returns plain values by section and key, for JSON; no secret is among them."""
        values = {
            section: {key: _plain(value) for key, value in values.items()}
            for section, values in dataclasses.asdict(self).items()
        }
        if self.stream.token is not None:
            values["stream"]["token"] = "***"  # noqa: S105 - it stands for one
        return values


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value  # as JSON gives it back


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as a flag and a line of a config file are generated from it."""

    section: str
    key: str
    hint: Any
    default: Any
    description: str
    low: float | None
    high: float | None
    metavar: str | None
    bare: str | None

    @property
    def flag(self) -> str:
        """The flag on the command line: `--min-face`."""
        return flag_of(self.key)

    @property
    def kind(self) -> type:
        """The type of a value: the declared type without `None`; str for literals and lists."""
        if typing.get_origin(self.hint) is Literal or self.is_repeated:
            return str
        if typing.get_origin(self.hint) in (typing.Union, types.UnionType):
            inside = typing.get_args(self.hint)
            return typing.cast(type, next(arg for arg in inside if arg is not type(None)))
        return typing.cast(type, self.hint)

    @property
    def is_repeated(self) -> bool:
        """True for a list of texts: its flag may be given several times."""
        return typing.get_origin(self.hint) is tuple

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values; empty where every value of the type is allowed."""
        return typing.get_args(self.hint) if typing.get_origin(self.hint) is Literal else ()


def settings() -> Iterator[Setting]:
    """Yields every setting of a run, in the order of the records."""
    for section in dataclasses.fields(RunConfig):
        kind = typing.get_type_hints(RunConfig)[section.name]
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            yield Setting(
                section=section.name,
                key=field.name,
                hint=hints[field.name],
                default=field.default,
                **field.metadata,
            )


def flag_of(path: str, /) -> str:
    """Returns the flag of a setting: `--timeout` for `source.timeout_s`."""
    return f"--{path.rpartition('.')[2].removesuffix('_s').replace('_', '-')}"


def build(
    values: Mapping[tuple[str, str], Any], *, name_of: Callable[[str], str] = flag_of
) -> RunConfig:
    """Returns the config for given values by (section, key), with defaults for the others.

    Args:
        values: what was given.
        name_of: turns `section.key` into the name of a setting in errors: its flag.

    Raises:
        ConfigError: a value has the wrong type or lies outside its range.
    """
    sections: dict[str, dict[str, Any]] = {}
    for (section, key), value in values.items():
        if isinstance(value, (str, Path)) and "\0" in str(value):
            name = name_of(f"{section}.{key}")
            raise ConfigError(f"{name} must be a text without zero bytes, got {str(value)!r}")
        sections.setdefault(section, {})[key] = value
    return StrictParser(name_of=name_of).parse(RunConfig, sections)
