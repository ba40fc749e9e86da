"""The verb `rtau-train face-align`: from data to `face-align.onnx`, its contract and its card.

Added to the parser of `rtau_train.commands.main`. Progress goes to stderr, the file's name to
stdout.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any, Final

import cv2
import torch
from rich.console import Console

from rtau.faces.alignment_contract import AlignmentContract, PresenceCalibration
from rtau_train.face_alignment import assess, calibrate, card, exported, fit, material
from rtau_train.face_alignment.examples import SIZE_PX
from rtau_train.face_alignment.exported import OPSET, OnnxAlignment
from rtau_train.face_alignment.material import Folders, Material
from rtau_train.face_alignment.network import AlignmentNetwork
from rtau_train.face_alignment.placements import MOST_LOG_SCALE, MOST_SHIFT, MOST_TURN_DEG
from rtau_train.face_alignment.recipe import Recipe, read_recipe
from rtau_train.face_alignment.scenes import KINDS
from rtau_train.fitting.lab_record import git_commit
from rtau_train.records import portable
from rtau_train.whole_file import write_whole

_CALIBRATION_EXAMPLES: Final = 4000


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser(
        "face-align",
        help="make the network that verifies and follows faces (engines/face-align.md)",
    )
    verb.add_argument("--recipe", type=Path, required=True, metavar="TOML")
    for name, words in (
        ("synth-assets", "asset folder of the renderer (docs/synth.md)"),
        ("synth-facs", "folder of rendered crops with labels"),
        ("portraits", "folder with ai/ and people/: portraits under CC0"),
        ("sfhq", "folder of synthetic portraits with blendshapes.csv"),
        ("cache", "folder for rendered heads and the checkpoint"),
        ("out", "folder for the file, its contract and its card"),
    ):
        verb.add_argument(f"--{name}", type=Path, required=True, metavar="PATH", help=words)
    verb.add_argument(
        "--model",
        default="shufflenetv2-au14",
        metavar="NAME",
        help="network with landmarks that gives the points of portraits (default: %(default)s)",
    )
    verb.add_argument(
        "--photographs", type=Path, metavar="DIR", help="photographs of people, only to report on"
    )
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Makes the three files."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    say = Console(stderr=True).print
    recipe = read_recipe(arguments.recipe)
    folders = Folders(
        synth_assets=arguments.synth_assets,
        synth_facs=arguments.synth_facs,
        portraits=arguments.portraits,
        sfhq=arguments.sfhq,
        cache=arguments.cache,
        model=arguments.model,
    )
    gathered = material.gather(folders, recipe.data, say=say)
    checkpoint = arguments.cache / "face-align.pt"
    network = fit.fitted(recipe, gathered, checkpoint=checkpoint, say=say)
    Console().print(ship(network, recipe, gathered, arguments=arguments, say=say), soft_wrap=True)


def ship(
    network: AlignmentNetwork,
    recipe: Recipe,
    gathered: Material,
    /,
    *,
    arguments: argparse.Namespace,
    say: material.Say,
) -> Path:
    """Calibrates a fitted network, writes its file, measures that, and returns the file's path.

    Of the arguments it reads `recipe`, `out` and `photographs`.
    """
    held_out = calibrate.calibration_examples(
        gathered.held_out,
        count=_CALIBRATION_EXAMPLES,
        expand=recipe.network.expand,
        seed=recipe.fit.seed,
    )
    calibration = calibrate.calibrated(network, held_out)
    contract = contract_of(
        network, recipe, gathered, calibration=calibration, path=arguments.recipe
    )
    model = exported.exported(network, contract)
    path = exported.write_files(model, arguments.out, name=contract.name)
    opened = OnnxAlignment(model)
    figures = assess.assessed(opened, gathered, arguments.photographs, say=say)
    text = card.card_text(figures, opened.contract, recipe, file_bytes=len(model), kinds=len(KINDS))
    write_whole(path.with_suffix(".md"), text)
    return path


def contract_of(
    network: AlignmentNetwork,
    recipe: Recipe,
    gathered: Material,
    /,
    *,
    calibration: PresenceCalibration,
    path: Path,
) -> AlignmentContract:
    """Returns what the file says of itself; how far it is from torch is added at the export."""
    channels = ", ".join(str(count) for count in recipe.network.channels)
    return AlignmentContract(
        name=recipe.shipping.name,
        network=f"six 3x3 convolutions ({channels} channels), {recipe.network.hidden} units",
        input_size=SIZE_PX,
        expand=recipe.network.expand,
        points=gathered.rule,
        max_shift=MOST_SHIFT,
        max_scale=round(math.exp(MOST_LOG_SCALE), 2),
        max_roll_deg=MOST_TURN_DEG,
        calibration=calibration,
        weights_sha256=exported.weights_sha256(network),
        recipe=portable(path),
        git_commit=git_commit(),
        licence=recipe.shipping.licence,
        training_data=recipe.shipping.training_data,
        opset=OPSET,
    )
