"""Writes a checkpoint as an ONNX file that carries its contract, and refuses an unequal one.

The file uses ordinary operators of one public opset only; before it takes its name, ONNX Runtime
must give what torch gives. Called by `rtau-export onnx`.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TypedDict

import numpy as np
import onnx
import torch

from rtau.backends import open_engine
from rtau.contract import METADATA_KEY, CamMethod, CropRule, ModelContract
from rtau.data import Scores
from rtau.errors import ContractError, UsageError
from rtau_export import verify
from rtau_export.graph import FaceGraph
from rtau_train.checkpoint import Model
from rtau_train.lab_record import git_commit

# The newest opset that torch's exporter writes without conversion and TensorRT 10.3 parses (<= 20).
OPSET = 18
INPUT, LOGITS, CAMS = "crops", "logits", "cams"
# Batch sizes proved equal; torch specialises on 0 and 1, so an example of 2 is traced.
PARITY_BATCHES = (1, 2, 7, 32)
EXAMPLE_BATCH = 2
# Coarser maps than this cannot tell an eye from a mouth.
LEAST_GRID = 7
# Control flow and randomness have no place in an inference graph, and TensorRT's parser or the
# runtime's cut of unwanted outputs would stumble over them.
FORBIDDEN_OPERATORS = frozenset(
    {"If", "Loop", "Scan", "Dropout", "RandomNormal", "RandomUniform", "Bernoulli", "ScatterND"}
)


class _Thresholds(TypedDict):
    thresholds: tuple[float, ...]
    thresholds_origin: str


def export(
    model: Model, out: Path, /, *, cam_method: CamMethod | None, crop: CropRule
) -> ModelContract:
    """Returns the contract of the ONNX file it wrote to `out`, a JSON side-car beside it.

    Raises:
        UsageError: `out` does not end in .onnx or its folder is missing.
        ContractError: the graph breaks a rule or ONNX Runtime does not give torch's values;
            nothing is written.
    """
    if out.suffix != ".onnx" or not out.parent.is_dir():
        raise UsageError(f"{out}: --out must be NAME.onnx in a folder that exists")
    graph = FaceGraph(model.network(), cam_method=cam_method)
    contract = contract_of(model, name=out.stem, cam_method=cam_method, crop=crop)
    check_grid(graph, size=contract.input_size)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        draft = Path(folder) / out.name
        draft.write_bytes(model_bytes(graph, contract))
        check_parity(graph, draft)
        draft.replace(out)
    out.with_suffix(".json").write_text(contract.to_json() + "\n", encoding="utf-8")
    return contract


def contract_of(
    model: Model, *, name: str, cam_method: CamMethod | None, crop: CropRule
) -> ModelContract:
    """Returns the contract of a checkpoint's export."""
    recipe = model.recipe
    scale = None if cam_method is None else model.scale_of(cam_method)
    return ModelContract(
        name=name,
        network=recipe.network.name,
        task=recipe.network.task,
        labels=recipe.network.labels,
        input_size=recipe.network.input_size,
        crop=crop,
        mean=recipe.network.mean,
        std=recipe.network.std,
        **_thresholds(model),
        weights_sha256=model.weights_sha256(),
        recipe=model.recipe_path,
        git_commit=git_commit(),
        licence=recipe.shipping.licence,
        training_data=recipe.shipping.training_data,
        cam_method=cam_method,
        cam_scale=None if scale is None else tuple(float(f"{value:.4g}") for value in scale),
        opset=OPSET,
    )


def _thresholds(model: Model) -> _Thresholds:
    if model.recipe.network.task == "multi_class":
        return {
            "thresholds": (0.0,) * len(model.recipe.network.labels),
            "thresholds_origin": "none: the likeliest of the labels is the active one",
        }
    plan = model.recipe.split
    return {
        "thresholds": tuple(round(threshold, 4) for threshold in model.thresholds),
        "thresholds_origin": (
            f"best F1 on the validation part, {plan.validation:.0%} of the training data held out "
            f"by {plan.protocol}; occurrence = intensity 2 or more"
        ),
    }


