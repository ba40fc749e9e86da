import pytest

from rtau_train.commands import main
from rtau_train.datasets.crop_folder import read_folder

needs_egl = pytest.mark.needs_egl


def synth(out, assets, *more):
    return main.main(["synth", "--assets", str(assets), "--out", str(out), *more])


@pytest.mark.parametrize("flag", ["--count", "--jobs", "--size", "--seed"])
def test_numbers_out_of_range_are_named(asset_folder, tmp_path, capsys, flag):
    numbers = {"--count": "4", "--jobs": "1"} | {flag: "-3"}

    assert synth(tmp_path, asset_folder, *(v for pair in numbers.items() for v in pair)) == 2
    assert f"{flag} must be between" in capsys.readouterr().err


def test_a_missing_asset_folder_is_one_line(tmp_path, capsys):
    assert synth(tmp_path / "out", tmp_path / "none", "--count", "4", "--jobs", "1") == 1

    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "docs/synth.md" in error


@pytest.mark.slow
@needs_egl
def test_two_processes_write_what_one_writes(asset_folder, tmp_path, capsys):
    def files(jobs):
        out = tmp_path / f"jobs{jobs}"
        job = ("--count", "70", "--size", "64", "--jobs", str(jobs), "--seed", "3")
        assert synth(out, asset_folder, *job) == 0
        assert capsys.readouterr().out.strip() == str(out)
        written = sorted(path for path in out.rglob("*") if path.suffix in (".jpg", ".csv"))
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in written}

    assert files(1) == files(2)
    assert len(read_folder(tmp_path / "jobs2", labels=("AU01", "AU26"))) == 70
