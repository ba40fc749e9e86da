"""The command line of training: `rtau-train` and its verbs.

Turns errors into one line and an exit code (0 done, 1 failed, 2 usage, 130 interrupted); every
family of verbs parses for itself. Results go to stdout or files, progress to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rtau.argument_parser import StrictArgumentParser
from rtau.errors import RtauError
from rtau_train.commands import (
    cam_quality,
    card,
    curve,
    evaluate,
    explain,
    fit,
    label_geometry,
    prepare,
    report,
    study,
    suggest,
    synth,
    warp,
)
from rtau_train.face_alignment import command as face_alignment
from rtau_train.face_occlusion import command as face_occlusion

INTERRUPTED = 130
# In the order `--help` lists their verbs.
FAMILIES = (
    prepare,
    suggest,
    label_geometry,
    fit,
    curve,
    evaluate,
    card,
    explain,
    cam_quality,
    study,
    report,
    synth,
    warp,
    face_alignment,
    face_occlusion,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code of one command."""
    arguments = build_parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except RtauError as error:
        print(f"rtau-train: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"rtau-train: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "rtau-train: interrupted; `fit --resume` and the other verbs, repeated, go on",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all verbs."""
    parser: argparse.ArgumentParser = StrictArgumentParser(
        prog="rtau-train", description="Train and judge the networks that rtau runs."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for family in FAMILIES:
        family.add_verbs(verbs)
    return parser
