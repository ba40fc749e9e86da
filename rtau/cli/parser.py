"""The parser of the `rtau` command, generated from the settings of `rtau.config`.

Imports no heavy library, so that `rtau --help` is fast. `main` calls it, and the tests of the
documents parse every command in them with it.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from rtau import __version__
from rtau.argument_parser import StrictArgumentParser
from rtau.cli import analysis_parser
from rtau.config import RunConfig, Setting, build, settings
from rtau.config_file import read_toml
from rtau.errors import UsageError

MAX_JOBS = 4096

VERBS = {
    "video": "score video files and write annotated video, a table or JSON lines",
    "webcam": "score a camera or a stream live",
    "image": "score single images or folders of images",
    **analysis_parser.VERBS,
    "inspect": "show the contract of a model",
    "doctor": "check this machine: versions, providers, codecs, cameras, package conflicts",
    "bench": "measure the speed of this machine: stages, whole runs, live",
}

# Whether `rtau bench` compares with MediaPipe.
PEERS = ("auto", "none")

EPILOG = "AUs describe visible muscle actions; they are not emotions. See docs/uses.md."


class _Parser(StrictArgumentParser):
    """A parser that knows a source where a verb is missing."""

    def verb_hint(self, word: str) -> str:
        """Returns what to give instead of a word that is no verb."""
        verb = _verb_for(word)
        return f"did you mean `rtau {verb} {word}`?" if verb else super().verb_hint(word)


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all verbs; `args.verb` is the chosen one."""
    parser = _Parser(
        prog="rtau",
        description="Real-time detector of facial Action Units (FACS).",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"rtau {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, line in VERBS.items():
        child = verbs.add_parser(verb, help=line, description=f"{line[0].upper()}{line[1:]}.")
        _ADDERS[verb](child)
        child.add_argument(
            "--verbose", action="store_true", help="show the messages of the libraries too"
        )
    return parser


def config_of(args: argparse.Namespace) -> RunConfig:
    """Returns the settings of a parsed command line: defaults, then the config file, then flags.

    Raises:
        ConfigError: the config file is invalid, or a value is out of range.
    """
    from_file = {} if args.config is None else read_toml(args.config)
    return build({**from_file, **given_values(args)})


def given_values(args: argparse.Namespace) -> dict[tuple[str, str], Any]:
    """Returns the settings that were given as flags, by (section, key)."""
    return {
        (item.section, item.key): getattr(args, _dest(item))
        for item in settings()
        if hasattr(args, _dest(item))
    }


def _add_video(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        type=_source,
        metavar="SOURCE",
        help="video files, folders or globs such as '*.mp4'",
    )
    _add_settings(parser, without=("width", "height", "fps"))
    _add_batch(parser.add_argument_group("many files"))


def _add_batch(group: Any) -> None:
    group.add_argument(
        "--out-dir",
        type=_named_path,
        metavar="DIR",
        help="folder for the results of each file, in the same tree as the sources",
    )
    group.add_argument(
        "--write",
        metavar="KINDS",
        help="results per file, comma-separated: mp4, csv, parquet, jsonl (default: mp4,csv)",
    )
    group.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="files processed in parallel; 0: one per core (default: 1, with --cluster 0)",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="skip files with a complete run record of the same file, model and settings",
    )
    group.add_argument(
        "--fail-fast", action="store_true", help="start no further file after a failure"
    )
    group.add_argument(
        "--merge",
        action="store_true",
        help="in the end, write the rows of all files to all.csv and their summary to summary.csv",
    )
    group.add_argument(
        "--full-names",
        action="store_true",
        help="keep the suffix of the source in all result names, a.mov.csv instead of a.csv "
        "(default: only where a.mov and a.mp4 lie in one folder)",
    )
    group.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="run on a Ray cluster: auto (the one this machine is part of), HOST:PORT, or local "
        "(start one on this machine)",
    )


def _verb_for(word: str) -> str | None:
    """Returns the verb for a word that is a file, a folder or an address; None for others."""
    sources = importlib.import_module("rtau.sources")  # loads numpy, which `--help` does without
    try:
        if sources.is_address(word):
            return "webcam"
    except UsageError:  # an address of another kind
        return None
    path = Path(word)
    suffix = path.suffix.lower()
    for verb, suffixes in (
        ("video", sources.VIDEO_SUFFIXES),
        ("image", sources.IMAGE_SUFFIXES),
        ("report", sources.TABLE_SUFFIXES),
    ):
        if suffix in suffixes:
            return verb
    return "video" if path.is_dir() else None


