import subprocess

import pytest

from rtau.runs.bench import machine as facts
from rtau.runs.bench.machine import Temperature, machine, packages, revision, slug, temperatures

CPU = "processor : 0\nmodel name : Intel(R) Core(TM) i7-1 CPU @ 3.00GHz\n"


@pytest.fixture
def root(tmp_path):
    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    write("proc/cpuinfo", CPU)
    write("proc/meminfo", "MemTotal:       8000000 kB\nMemFree: 1 kB\n")
    write("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t NVIDIA T4\nIRQ: 1\n")
    write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n")
    write("sys/class/thermal/thermal_zone0/type", "gpu-thermal\n")
    write("sys/class/thermal/thermal_zone0/temp", "48500\n")
    write("sys/class/thermal/thermal_zone1/type", "broken\n")
    write("sys/class/thermal/thermal_zone1/temp", "\n")
    return tmp_path


def test_what_the_system_tells_is_in_the_record(root):
    found = machine(root=root)
    assert found.cpu == "Intel(R) Core(TM) i7-1 CPU @ 3.00GHz"
    assert found.name == f"intel-core-i7-1-{found.cores}-cores"
    assert (found.memory_mib, found.governor, found.gpu) == (7812, "performance", "NVIDIA T4")
    assert found.temperatures == (Temperature("gpu-thermal", 48.5),)


@pytest.mark.parametrize(
    ("line", "known", "name"),
    [
        ("flags : fpu avx2 avx512f avx512_vnni", ("avx2", "avx512f", "avx512_vnni"), "avx512-vnni"),
        ("flags : fpu avx2", ("avx2",), ""),
        ("Features : fp asimd asimddp", ("asimd", "asimddp"), "asimddp"),
    ],
)
def test_a_processor_that_multiplies_bytes_is_another_machine(root, line, known, name):
    (root / "proc/cpuinfo").write_text(f"{CPU}{line}\n")
    found = machine(root=root)
    assert found.instructions == known
    assert found.name == "-".join(f"intel-core-i7-1 {name} {found.cores} cores".split())


def test_a_board_gives_the_machine_its_name(root):
    model = root / "proc/device-tree/model"
    model.parent.mkdir(parents=True)
    model.write_text("NVIDIA Jetson Orin Nano\0")
    found = machine(root=root)
    assert found.board == "NVIDIA Jetson Orin Nano"
    assert found.name.startswith("nvidia-jetson-orin-nano-")


def test_the_power_mode_is_what_nvpmodel_says(root, tmp_path, monkeypatch):
    tool = tmp_path / "nvpmodel"
    tool.write_text("#!/bin/sh\necho 'NV Power Mode: 15W'\necho 0\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert machine(root=root).power_mode == "NV Power Mode: 15W 0"


def test_what_cannot_be_read_is_none(tmp_path):
    found = machine(root=tmp_path)
    assert (found.memory_mib, found.governor, found.gpu, found.board) == (None,) * 4
    assert temperatures(root=tmp_path) == ()
    assert found.cores >= 1


def test_a_revision_is_the_commit_and_whether_files_differ(tmp_path):
    assert revision(tmp_path) == (None, None)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True, timeout=30)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a"], check=True, timeout=30)
    commit, dirty = revision(tmp_path)
    assert (len(commit), dirty) == (40, False)
    (tmp_path / "new").write_text("")
    assert revision(tmp_path) == (commit, True)


def test_a_program_that_fails_tells_nothing(tmp_path):
    assert facts._output_of([str(tmp_path / "missing")]) is None
    assert facts._output_of(["false"]) is None


def test_versions_and_slugs():
    assert "numpy" in {package.name for package in packages()}
    assert slug("AMD EPYC 7B13, 2 cores") == "amd-epyc-7b13-2-cores"
