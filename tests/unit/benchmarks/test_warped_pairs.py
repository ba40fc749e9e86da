import numpy as np
import pytest

pytest.importorskip("torch", reason="reads pairs as training does")

# Below, what needs torch.
from benchmarks.warped_pairs import figures, table

PAIRS = """\
neutral,warped,base,kind,fold_gain,AU01_L,AU01_R,AU12_L,AU12_R
a/neutral.jpg,a/1.jpg,a,au,0.5,4.00,4.00,0.00,0.00
a/neutral.jpg,a/2.jpg,a,au,0.5,1.50,1.50,0.00,3.00
b/neutral.jpg,b/1.jpg,b,au,0.5,0.00,2.00,0.00,0.00
"""
FILES = ("a/neutral.jpg", "a/1.jpg", "a/2.jpg", "b/neutral.jpg", "b/1.jpg")
SCORES = np.array([[0.3, 0.1], [0.6, 0.1], [0.9, 0.7], [0.7, 0.2], [0.5, 0.1]])


def test_figures_are_of_the_pairs_in_which_an_action_occurs(tmp_path):
    (tmp_path / "pairs.csv").write_text(PAIRS, encoding="utf-8")

    found = figures(
        SCORES,
        thresholds=np.array([0.55, 0.5]),
        labels=("AU01", "AU12", "AU45"),
        files=FILES,
        pairs=tmp_path / "pairs.csv",
    )

    # AU01: .6 and .5 against neutral .3 and .7; the weak one of a/2 does not count.
    assert found["AU01"] == (2, 0.5, 0.5, 0.5, 0.5)
    assert found["AU12"] == (1, 1.0, 1.0, 1.0, 0.0)
    assert "AU45" not in found
    *_, last = table(found)
    assert last == "| mean | | 75% | 0.750 | 75% | 25% |"
