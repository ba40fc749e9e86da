import argparse
import json
import sys

import pytest

from rtau.cli import doctor
from rtau.cli._doctor_checks import Finding

FINE = Finding("rtau", "ok", "0.1.0")
NOTE = Finding("display", "note", "none: use --view terminal or --out")
BROKEN = Finding("cv2 wheels", "broken", "two [of] them", "pip uninstall -y opencv-python-headless")


@pytest.mark.parametrize(
    ("findings", "code"), [([], 0), ([FINE, NOTE], 0), ([BROKEN], 1), ([FINE, BROKEN, NOTE], 1)]
)
def test_only_what_is_broken_makes_the_exit_code_1(findings, code):
    assert doctor.exit_code(findings) == code


def test_the_table_names_what_is_broken_and_the_command_that_fixes_it(capsys):
    doctor.show([FINE, NOTE, BROKEN])
    printed = capsys.readouterr().out
    assert "two [of] them" in printed
    assert "\n  pip uninstall -y opencv-python-headless\n" in printed
    assert printed.rstrip().endswith("rtau cannot run here until this is fixed: cv2 wheels.")


def test_a_long_command_is_printed_on_one_line_however_narrow_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    remedy = "pip install --force-reinstall --no-deps 'opencv-python>=4.13,<5' and then some more"
    doctor.show([Finding("x", "broken", "y", remedy)])
    assert f"\n  {remedy}\n" in capsys.readouterr().out


def test_the_report_is_plain_text_where_rich_is_broken(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    doctor.show([FINE, BROKEN])
    printed = capsys.readouterr().out
    assert printed.startswith("ok     rtau: 0.1.0\nbroken cv2 wheels: two [of] them\n")
    assert "\n  pip uninstall -y opencv-python-headless\n" in printed


def test_the_json_report_says_the_same_as_the_exit_code(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "check_all", lambda: [FINE, BROKEN])
    assert doctor.run(argparse.Namespace(json=True, gpu=False, models=[])) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["findings"][1] == {
        "subject": "cv2 wheels",
        "state": "broken",
        "value": "two [of] them",
        "remedy": "pip uninstall -y opencv-python-headless",
    }


def test_a_working_machine_has_exit_code_0(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "check_all", lambda: [FINE, NOTE])
    assert doctor.run(argparse.Namespace(json=False, gpu=False, models=[])) == 0
    assert capsys.readouterr().out.rstrip().endswith("rtau can run here.")
