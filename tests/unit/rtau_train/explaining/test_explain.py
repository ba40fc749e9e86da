import dataclasses

import numpy as np
import pytest
import torch

from rtau.errors import ContractError, UsageError
from rtau_train.explaining.explain import Heat, explain, opened
from rtau_train.models import build
from rtau_train.models.cam import logits_and_cams
from rtau_train.models.checkpoint import Model
from tests.support.training import shipped_recipe

EMOTIONS = ("anger", "fear", "happiness")


def random_model(*, size=48, seed=1, **network):
    torch.manual_seed(seed)
    recipe = shipped_recipe()
    network = dataclasses.replace(recipe.network, input_size=size, **network)
    count = len(network.labels)
    return Model(
        recipe=dataclasses.replace(recipe, network=network),
        recipe_path="recipe.toml",
        epochs_done=0,
        thresholds=(0.5,) * count,
        cam_scale=tuple(np.linspace(0.1, 0.2, count).tolist()),
        cam_plus_plus_scale=tuple(np.linspace(1, 2, count).tolist()),
        weights=build(network).state_dict(),
        is_dense=True,
    )


@pytest.fixture(scope="module")
def crop():
    return np.random.default_rng(2).integers(0, 256, (48, 48, 3), dtype=np.uint8)


def test_readings_are_what_the_network_says_in_the_order_asked_for(crop):
    model = random_model()
    net = model.network()
    with torch.inference_mode():
        maps = net.features(torch.from_numpy(crop)[None])
        logits, cams = logits_and_cams(maps, net.head, net.pooling, method="gradcam++")

    found = explain(
        opened("one", model), crop, labels=("AU25", "AU04"), methods=("gradcam++", "gradcam")
    )

    assert found.name == "one"
    assert [reading.label for reading in found.readings] == ["AU25", "AU04"]
    for reading, column in zip(found.readings, (10, 2), strict=True):
        assert reading.probability == pytest.approx(float(torch.sigmoid(logits[0, column])))
        assert reading.threshold == 0.5
        assert reading.active == (reading.probability >= 0.5)
        above, below = reading.heats
        assert (above.method, below.method) == ("gradcam++", "gradcam")
        np.testing.assert_allclose(above.cam, cams[0, column].numpy(), rtol=1e-5)
        assert above.full == model.cam_plus_plus_scale[column]
        assert below.full == model.cam_scale[column]


def test_a_softmax_has_no_threshold_and_one_active_label(crop):
    model = random_model(labels=EMOTIONS, task="multi_class")

    found = explain(opened("one", model), crop, labels=EMOTIONS, methods=("gradcam",))

    assert [reading.threshold for reading in found.readings] == [None] * 3
    assert sum(reading.probability for reading in found.readings) == pytest.approx(1)
    likeliest = max(found.readings, key=lambda reading: reading.probability)
    assert [reading.active for reading in found.readings] == [
        reading is likeliest for reading in found.readings
    ]


def test_a_larger_crop_is_brought_to_the_network_and_shown_as_it_came(crop):
    one = opened("one", random_model())
    large = np.repeat(np.repeat(crop, 4, axis=0), 4, axis=1)

    found = explain(one, large, labels=("AU04",), methods=("gradcam",))
    plain = explain(one, crop, labels=("AU04",), methods=("gradcam",))

    assert found.picture_rgb.shape == (192, 192, 3)
    assert found.readings[0].probability == pytest.approx(plain.readings[0].probability, abs=1e-6)


def test_the_peak_is_the_centre_of_the_hottest_cell_and_none_without_heat():
    cam = np.zeros((4, 5), np.float32)
    assert Heat("gradcam", cam, 1.0).peak_xy is None
    cam[1, 3] = 2

    assert Heat("gradcam", cam, 1.0).peak_xy == pytest.approx((0.7, 0.375))
    assert Heat("gradcam", cam, 1.0).highest == 2


def test_what_cannot_be_explained_is_one_clear_line(crop):
    model = random_model()
    one = opened("runs/x", model)

    with pytest.raises(UsageError, match="runs/x has no label AU10; its labels are AU01, AU02"):
        explain(one, crop, labels=("AU04", "AU10"), methods=("gradcam",))
    with pytest.raises(UsageError, match="no label to explain"):
        explain(one, crop, labels=(), methods=("gradcam",))
    with pytest.raises(UsageError, match="square, got 48x40"):
        explain(one, crop[:40], labels=("AU04",), methods=("gradcam",))
    old = opened("old", dataclasses.replace(model, cam_plus_plus_scale=None))
    with pytest.raises(ContractError, match="no scale for gradcam"):
        explain(old, crop, labels=("AU04",), methods=("gradcam++",))
