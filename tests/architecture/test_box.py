"""The systemd unit of docs/box.md: its command and its settings parse, and systemd takes it."""

import shutil
import subprocess

import pytest

from rtau.cli.parser import build_parser, config_of
from tests.architecture.test_documents import FENCE, text_of
from tests.architecture.tree import ROOT

UNIT = ROOT / "docker" / "rtau.service"


def value_of(key):
    lines = [line for line in text_of(UNIT).splitlines() if line.startswith(f"{key}=")]
    return lines[0].partition("=")[2]


def test_the_units_command_and_the_pages_settings_are_ones_that_rtau_takes(tmp_path):
    (settings,) = [
        code for kind, code in FENCE.findall(text_of(ROOT / "docs/box.md")) if kind == "toml"
    ]
    file = tmp_path / "video0.toml"
    file.write_text(settings)
    words = value_of("ExecStart").replace("/etc/rtau/%i.toml", str(file)).replace("%i", "video0")
    args = build_parser().parse_args(words.split()[1:])
    config = config_of(args)
    assert config.stream.serve == "127.0.0.1:8765"
    assert config.output.csv is not None
    assert config.output.view == "none"


def test_the_unit_runs_without_root_and_starts_again():
    assert value_of("User") == "rtau"
    assert value_of("Restart") == "always"
    assert value_of("NoNewPrivileges") == "yes"
    assert value_of("IPAddressDeny") == "any"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_finds_no_fault_in_it(tmp_path):
    unit = tmp_path / "rtau@.service"
    unit.write_text(text_of(UNIT).replace("/usr/local/lib/rtau/bin/rtau", shutil.which("true")))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit).replace("@", "@video0")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    faults = [line for line in done.stderr.splitlines() if "rtau@" in line]
    assert faults == []
