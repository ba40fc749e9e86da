"""One run's settings: frozen records, a default and a range for each, written here and only here.

Flags, `--config` files (TOML) and the documentation are all made from these fields. Values are
parsed and checked once, when the records are made; nothing after that checks again.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from rtau.errors import ConfigError
from rtau.strict_parser import StrictParser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

View = Literal["auto", "window", "terminal", "none"]
Policy = Literal["auto", "wait", "drop"]
Follow = Literal["haar", "landmarks"]


def setting(
    default: Any,
    words: str,
    *,
    low: float | None = None,
    high: float | None = None,
    metavar: str | None = None,
) -> Any:
    """Returns a dataclass field with its help text and its allowed range (both ends included)."""
    meta = {"words": words, "low": low, "high": high, "metavar": metavar}
    return dataclasses.field(default=default, metadata=meta)


@dataclasses.dataclass(frozen=True, slots=True)
class SourceConfig:
    """How frames come in."""

    width: int | None = setting(None, "width to ask of a camera, px", low=1, metavar="PX")
    height: int | None = setting(None, "height to ask of a camera, px", low=1, metavar="PX")
    fps: float | None = setting(None, "frame rate to ask of a camera", low=0.1, high=1000)
    policy: Policy = setting(
        "auto",
        "full queue: wait (every frame is processed) or drop (the newest wins); "
        "auto waits for files and drops for cameras",
    )
    max_frames: int | None = setting(None, "stop after this many frames", low=1, metavar="N")
    timeout_s: float = setting(
        5.0, "longest wait for a frame of a camera or stream, seconds", low=0.1, high=600
    )
    reconnects: int = setting(5, "how often a lost stream is opened again", low=0, high=1000)


@dataclasses.dataclass(frozen=True, slots=True)
class FindConfig:
    """How faces are found."""

    min_face: str = setting(
        "auto",
        "smallest face looked for: px (`60`), a share of the frame's height (`12%`) or auto",
        metavar="SIZE",
    )
    detect_every: float = setting(
        0.3,
        "seconds of video between searches: of the whole frame, or of what has changed while a "
        "face is seen; 0 searches every frame, and whole",
        low=0,
        high=5,
        metavar="S",
    )
    follow: Follow = setting(
        "haar",
        "how a known face is followed between those searches: haar looks around it, "
        "landmarks goes by its points in the frame before, if the model has them",
    )
    faces: Path | None = setting(
        None, "replay the face boxes of this CSV instead of detecting", metavar="CSV"
    )


@dataclasses.dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model judges the faces, and where it runs."""

    model: str = setting(
        "shufflenetv2-au12", "a bundled model's name or a model file", metavar="MODEL"
    )
    provider: str = setting(
        "auto", "what must execute the model (cpu, cuda, ...); an error if it is not used"
    )
    threads: int = setting(
        0,
        "threads for the model; 0 = the backend's choice: one per core, in ONNX Runtime half of "
        "them for a small model",
        low=0,
        high=256,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class DecideConfig:
    """How probabilities become decisions."""

    smooth: float = setting(
        0.0,
        "time constant of a moving average over probabilities, seconds; 0 = off",
        low=0,
        high=10,
        metavar="S",
    )
    hysteresis: float = setting(
        0.0,
        "how far under its threshold an active AU may fall and stay active; 0 = off",
        low=0,
        high=0.5,
        metavar="P",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class OverlayConfig:
    """What is drawn into the annotated picture."""

    heatmap: str = setting(
        "none",
        "heatmap to draw: none, top (the strongest active AU) or a label such as AU12",
        metavar="AU",
    )
    heatmap_hz: float = setting(
        10.0, "how often a heatmap is refreshed, per second", low=0.1, high=1000, metavar="HZ"
    )
    blur: bool = setting(False, "hide faces in the annotated picture; AUs are written all the same")
    bars: bool = setting(True, "draw AU bars beside each face")
    points: bool = setting(False, "draw the 68 landmarks of each face, if the model has them")


@dataclasses.dataclass(frozen=True, slots=True)
class OutputConfig:
    """Where results go. Nothing but what is named here touches the disk."""

    out: Path | None = setting(None, "annotated H.264 video to write", metavar="MP4")
    csv: str | None = setting(None, "table to write, OpenFace's columns; - for stdout")
    jsonl: str | None = setting(None, "JSON lines to write; - for stdout")
    landmarks: bool = setting(
        False, "write the 68 landmarks of each face into table and JSON lines"
    )
    record: Path | None = setting(
        None, "run record to write; default: beside --out or --csv", metavar="JSON"
    )
    view: View = setting("auto", "live view; auto: window or terminal for cameras, none for files")
    encoder: str = setting("libx264", "video encoder (h264_nvenc, libopenh264, ...)")
    crf: int = setting(20, "video quality of libx264: 0 lossless, 51 worst", low=0, high=51)
    preset: str = setting("veryfast", "speed preset of libx264")
    encoder_threads: int = setting(
        0, "threads of the video encoder; 0 chooses by cores and picture size", low=0, high=256
    )


@dataclasses.dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything one run is told; the run record keeps it whole."""

    source: SourceConfig = dataclasses.field(default_factory=SourceConfig)
    find: FindConfig = dataclasses.field(default_factory=FindConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    decide: DecideConfig = dataclasses.field(default_factory=DecideConfig)
    overlay: OverlayConfig = dataclasses.field(default_factory=OverlayConfig)
    output: OutputConfig = dataclasses.field(default_factory=OutputConfig)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Returns plain values by section and key, for JSON."""
        return {
            section: {
                key: str(value) if isinstance(value, Path) else value
                for key, value in values.items()
            }
            for section, values in dataclasses.asdict(self).items()
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One field of `RunConfig`: what a flag and a line of a config file are made from."""

    section: str
    key: str
    hint: Any
    default: Any
    words: str
    low: float | None
    high: float | None
    metavar: str | None

    @property
    def flag(self) -> str:
        """The flag on the command line: `--min-face`."""
        return flag_of(self.key)

    @property
    def kind(self) -> type:
        """The plain type of a value: the type itself without `None`, str for a choice of words."""
        if typing.get_origin(self.hint) is Literal:
            return str
        if typing.get_origin(self.hint) in (typing.Union, types.UnionType):
            inside = typing.get_args(self.hint)
            return typing.cast(type, next(arg for arg in inside if arg is not type(None)))
        return typing.cast(type, self.hint)

    @property
    def choices(self) -> tuple[str, ...]:
        """Allowed words, or nothing where any value of the type is allowed."""
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
    """Returns the config of given values by (section, key); everything else keeps its default.

    Args:
        values: what was given.
        name_of: turns `section.key` into the name of a setting in errors: its flag.

    Raises:
        ConfigError: a value has the wrong type or lies outside its range.
    """
    sections: dict[str, dict[str, Any]] = {}
    for (section, key), value in values.items():
        sections.setdefault(section, {})[key] = value
    return StrictParser(name_of=name_of).parse(RunConfig, sections)


def read_toml(path: Path) -> dict[tuple[str, str], Any]:
    """Returns the values of a config file by (section, key).

    Raises:
        ConfigError: unreadable, not TOML, a key that does not exist (the nearest is named), or a
            value that has the wrong type or lies outside its range.
    """
    try:
        payload = tomllib.loads(path.read_text(encoding="utf-8"))
        StrictParser().parse(RunConfig, payload)
    except OSError as error:
        raise ConfigError(f"{path}: the config cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file ({error})") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return {
        (section, key): value
        for section, content in payload.items()
        for key, value in content.items()
    }
