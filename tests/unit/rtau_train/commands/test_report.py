import shutil

from rtau_train.commands.main import main


def test_the_verb_writes_the_report_beside_the_results_or_elsewhere(folder2, tmp_path, capsys):
    folder = shutil.copytree(folder2, tmp_path / "study")

    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "index.html")
    assert main(["report", str(folder), "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    for name in ("index.html", "report.md"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


def test_a_folder_without_a_study_is_one_line(tmp_path, capsys):
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "out")]) == 1

    told = capsys.readouterr().err
    assert told.startswith("rtau-train: ")
    assert told.count("\n") == 1
    assert "`rtau-train study` writes it" in told
    assert not (tmp_path / "out").exists()
