import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from rtau.contract import CropRule
from rtau.errors import UsageError
from rtau_train.datasets import augmentation
from rtau_train.datasets.preparation import Preparation
from rtau_train.explaining import facial_regions
from rtau_train.explaining.cam_quality import (
    BATCH,
    GRID_PX,
    TOLERANCE_PX,
    Faces,
    cam_metrics,
    energy,
    faces_of,
    hit,
    near,
    peaks,
)
from rtau_train.explaining.mean_face import mean_face
from rtau_train.models import build
from rtau_train.models.checkpoint import Model, load_model
from rtau_train.models.pooling import Pooling
from tests.support.training import shipped_recipe

LABELS = shipped_recipe().network.labels
TEMPLATE = mean_face(shipped_recipe().crop)


def box(x0, y0, x1, y1):
    """A region, its sides in tenths of the crop."""
    mask = np.zeros((GRID_PX, GRID_PX), bool)
    edges = np.array([y0, y1, x0, x1]) * GRID_PX // 10
    mask[edges[0] : edges[1], edges[2] : edges[3]] = True
    return mask


def spot(row, column, *, size=7):
    cam = np.zeros((size, size), np.float32)
    cam[row, column] = 3
    return cam


def test_heat_wholly_inside_is_all_energy_and_a_hit():
    assert energy(spot(3, 3), box(2, 2, 8, 8)) == pytest.approx(1)
    assert hit(spot(3, 3), box(2, 2, 8, 8)) == 1


def test_heat_outside_is_no_energy_and_no_hit():
    assert energy(spot(6, 6), box(0, 0, 3, 3)) == 0
    assert hit(spot(6, 6), box(0, 0, 3, 3)) == 0


@pytest.mark.parametrize("size", [7, 14])
@pytest.mark.parametrize("mask", [box(1, 2, 4, 9), box(0, 0, 10, 5), box(7, 7, 9, 9)], ids=str)
def test_heat_that_knows_nothing_scores_chance(size, mask):
    flat = np.full((size, size), 0.2, np.float32)

    assert energy(flat, mask) == pytest.approx(mask.mean())
    assert hit(flat, mask) == pytest.approx(mask.mean(), abs=0.1)  # cells are coarse


def test_random_heat_hits_by_chance():
    rng = np.random.default_rng(5)
    mask = box(1, 2, 4, 9)

    hits = [hit(rng.random((14, 14), dtype=np.float32), mask) for _ in range(2000)]

    centres = hit(np.ones((14, 14), np.float32), mask)  # of all cells: more than its area
    assert centres == 5 * 10 / 14**2
    assert np.mean(hits) == pytest.approx(centres, abs=0.03)


def test_heat_at_the_edge_of_the_crop_peaks_in_its_cell_not_in_the_corner():
    np.testing.assert_allclose(peaks(spot(0, 6)), [[6.5 / 7, 0.5 / 7]])
    assert hit(spot(0, 6), box(8, 0, 10, 2)) == 1


def test_what_lies_beside_a_region_is_near_up_to_the_tolerance():
    region = box(2, 2, 4, 4)

    around = near(region)

    first, last = np.flatnonzero(around.any(axis=0))[[0, -1]]
    columns = np.flatnonzero(region.any(axis=0))
    assert (columns[0] - first, last - columns[-1]) == (TOLERANCE_PX, TOLERANCE_PX)
    assert around[region].all()
    assert not near(np.zeros_like(region)).any()
    beside = spot(0, 1)
    assert hit(beside, region) == 0
    assert hit(beside, near(box(2, 1, 4, 4))) == 1


def test_cells_that_tie_count_by_their_share():
    two = spot(1, 1) + spot(5, 5)

    assert len(peaks(two)) == 2
    assert hit(two, box(0, 0, 4, 4)) == 0.5


class Fixed(nn.Module):
    """A network whose CAM of each label is what the pixels of the crop's first rows say."""

    def __init__(self, cams):
        super().__init__()
        self.cams = torch.from_numpy(cams)
        self.normalise = nn.Module()
        self.normalise.mean = torch.zeros(1)
        self.pooling = Pooling()
        self.head = nn.Module()
        self.head.hidden = None
        self.head.out = nn.Linear(self.cams.shape[1], self.cams.shape[1], bias=False)
        nn.init.eye_(self.head.out.weight)

    def features(self, crops):
        return self.cams[crops[:, 0, 0, 0].long()]

    def direct(self):
        return None


