"""The verb `rtau-export engine`: its flags, and what it prints.

Parses and hands over to `rtau_export.engine`; TensorRT is loaded only when the verb runs. Called by
`rtau_export.cli`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from rtau.backends import find_model
from rtau.backends.engine_file import Library
from rtau_export._engine_cache import EngineCache
from rtau_export._engine_profiles import parse_batch, parse_generation
from rtau_export.engine import build_engines
from rtau_export.engine_target import EngineRequest

LIBRARIES: dict[str, Library] = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}


def add_verb(verbs: Any) -> None:
    """Adds the verb to the verbs of a parser."""
    verb = verbs.add_parser("engine", help="build a TensorRT engine of an ONNX file")
    verb.add_argument("model", metavar="NAME.onnx", help="an ONNX file, or a bundled model's name")
    verb.add_argument(
        "--precision",
        choices=("fp32", "fp16", "int8"),
        help="default: that of the ONNX file; TensorRT 10 also makes fp16 of an fp32 file",
    )
    verb.add_argument(
        "--batch",
        default="1,8,32",
        metavar="MIN,BEST,MAX",
        help="faces per call: least, tuned for, greatest (default: %(default)s)",
    )
    verb.add_argument(
        "--for",
        dest="generations",
        nargs="+",
        default=[],
        metavar="sm_NN",
        help="GPU generations to build ahead for (TensorRT for RTX; default: all from sm_80 on)",
    )
    verb.add_argument(
        "--library",
        choices=tuple(LIBRARIES),
        help="tensorrt tunes on this machine's GPU, tensorrt-rtx builds without one "
        "(default: tensorrt where it is installed and --for is not given)",
    )
    verb.add_argument(
        "--out",
        type=Path,
        metavar="NAME.engine",
        help="or a folder; default: NAME-PRECISION.engine beside the file, for a bundled name here",
    )
    verb.add_argument(
        "--no-twin",
        action="store_true",
        help="build no CAM-less variant; heatmaps are then computed even when none is shown",
    )
    verb.add_argument("--no-cache", action="store_true", help="build again and keep nothing")
    verb.add_argument("--json", action="store_true", help="print the build facts as JSON")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Builds, and prints a line per file; returns 0.

    Raises:
        RtauError: the model, the machine or the request does not allow it.
    """
    request = EngineRequest(
        precision=arguments.precision,
        batch=parse_batch(arguments.batch),
        generations=tuple(dict.fromkeys(parse_generation(one) for one in arguments.generations)),
        library=None if arguments.library is None else LIBRARIES[arguments.library],
        cam_less=not arguments.no_twin,
    )
    cache = None if arguments.no_cache else EngineCache.of_user()
    model = find_model(arguments.model)
    # A bundled file lies where rtau is installed: nothing is written there.
    default = model.parent if Path(arguments.model).is_file() else Path()
    built = build_engines(model, request, out=arguments.out or default, cache=cache)
    if arguments.json:
        rows = [{"path": str(one.path), **dataclasses.asdict(one.build)} for one in built]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    for one in built:
        how = "from the cache" if one.from_cache else "built"
        kind = "no heatmaps" if one.path is not built[0].path else "heatmaps as in the model"
        facts = f"{one.size_bytes / 1e6:.1f} MB, {one.build.precision}, {kind}, {how}"
        sys.stdout.write(f"{one.path}  {facts}\n")
    return 0
