"""The parser of the `rtau` command, made from the settings of `rtau.config`.

Imports nothing heavy, so that `rtau --help` answers at once; runs nothing. `main` calls it, and the
tests of the documents parse every command in the README with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rtau import __version__
from rtau.config import Setting, settings

CAMERA_KEYS = ("width", "height", "fps", "timeout_s", "reconnects")
# Settings of one file's outputs, which a folder of many results has no use for.
SINGLE_OUTPUT_KEYS = ("out", "record")

MOST_JOBS = 4096

VERBS = {
    "video": "score video files: to an annotated video, a table, JSON lines",
    "webcam": "score a camera or a stream live",
    "image": "score single images or folders of them",
    "inspect": "show a model's contract",
    "doctor": "check this machine: versions, providers, codecs, cameras, conflicts",
    "bench": "measure how fast this machine is: every stage, whole runs, live",
}

# Whether `rtau bench` compares with the peer.
PEERS = ("auto", "none")

EPILOG = "AUs describe visible muscle actions; they are not emotions. See docs/uses.md."


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of every verb; `args.verb` says which was chosen."""
    parser = argparse.ArgumentParser(
        prog="rtau",
        description="Real-time detector of facial Action Units (FACS).",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"rtau {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, words in VERBS.items():
        child = verbs.add_parser(verb, help=words, description=f"{words[0].upper()}{words[1:]}.")
        _ADDERS[verb](child)
    return parser


def given_values(args: argparse.Namespace) -> dict[tuple[str, str], Any]:
    """Returns the settings that were given as flags, by (section, key)."""
    return {
        (item.section, item.key): getattr(args, _dest(item))
        for item in settings()
        if hasattr(args, _dest(item))
    }


def _add_video(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="video files, folders or globs such as '*.mp4'"
    )
    _add_settings(parser, without=("width", "height", "fps"))
    _add_batch(parser.add_argument_group("many files"))


def _add_batch(group: Any) -> None:
    group.add_argument(
        "--out-dir",
        type=Path,
        metavar="DIR",
        help="a folder for the results of each file, in the tree of the sources",
    )
    group.add_argument(
        "--write", metavar="KINDS", help="results of each file: mp4, csv, jsonl (default: mp4,csv)"
    )
    group.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="files at a time; 0 = one per core (default: 1, on a cluster 0)",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="skip files whose run record says they are done: same file, model and settings",
    )
    group.add_argument(
        "--fail-fast", action="store_true", help="begin no further file after one has failed"
    )
    group.add_argument(
        "--full-names",
        action="store_true",
        help="name results a.mov.csv instead of a.csv, where a.mp4 lies beside a.mov",
    )
    group.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="work on a Ray cluster: auto, HOST:PORT, or local to try it on this machine",
    )


def _jobs(text: str) -> int:
    jobs = int(text)
    if not 0 <= jobs <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"must lie in [0, {MOST_JOBS}], got {jobs}")
    return jobs


def _add_webcam(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        nargs="?",
        default="0",
        metavar="CAMERA",
        help="camera number, /dev/videoN, rtsp:// or http:// address, or GStreamer pipeline",
    )
    _add_settings(parser, without=("faces",))


def _add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", nargs="+", metavar="PATH", help="image files, folders or globs such as '*.jpg'"
    )
    parser.add_argument(
        "--out-dir", type=Path, metavar="DIR", help="folder for the annotated images"
    )
    found = ("min_face", "model", "provider", "threads")
    drawn = ("heatmap", "blur", "bars", "points")
    wanted = (*found, *drawn, "csv", "jsonl", "landmarks", "record")
    _add_settings(parser, without=[item.key for item in settings() if item.key not in wanted])


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a bundled model's name or a model file")
    parser.add_argument("--json", action="store_true", help="print the contract as JSON")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--gpu",
        action="store_true",
        help="run models on this machine's NVIDIA GPU: compare and time every backend",
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="with --gpu: engines and models (default: ours)"
    )


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clip",
        nargs="?",
        type=Path,
        metavar="CLIP",
        help="video to measure on; as it is, or with --faces or --sizes tiled (default: drawn)",
    )
    parser.add_argument("--model", default="shufflenetv2-au12", help="bundled name or model file")
    parser.add_argument("--provider", default="auto", help="what must execute the model")
    parser.add_argument("--threads", type=int, default=0, help="threads for the model; 0 = cores")
    parser.add_argument("--faces", metavar="N,N", help="faces in the clips (default: 1,4)")
    parser.add_argument(
        "--sizes", metavar="WxH,WxH", help="sizes of the clips, px (default: 640x360,1280x720)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="time per figure (default: 1)"
    )
    parser.add_argument(
        "--frames", type=int, default=150, metavar="N", help="length of made clips (default: 150)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the record there")
    parser.add_argument(
        "--peer",
        choices=PEERS,
        default=PEERS[0],
        help="auto: compare with MediaPipe where it is installed; none: without (default: auto)",
    )


def _add_settings(parser: argparse.ArgumentParser, *, without: Any) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="TOML", help="file of settings; flags win over it"
    )
    groups: dict[str, Any] = {}
    for item in settings():
        if item.key in without:
            continue
        if item.section not in groups:
            groups[item.section] = parser.add_argument_group(item.section)
        _add_flag(groups[item.section], item)


def _add_flag(group: Any, item: Setting) -> None:
    """Adds one flag; a flag that is not given leaves no trace, so a config file can speak."""
    words = item.words.replace("%", "%%")
    if isinstance(item.default, bool):
        group.add_argument(
            item.flag,
            dest=_dest(item),
            action=argparse.BooleanOptionalAction,
            default=argparse.SUPPRESS,
            help=words,
        )
        return
    shown = "" if item.default is None else f" (default: {item.default})"
    group.add_argument(
        item.flag,
        dest=_dest(item),
        type=item.kind,
        choices=item.choices or None,
        metavar=item.metavar if item.metavar or item.choices else item.key.upper(),
        default=argparse.SUPPRESS,
        help=words + shown.replace("%", "%%"),
    )


def _dest(item: Setting) -> str:
    return f"setting_{item.section}_{item.key}"


_ADDERS = {
    "video": _add_video,
    "webcam": _add_webcam,
    "image": _add_image,
    "inspect": _add_inspect,
    "doctor": _add_doctor,
    "bench": _add_bench,
}
