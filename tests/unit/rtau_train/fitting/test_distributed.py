import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from rtau.errors import UsageError
from rtau_train.fitting.distributed import worker
from rtau_train.models.checkpoint import load_model
from tests.support.training import FACES, RECIPE, ROOT

SMALL = {
    "network.input_size": "48",
    "network.dropout": "0",
    "fit.epochs": "2",
    "fit.dense_epochs": "0",
    "fit.batch": "32",
    "split.validation": "0.2",
    "split.test": "0.2",
}


def fit_with(processes, out):
    """Runs the real command in one process or, through torchrun, in several."""
    changes = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
    verb = ["-m", "rtau_train", "fit", str(RECIPE), "--data", str(FACES), "--out", str(out)]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(launcher if processes > 1 else []), *verb, *changes]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in (".", "train", "export")),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path):
    done = fit_with(2, tmp_path / "two")

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "two" / "model.pt")
    record = json.loads((tmp_path / "two" / "run.json").read_text())
    assert (record["processes"], record["epochs_done"]) == (2, 2)
    rows = (tmp_path / "two" / "history.csv").read_text().splitlines()
    assert len(rows) == 3
    assert np.isfinite(load_model(tmp_path / "two").weights["head.out.weight"].numpy()).all()


def test_one_process_is_the_first_and_needs_no_group():
    with worker("cpu") as alone:
        net = torch.nn.Linear(2, 2)

        assert alone.is_first
        assert alone.share(net) is net
        assert alone.agree(0.25) == 0.25


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_said():
    with pytest.raises(UsageError, match="--device cuda needs an NVIDIA GPU"), worker("cuda"):
        pytest.fail("nothing may run")