def faces_with(occurs, *, points=TEMPLATE[None]):
    crops = np.zeros((len(occurs), 8, 8, 3), np.uint8)
    crops[:, 0, 0, 0] = np.arange(len(occurs))
    return Faces(crops, np.array(occurs), points, "mean face")


def test_figures_are_means_over_the_faces_that_show_the_label():
    cams = np.zeros((4, 2, 7, 7), np.float32)
    cams[0, 1] = spot(4, 3)  # mouth: AU25
    cams[1, 1] = spot(0, 0)
    cams[2, 0] = spot(1, 3)  # forehead: AU01, which this face does not show
    occurs = [[False, True], [False, True], [False, False], [True, True]]

    net = Fixed(cams)
    found = cam_metrics(net, [faces_with(occurs)], labels=("AU01", "AU25"), methods=("gradcam",))

    brow, lips = found
    assert (brow.label, brow.rows, brow.empty) == ("AU01", 0, 1)
    assert all(math.isnan(value) for value in (brow.hit_rate, brow.energy, brow.chance))
    assert math.isnan(brow.hit_lift)
    assert (lips.rows, lips.empty, lips.hit_rate) == (2, 1, 0.5)
    region = facial_regions.mask("AU25", TEMPLATE, side_px=GRID_PX)
    assert lips.chance == pytest.approx(region.mean())
    assert lips.energy == pytest.approx(energy(spot(4, 3), region) / 2)
    assert lips.hit_chance == pytest.approx(hit(np.ones((7, 7), np.float32), near(region)))
    assert lips.hit_chance > lips.chance  # a hit may lie beside the region
    assert lips.hit_lift == pytest.approx(0.5 / lips.hit_chance)
    assert lips.energy_lift == pytest.approx(lips.energy / lips.chance)
    assert lips.regions == "mean face"


def test_regions_follow_each_face():
    cams = np.tile(spot(4, 3), (2, 1, 1, 1))
    points = np.stack([TEMPLATE, TEMPLATE - [0, 0.3]])
    faces = faces_with([[True], [True]], points=points)

    (found,) = cam_metrics(Fixed(cams), [faces], labels=("AU25",), methods=("gradcam++",))

    assert (found.rows, found.hit_rate) == (2, 0.5)


def test_more_faces_than_a_batch_holds_are_judged_once_each():
    cams = np.tile(spot(4, 3), (BATCH + 3, 1, 1, 1))
    batch = faces_with([[True]] * (BATCH + 3))
    told = []

    (found,) = cam_metrics(
        Fixed(cams), [batch, batch], labels=("AU25",), methods=("gradcam",), progress=told.append
    )

    assert (found.rows, found.hit_rate) == (2 * (BATCH + 3), 1)
    assert told == [BATCH, 3] * 2


def test_what_does_not_fit_together_is_refused():
    net = Fixed(np.zeros((1, 1, 7, 7), np.float32))

    with pytest.raises(ValueError, match="occurs must be"):
        cam_metrics(net, [faces_with([[True, True]])], labels=("AU25",))
    with pytest.raises(ValueError, match="points must be"):
        cam_metrics(net, [faces_with([[True]], points=TEMPLATE)], labels=("AU25",))
    with pytest.raises(ValueError, match="must name an Action Unit"):
        cam_metrics(net, [faces_with([[True]])], labels=("anger",))
    with pytest.raises(UsageError, match="no face at all"):
        cam_metrics(net, [], labels=("AU25",))


