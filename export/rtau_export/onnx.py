"""Writes a checkpoint as an ONNX file that carries its contract, and refuses an unequal one.

The file uses ordinary operators of one public opset only; before it takes its name, ONNX Runtime
must give what torch gives with the network as it was trained. Called by `rtau-export onnx`.
"""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TypedDict

import onnx
import torch

from rtau.backends import open_engine
from rtau.backends.parity import Difference, difference, probe_crops, worst
from rtau.backends.tensors import INPUT, scores_of
from rtau.contract import (
    CalibrationRecord,
    CamMethod,
    CropRule,
    LandmarkRule,
    ModelContract,
    ParityRecord,
)
from rtau.data import Image, Scores
from rtau.errors import ContractError, UsageError
from rtau_export import verify
from rtau_export._origin import origin_of
from rtau_export._parity_record import parity_record
from rtau_export.graph import FaceGraph
from rtau_export.onnx_proto import stamped, write_model
from rtau_train.fitting.lab_record import LabRecord, git_commit
from rtau_train.models.alignment import aligned
from rtau_train.models.checkpoint import Model
from rtau_train.models.dead_channels import silenced
from rtau_train.models.facenet import FaceNet
from rtau_train.models.folding import exported_as, folded

# The newest opset that torch's exporter writes without conversion and TensorRT 10.3 parses (<= 20).
OPSET = 18
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
    model: Model,
    out: Path,
    /,
    *,
    cam_method: CamMethod | None,
    crop: CropRule,
    landmarks: bool = True,
    record: LabRecord | None = None,
) -> ModelContract:
    """Returns the contract of the ONNX file it wrote to `out`, a JSON side-car beside it.

    Args:
        model: the checkpoint.
        out: NAME.onnx.
        cam_method: the kind of heatmap, None for none.
        crop: where the runtime cuts.
        landmarks: whether the file returns landmarks, if the network learnt them.
        record: of the run that trained it; None for a network that no run has trained.

    Raises:
        UsageError: `out` does not end in .onnx or its folder is missing.
        ContractError: the graph breaks a rule or ONNX Runtime does not give torch's values;
            nothing is written.
    """
    if out.suffix != ".onnx" or not out.parent.is_dir():
        raise UsageError(f"{out}: --out must be NAME.onnx in a folder that exists")
    contract = contract_of(
        model,
        name=out.stem,
        cam_method=cam_method,
        crop=crop,
        landmarks=landmarks,
        record=record,
    )
    trained = _graph(silenced(model.network()), contract)
    graph = _graph(aligned(folded(trained.net)), contract)
    check_grid(graph, size=contract.input_size)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        draft = Path(folder) / out.name
        proto = plain_graph(graph, size=contract.input_size)
        draft.write_bytes(stamped(proto, contract))
        contract = dataclasses.replace(contract, parity=measured_parity(trained, draft))
    write_model(out, stamped(proto, contract), contract)
    return contract


def contract_of(
    model: Model,
    *,
    name: str,
    cam_method: CamMethod | None,
    crop: CropRule,
    landmarks: bool = True,
    record: LabRecord | None = None,
) -> ModelContract:
    """Returns the contract of a checkpoint's export; the arguments are those of `export`."""
    recipe = model.recipe
    scale = None if cam_method is None else model.scale_of(cam_method)
    return ModelContract(
        name=name,
        network=exported_as(recipe.network.name),
        task=recipe.network.task,
        labels=recipe.network.labels,
        input_size=recipe.network.input_size,
        crop=crop,
        mean=recipe.network.mean,
        std=recipe.network.std,
        **_thresholds(model),
        weights_sha256=model.weights_sha256(),
        git_commit=git_commit(),
        **origin_of(model, record),
        cam_method=cam_method,
        cam_scale=None if scale is None else tuple(float(f"{value:.4g}") for value in scale),
        opset=OPSET,
        calibration=_calibration(model),
        landmarks=_landmark_rule(model) if landmarks else None,
        intensity_scale=model.intensity_scale,
        sides=tuple(model.side_gains) if model.side_gains else None,
        side_gains=tuple(model.side_gains.values()) if model.side_gains else None,
        has_pose=recipe.network.pose and model.intensity_scale is not None,
    )


def _graph(net: FaceNet, contract: ModelContract) -> FaceGraph:
    return FaceGraph(
        net,
        cam_method=contract.cam_method,
        landmarks=contract.has_landmarks,
        pose=contract.has_pose,
    )


