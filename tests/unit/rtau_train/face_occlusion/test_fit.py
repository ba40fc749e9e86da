"""The branch learns, is calibrated, and its limit keeps to the false alarms that are allowed."""

import dataclasses

import numpy as np
import pytest
import torch

from rtau_train.face_occlusion import assess, calibrate, card, covers, examples, fit
from rtau_train.face_occlusion.assess import Figures, HeldOut, Share
from rtau_train.face_occlusion.backbone import AlignmentBackbone
from rtau_train.face_occlusion.branch import OcclusionBranch
from rtau_train.face_occlusion.examples import FREE
from rtau_train.face_occlusion.material import PORTRAITS
from rtau_train.face_occlusion.recipe import read_recipe
from tests.unit.rtau_train.face_occlusion.test_graft import OUTPUT
from tests.unit.rtau_train.face_occlusion.test_recipe import RECIPE

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]


@pytest.fixture(scope="module")
def recipe():
    whole = read_recipe(RECIPE)
    short = dataclasses.replace(whole.fit, epochs=100, batch=16)
    return dataclasses.replace(whole, fit=short, channels=(16, 16, 16, 8))


@pytest.fixture(scope="module")
def seen(free_faces, plain_scenes):
    rng = np.random.default_rng(1)
    drawing = examples.Drawing(plain_scenes, 1.6, examples.drawn(plain_scenes))
    kinds = ["mask", FREE] * 16
    rows = [k % len(free_faces) for k in range(32)]
    return examples.examples(rng, free_faces, drawing, kinds=kinds, rows=rows)


def test_a_few_examples_are_learnt_by_heart(bare, recipe, seen):
    backbone = AlignmentBackbone(bare)
    said = []
    branch = fit.fitted(backbone, seen, recipe, amp=False, say=said.append)
    assert len(said) == recipe.fit.epochs
    found = fit.logits_of(branch, backbone(seen.crops)).numpy() > 0
    assert (found == (seen.labels == 1)).mean() > 0.9


def test_two_fits_with_one_seed_agree(bare, recipe, seen):
    few = dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, epochs=2))
    backbone = AlignmentBackbone(bare)
    one, other = (
        fit.fitted(backbone, seen, few, amp=False, say=lambda _: None).state_dict()
        for _ in range(2)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def held(count, label, kind):
    made = examples.Examples(
        np.zeros((count, 64, 64), np.uint8),
        np.full(count, label, np.float32),
        np.zeros((count, 8, 8), np.uint8),
        (kind,) * count,
        np.arange(count),
    )
    return HeldOut(made, ())


def test_the_limit_keeps_to_the_false_alarms(rng):
    table = {(PORTRAITS, FREE): held(4000, 0, FREE), (PORTRAITS, "mask"): held(2000, 1, "mask")}
    logits = {
        (PORTRAITS, FREE): rng.normal(-1, 1, 4000).astype(np.float32),
        (PORTRAITS, "mask"): rng.normal(2, 1, 2000).astype(np.float32),
    }
    branch = OcclusionBranch((4, 4), (4, 4, 4, 4))
    limit, origin = calibrate.calibrated(branch, logits, table, false_alarms=0.02)
    assert "2%" in origin
    scale, shift = branch.calibration.tolist()
    calibrated = {key: scale * values + shift for key, values in logits.items()}
    output = dataclasses.replace(OUTPUT, limit=limit)
    found = assess.shares(calibrated, table, limit_logit=output.limit_logit)
    assert found[FREE, PORTRAITS].share == pytest.approx(0.02, abs=0.008)
    assert found["mask", PORTRAITS].share > 0.75
    # Only the half that chose nothing is reported.
    assert found[FREE, PORTRAITS].count == 2000


def test_the_card_says_recall_by_kind_and_keeps_the_rest():
    figures = Figures(
        kinds={
            ("mask", PORTRAITS): Share(9, 10),
            ("hand", PORTRAITS): Share(1, 10),
            (FREE, PORTRAITS): Share(1, 100),
            ("dark glasses", assess.AS_PICTURED): Share(3, 4),
        },
        groups={("beard", "1"): Share(1, 50)},
        milliseconds=(0.1, 0.12),
    )
    text = card.section(figures, OUTPUT, read_recipe(RECIPE), learnt=(7, 8))
    assert "| mask | 90.0% of 10 |" in text
    assert "| **all covers drawn for this** | 50.0% of 20 |" in text
    assert "| beard | 1 | 2.0% of 50 |" in text
    whole = card.with_section("# a\n\n## Time\n\nfast\n", text)
    assert whole.startswith("# a\n\n## Occlusion")
    assert whole.endswith("## Time\n\nfast\n")
    assert card.with_section(whole, text) == whole


def test_every_kind_of_cover_has_a_name_of_its_own():
    assert len({*covers.KINDS, *examples.FREE_KINDS}) == len(covers.KINDS) + 3
