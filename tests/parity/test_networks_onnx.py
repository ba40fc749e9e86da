"""Every network through `rtau-export onnx --cam ...`: equal to torch, and a graph devices parse."""

from contextlib import closing

import numpy as np
import onnx
import pytest

from rtau.backends import open_engine
from rtau.backends.parity import probe_crops
from rtau_export import onnx as exporter
from rtau_export import verify
from rtau_export._engine_profiles import BatchProfile
from rtau_export.cli import main
from rtau_export.engine import build_engines
from rtau_export.engine_target import EngineRequest
from rtau_export.graph import FaceGraph
from rtau_train.fitting.lab_record import write_record
from rtau_train.models import NETWORKS
from rtau_train.models.checkpoint import save_model
from rtau_train.models.folding import exported_as
from tests.parity.networks import random_model
from tests.support.training import lab_record

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FLAGSHIPS = ("vgg19", "shufflenetv2_x1_0")
# NASNet's cells have batch norms that follow no convolution; all others are folded into one.
KEEPS_BATCH_NORMS = "nasnet_mobile"
# Each traces a network anew, several seconds; `make test` keeps the quickest.
SLOW = pytest.mark.slow
CASES = [
    pytest.param("shufflenetv2_x1_0", "gradcam++", {}, id="shufflenetv2_x1_0-gradcam++"),
    pytest.param("vgg19", "gradcam++", {}, id="vgg19-gradcam++"),
    pytest.param("vgg19", "gradcam", {}, id="vgg19-gradcam", marks=SLOW),
    pytest.param(
        "resnet18",
        "gradcam",
        {"labels": EMOTIONS, "task": "multi_class", "hidden": 0},
        id="resnet18-emotions",
        marks=SLOW,
    ),
    pytest.param("vgg19_bn", "gradcam++", {"pooling": "max"}, id="vgg19_bn-max", marks=SLOW),
    pytest.param("vgg19", "gradcam++", {"pooling": "max"}, id="vgg19-max", marks=SLOW),
    pytest.param("mobilenetv2", "gradcam", {"pooling": "max"}, id="mobilenetv2-max", marks=SLOW),
    *(
        pytest.param(name, method, {}, id=f"{name}-{method}", marks=SLOW)
        for name in NETWORKS
        if name not in FLAGSHIPS
        for method in ("gradcam", "gradcam++")
    ),
]


@pytest.fixture(scope="module")
def exported(request, tmp_path_factory):
    """A network's checkpoint and the file the command line makes of it."""
    name, method, changes = request.param
    folder = tmp_path_factory.mktemp(name)
    model = random_model(name, **changes)
    save_model(folder / "model.pt", model)
    write_record(folder, lab_record())
    out = folder / f"{name}.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "PARITY_BATCHES", (1,))  # the test below does the rest
        assert main(["onnx", str(folder), "--out", str(out), "--cam", method]) == 0
    return model, out, method


def parametrised(test):
    cases = [pytest.param(case.values, id=case.id, marks=case.marks) for case in CASES]
    return pytest.mark.parametrize("exported", cases, indirect=True, scope="module")(test)


@parametrised
def test_the_file_gives_what_torch_gives_for_any_batch(exported):
    model, out, method = exported
    graph = FaceGraph(model.network(), cam_method=method)
    batches = (1, 2, 7, 32) if model.recipe.network.name in FLAGSHIPS else (1, 3)
    with closing(open_engine(str(out), provider="cpu")) as engine:
        contract = engine.contract
        images = probe_crops(max(batches), size=contract.input_size)
        wanted = exporter.torch_scores(graph, images, contract=contract)
        for batch in batches:
            got = verify.infer(engine, images[:batch])
            np.testing.assert_allclose(got.logits, wanted.logits[:batch], atol=2e-3)
            heat = wanted.cams[:batch]
            assert got.cams.shape == heat.shape
            np.testing.assert_allclose(got.cams, heat, atol=1e-3 * heat.max())

    assert min(wanted.cams.shape[2:]) >= 7
    assert wanted.cams.max() > 0
    assert contract.cam_method == method
    assert contract.cam_scale == model.scale_of(method)
    assert contract.network == exported_as(model.recipe.network.name)
    assert contract.weights_sha256 == model.weights_sha256()
    assert (contract.task, contract.labels) == (
        model.recipe.network.task,
        model.recipe.network.labels,
    )


@parametrised
def test_the_graph_is_one_that_devices_parse(exported):
    model, path, _ = exported
    proto = onnx.load(path)

    kinds = {node.op_type for node in proto.graph.node}
    assert [node.op_type for node in proto.graph.node[:2]] == ["Cast", "Transpose"]
    assert {entry.domain for entry in proto.opset_import} == {""}
    assert max(entry.version for entry in proto.opset_import) <= 20  # TensorRT 10.3
    # Signs of an exporter that computes shapes or indices at run time.
    assert not kinds & {"Shape", "Range", "Gather", "Expand", "Where", "ArgMax", "ScatterND"}
    assert ("BatchNormalization" in kinds) == (model.recipe.network.name == KEEPS_BATCH_NORMS)
    # A MaxPool with indices would have a second output.
    assert all(len(node.output) == 1 for node in proto.graph.node if node.op_type == "MaxPool")
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param


@pytest.mark.needs_tensorrt_rtx
@parametrised
def test_tensorrt_builds_an_engine_with_the_heatmaps(exported):
    request = EngineRequest(
        batch=BatchProfile(1, 2, 4), generations=("8.6",), library="tensorrt_rtx"
    )

    built = build_engines(exported[1], request)

    assert len(built) == 2  # with heatmaps, and the twin without
    assert all(engine.path.stat().st_size > 0 for engine in built)
