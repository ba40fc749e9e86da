import numpy as np
import pytest

from rtau.facs import DISFA_PLUS_AUS
from rtau_train.explaining import panels
from rtau_train.explaining.explain import Explanation, Heat, Reading
from rtau_train.explaining.panels import CELL_PX, MAX_ABREAST, draw, heat_picture, panel
from tests.unit.rtau_train.explaining.test_explain import random_model

LABELS = tuple(au.label for au in DISFA_PLUS_AUS)
GREY = np.full((64, 64, 3), 128, np.uint8)


def heat(method="gradcam", *, value=2.0, full=4.0):
    cam = np.zeros((7, 7), np.float32)
    cam[3, 3] = value
    return Heat(method, cam, full)


def explanation(name="net", *, labels=("AU04", "AU25"), heats=None, threshold=0.5):
    heats = heats or (heat("gradcam++"), heat())
    readings = tuple(Reading(label, 0.7, threshold, True, heats) for label in labels)
    return Explanation(name, GREY, readings)


def ink(image):
    """True where a panel is not white."""
    return (image < 250).any(axis=2)


@pytest.mark.parametrize(
    ("models", "labels"), [(1, LABELS[:1]), (2, LABELS[:2]), (2, LABELS), (3, LABELS[:7])]
)
def test_nothing_touches_the_margin(models, labels):
    found = [explanation(f"network-number-{k}", labels=labels) for k in range(models)]

    image = draw(found, title="a picture with a rather long name, as files have.jpg")

    assert image.dtype == np.uint8
    margin = 10
    inside = np.zeros(image.shape[:2], bool)
    inside[margin:-margin, margin:-margin] = True
    assert not (ink(image) & ~inside).any()


def test_two_networks_with_two_labels_stand_beside_each_other_as_in_the_paper():
    one, two = explanation("a"), explanation("b")

    alone, both = draw([one]), draw([one, two])

    assert both.shape[0] == alone.shape[0]
    assert both.shape[1] > alone.shape[1] + 2 * CELL_PX


def test_many_labels_go_below_each_other():
    wide = draw([explanation(labels=LABELS)])
    stacked = draw([explanation(labels=LABELS), explanation(labels=LABELS)])

    assert wide.shape[1] < (MAX_ABREAST + 2) * (CELL_PX + 30)
    assert stacked.shape[1] == wide.shape[1]
    assert stacked.shape[0] > 1.8 * wide.shape[0] - 100


def test_letters_run_as_in_the_papers_figures():
    assert panels._letters(0, models=2, methods=2, abreast=True) == ["(a)", "(c)"]
    assert panels._letters(1, models=2, methods=2, abreast=True) == ["(b)", "(d)"]
    assert panels._letters(1, models=2, methods=2, abreast=False) == ["(c)", "(d)"]


def difference(one, other):
    return int(np.abs(one.astype(int) - other.astype(int)).sum())


def test_the_fixed_scale_shows_strength_and_the_faces_own_hides_it():
    weak = explanation(heats=(heat(value=1.0),))
    strong = explanation(heats=(heat(value=4.0),))

    def colours(one, heat_scale):
        return heat_picture(one.picture_rgb, one.readings[0].heats[0], heat_scale=heat_scale)

    assert difference(colours(weak, "model"), colours(strong, "model")) > 0
    assert difference(colours(weak, "face"), colours(strong, "face")) == 0


def test_heat_at_the_edge_of_the_crop_is_shown():
    cam = np.zeros((7, 7), np.float32)
    cam[6, 0] = 4

    image = heat_picture(GREY, Heat("gradcam", cam, 4.0), heat_scale="model")

    assert image.shape == (CELL_PX, CELL_PX, 3)
    assert np.abs(image[CELL_PX - 4, 4].astype(int) - 128).max() > 20


def test_an_empty_cam_leaves_the_face_as_it_is():
    cell = panels.captioned(GREY, heat(value=0.0), heat_scale="face")

    assert (heat_picture(GREY, heat(value=0.0), heat_scale="face") == 128).all()
    assert (cell[:CELL_PX] == 128).all()
    assert ink(cell[CELL_PX:]).any()  # and says so below it


@pytest.mark.parametrize("text", ["AU04", "a word that is much too long for one column of a panel"])
def test_text_is_made_to_fit_its_column(text):
    box = panels._text_box([panels._Line(text, cap_px=12, bold=True)], CELL_PX)

    assert box.shape[1] == CELL_PX
    assert ink(box).any()
    assert not ink(box)[:, -1].any()


def test_a_panel_of_models_is_drawn_from_one_crop():
    crop = np.random.default_rng(1).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    models = [("ResNet18", random_model(name="resnet18")), ("ShuffleNetV2", random_model(size=64))]

    image = panel(models, crop, labels=("AU04", "AU25"))

    found = panel(models[:1], crop, labels=("AU04", "AU25"))
    assert image.shape[1] > found.shape[1]
    emotions = random_model(labels=("anger", "fear"), task="multi_class")
    assert ink(panel([("net", emotions)], crop, labels=("fear",), methods=("gradcam",))).any()
