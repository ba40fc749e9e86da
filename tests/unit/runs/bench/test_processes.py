import pytest

from rtau.errors import UsageError
from rtau.runs.bench import processes
from tests.support.commands import EXAMPLE
from tests.support.media import write_clip

HOW = {"model": "shufflenetv2-au12", "provider": "cpu"}


def test_the_import_is_timed_in_a_fresh_interpreter():
    assert 0 < processes.import_s() < 60


@pytest.mark.needs_onnxruntime
def test_a_fresh_run_gives_its_first_row_and_its_memory(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", count=40)
    assert 0 < processes.first_result_s(clip, **HOW) < 60
    memory = processes.run_memory(clip, tmp_path / "a.csv", **HOW)
    assert memory is not None
    assert memory.peak_mib >= memory.late_mib > 20
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 41


def test_a_run_that_fails_is_an_error_with_the_command(tmp_path):
    with pytest.raises(UsageError, match=r"-m rtau video .* gave no result; run it by hand"):
        processes.first_result_s(tmp_path / "missing.mp4", **HOW)
    with pytest.raises(UsageError, match="failed; run it by hand"):
        processes.run_memory(EXAMPLE, tmp_path / "a.csv", model="missing", provider="cpu")
