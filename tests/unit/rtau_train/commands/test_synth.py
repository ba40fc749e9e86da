import pytest

from rtau_train.commands import main
from rtau_train.datasets.crop_folder import read_folder
from tests.support.avatar_folder import write_avatar

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


def test_people_are_avatars_that_are_there(asset_folder, tmp_path, capsys):
    write_avatar(tmp_path / "avatars")
    job = ("--count", "2", "--people", "Asian_F_1,Nobody_M_1", "--out", str(tmp_path / "out"))

    assert main.main(["synth", "--avatars", str(tmp_path / "avatars"), *job]) == 2
    assert "(Asian_F_1), got Nobody_M_1" in capsys.readouterr().err
    assert synth(tmp_path / "out", asset_folder, *job[:4]) == 2
    assert "give --avatars" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@needs_egl
def test_pictures_of_avatars_are_read_by_person_and_others_do_not_join_them(
    asset_folder, tmp_path, capsys
):
    for name in ("Asian_F_1", "Black_M_2"):
        write_avatar(tmp_path / "avatars", name)
    out = tmp_path / "out"
    job = ["--count", "6", "--size", "64", "--jobs", "1", "--out", str(out)]
    assert main.main(["synth", "--avatars", str(tmp_path / "avatars"), *job]) == 0

    data = read_folder(out, labels=("AU01", "AU26"))
    assert set(data.subjects) == {"Asian_F_1", "Black_M_2"}
    assert synth(out, asset_folder, *job[:6]) == 2
    assert "choose a new --out" in capsys.readouterr().err


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
