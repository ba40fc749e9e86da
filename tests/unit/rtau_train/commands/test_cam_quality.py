import json

import pytest

from rtau_train.commands.cam_quality import table
from rtau_train.commands.main import main
from rtau_train.evaluation.run_metrics import CamMetrics
from tests.support.training import FACES


def metrics(label, method, **changes):
    nan = float("nan")
    values = {"rows": 0, "empty": 2, "hit_rate": nan, "energy": nan, "chance": nan}
    values |= {"hit_chance": nan, **changes}
    return CamMetrics(method=method, label=label, regions="landmarks", **values)


def test_the_table_gives_figures_lifts_and_what_was_left_out():
    one = {"rows": 8, "empty": 1, "hit_rate": 0.5, "energy": 0.25, "chance": 0.1}
    one["hit_chance"] = 0.125
    shown = table(
        [
            metrics("AU04", "gradcam++", **one),
            metrics("AU04", "gradcam", **{**one, "energy": 0.3}),
            metrics("AU25", "gradcam++"),
            metrics("AU25", "gradcam"),
        ]
    ).splitlines()

    assert len({line.count("|") for line in shown[:5]}) == 1
    assert shown[2] == (
        "| AU04 | brow lowerer | 9 | 0.100 | 0.500 (4.0) | 0.250 (2.5) | 1 "
        "| 0.500 (4.0) | 0.300 (3.0) | 1 |"
    )
    assert shown[3] == "| AU25 | lips part | 2 | - | - (-) | - (-) | 2 | - (-) | - (-) | 2 |"
    assert shown[4].startswith("| **mean** | | | | 0.500 (4.0) | 0.250 (2.5) | 3 | 0.500 (4.0)")
    assert "each face's landmarks" in shown[-1]


def test_a_run_is_judged_on_its_test_part(run_folder, capsys):
    judge = ["camquality", str(run_folder), "--data", str(FACES)]

    assert main([*judge, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 24
    assert {one["regions"] for one in found} == {"landmarks"}
    test_rows = json.loads((run_folder / "split.json").read_text(encoding="utf-8"))["test"]
    assert max(one["rows"] + one["empty"] for one in found) <= len(test_rows)
    assert main([*judge, "--faces", "5"]) == 0
    shown = capsys.readouterr().out
    assert "| AU12 | lip corner puller |" in shown


@pytest.mark.parametrize("count", ["0", "-3"])
def test_no_faces_are_no_figures(run_folder, capsys, count):
    assert main(["camquality", str(run_folder), "--data", str(FACES), "--faces", count]) == 2
    assert f"--faces must be at least 1, got {count}" in capsys.readouterr().err
