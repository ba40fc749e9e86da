from pathlib import Path

import pytest

from rtau.backends import open_engine

pytest.importorskip("torch", reason="reads folders of crops as training does")

# Below, what needs torch.
from benchmarks.rendered_heads import figures, table

RENDERS = Path(__file__).parents[2] / "data" / "synth-facs"


def test_figures_are_those_of_the_pictures_that_are_coded():
    with open_engine("shufflenetv2-au14", threads=1) as engine:
        found = figures(engine, RENDERS)

    assert {"AU01", "AU12", "AU26"} <= found.keys()
    assert "AU45" not in found  # these renders have no column for it
    count, area, score, hits, alarms = found["AU12"]
    assert count > 10
    assert area > 0.9
    assert 0 < score < 1
    assert hits > alarms


def test_the_last_row_has_the_means():
    *_, last = table({"AU01": (10, 0.8, 0.5, 0.6, 0.1), "AU12": (30, 0.9, 0.7, 0.8, 0.0)})

    assert last == "| mean | | 0.850 | 0.600 | 70% | 5% |"
