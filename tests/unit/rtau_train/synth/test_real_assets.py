"""What the actions do to a real head, in the words of the manual; needs the asset folder."""

import os
from pathlib import Path

import numpy as np
import pytest

from rtau_train.synth.assets import read_assets
from rtau_train.synth.head import LANDMARKS, Head
from rtau_train.synth.sampling import LABELLED, only

pytestmark = pytest.mark.needs_synth_assets

LIP_PARTED_CM = 0.12


@pytest.fixture(scope="module")
def head():
    return Head(read_assets(Path(os.environ["RTAU_SYNTH_ASSETS"])))


@pytest.fixture(scope="module")
def person(head):
    return head.person(np.zeros(100, np.float32), {"caucasian_female_young": 1.0})


def moves(head, person, **actions):
    """How the 68 landmarks move, (68, 3) cm, x to the face's left."""
    weights = only({int(au[2:]): value for au, value in actions.items()}).weights
    return head.deformed(person, weights).points[LANDMARKS] - person[LANDMARKS]


def gap(head, person, **actions):
    weights = only({int(au[2:]): value for au, value in actions.items()}).weights
    return head.lip_gap_cm(head.deformed(person, weights).points, person)


@pytest.mark.parametrize("au", LABELLED)
def test_every_action_grows_with_its_intensity(head, person, au):
    sizes = [np.abs(moves(head, person, **{f"au{au}": i})).sum() for i in (1.0, 3.0, 5.0)]

    assert 0.02 < sizes[0] < sizes[1] < sizes[2]


def test_au1_raises_the_inner_brows_most(head, person):
    up = moves(head, person, au1=5.0)[:, 1]

    assert up[[21, 22]].min() > 0.3
    assert up[[21, 22]].min() > up[[17, 26]].max()


def test_au2_raises_the_outer_brows_most(head, person):
    up = moves(head, person, au2=5.0)[:, 1]

    assert up[[18, 25]].min() > up[[21, 22]].max() + 0.1


def test_au4_lowers_the_brows_and_draws_them_together(head, person):
    move = moves(head, person, au4=5.0)

    assert move[[20, 21, 22, 23], 1].max() < -0.2
    assert move[22, 0] < -0.15
    assert move[21, 0] > 0.15


def test_au5_opens_the_eyes(head, person):
    move = moves(head, person, au5=5.0)

    assert move[[37, 38, 43, 44], 1].min() > 0.05


def test_au9_raises_the_nostril_wings(head, person):
    assert moves(head, person, au9=5.0)[[31, 35], 1].min() > 0.12


def test_au12_raises_the_corners_and_au15_lowers_them(head, person):
    assert moves(head, person, au12=5.0)[[48, 54], 1].min() > 0.3
    assert moves(head, person, au15=5.0)[[48, 54], 1].max() < -0.4


def test_au17_raises_the_chin_and_the_lower_lip(head, person):
    assert moves(head, person, au17=5.0)[[57, 66], 1].min() > 0.2


def test_au20_stretches_the_mouth_sideways(head, person):
    move = moves(head, person, au20=5.0)

    assert move[54, 0] > 0.5
    assert move[48, 0] < -0.5
    assert np.abs(move[[48, 54], 1]).max() < 0.35


def test_au25_and_au26_part_the_lips(head, person):
    assert gap(head, person, au25=3.0) > LIP_PARTED_CM
    assert gap(head, person, au26=3.0) > gap(head, person, au25=3.0)


@pytest.mark.parametrize("au", [1, 2, 4, 5, 6, 12, 15, 17])
def test_the_others_leave_the_lips_closed(head, person, au):
    assert gap(head, person, **{f"au{au}": 5.0}) < LIP_PARTED_CM
