import csv

import av
import numpy as np
import pytest

from rtau_train.commands import main
from rtau_train.synth.clip import COLUMNS, PEAK, script
from rtau_train.synth.sampling import LABELLED


def test_each_action_comes_alone_and_in_order():
    curves = script(1600)
    alone = curves[:1200]
    firsts = [int(np.argmax(alone[:, column] > PEAK / 2)) for column in range(len(LABELLED))]

    assert firsts == sorted(firsts)
    assert ((alone > 0).sum(axis=1) <= 1).all()
    assert curves.max() == pytest.approx(PEAK)
    assert (curves[[0, -1]] < 0.1).all()


def test_curves_have_no_jumps():
    assert np.abs(np.diff(script(1600), axis=0)).max() < 0.4


def test_mixes_follow():
    together = (script(1600)[1200:] > PEAK / 2).sum(axis=1)

    assert {3, 4, 5} <= set(together.tolist())


@pytest.mark.needs_egl
def test_a_clip_and_its_curves_have_a_row_per_frame(asset_folder, tmp_path, capsys):
    out = tmp_path / "clip.mp4"
    flags = ["--seconds", "1", "--fps", "16", "--size", "64", "--seed", "2"]
    assert main.main(["synth-clip", "--assets", str(asset_folder), "--out", str(out), *flags]) == 0

    assert capsys.readouterr().out.strip() == str(out)
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 16
    with out.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [float(row["time_s"]) for row in rows] == pytest.approx(np.arange(16) / 16)
    for row in rows:
        assert 0 < float(row["x0"]) < float(row["x1"]) < 64
        assert 0 < float(row["y0"]) < float(row["y1"]) < 64


def test_an_odd_size_is_refused(asset_folder, tmp_path, capsys):
    flags = ["--assets", str(asset_folder), "--out", str(tmp_path / "a.mp4"), "--size", "65"]

    assert main.main(["synth-clip", *flags]) == 2
    assert "must be even" in capsys.readouterr().err
