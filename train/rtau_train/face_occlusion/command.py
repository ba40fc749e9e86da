"""The verb `rtau-train face-occlusion`: adds the output `occlusion_logit` to an alignment file.

Added to the parser of `rtau_train.commands.main`. Progress goes to stderr, the file's name to
stdout.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any, Final

import cv2
import onnx
import torch
from google.protobuf.message import DecodeError
from rich.console import Console

from rtau.errors import ContractError, SourceOpenError
from rtau.faces.alignment_contract import (
    METADATA_KEY,
    OCCLUSION,
    POINTS,
    PRESENCE,
    AlignmentContract,
    OcclusionOutput,
)
from rtau_train.face_alignment import exported
from rtau_train.face_alignment.material import Folders
from rtau_train.face_occlusion import assess, calibrate, card, fit, graft, material
from rtau_train.face_occlusion.assess import Figures, HeldOut
from rtau_train.face_occlusion.backbone import AlignmentBackbone
from rtau_train.face_occlusion.branch import OcclusionBranch
from rtau_train.face_occlusion.examples import FREE
from rtau_train.face_occlusion.material import HEADS, Material, Say
from rtau_train.face_occlusion.recipe import Recipe, read_recipe
from rtau_train.fitting.lab_record import git_commit
from rtau_train.records import portable
from rtau_train.whole_file import write_whole

_TRAINING_DATA: Final = (
    "free faces of the sets that the network has seen, and covers that code draws over them"
)


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser(
        "face-occlusion",
        help="teach the alignment network to tell covered faces (docs/face-alignment.md)",
    )
    for name, metavar, words in (
        ("recipe", "TOML", "train/recipes/face-occlusion.toml"),
        ("model", "FILE", "alignment file that is added to; its .md is the card"),
        ("synth-assets", "PATH", "asset folder of the renderer (docs/synth.md)"),
        ("synth-facs", "PATH", "folder of rendered crops with labels"),
        ("portraits", "PATH", "folder with ai/ and people/: portraits under CC0"),
        ("sfhq", "PATH", "folder of synthetic portraits with blendshapes.csv"),
        ("cache", "PATH", "folder for rendered heads and points of portraits"),
        ("out", "PATH", "folder for the file, its contract and its card"),
    ):
        verb.add_argument(f"--{name}", type=Path, required=True, metavar=metavar, help=words)
    verb.add_argument(
        "--avatars",
        type=Path,
        metavar="PATH",
        help="folder of `rtau-train synth --avatars`: heads of another family, only to report on",
    )
    verb.add_argument(
        "--landmarks",
        default="shufflenetv2-au14",
        metavar="NAME",
        help="network that gives the points of portraits (default: %(default)s)",
    )
    verb.add_argument("--amp", action="store_true", help="bfloat16 in the fit")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Makes the three files."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    say = Console(stderr=True).print
    recipe = read_recipe(arguments.recipe)
    model = graft.without_branch(_read(arguments.model))
    contract = _contract(model, arguments.model)
    folders = Folders(
        synth_assets=arguments.synth_assets,
        synth_facs=arguments.synth_facs,
        portraits=arguments.portraits,
        sfhq=arguments.sfhq,
        cache=arguments.cache,
        model=arguments.landmarks,
    )
    gathered = material.gather(
        folders, recipe.data, avatars=arguments.avatars, rule=contract.points, say=say
    )
    seen = fit.training_examples(
        gathered, recipe, expand=contract.expand, cache=folders.cache, say=say
    )
    branch = fit.fitted(AlignmentBackbone(model), seen, recipe, amp=arguments.amp, say=say)
    path = ship(model, branch, gathered, recipe=recipe, arguments=arguments, say=say)
    Console().print(path, soft_wrap=True)


def ship(
    model: onnx.ModelProto,
    branch: OcclusionBranch,
    gathered: Material,
    /,
    *,
    recipe: Recipe,
    arguments: argparse.Namespace,
    say: Say,
) -> Path:
    """Calibrates a fitted branch, adds it, measures it, and returns the path of the file.

    Of the arguments it reads `model`, `recipe` and `out`.
    """
    contract, backbone = _contract(model, arguments.model), AlignmentBackbone(model)
    table = assess.held_out(
        gathered, expand=contract.expand, most=recipe.data.held_out_faces, say=say
    )
    raw = {
        key: fit.logits_of(branch, backbone(held.seen.crops)).numpy() for key, held in table.items()
    }
    limit, origin = calibrate.calibrated(branch, raw, table, false_alarms=recipe.fit.false_alarms)
    occlusion = OcclusionOutput(
        limit=limit,
        origin=origin,
        weights_sha256=graft.weights_sha256(branch),
        recipe=portable(arguments.recipe),
        git_commit=git_commit(),
        training_data=_TRAINING_DATA,
        max_dlogit=0.0,
    )
    data = graft.grafted(model, branch, dataclasses.replace(contract, occlusion=occlusion))
    path = exported.write_files(data, arguments.out, name=contract.name)
    written = exported.OnnxAlignment(data)
    assert written.contract.occlusion is not None, "the file has the output"
    figures = _measured(model, data, table)
    text = card.section(
        figures,
        written.contract.occlusion,
        recipe,
        learnt=(len(gathered.portraits), len(gathered.renders)),
    )
    old = arguments.model.with_suffix(".md")
    whole = old.read_text(encoding="utf-8") if old.exists() else ""
    write_whole(path.with_suffix(".md"), card.with_section(whole, text))
    return path


def _measured(
    model: onnx.ModelProto, data: bytes, table: dict[tuple[str, str], HeldOut]
) -> Figures:
    """Returns the figures of a file, of what it was made of, on the held-out examples."""
    written = exported.OnnxAlignment(data)
    assert written.contract.occlusion is not None, "the file has the output"
    limit = written.contract.occlusion.limit_logit
    logits = {key: written.occlusion(held.seen.crops) for key, held in table.items()}
    heads = (HEADS, FREE)
    files = (model.SerializeToString(), (PRESENCE, POINTS)), (data, (PRESENCE, POINTS, OCCLUSION))
    without, with_it = (
        assess.core_milliseconds(exported.open_session(file), outputs) for file, outputs in files
    )
    return Figures(
        kinds=assess.shares(logits, table, limit_logit=limit),
        groups=assess.groups(logits[heads], table[heads], limit_logit=limit)
        if heads in table
        else {},
        milliseconds=(without, with_it),
    )


def _read(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(str(path))
    except OSError as error:
        raise SourceOpenError(f"{path}: {error.strerror}") from None
    except DecodeError:
        raise SourceOpenError(f"{path}: not an ONNX file") from None


def _contract(model: onnx.ModelProto, path: Path) -> AlignmentContract:
    for entry in model.metadata_props:
        if entry.key == METADATA_KEY:
            contract = AlignmentContract.from_json(entry.value, origin=str(path))
            return dataclasses.replace(contract, occlusion=None)
    raise ContractError(
        f"{path}: a face alignment network has the metadata {METADATA_KEY!r}; "
        "make one with `rtau-train face-align`"
    )
