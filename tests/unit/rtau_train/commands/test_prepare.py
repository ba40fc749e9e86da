import shutil

import cv2
import numpy as np
import pytest

from rtau_train.commands import prepare
from rtau_train.commands.main import build_parser, main
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.prepare import run
from tests.support.prepared import contents, read_csv, write_csv, write_picture
from tests.support.standins import AUS, CK_CODES, FER_CLASSES

# Layout of the stand-in -> data set, its own flags, and the side of the crops without --size.
LAYOUTS = {
    "disfa+": ("disfa+", [], 350),
    "dem": ("dem", [], 244),
    "fer2013": ("fer2013", [], 48),
    "fer2013-folders": ("fer2013", [], 48),
    "ckplus": ("ckplus", [], 224),
    "ck48": ("ckplus", [], 48),
    "folder": ("folder", ["--labels", "intensity"], 224),
}


def arguments(layout, source, out, *more):
    dataset, flags, _ = LAYOUTS[layout]
    return ["prepare", dataset, str(source), str(out), *flags, "--jobs", "1", *more]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_becomes_a_folder_of_labelled_crops(layout, standin, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(arguments(layout, standin(layout), out)) == 0

    shown = capsys.readouterr()
    rows, rejected = read_csv(out / "labels.csv"), read_csv(out / "rejected.csv")
    assert shown.out.startswith(f"{len(rows):,} images, ")
    assert shown.out.endswith(f"{out}\n")
    assert len(rows) > 5
    assert {row["reason"].partition(" (")[0] for row in rejected} <= {"no face found"}
    for row in rows:
        image = cv2.imread(str(out / "crops" / row["file"]))
        assert image.shape == (LAYOUTS[layout][2],) * 2 + (3,)
        if "emotion" in row:
            assert row["emotion"] in FER_CLASSES
        else:
            assert all(0 <= float(row[label]) <= 5 for label in AUS)
    assert not list(out.rglob("*.partial"))


def test_neutral_images_are_left_out_unless_asked_for(standin, tmp_path, capsys):
    source, out = standin("disfa+"), tmp_path / "out"
    assert main(arguments("disfa+", source, out, "--size", "64")) == 0
    assert (
        "in which none of the 12 AUs has intensity 2 or more are left out"
        in capsys.readouterr().err
    )
    without = read_csv(out / "labels.csv")

    assert main(arguments("disfa+", source, out, "--size", "64", "--keep-neutral")) == 0

    assert "left out" not in capsys.readouterr().err
    with_neutral = read_csv(out / "labels.csv")
    assert len(with_neutral) > len(without)
    assert all(any(float(row[label]) >= 2 for label in AUS) for row in without)
    assert {row["file"] for row in without} < {row["file"] for row in with_neutral}


def test_an_au_beyond_the_papers_twelve_does_not_make_an_image_of_dem_expressive(standin, tmp_path):
    source = tmp_path / "dem"
    shutil.copytree(standin("dem"), source)
    rows = read_csv(source / "manifest.csv")
    silent = [row for row in rows if all(float(row[f"AU{int(au[2:])}"]) < 2 for au in AUS)]
    assert silent
    write_csv(source / "manifest.csv", [{**row, "AU10": "5"} for row in rows])

    assert main(arguments("dem", source, tmp_path / "out", "--size", "64")) == 0

    kept = read_csv(tmp_path / "out" / "labels.csv")
    assert {row["AU10"] for row in kept} == {"5"}
    assert {row["source"] for row in kept}.isdisjoint(row["image"] for row in silent)


def test_landmarks_lie_on_the_crop_and_training_reads_them(standin, tmp_path, capsys):
    source, out = standin("folder"), tmp_path / "out"
    table = source / "landmarks.csv"

    assert main(arguments("folder", source, out, "--landmarks", str(table), "--size", "100")) == 0

    folder = read_folder(out, labels=AUS)
    centres = folder.landmarks.mean(axis=1)
    assert ((centres > 25) & (centres < 90)).all()
    assert len(set(folder.columns["source"])) == len(folder)


def test_another_crop_rule_is_recorded_and_wider(standin, tmp_path):
    source = standin("folder")
    table = str(source / "landmarks.csv")
    wide = ["--crop-expand", "1.5", "--crop-offset-y", "0.1", "--size", "100"]

    assert (
        main(arguments("folder", source, tmp_path / "a", "--landmarks", table, "--size", "100"))
        == 0
    )
    assert main(arguments("folder", source, tmp_path / "b", "--landmarks", table, *wide)) == 0

    sizes = [
        np.ptp(read_folder(tmp_path / name, labels=AUS).landmarks[..., 0], axis=1).mean()
        for name in "ab"
    ]
    assert sizes[0] / sizes[1] == pytest.approx(1.5, abs=0.01)
    assert '"expand": 1.5' in (tmp_path / "b" / "prepared.json").read_text()
    assert '"offset_y": 0.1' in (tmp_path / "b" / "prepared.json").read_text()


def test_what_is_rejected_is_named_a_few_on_the_terminal_all_in_the_file(standin, tmp_path, capsys):
    source = tmp_path / "dem"
    shutil.copytree(standin("dem"), source)
    rows = read_csv(source / "manifest.csv")
    for row in rows[:3]:
        row["AU01" if "AU01" in row else "AU1"] = "7"
    for row in rows[3:6]:
        row["subject"] = ""
    (source / rows[6]["image"]).write_bytes(b"no picture")
    write_picture(source / rows[7]["image"], (300, 300, 3))
    for row in rows[6:8]:
        row["AU12"] = "5"
    write_csv(source / "manifest.csv", rows)

    assert main(arguments("dem", source, tmp_path / "out")) == 0

    shown = capsys.readouterr().err
    reasons = {row["file"]: row["reason"] for row in read_csv(tmp_path / "out" / "rejected.csv")}
    assert f"{len(reasons)} rejected, listed in {tmp_path / 'out' / 'rejected.csv'}:\n" in shown
    assert f"  {rows[0]['image']}: AU1: an intensity must be a number from 0 to 5" in shown
    assert f"  and {len(reasons) - 5} more\n" in shown
    assert reasons[rows[5]["image"]] == "subject is empty; name the person in every row"
    assert reasons[rows[6]["image"]].startswith("not an image that can be read (10 bytes)")
    assert reasons[rows[7]["image"]] == "no face found"


def test_contempt_and_neutral_of_ckplus_follow_the_flags(standin, tmp_path):
    source = tmp_path / "ck"
    shutil.copytree(standin("ckplus"), source)
    for path in list((source / "Emotion").rglob("*.txt"))[:4]:
        path.write_text(f"   {CK_CODES.index('contempt'):.7e}\n")
    flags = ["--contempt", "keep", "--neutral", "none", "--size", "64"]

    assert main(arguments("ckplus", source, tmp_path / "out", *flags)) == 0

    emotions = {row["emotion"] for row in read_csv(tmp_path / "out" / "labels.csv")}
    assert "contempt" in emotions
    assert "neutral" not in emotions


def test_aus_of_ckplus_are_occurrences_or_intensities(standin, tmp_path):
    source = standin("ckplus")
    for kind in ("occurrence", "intensity"):
        out = tmp_path / kind
        assert main(arguments("ckplus", source, out, "--labels", kind, "--size", "64")) == 0

    of = {kind: read_csv(tmp_path / kind / "labels.csv") for kind in ("occurrence", "intensity")}
    assert {row["AU12"] for row in of["occurrence"]} == {"0", "5"}
    assert len({row["AU12"] for row in of["intensity"]}) > 2


@pytest.mark.needs_pyarrow
def test_a_manifest_may_be_parquet(tmp_path):
    import pyarrow  # noqa: PLC0415 - optional
    from pyarrow import parquet  # noqa: PLC0415 - optional

    write_picture(tmp_path / "source" / "a.png")
    columns = {"image": ["a.png"], "subject": ["p"], "AU12": [2.5], "AU25": [None]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "source" / "manifest.parquet")

    assert main(arguments("folder", tmp_path / "source", tmp_path / "out", "--crops")) == 0

    (row,) = read_csv(tmp_path / "out" / "labels.csv")
    assert (row["AU12"], row["AU25"]) == ("2.5", "")


def test_a_manifest_of_crops_needs_no_face(tmp_path):
    write_picture(tmp_path / "source" / "a.png")
    row = {"image": "a.png", "subject": "p", "AU12": "1"}
    write_csv(tmp_path / "source" / "manifest.csv", [row])
    flags = ["--labels", "occurrence", "--crops", "--size", "32"]

    assert main(["prepare", "folder", str(tmp_path / "source"), str(tmp_path / "out"), *flags]) == 0

    assert read_csv(tmp_path / "out" / "labels.csv")[0]["AU12"] == "5"
    assert '"crop": null' in (tmp_path / "out" / "prepared.json").read_text()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--size", "5"], "--size must be between 16 and 1024, got 5"),
        (["--jobs", "0"], "--jobs must be between 1 and 1024, got 0"),
        (["--crop-expand", "9"], "--crop-expand must be between 0.5 and 4, got 9"),
        (["--crop-offset-y", "-2"], "--crop-offset-y must be between -1 and 1, got -2"),
        (["--least-score", "2"], "--least-score must be between 0 and 1, got 2"),
        (["--landmarks", "none.csv"], "none.csv: cannot be read (No such file or directory)"),
    ],
)
def test_a_wrong_flag_is_one_line_and_nothing_is_written(standin, tmp_path, capsys, flags, said):
    code = main(arguments("dem", standin("dem"), tmp_path / "out", *flags))

    assert code == (1 if "landmarks" in flags[0] else 2)
    assert capsys.readouterr().err == f"rtau-train: {said}\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_wrong_layout_is_one_line_with_the_expected_one(layout, tmp_path, capsys):
    (tmp_path / "source").mkdir()

    assert main(arguments(layout, tmp_path / "source", tmp_path / "out")) == 1

    shown = capsys.readouterr().err
    assert shown.startswith(f"rtau-train: {tmp_path / 'source'}: ")
    assert "expected" in shown
    assert shown.count("\n") == 1
    assert main(arguments(layout, tmp_path / "nowhere", tmp_path / "out")) == 2
    assert "nowhere: there is no such file or folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_size_in_the_same_folder_is_refused(standin, tmp_path, capsys):
    assert main(arguments("fer2013", standin("fer2013"), tmp_path / "out")) == 0
    before = contents(tmp_path / "out")
    capsys.readouterr()

    assert main(arguments("fer2013", standin("fer2013"), tmp_path / "out", "--size", "64")) == 2

    assert "was begun with size_px 48, now asked for 64" in capsys.readouterr().err
    assert contents(tmp_path / "out") == before


def test_ctrl_c_says_that_the_same_command_goes_on(standin, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "cut_all", interrupted)
        assert main(arguments("fer2013", standin("fer2013"), tmp_path / "out")) == 130
    assert "0 images are done; the same command goes on from here" in capsys.readouterr().err
    assert main(arguments("fer2013", standin("fer2013"), tmp_path / "out")) == 0


def test_the_flags_of_folder_say_what_labels_are():
    with pytest.raises(SystemExit):
        build_parser().parse_args(["prepare", "folder", "a", "b"])
    parsed = build_parser().parse_args(["prepare", "folder", "a", "b", "--labels", "emotion"])
    assert parsed.keep_neutral is True
    assert build_parser().parse_args(["prepare", "dem", "a", "b"]).keep_neutral is False
    assert parsed.run is prepare.run


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(standin, tmp_path, capsys):
    assert main(arguments("fer2013", standin("fer2013"), tmp_path / "out")) == 0

    count = len(read_csv(tmp_path / "out" / "labels.csv"))
    assert f"cut {count}/{count}\n" in capsys.readouterr().err
