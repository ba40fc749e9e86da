"""Measures what heatmaps cost: each network bare, with 12 Grad-CAM maps, with 12 Grad-CAM++ maps.

The files are run in turn, round after round, so that a busy machine slows all of them alike; the
median ratio within a round is printed as Markdown, or written into docs/model-speed.md, beside a
hook and autograd in torch.
Random weights, one face of 224 px, one thread. Run by hand; `bench_cam.py` times the parts alone.

    PYTHONPATH=.:train:export python -m benchmarks.cam_cost shufflenetv2_x1_0 vgg19 --rounds 40
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.document import origin, write_measured
from benchmarks.random_weights import untrained, write_float32
from rtau.backends import open_engine
from rtau.backends.parity import as_crops, probe_crops
from rtau.contract import CamMethod
from rtau.data import Crops
from rtau.protocols import Engine
from rtau_train.checkpoint import Model
from rtau_train.models import NETWORKS
from rtau_train.models.facenet import FaceNet
from rtau_train.models.folding import exported_as
from rtau_train.recipe import read_recipe

RECIPE = Path(__file__).parent.parent / "train" / "recipes" / "shufflenetv2-synth.toml"
SCRIPT = "benchmarks/cam_cost.py"
SIZE_PX = 224
THREADS = 1
# Those that are exported under their own names; another would be timed twice.
NAMES = tuple(name for name in NETWORKS if exported_as(name) == name)
KINDS: dict[str, CamMethod | None] = {
    "bare": None,
    "gradcam": "gradcam",
    "gradcam++": "gradcam++",
}


def network(name: str) -> Model:
    """Returns a checkpoint of a network with random weights and the first paper's head."""
    recipe = read_recipe(RECIPE)
    chosen = dataclasses.replace(recipe.network, name=name, input_size=SIZE_PX, landmarks=False)
    fit = dataclasses.replace(recipe.fit, landmark_weight=0.0)
    return untrained(dataclasses.replace(recipe, network=chosen, fit=fit))


def write_onnx(name: str, path: Path, *, cam_method: CamMethod | None) -> Path:
    """Returns the path of the network's ONNX file."""
    return write_float32(network(name), path, cam_method=cam_method)


def face() -> Crops:
    """Returns one crop."""
    return as_crops(probe_crops(1, size=SIZE_PX))


class AutogradCams:
    """Grad-CAM the usual way: a hook keeps the maps, then one backward pass per label."""

    def __init__(self, name: str) -> None:
        """Builds the network; torch runs on as many threads as ONNX Runtime."""
        torch.set_num_threads(THREADS)
        self._net: FaceNet = network(name).network().requires_grad_(False)
        self._crops = torch.from_numpy(face().images_rgb.copy())
        self._maps: list[Tensor] = []
        self._net.body.register_forward_hook(self._keep)

    def __call__(self) -> Tensor:
        """Returns the maps of all labels, (1, A, h, w)."""
        self._maps.clear()
        logits, _ = self._net(self._crops)
        found = []
        for label in range(logits.shape[1]):
            (slope,) = torch.autograd.grad(logits[0, label], self._maps, retain_graph=True)
            weights = slope.mean(dim=(2, 3), keepdim=True)
            found.append(torch.relu((weights * self._maps[0]).sum(dim=1)))
        return torch.stack(found, dim=1)

    def _keep(self, _body: object, _pictures: object, maps: Tensor) -> Tensor:
        # Only what lies behind the maps is differentiated, as an efficient user would have it.
        self._maps.append(maps.detach().requires_grad_())
        return self._maps[-1]


class BareTorch(AutogradCams):
    """The same network in torch without any heatmap."""

    def __call__(self) -> Tensor:
        """Returns the logits."""
        self._maps.clear()
        with torch.no_grad():
            logits: Tensor = self._net(self._crops)[0]
        return logits


def measure(name: str, *, rounds: int) -> dict[str, list[float]]:
    """Returns the milliseconds of each way to run a network, round by round."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        ways: dict[str, Callable[[], object]] = {}
        for kind, method in KINDS.items():
            path = write_onnx(name, Path(folder) / f"{kind}.onnx", cam_method=method)
            engine = opened.enter_context(
                closing(open_engine(str(path), provider="cpu", threads=THREADS))
            )
            ways[kind] = _run(engine, cams=method is not None)
            if kind == "gradcam":
                ways["off"] = _run(engine, cams=False)
        ways["torch"], ways["autograd"] = BareTorch(name), AutogradCams(name)
        spent_ms: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds + 1):
            for way, act in ways.items():
                started_s = time.perf_counter()
                act()
                spent_ms[way].append((time.perf_counter() - started_s) * 1e3)
    return {way: spent[1:] for way, spent in spent_ms.items()}


def row(name: str, spent_ms: dict[str, list[float]], /) -> str:
    """Returns a row of the table."""

    def over(way: str, bare: str = "bare") -> str:
        pairs = zip(spent_ms[way], spent_ms[bare], strict=True)
        return f"{statistics.median(mine / plain for mine, plain in pairs) - 1:+.1%}"

    bare_ms, torch_ms = (statistics.median(spent_ms[way]) for way in ("bare", "torch"))
    return (
        f"| {name} | {bare_ms:.2f} | {over('gradcam')} | {over('gradcam++')} | {over('off')} "
        f"| {torch_ms:.1f} | {over('autograd', 'torch')} |"
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Measure what heatmaps cost.")
    parser.add_argument("networks", nargs="*", default=list(NAMES), metavar="NETWORK")
    parser.add_argument("--rounds", type=int, default=30, metavar="N")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT.md")
    arguments = parser.parse_args()
    heads = (
        "| network | bare, ms | +12 Grad-CAM | +12 Grad-CAM++ | heatmaps off | torch bare, ms "
        "| torch +12 by autograd |"
    )
    lines = [heads, "|---|---|---|---|---|---|---|"]
    lines += [row(name, measure(name, rounds=arguments.rounds)) for name in arguments.networks]
    made = f"{origin('onnxruntime', 'torch')} {arguments.rounds} rounds."
    text = "\n".join([made, "", *lines])
    if arguments.write:
        write_measured(arguments.write, text, script=SCRIPT)
    else:
        sys.stdout.write(text + "\n")


def _run(engine: Engine, *, cams: bool) -> Callable[[], object]:
    crops = face()
    return lambda: engine.infer(crops, cams=cams)


if __name__ == "__main__":
    main()
