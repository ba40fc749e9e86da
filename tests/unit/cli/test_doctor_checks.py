import sys
import types
from importlib import resources
from pathlib import Path

import av
import cv2
import pytest

from rtau import __version__
from rtau.cli import _doctor_checks, system_libraries
from tests.support.doubles import make_contract

HEADLESS = "pip install 'opencv-python-headless>=4.13,<5'"


def states(findings):
    return {finding.subject: finding.state for finding in findings}


def test_the_versions_of_this_environment_are_reported():
    installed = {"torch": "9.9", "opencv-python-headless": "4"}
    found = {finding.subject: finding for finding in _doctor_checks.check_versions(installed)}
    assert found["rtau"].value == __version__
    assert found["opencv-python-headless"].value == cv2.__version__
    assert found["torch"].value == "9.9"
    assert found["rich"].value
    assert "tensorrt" not in found
    assert {finding.state for finding in found.values()} == {"ok"}


def test_a_missing_base_library_is_broken_with_a_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    found = {finding.subject: finding for finding in _doctor_checks.check_versions({})}
    assert found["av"].state == "broken"
    assert "pip install" in found["av"].remedy


@pytest.mark.parametrize(
    ("installed", "broken"),
    [
        ({}, []),
        ({"opencv-python": "4", "onnxruntime": "1"}, []),
        ({"opencv-python-headless": "4", "onnxruntime-gpu": "1"}, []),
        ({"opencv-python": "4", "opencv-python-headless": "4"}, ["cv2 wheels"]),
        ({"onnxruntime": "1", "onnxruntime-gpu": "1"}, ["onnxruntime wheels"]),
    ],
)
def test_wheels_that_overwrite_each_other_are_found(installed, broken):
    findings = _doctor_checks.check_wheel_conflicts(installed)
    assert [finding.subject for finding in findings] == broken
    for finding in findings:
        assert finding.state == "broken"
        assert all(wheel in finding.remedy for wheel in installed)


def test_of_a_mix_the_opencv_is_kept_that_this_machine_can_load(monkeypatch):
    wheels = {"opencv-python": "4", "opencv-python-headless": "4"}
    monkeypatch.setattr(system_libraries, "missing_libraries", lambda: ["libGL.so.1"])
    (finding,) = _doctor_checks.check_wheel_conflicts(wheels)
    assert "the one installed last is in use" in finding.value
    assert finding.remedy == f"pip uninstall -y opencv-python opencv-python-headless && {HEADLESS}"


def test_this_opencv_reads_the_packaged_cascade():
    assert _doctor_checks.check_opencv(cv2).state == "ok"
    cascade = resources.files("rtau.faces.detectors") / "data" / _doctor_checks.CASCADE
    assert cascade.is_file()


def test_opencv_5_is_broken_because_it_cannot_find_faces():
    finding = _doctor_checks.check_opencv(types.SimpleNamespace(__version__="5.0.0"))
    assert finding.state == "broken"
    assert finding.remedy in ("pip install 'opencv-python>=4.13,<5'", HEADLESS)


def test_a_cascade_that_cannot_be_read_is_broken():
    empty = types.SimpleNamespace(empty=lambda: True)
    fake = types.SimpleNamespace(__version__="4.14.0", CascadeClassifier=lambda path: empty)
    assert _doctor_checks.check_opencv(fake).state == "broken"


@pytest.mark.needs_onnxruntime
def test_the_providers_of_this_machine_are_named():
    finding = _doctor_checks.check_onnxruntime()
    assert finding.state == "ok"
    assert "CPUExecutionProvider" in finding.value


@pytest.mark.parametrize("module", [None, types.ModuleType("onnxruntime")], ids=["gone", "hollow"])
def test_without_onnx_runtime_the_extra_is_named(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    finding = _doctor_checks.check_onnxruntime()
    assert finding.state == "broken"
    assert "'rtau[cpu]'" in finding.remedy
    assert "'rtau[gpu]'" in finding.remedy


def test_this_pyav_writes_h264_and_aac():
    assert states(_doctor_checks.check_codecs(av)) == {"H.264 encoders": "ok", "AAC encoder": "ok"}


def test_an_ffmpeg_without_encoders_is_noted():
    bare = types.SimpleNamespace(codecs_available=frozenset({"mpeg4"}))
    assert states(_doctor_checks.check_codecs(bare)) == {
        "H.264 encoders": "note",
        "AAC encoder": "note",
    }


def test_a_missing_camera_is_only_a_note():
    (finding,) = _doctor_checks.check_cameras([])
    assert finding.state == "note"


def test_a_device_that_is_no_camera_gives_no_picture():
    (finding,) = _doctor_checks.check_cameras([Path("/dev/null")], timeout_s=30)
    assert (finding.state, finding.value) == ("note", "no frame could be read")


def test_a_device_without_permission_is_reported(tmp_path):
    (finding,) = _doctor_checks.check_cameras([tmp_path / "video7"])
    assert (finding.state, finding.value) == ("note", "no permission")
    assert "usermod" in finding.remedy


def test_a_working_camera_shows_its_size_and_a_hanging_one_times_out(tmp_path, monkeypatch):
    device = tmp_path / "video0"
    device.touch()
    monkeypatch.setattr(_doctor_checks, "CAMERA_PROBE", "print('640x480')")
    (finding,) = _doctor_checks.check_cameras([device], timeout_s=30)
    assert (finding.state, finding.value) == ("ok", "640x480")
    monkeypatch.setattr(_doctor_checks, "CAMERA_PROBE", "import time; time.sleep(60)")
    (finding,) = _doctor_checks.check_cameras([device], timeout_s=0.2)
    assert (finding.state, finding.value) == ("note", "no frame within 0.2 s")


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        ({}, "note"),
        ({"DISPLAY": ""}, "note"),
        ({"DISPLAY": ":0"}, "ok"),
        ({"WAYLAND_DISPLAY": "w"}, "ok"),
    ],
)
def test_a_display_is_found_by_its_variable(environment, state):
    assert _doctor_checks.check_display(environment).state == state


def test_a_model_is_listed_with_its_contract_and_one_without_is_broken(tmp_path):
    (tmp_path / "good.json").write_text(make_contract().to_json(), encoding="utf-8")
    models = {"good": tmp_path / "good.onnx", "bare": tmp_path / "bare.onnx"}
    good, bare = _doctor_checks.check_models(models)
    assert (good.state, good.value) == ("ok", "3 labels, 32 px, fp32, gradcam")
    assert bare.state == "broken"
    assert "bare.json" in bare.value


def test_no_model_at_all_is_broken():
    (finding,) = _doctor_checks.check_models({})
    assert finding.state == "broken"


def test_the_whole_report_has_every_part_once():
    findings = _doctor_checks.check_all()
    subjects = [finding.subject for finding in findings]
    assert len(set(subjects)) == len(subjects)
    assert {"rtau", "numpy", "ONNX Runtime", "face detector", "display"} <= set(subjects)


def test_libraries_of_live_streams_are_named_with_what_they_are_for():
    def importing(module):
        if module == "websockets":
            raise ModuleNotFoundError(module)
        if module == "pylsl":
            raise RuntimeError("LSL binary library file was not found")

    found = {one.subject: one for one in _doctor_checks.check_streams(importing)}
    assert [one.state for one in found.values()] == ["note", "ok", "note"]
    assert "rtau[live]" in found["websockets"].remedy
    assert "PYLSL_LIB" in found["pylsl"].remedy