def model_bytes(graph: FaceGraph, contract: ModelContract) -> bytes:
    """Returns the ONNX file of a graph, checked, with the contract in its metadata."""
    proto = _traced(graph, size=contract.input_size)
    check_operators(proto)
    del proto.metadata_props[:]
    proto.metadata_props.add(key=METADATA_KEY, value=contract.to_json())
    proto.producer_name, proto.doc_string = "rtau-export", ""
    onnx.checker.check_model(proto, full_check=True)
    return bytes(proto.SerializeToString())


def check_grid(graph: FaceGraph, /, *, size: int) -> None:
    """Raises ContractError for heatmaps too coarse to mean anything."""
    if graph.cam_method is None:
        return
    with torch.inference_mode():
        grid = graph(torch.zeros(1, size, size, 3, dtype=torch.uint8))[1].shape[2:]
    if min(grid) < LEAST_GRID:
        raise ContractError(
            f"heatmaps must have {LEAST_GRID}x{LEAST_GRID} cells or more, got {grid[0]}x{grid[1]} "
            f"from crops of {size} px; raise network.input_size, or export with --cam none"
        )


def check_operators(proto: onnx.ModelProto) -> None:
    """Raises ContractError for a private, forbidden or misplaced operator."""
    private = {entry.domain for entry in proto.opset_import} - {""}
    kinds = {node.op_type for node in proto.graph.node}
    forbidden = sorted(kinds & FORBIDDEN_OPERATORS)
    if private or forbidden or proto.functions:
        raise ContractError(
            "the graph must use ordinary ONNX operators only, got "
            f"{', '.join([*sorted(private), *forbidden]) or 'private functions'}"
        )
    first = [node.op_type for node in proto.graph.node[:2]]
    if first != ["Cast", "Transpose"]:
        # TensorRT's parser refuses a Transpose of uint8.
        raise ContractError(f"the graph must begin with Cast, Transpose, got {', '.join(first)}")


def check_parity(graph: FaceGraph, file: Path) -> None:
    """Raises ContractError unless ONNX Runtime gives torch's values at every batch size."""
    with closing(open_engine(str(file), provider="cpu")) as engine:
        contract = engine.contract
        for batch in PARITY_BATCHES:
            images = verify.probe_crops(batch, size=contract.input_size)
            wanted = torch_scores(graph, images, contract=contract)
            got = verify.infer(engine, images)
            found = verify.compare(wanted, got, contract, name=f"batch {batch}")
            if not found.within(verify.FP32):
                raise ContractError(
                    f"{file.name}: ONNX Runtime must equal torch within {verify.FP32}, got "
                    f"{found}; nothing was written"
                )


def torch_scores(graph: FaceGraph, images_rgb: np.ndarray, /, *, contract: ModelContract) -> Scores:
    """Returns what torch computes for pictures uint8 (N, S, S, 3)."""
    with torch.inference_mode():
        outputs = [output.numpy() for output in graph(torch.from_numpy(images_rgb))]
    cams = None if graph.cam_method is None else outputs[1]
    return Scores(labels=contract.labels, task=contract.task, logits=outputs[0], cams=cams)


def _traced(graph: FaceGraph, *, size: int) -> onnx.ModelProto:
    example = torch.from_numpy(verify.probe_crops(EXAMPLE_BATCH, size=size))
    outputs = [LOGITS] if graph.cam_method is None else [LOGITS, CAMS]
    program = torch.onnx.export(
        graph,
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT],
        output_names=outputs,
        dynamic_shapes=({0: torch.export.Dim("N")},),
        verbose=False,
    )
    assert program is not None, "the dynamo exporter returns a program"
    proto = program.model_proto
    _forget_sources(proto)
    return proto


def _forget_sources(proto: onnx.ModelProto) -> None:
    """Removes the stack traces the exporter attaches: paths of the machine that exported."""
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        del value.metadata_props[:]
    for tensor in proto.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    del proto.graph.metadata_props[:]
    del proto.graph.value_info[:]
