"""The weights of an exported file, taken back: the same function, ready to be trained on."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import rtau_engines
import torch

from rtau.backends import open_engine
from rtau.backends.parity import probe_crops
from rtau.errors import ConfigError, SourceOpenError
from rtau_export.verify import infer
from rtau_train.fitting.start_from import read_other_run
from rtau_train.models.engine_weights import restore_statistics
from tests.support.training import shipped_recipe

pytestmark = [pytest.mark.needs_torch, pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]

SHIPPED = Path(rtau_engines.__file__).parent / "shufflenetv2-au14.onnx"
STUDY = shipped_recipe().network
NETWORK = dataclasses.replace(
    STUDY, labels=(*STUDY.labels, "AU10", "AU45"), geometry=True, pose=True
)
WIDER = dataclasses.replace(NETWORK, labels=(*NETWORK.labels, "AU07", "AU14"))


@pytest.fixture(scope="module")
def crops():
    return probe_crops(8, size=NETWORK.input_size)


@pytest.fixture(scope="module")
def wanted(crops):
    engine = open_engine(str(SHIPPED), provider="cpu")
    try:
        return infer(engine, crops)
    finally:
        engine.close()


def answers(net, crops):
    net.eval()
    net.set_dense(True)
    with torch.inference_mode():
        logits, points = net(torch.from_numpy(crops))
    return logits.numpy(), (points.numpy() + 1) * NETWORK.input_size / 2


@pytest.mark.parametrize("network", [NETWORK, WIDER])
def test_the_network_computes_what_the_file_does(network, crops, wanted):
    other = read_other_run(SHIPPED, network)
    torch.manual_seed(0)

    logits, points = answers(other.start(network), crops)

    assert other.without_statistics
    assert np.abs(logits[:, :14] - wanted.logits).max() < 1e-3
    assert np.abs(points - wanted.landmarks_xy).max() < 1e-2


def test_statistics_of_crops_change_no_answer_and_fit_those_crops(crops):
    net = read_other_run(SHIPPED, NETWORK).start(NETWORK)
    before = answers(net, crops)[0]

    restore_statistics(net, [torch.from_numpy(crops)])

    assert np.abs(answers(net, crops)[0] - before).max() < 1e-3
    for layer in net.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    net.train()
    with torch.inference_mode():
        trained = net(torch.from_numpy(crops))[0].numpy()
    # While training a norm follows the batch; of these very crops it has the same statistics.
    assert np.abs(trained - before).max() < 0.05


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "resnet18"}, "network.network is shufflenetv2_x1_0 there and resnet18"),
        ({"labels": ("AU12", "AU01")}, "network.labels is AU01"),
        ({"geometry": False}, "set network.geometry = true"),
    ],
)
def test_another_network_is_refused_by_what_differs(changes, said):
    with pytest.raises(ConfigError, match=said):
        read_other_run(SHIPPED, dataclasses.replace(NETWORK, **changes))


def test_a_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"\xff" * 64)

    with pytest.raises((SourceOpenError, ConfigError, ValueError), match=r"x\.onnx"):
        read_other_run(path, NETWORK)
