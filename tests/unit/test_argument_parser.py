"""Flags and verbs have one name; a near miss is told the name it meant."""

import importlib

import pytest

PROGRAMS = {
    "rtau": "rtau.cli.parser",
    "rtau-train": "rtau_train.commands.main",
    "rtau-export": "rtau_export.cli",
}


def said(capsys, program, line):
    """Returns what a wrong command line is told, in one line."""
    if program == "rtau-train":
        pytest.importorskip("torch", reason="training needs torch")
    parser = importlib.import_module(PROGRAMS[program]).build_parser()
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(line.split())
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]


@pytest.mark.parametrize(
    ("program", "line", "told"),
    [
        ("rtau", "vidoe a.mp4", "unknown verb vidoe; did you mean video?"),
        ("rtau", "dance", "unknown verb dance; known: video, webcam, image, summary,"),
        ("rtau", "--vrsion", "unknown flag --vrsion; did you mean --version?"),
        ("rtau", "video a.mp4 --cvs o.csv", "unknown flag --cvs; did you mean --csv?"),
        ("rtau", "video a.mp4 -csv o.csv", "unknown flag -csv; did you mean --csv?"),
        ("rtau", "video a.mp4 --max-frame=3", "unknown flag --max-frame; did you mean --max-fram"),
        ("rtau", "image a --zq", "unknown flag --zq; `rtau image --help` lists those there are"),
        ("rtau", "video -a.mp4", "a file of that name is ./-a.mp4"),
        ("rtau", "clip.MP4", "unknown verb clip.MP4; did you mean `rtau video clip.MP4`?"),
        ("rtau", "p.png --csv o.csv", "did you mean `rtau image p.png`?"),
        ("rtau", "rtsp://me:pw@host/1", "rtsp://host/1; did you mean `rtau webcam rtsp://host/1`?"),
        ("rtau", "o.csv", "did you mean `rtau report o.csv`?"),
        ("rtau-train", "fti r.toml", "unknown verb fti; did you mean fit?"),
        ("rtau-train", "fit --resmue", "unknown flag --resmue; did you mean --resume?"),
        ("rtau-export", "verfy a b", "unknown verb verfy; did you mean verify?"),
        ("rtau-export", "onnx --uot x.onnx", "unknown flag --uot; did you mean --out?"),
    ],
)
def test_a_wrong_name_is_told_the_near_one(program, line, told, capsys):
    assert told in said(capsys, program, line)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("rtau", "video a.mp4 --cs o.csv"),
        ("rtau", "webcam --toke secret"),
        ("rtau-train", "fit r.toml --see 1"),
        ("rtau-export", "verify a b --provi cpu"),
    ],
)
def test_no_flag_is_taken_by_its_beginning(program, line, capsys):
    assert "unknown flag" in said(capsys, program, line)


def test_values_that_look_like_flags_are_values():
    parser = importlib.import_module(PROGRAMS["rtau"]).build_parser()
    args = parser.parse_args(["video", "--csv", "-", "--start", "-1", "--", "-csv.mp4", "--a.mp4"])
    assert args.sources == ["-csv.mp4", "--a.mp4"]
    assert args.setting_output_csv == "-"
    assert args.setting_source_start == -1
