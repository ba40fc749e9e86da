import dataclasses

import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau_train.card.renders import YAW_GROUP, render_metrics
from rtau_train.evaluation import binary_metrics
from rtau_train.evaluation.evaluate import cut_plain
from tests.support.cards import bright_engine, brightness
from tests.support.training import small_recipe

ROWS = np.arange(0, 120, 3)
THRESHOLDS = tuple(np.linspace(0.2, 0.6, 12).tolist())


@pytest.fixture(scope="module")
def metrics(data):
    engine = bright_engine(thresholds=THRESHOLDS)
    return render_metrics(engine, data, ROWS, recipe=small_recipe())


@pytest.fixture(scope="module")
def said(data):
    return brightness(cut_plain(data, ROWS, small_recipe()))


def test_each_au_is_judged_at_its_shipped_threshold(metrics, data, said):
    assert metrics.rows == metrics.subjects == len(ROWS)
    for k, row in enumerate(metrics.labels):
        truth = data.occurs[ROWS, k]
        assert row.threshold == pytest.approx(THRESHOLDS[k])
        assert row.auc == pytest.approx(binary_metrics.auc(said, truth), nan_ok=True)
        if truth.any():
            assert row.f1 == pytest.approx(binary_metrics.f1(said >= THRESHOLDS[k], truth))


def test_every_render_is_in_one_group_of_each_kind(metrics, data):
    counted = {}
    for group in metrics.groups:
        counted.setdefault(group.column, {})[group.value] = group.rows

    assert set(counted) == {"sex", "age_group", "ethnicity", "glasses", YAW_GROUP}
    assert all(sum(rows.values()) == len(ROWS) for rows in counted.values())
    yaw = np.abs(data.columns["yaw_deg"][ROWS].astype(float))
    assert counted[YAW_GROUP]["0-10"] == (yaw <= 10).sum()
    assert counted[YAW_GROUP].get(">30", 0) == (yaw > 30).sum()


def test_a_change_keeps_the_decisions_that_it_does_not_turn(metrics, said):
    plain, *changed = metrics.changes
    assert (plain.name, plain.same_decisions) == ("", 1)
    assert plain.mean_auc == metrics.means.mean_auc
    assert plain.macro_f1 == metrics.means.macro_f1
    (dark,) = (one for one in changed if "darkened" in one.name)
    # So dark a picture reaches no threshold: the decisions that stay are those against an AU.
    assert dark.same_decisions == pytest.approx((said[:, None] < THRESHOLDS).mean())
    assert dark.macro_f1 == 0
    (grey,) = (one for one in changed if "colour" in one.name)
    assert grey.same_decisions > 0.9


def test_skin_tone_takes_the_place_of_ethnicity(data):
    toned = dataclasses.replace(
        data, columns={"skin_tone": np.array(["", "5"] * 60), "ethnicity": np.full(120, "african")}
    )

    found = render_metrics(bright_engine(), toned, ROWS, recipe=small_recipe()).groups

    assert [(group.column, group.value) for group in found] == [("skin_tone", "5")]
    assert found[0].rows == (ROWS % 2 == 1).sum()


def test_an_angle_that_is_no_number_is_refused(data):
    wrong = dataclasses.replace(data, columns={"yaw_deg": np.full(120, "left")})

    with pytest.raises(SourceOpenError, match=r"an angle in yaw_deg is no number .*left"):
        render_metrics(bright_engine(), wrong, ROWS, recipe=small_recipe())