def random_model(name, size):
    torch.manual_seed(3)
    recipe = shipped_recipe()
    network = dataclasses.replace(recipe.network, name=name, input_size=size)
    count = len(network.labels)
    # VGG19 has one form; the others are judged in their dense one.
    plan = dataclasses.replace(recipe.fit, dense_epochs=int(name != "vgg19"))
    return Model(
        recipe=dataclasses.replace(recipe, network=network, fit=plan),
        recipe_path="recipe.toml",
        epochs_done=0,
        thresholds=(0.5,) * count,
        cam_scale=(1.0,) * count,
        cam_plus_plus_scale=(1.0,) * count,
        weights=build(network).state_dict(),
        is_dense=name != "vgg19",
    )


@pytest.mark.parametrize(
    ("name", "size"),
    [("vgg19", 112), ("shufflenetv2_x1_0", 48), ("resnet18", 48), ("efficientnet_b0", 48)],
)
def test_every_kind_of_network_gets_figures(data, name, size):
    model = random_model(name, size)
    rows = np.arange(8, dtype=np.int64)
    told = []

    faces = faces_of(model, data, rows)
    found = cam_metrics(model.network(), faces, labels=LABELS, progress=told.append)

    assert sum(told) == int(data.occurs[rows].any(axis=1).sum())
    assert [(one.label, one.method) for one in found] == [
        (label, method) for label in LABELS for method in ("gradcam++", "gradcam")
    ]
    shown = dict(zip(LABELS, data.occurs[rows].sum(axis=0), strict=True))
    for one in found:
        assert one.rows + one.empty == shown[one.label]
        if one.rows:
            assert 0 <= one.hit_rate <= 1
            assert 0 <= one.energy <= 1
            assert 0 < one.chance < 0.2
        assert one.regions == "landmarks"
    # Random weights point nowhere: on the whole the heat is where chance puts it.
    inside = np.nanmean([one.energy for one in found])
    assert inside < 2.5 * np.nanmean([one.chance for one in found])


def test_faces_are_cut_and_marked_as_the_network_eats_them(data, run_folder):
    model = load_model(run_folder)
    shown = np.flatnonzero(data.occurs.any(axis=1))[:2]
    neutral = np.flatnonzero(~data.occurs.any(axis=1))[0]
    rows = np.array([shown[0], neutral, shown[1]], np.int64)

    (faces,) = faces_of(model, data, rows)

    image = data.images(shown[1:])[0]
    crop = augmentation.plain_crop(image, data.landmarks[shown[1]], model.recipe.crop, size=48)
    np.testing.assert_array_equal(faces.crops[1], crop)
    points = augmentation.plain_points(data.landmarks[shown[1]], image, model.recipe.crop, size=48)
    np.testing.assert_allclose(faces.points[1], points / 48)
    np.testing.assert_array_equal(faces.occurs, data.occurs[shown])


def without_landmarks(data, model, *, crop):
    prepared = Preparation(
        dataset="folder", task="multi_label", labels=LABELS, size_px=128, crop=crop, images=120,
        rejected=0, rtau_version="0", source="faces",
    )  # fmt: skip
    data = dataclasses.replace(data, landmarks=None, preparation=prepared)
    return data, dataclasses.replace(model, recipe=dataclasses.replace(model.recipe, crop=None))


def test_without_landmarks_the_mean_face_stands_in(data, run_folder):
    rule = CropRule(detector="haar", expand=1.2, offset_x=0, offset_y=0.1)
    prepared, model = without_landmarks(data, load_model(run_folder), crop=rule)

    (faces,) = faces_of(model, prepared, np.arange(20))

    assert faces.source == "mean face"
    np.testing.assert_array_equal(faces.points, mean_face(rule)[None])
    found = cam_metrics(model.network(), [faces], labels=LABELS)
    assert {one.regions for one in found} == {"mean face"}


def test_crops_of_unknown_geometry_and_emotions_have_no_regions(data, run_folder):
    prepared, model = without_landmarks(data, load_model(run_folder), crop=None)

    with pytest.raises(UsageError, match="do not say where their crops were cut"):
        next(faces_of(model, prepared, np.arange(20)))
    emotions = dataclasses.replace(model.recipe.network, task="multi_class", labels=("a", "b"))
    model = dataclasses.replace(model, recipe=dataclasses.replace(model.recipe, network=emotions))
    with pytest.raises(UsageError, match="emotions have no region"):
        next(faces_of(model, data, np.arange(20)))
