"""`rtau inspect MODEL`: prints the contract of a model: its input, outputs and origin."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rtau.backends import find_model, open_engine
from rtau.backends.engine_file import SUFFIX, check_file, read_sidecar
from rtau.contract import ModelContract, ParityRecord
from rtau.facs import words_for_label
from rtau.shown import shown


def run(args: argparse.Namespace) -> int:
    """Prints the contract of a model after loading it, or of an intact engine file; returns 0.

    Raises:
        RtauError: the model is missing, broken, or breaks its contract.
    """
    path = find_model(args.model)
    contract, device = _contract_and_device(path)
    if args.json:
        sys.stdout.write(contract.to_json() + "\n")
        return 0
    # No text of a path or a contract is markup.
    console = Console(markup=False, emoji=False)
    console.print(Text.assemble((shown(contract.name), "bold"), f"  {shown(path)}"))
    console.print(facts_table(contract, device=device, sha256=_sha256(path.read_bytes())))
    console.print(labels_table(contract))
    return 0


def _contract_and_device(path: Path) -> tuple[ModelContract, str]:
    """Returns a model's contract and device; those of an engine file come from its JSON."""
    if path.suffix == SUFFIX:
        contract, build = read_sidecar(path)
        check_file(path, build)
        return contract, f"{build.runs_on}; up to {build.batch[2]} rows a call"
    with contextlib.closing(open_engine(str(path), provider="cpu")) as engine:
        return engine.contract, engine.device


def facts_table(contract: ModelContract, *, device: str, sha256: str) -> Table:
    """Returns the model's facts, a row each."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    size, crop = contract.input_size, contract.crop
    cams = contract.cam_method or "none"
    landmarks = "float32 (N, 68, 2), px in the crop" if contract.has_landmarks else "none"
    rows = {
        "network": contract.network,
        "task": contract.task,
        "input": f"crops: uint8 (N, {size}, {size}, 3), RGB; N up to {contract.max_batch or 'any'}",
        "output": f"logits: float32 (N, {len(contract.labels)}); CAMs: {cams}; "
        f"landmarks: {landmarks}",
        "crop": f"{crop.expand:g} x the {crop.detector} box, moved by "
        f"({crop.offset_x:+g}, {crop.offset_y:+g}) of its side",
        "normalisation": f"in the graph: mean {contract.mean}, std {contract.std}",
        "precision": f"{contract.precision}, ONNX opset {contract.opset}",
        "parity": "not measured" if contract.parity is None else _parity(contract.parity),
        "probabilities": "not calibrated"
        if contract.calibration is None
        else f"calibrated: {contract.calibration.origin}",
        "thresholds": contract.thresholds_origin,
        "trained on": contract.training_data,
        "recipe": f"{_recipe(contract)}, exported at commit {contract.git_commit}",
        "licence": contract.licence,
        "weights": f"SHA-256 {contract.weights_sha256}",
        "file": f"SHA-256 {sha256}",
        "runs on": device,
    }
    for name, value in rows.items():
        table.add_row(name, shown(value))
    return table


def _recipe(contract: ModelContract) -> str:
    return " ".join((contract.recipe, *(f"--set {one}" for one in contract.recipe_changes)))


def _parity(parity: ParityRecord) -> str:
    """Returns the differences between the file and its reference, in one line."""
    parts = [
        f"max |dp| {parity.max_dp:.2g}",
        f"{parity.changed_decisions} of {parity.decisions} decisions changed",
    ]
    if parity.cam_correlation is not None:
        parts.append(f"CAM correlation {parity.cam_correlation:.6f}")
    if parity.max_dlandmark is not None:
        parts.append(f"landmarks within {parity.max_dlandmark:.2g} sides")
    if parity.macro_f1_difference is not None:
        parts.append(f"macro-F1 {parity.macro_f1_difference:+.4f}")
    origin = f"{parity.images} {parity.images_origin}"
    return (
        f"{', '.join(parts)}, on {origin}; {parity.runner} against {parity.reference}; "
        f"{parity.conversion}"
    )


def labels_table(contract: ModelContract) -> Table:
    """Returns the labels with their thresholds and the CAM value of the heatmap's maximum."""
    table = Table()
    table.add_column("output", justify="right")
    table.add_column("label")
    table.add_column("action")
    table.add_column("threshold", justify="right")
    table.add_column("full heat", justify="right")
    heats = contract.cam_scale or ()
    for k, label in enumerate(contract.labels):
        words = words_for_label(label)
        table.add_row(
            str(k),
            shown(label),
            words if words != label else "",
            f"{contract.thresholds[k]:.3f}" if contract.task == "multi_label" else "most probable",
            f"{heats[k]:.3g}" if heats else "-",
        )
    return table


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
