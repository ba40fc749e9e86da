import csv
import dataclasses
import shutil

import numpy as np
import pytest

from rtau_train.commands.main import main
from rtau_train.datasets.folds import split_rows
from rtau_train.datasets.splits import saved_splits
from rtau_train.evaluation.binary_metrics import auc, known_mean
from rtau_train.evaluation.evaluate import answers
from rtau_train.models.checkpoint import load_model
from tests.support.training import FACES, RECIPE, faces, shipped_recipe

SMALL = [
    "network.input_size=48",
    "split.validation=0.2",
    "split.test=0.2",
    "fit.epochs=1",
    "fit.dense_epochs=0",
    "fit.batch=16",
]


def command(out, *more, rows="16,48", epoch_rows=16):
    sets = [f"--set={value}" for value in [*SMALL, f"fit.epoch_rows={epoch_rows}"]]
    return [
        "curve",
        str(RECIPE),
        "--data",
        str(FACES),
        "--rows",
        rows,
        "--out",
        str(out),
        *sets,
        *more,
    ]


def rows_of(path):
    with (path / "curve.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_curve_has_a_point_per_count_measured_on_one_test_part(tmp_path, capsys):
    other = shutil.copytree(FACES, tmp_path / "others")
    assert main(command(tmp_path, "--also", str(other))) == 0

    table = rows_of(tmp_path)
    assert [row["rows"] for row in table] == ["16", "48"]
    for row in table:
        model = load_model(tmp_path / f"rows-{row['rows']}")
        splits = saved_splits(tmp_path / f"rows-{row['rows']}", faces(), model.recipe)
        assert len(splits.split.train) == int(row["rows"])
        said = answers(model, splits)
        aucs = [auc(said.probabilities[:, k], said.present[:, k]) for k in range(12)]
        assert float(row["test"]) == pytest.approx(known_mean(aucs), abs=1e-4)
        assert 0 < float(row["others"]) < 1
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "curve.md").read_text(encoding="utf-8")
    assert "| 48 |" in printed

    # What is fitted is not fitted again.
    before = (tmp_path / "rows-16" / "model.pt").stat().st_mtime_ns
    assert main(command(tmp_path)) == 0
    assert (tmp_path / "rows-16" / "model.pt").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"rows": "16,many"}, "--rows must be whole numbers"),
        ({"rows": "16,100000"}, "split.train_rows must be at most"),
        ({"epoch_rows": 32}, "fit.epoch_rows must be positive and at most the fewest --rows"),
        ({"epoch_rows": 0}, "fit.epoch_rows must be positive and at most the fewest --rows"),
    ],
)
def test_counts_that_make_no_curve_train_nothing(tmp_path, capsys, more, said):
    assert main(command(tmp_path, **more)) == 2

    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("rows-*"))


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([FACES], "is among --data"),
        (["one/faces", "two/faces"], "--also must name folders of different names"),
    ],
)
def test_what_is_measured_on_only_has_a_name_of_its_own(tmp_path, capsys, others, said):
    flags = [word for other in others for word in ("--also", str(tmp_path / other))]
    assert main(command(tmp_path / "out", *flags)) == 2

    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_fewer_rows_are_among_more_and_nothing_else_changes():
    plan = shipped_recipe().split
    whole = split_rows(faces(), plan)
    few, more = (
        split_rows(faces(), dataclasses.replace(plan, train_rows=count)) for count in (10, 40)
    )

    assert set(few.train) < set(more.train) < set(whole.train)
    assert (len(few.train), len(more.train)) == (10, 40)
    for some in (few, more):
        np.testing.assert_array_equal(some.test, whole.test)
        np.testing.assert_array_equal(some.validation, whole.validation)
