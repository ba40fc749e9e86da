import dataclasses
import math

import pytest
import torch

from rtau_train.models.loss import soft_targets, total_loss
from tests.support.training import shipped_recipe

FIT = dataclasses.replace(shipped_recipe().fit, landmark_weight=5.0, full_intensity=3.0)


def test_targets_rise_to_one_at_full_intensity():
    targets = soft_targets(torch.tensor([0.0, 1.5, 3.0, 5.0]), full_intensity=3.0)

    assert targets.tolist() == [0.0, 0.5, 1.0, 1.0]


def test_the_loss_is_what_a_pencil_says():
    logits = torch.tensor([[0.0, 2.0]])
    intensities = torch.tensor([[1.5, 4.0]])  # targets 0.5 and 1
    predicted, landmarks = torch.zeros(1, 68, 2), torch.full((1, 68, 2), 0.1)

    loss = total_loss((logits, predicted), intensities, landmarks, fit=FIT)

    occurrence = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    assert loss.item() == pytest.approx(occurrence + 5 * 0.5 * 0.1**2, rel=1e-6)


def test_without_weight_landmarks_do_not_count():
    logits, intensities = torch.zeros(2, 12), torch.zeros(2, 12)
    predicted, landmarks = torch.zeros(2, 68, 2), torch.ones(2, 68, 2)

    fit = dataclasses.replace(FIT, landmark_weight=0.0)
    loss = total_loss((logits, predicted), intensities, landmarks, fit=fit)

    assert loss.item() == pytest.approx(math.log(2), rel=1e-6)


def test_rows_without_landmarks_do_not_count():
    logits, intensities = torch.zeros(2, 12), torch.zeros(2, 12)
    predicted, landmarks = torch.zeros(2, 68, 2), torch.full((2, 68, 2), 0.1)
    alone = total_loss((logits[:1], predicted[:1]), intensities[:1], landmarks[:1], fit=FIT)
    landmarks[1] = math.nan

    both = total_loss((logits, predicted), intensities, landmarks, fit=FIT)

    assert both.item() == pytest.approx(alone.item(), rel=1e-6)