def _landmark_rule(model: Model) -> LandmarkRule | None:
    """Returns the rule of a network's landmarks; None where it has none or did not learn them.

    A recipe may keep the layer and give its loss no weight: then it holds chance, or what an
    earlier run taught it of other features. Without [crop] nobody knows what the crops lie on.
    """
    recipe = model.recipe
    if recipe.crop is None or not recipe.network.landmarks or recipe.fit.landmark_weight == 0:
        return None
    return LandmarkRule(recipe.crop.side_over_landmark_box, recipe.crop.lift)


def _calibration(model: Model) -> CalibrationRecord | None:
    if model.temperature is None or model.shift is None:
        return None
    temperature, shift = (
        tuple(round(value, 4) for value in values) for values in (model.temperature, model.shift)
    )
    return CalibrationRecord(temperature, shift, model.calibration_origin)


def _thresholds(model: Model) -> _Thresholds:
    if model.recipe.network.task == "multi_class":
        return {
            "thresholds": (0.0,) * len(model.recipe.network.labels),
            "thresholds_origin": "none: the likeliest of the labels is the active one",
        }
    return {
        "thresholds": tuple(round(threshold, 4) for threshold in model.thresholds),
        "thresholds_origin": model.thresholds_origin or model.best_f1_origin,
    }


def model_bytes(graph: FaceGraph, contract: ModelContract) -> bytes:
    """Returns the ONNX file of a graph, checked, with the contract in its metadata."""
    return stamped(plain_graph(graph, size=contract.input_size), contract)


def plain_graph(graph: FaceGraph, /, *, size: int) -> onnx.ModelProto:
    """Returns a graph as ONNX, checked: ordinary operators, and nothing of this machine."""
    proto = _traced(graph, size=size)
    check_operators(proto)
    proto.doc_string = ""
    onnx.checker.check_model(proto, full_check=True)
    return proto


def check_grid(graph: FaceGraph, /, *, size: int) -> None:
    """Raises ContractError for heatmaps too coarse to mean anything."""
    if graph.cam_method is None:
        return
    with torch.inference_mode():
        grid = graph(torch.zeros(1, size, size, 3, dtype=torch.uint8))[1].shape[2:]
    if min(grid) < LEAST_GRID:
        raise ContractError(
            f"heatmaps must have {LEAST_GRID}x{LEAST_GRID} cells or more, got {grid[0]}x{grid[1]} "
            f"from crops of {size} px; train with fit.dense_epochs or a larger network.input_size, "
            "or export with --cam none"
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


def measured_parity(graph: FaceGraph, file: Path, /) -> ParityRecord:
    """Returns how far ONNX Runtime is from torch, the worst of all batch sizes.

    Raises:
        ContractError: it is further than the order of the same sums explains.
    """
    with closing(open_engine(str(file), provider="cpu")) as engine:
        contract, runner = engine.contract, engine.device
        found: list[Difference] = []
        for batch in PARITY_BATCHES:
            images = probe_crops(batch, size=contract.input_size)
            wanted = torch_scores(graph, images, contract=contract)
            found.append(difference(wanted, verify.infer(engine, images), contract))
            if not verify.FP32.covers(found[-1]):
                raise ContractError(
                    f"{file.name}: ONNX Runtime must equal torch within {verify.FP32}, got "
                    f"{found[-1]} for {batch} crops; nothing was written"
                )
    sizes = ", ".join(map(str, PARITY_BATCHES))
    return parity_record(
        worst(found),
        reference=f"torch {torch.__version__.partition('+')[0]} in float32",
        reference_sha256=contract.weights_sha256,
        runner=runner,
        conversion=f"exported by torch, opset {OPSET}",
        images=sum(PARITY_BATCHES),
        images_origin=f"seeded patterns, no faces, in batches of {sizes}",
    )


def torch_scores(graph: FaceGraph, images_rgb: Image, /, *, contract: ModelContract) -> Scores:
    """Returns what torch computes for pictures uint8 (N, S, S, 3)."""
    with torch.inference_mode():
        outputs = [output.numpy() for output in graph(torch.from_numpy(images_rgb))]
    return scores_of(contract, dict(zip(graph.outputs, outputs, strict=True)))


def _traced(graph: FaceGraph, *, size: int) -> onnx.ModelProto:
    example = torch.from_numpy(probe_crops(EXAMPLE_BATCH, size=size))
    program = torch.onnx.export(
        graph,
        (example,),
        dynamo=True,
        opset_version=OPSET,
        input_names=[INPUT],
        output_names=list(graph.outputs),
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