def _source(text: str) -> str:
    if not text:  # an unset variable of a shell; as a path it would be the current folder
        raise argparse.ArgumentTypeError("must name a file or a folder, got ''")
    return text


def _named_path(text: str) -> Path:
    return Path(_source(text))


def _jobs(text: str) -> int:
    jobs = int(text)
    if not 0 <= jobs <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"must lie in [0, {MAX_JOBS}], got {jobs}")
    return jobs


def _add_webcam(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        nargs="?",
        default="0",
        metavar="CAMERA",
        help="camera number, /dev/videoN, rtsp:// or http:// address, or GStreamer pipeline",
    )
    _add_settings(parser, without=("faces", "start", "end", "every"))


def _add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        type=_source,
        metavar="PATH",
        help="image files, folders or globs such as '*.jpg'",
    )
    parser.add_argument(
        "--out", type=_named_path, metavar="PICTURE", help="the annotated picture of one image"
    )
    parser.add_argument(
        "--out-dir", type=_named_path, metavar="DIR", help="folder for the annotated images"
    )
    detection = ("min_face", "seat", "model", "provider", "threads")
    overlay = ("heatmap", "blur", "bars", "points")
    kept = (
        *detection,
        *overlay,
        "neutral",
        "decide_by",
        "csv",
        "parquet",
        "jsonl",
        "landmarks",
        "sides",
        "record",
    )
    _add_settings(parser, without=[item.key for item in settings() if item.key not in kept])


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="name of a bundled model, or a model file")
    parser.add_argument("--json", action="store_true", help="print the contract as JSON")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--gpu",
        action="store_true",
        help="run models on the NVIDIA GPU with every backend, and compare results and times",
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="with --gpu: model and engine files (default: the bundled models)",
    )


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clip",
        nargs="?",
        type=Path,
        metavar="CLIP",
        help="video to measure on, tiled to --faces and --sizes if given (default: rendered)",
    )
    parser.add_argument(
        "--model",
        default="shufflenetv2-au14",
        help="name of a bundled model, or a model file (default: shufflenetv2-au14)",
    )
    parser.add_argument(
        "--provider", default="auto", help="execution provider of the model (default: auto)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=0,
        metavar="N",
        help="threads of the model; 0: one per core (default: 0)",
    )
    parser.add_argument(
        "--faces", metavar="N,N", help="numbers of faces in the clips (default: 1,4)"
    )
    parser.add_argument(
        "--sizes", metavar="WxH,WxH", help="sizes of the clips, px (default: 640x360,1280x720)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=1.0,
        metavar="S",
        help="measuring time per result, seconds (default: 1)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=150,
        metavar="N",
        help="length of generated clips, frames (default: 150)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON")
    parser.add_argument(
        "--peer",
        choices=PEERS,
        default=PEERS[0],
        help="auto: compare with MediaPipe if it is installed; none: do not (default: auto)",
    )


def _add_settings(parser: argparse.ArgumentParser, *, without: Any) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="TOML", help="file of settings; flags override it"
    )
    groups: dict[str, Any] = {}
    for item in settings():
        if item.key in without:
            continue
        if item.section not in groups:
            groups[item.section] = parser.add_argument_group(item.section)
        _add_flag(groups[item.section], item)


def _add_flag(group: Any, item: Setting) -> None:
    """Adds one flag without a default, so that the value of a config file is not overridden."""
    default = "" if item.default in (None, ()) else f" (default: {_text(item.default)})"
    kind: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
    if not isinstance(item.default, bool):
        metavar = item.metavar if item.metavar or item.choices else item.key.upper()
        kind = {"type": item.kind, "choices": item.choices or None, "metavar": metavar}
    if item.is_repeated:
        kind["action"] = "append"
    if item.bare is not None:
        kind |= {"nargs": "?", "const": item.bare}
    group.add_argument(
        item.flag,
        dest=_dest(item),
        default=argparse.SUPPRESS,
        help=f"{item.description}{default}".replace("%", "%%"),
        **kind,
    )


def _text(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(default)


def _dest(item: Setting) -> str:
    return f"setting_{item.section}_{item.key}"


_ADDERS = {
    "video": _add_video,
    "webcam": _add_webcam,
    "image": _add_image,
    "summary": analysis_parser.add_summary,
    "events": analysis_parser.add_events,
    "report": analysis_parser.add_report,
    "rebaseline": analysis_parser.add_rebaseline,
    "compare": analysis_parser.add_compare,
    "inspect": _add_inspect,
    "doctor": _add_doctor,
    "bench": _add_bench,
}
