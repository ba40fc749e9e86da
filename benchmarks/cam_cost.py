"""Measures what heatmaps cost: each network bare, with 12 Grad-CAM maps, with 12 Grad-CAM++ maps.

The files run in turn, round after round, so that a busy machine slows all of them alike; the median
ratio within a round is printed as Markdown, or written into docs/model-speed.md, beside hooks and
autograd in torch. Random weights, one face of 224 px, one thread; `bench_cam.py` times the parts
alone.

    PYTHONPATH=.:train:export python benchmarks/cam_cost.py shufflenetv2_x1_0 vgg19 --rounds 40
"""

from __future__ import annotations

import functools
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.document import origin, write_measured
from benchmarks.pairs import Costs, ratios
from benchmarks.random_weights import SIZE_PX, untrained_network, write_float32
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import open_engine
from rtau.backends.parity import as_crops, probe_crops
from rtau.contract import CamMethod
from rtau.data import Crops
from rtau.runs.bench.metrics import in_turn, timed
from rtau_train.models import NETWORKS
from rtau_train.models.checkpoint import Model
from rtau_train.models.facenet import FaceNet
from rtau_train.models.folding import exported_as

SCRIPT = "benchmarks/cam_cost.py"
THREADS = 1
# Networks that are exported under their own names; any other would be timed twice.
NAMES = tuple(name for name in NETWORKS if exported_as(name) == name)
KINDS: dict[str, CamMethod | None] = {
    "bare": None,
    "gradcam": "gradcam",
    "gradcam++": "gradcam++",
}


def face() -> Crops:
    """Returns one crop."""
    return as_crops(probe_crops(1, size=SIZE_PX))


class AutogradCams:
    """Grad-CAM the usual way: a hook keeps the maps, then one backward pass per label."""

    def __init__(self, model: Model) -> None:
        """Builds the network; torch runs on as many threads as ONNX Runtime."""
        torch.set_num_threads(THREADS)
        self._net: FaceNet = model.network().requires_grad_(False)
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


def measure(name: str, *, rounds: int) -> Costs:
    """Returns the costs of each way to run a network, round by round."""
    model, crops = untrained_network(name), face()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        calls: dict[str, Callable[[], object]] = {}
        for kind, method in KINDS.items():
            path = write_float32(model, Path(folder) / f"{kind}.onnx", cam_method=method)
            engine = opened.enter_context(
                closing(open_engine(str(path), provider="cpu", threads=THREADS))
            )
            calls[kind] = functools.partial(engine.infer, crops, cams=method is not None)
            if kind == "gradcam":
                calls["off"] = functools.partial(engine.infer, crops, cams=False)
        calls["torch"], calls["autograd"] = BareTorch(model), AutogradCams(model)
        timings = {name: functools.partial(timed, call) for name, call in calls.items()}
        return in_turn(timings, rounds=rounds)


def row(name: str, costs: Costs, /) -> str:
    """Returns a row of the table."""

    def over(kind: str, bare: str = "bare") -> str:
        return f"{statistics.median(ratios(costs[kind], costs[bare])) - 1:+.1%}"

    bare_ms, torch_ms = (
        statistics.median(cost.ms for cost in costs[kind]) for kind in ("bare", "torch")
    )
    return (
        f"| {name} | {bare_ms:.2f} | {over('gradcam')} | {over('gradcam++')} | {over('off')} "
        f"| {torch_ms:.1f} | {over('autograd', 'torch')} |"
    )


def main() -> None:
    """Prints the table."""
    parser = StrictArgumentParser(description="Measure what heatmaps cost.")
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


if __name__ == "__main__":
    main()
