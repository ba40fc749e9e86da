"""The command line of export: `rtau-export onnx`, `rtau-export engine`, `rtau-export verify`.

Parses, hands over and turns errors into one line and an exit code (0 done, 1 failed or unequal,
2 usage, 130 interrupted). Only `onnx` loads torch: a device that builds or verifies has none.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import sys
import typing
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from rtau.argument_parser import StrictArgumentParser
from rtau.contract import CamMethod, CropRule
from rtau.errors import BackendUnavailable, RtauError, UsageError
from rtau_export import _engine_cli, _precision_cli, verify

INTERRUPTED = 130
DEFAULT_CAM = "gradcam"


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code of one command."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except RtauError as error:
        print(f"rtau-export: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"rtau-export: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rtau-export: interrupted, nothing was written", file=sys.stderr)
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all verbs."""
    parser: argparse.ArgumentParser = StrictArgumentParser(
        prog="rtau-export", description="Turn checkpoints into model files and prove them equal."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    write = verbs.add_parser("onnx", help="write a checkpoint as an ONNX file with its contract")
    write.add_argument(
        "checkpoint",
        type=Path,
        metavar="CHECKPOINT",
        help="folder of a run, or its model.pt with run.json beside it; or an fp32 NAME.onnx, to "
        "make fp16 or int8 without torch",
    )
    write.add_argument("--out", type=Path, required=True, metavar="NAME.onnx")
    write.add_argument(
        "--cam",
        choices=(*typing.get_args(CamMethod), "none"),
        default=DEFAULT_CAM,
        help="heatmaps inside the graph (default: %(default)s)",
    )
    write.add_argument(
        "--no-landmarks",
        dest="landmarks",
        action="store_false",
        help="leave out the 68 landmarks, where the network learnt them",
    )
    _precision_cli.add_flags(write)
    crop = write.add_argument_group("crop rule", "in place of the recipe's [shipping.haar_crop]")
    crop.add_argument("--crop-expand", type=float, metavar="FACTOR")
    crop.add_argument("--crop-offset-x", type=float, metavar="SIDES")
    crop.add_argument("--crop-offset-y", type=float, metavar="SIDES")
    write.set_defaults(run=_onnx)
    _engine_cli.add_verb(verbs)
    compare = verbs.add_parser("verify", help="compare model files on the same crops")
    compare.add_argument("model", metavar="MODEL", help="the reference: a file or a bundled name")
    compare.add_argument("others", nargs="+", metavar="OTHER")
    compare.add_argument("--provider", default="cpu", help="what executes them (default: cpu)")
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.set_defaults(run=_verify)
    return parser


def _onnx(arguments: argparse.Namespace) -> int:
    if arguments.checkpoint.suffix == ".onnx":
        _refuse_graph_flags(arguments)
        _precision_cli.reduce(arguments.checkpoint, arguments)
        print(arguments.out)
        return 0
    try:
        checkpoint = importlib.import_module("rtau_train.models.checkpoint")
        lab_record = importlib.import_module("rtau_train.fitting.lab_record")
        exporter = importlib.import_module("rtau_export.onnx")
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"`rtau-export onnx` needs the Python module {error.name!r}, which is not installed; "
            'install it: pip install "rtau[export]"'
        ) from None
    run: Path = arguments.checkpoint
    model = checkpoint.load_model(run)
    record = lab_record.read_record(run if run.is_dir() else run.parent)
    with _precision_cli.float32_target(arguments) as target:
        exporter.export(
            model,
            target,
            cam_method=None if arguments.cam == "none" else arguments.cam,
            crop=_crop_rule(model.recipe.shipping.haar_crop, arguments),
            landmarks=arguments.landmarks,
            record=record,
        )
    print(arguments.out)
    return 0


def _refuse_graph_flags(arguments: argparse.Namespace) -> None:
    """Raises UsageError for flags that need the checkpoint: an ONNX file's graph is made."""
    crops = (arguments.crop_expand, arguments.crop_offset_x, arguments.crop_offset_y)
    is_other = arguments.cam != DEFAULT_CAM or not arguments.landmarks
    if is_other or any(value is not None for value in crops):
        raise UsageError(
            f"{arguments.checkpoint}: --cam, landmarks and the crop rule are taken from an ONNX "
            "file as they are; give the checkpoint to change them"
        )


def _crop_rule(rule: CropRule, arguments: argparse.Namespace) -> CropRule:
    """Returns the recipe's rule with the values that were given on the command line."""
    given = {
        "expand": arguments.crop_expand,
        "offset_x": arguments.crop_offset_x,
        "offset_y": arguments.crop_offset_y,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(rule, **chosen)


def _verify(arguments: argparse.Namespace) -> int:
    found = verify.compare_files(arguments.model, arguments.others, provider=arguments.provider)
    if arguments.json:
        print(json.dumps([_facts(one) for one in found], indent=2))
    else:
        Console().print(_table(arguments.model, found))
    return 0 if all(one.is_equal for one in found) else 1


def _facts(one: verify.Comparison) -> dict[str, object]:
    facts = {"name": one.name, "precision": one.precision, "equal": one.is_equal}
    return {**facts, **dataclasses.asdict(one.difference)}


def _table(reference: str, found: list[verify.Comparison]) -> Table:
    table = Table(title=f"against {reference}, {verify.PROBES} seeded crops")
    texts, figures = (
        ("model", "precision"),
        ("|dlogit|", "|dp|", "changed", "CAM r", "landmarks", "equal"),
    )
    for column in (*texts, *figures):
        table.add_column(column, justify="left" if column in texts else "right", overflow="fold")
    for one in found:
        apart = one.difference
        correlation = "-" if apart.cam_correlation is None else f"{apart.cam_correlation:.6f}"
        moved = "-" if apart.max_dlandmark is None else f"{apart.max_dlandmark:.1e}"
        table.add_row(
            one.name,
            one.precision,
            f"{apart.max_dlogit:.1e}",
            f"{apart.max_dp:.1e}",
            f"{apart.changed_decisions}/{apart.decisions}",
            correlation,
            moved,
            "yes" if one.is_equal else "NO",
        )
    return table
