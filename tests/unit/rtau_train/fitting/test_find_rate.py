import csv
import dataclasses

import pytest

from rtau.errors import UsageError
from rtau_train.commands.main import main
from rtau_train.fitting import find_rate
from rtau_train.fitting.find_rate import TriedRates, try_rates
from rtau_train.fitting.training_options import TrainingOptions
from tests.support.training import FACES, NO_AUGMENT, RECIPE, small_recipe


def test_rates_rise_in_equal_ratios_until_the_loss_diverges(data, monkeypatch):
    monkeypatch.setattr(find_rate, "HIGHEST", 1e3)
    recipe = dataclasses.replace(small_recipe(batch=8), augment=NO_AUGMENT)

    tried = try_rates(recipe, data, steps=24, options=TrainingOptions())

    ratios = [b / a for a, b in zip(tried.rates, tried.rates[1:], strict=False)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))
    assert len(tried.rates) < 24
    assert tried.rates[0] < tried.suggestion < tried.rates[-1]


def test_the_suggestion_is_where_the_loss_falls_fastest():
    tried = TriedRates((1e-5, 1e-4, 1e-3, 1e-2, 1e-1), (1.0, 0.99, 0.6, 0.55, 2.0))

    # Halved differences of the neighbours: -.2 at 1e-4, -.22 at 1e-3.
    assert tried.suggestion == 1e-3


def test_too_few_steps_are_refused(data):
    with pytest.raises(UsageError, match="--steps must be at least 10, got 3"):
        try_rates(small_recipe(), data, steps=3, options=TrainingOptions())


def test_the_command_writes_a_row_per_rate(tmp_path, capsys):
    out = tmp_path / "lr.csv"
    small = ["--set", "network.input_size=48", "--set", "fit.batch=8"]

    code = main(
        ["find-lr", str(RECIPE), "--data", str(FACES), "--steps", "10", "--out", str(out), *small]
    )

    assert code == 0
    assert float(capsys.readouterr().out) > 0
    with out.open(newline="") as file:
        assert len(list(csv.DictReader(file))) >= 2
