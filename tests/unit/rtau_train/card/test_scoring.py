import numpy as np

from rtau_train.card import scoring
from rtau_train.evaluation.evaluate import cut_plain
from tests.support.cards import bright_engine, brightness, contract
from tests.support.training import small_recipe


def test_what_is_said_does_not_depend_on_the_batches(data, monkeypatch):
    crops = cut_plain(data, np.arange(10), small_recipe())
    monkeypatch.setattr(scoring, "BATCH", 3)

    said = scoring.probabilities_of(bright_engine(), crops)

    assert said.shape == (10, 12)
    np.testing.assert_allclose(said[:, 5], brightness(crops), atol=1e-6)
    assert scoring.probabilities_of(bright_engine(), crops[:0]).shape == (0, 12)


def test_every_change_is_scored_on_the_rows_asked_for(data, monkeypatch):
    rows, recipe = np.array([3, 8, 5, 90]), small_recipe()
    crops = cut_plain(data, rows, recipe)
    monkeypatch.setattr(scoring, "READ_AT_ONCE", 3)

    said = scoring.scored(
        bright_engine(),
        data,
        rows,
        recipe=recipe,
        changes={"": scoring.unchanged, "negative": lambda crop: 255 - crop},
    )

    np.testing.assert_allclose(said[""][:, 0], brightness(crops), atol=1e-6)
    np.testing.assert_allclose(said["negative"][:, 0], brightness(255 - crops), atol=1e-6)


def test_thresholds_are_those_the_runtime_compares_with():
    chosen = scoring.thresholds_of(contract(thresholds=(0.3432,) * 12))

    assert (chosen == np.float32(0.3432)).all()
    assert chosen.dtype == np.float64
