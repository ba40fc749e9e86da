import json

import pytest

from rtau.backends.engine_file import read_sidecar, sidecar_path, sidecar_text
from rtau.errors import ContractError
from tests.support.tensorrt_double import write_engine


@pytest.fixture
def path(tmp_path):
    return write_engine(tmp_path)


def change(path, edit):
    payload = json.loads(sidecar_path(path).read_text(encoding="utf-8"))
    edit(payload)
    sidecar_path(path).write_text(json.dumps(payload), encoding="utf-8")


def test_what_is_written_is_read_back(path):
    contract, build = read_sidecar(path)
    assert sidecar_text(contract, build) == sidecar_path(path).read_text(encoding="utf-8")
    assert build.remedy.endswith("rtau-export engine face.onnx --precision fp16 --batch 1,8")
    assert build.runs_on == "tensorrt 10.3.0 on Orin"


def test_the_onnx_files_own_json_is_left_alone(path):
    assert sidecar_path(path).name == "face.engine.json"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda payload: payload.pop("build"), "must hold schema 1, contract and build"),
        (lambda payload: payload.update(schema=2), "of schema 2"),
        (lambda payload: payload.update(build=[]), "build must be a table, got list"),
        (lambda payload: payload["build"].pop("gpu"), "missing key build.gpu"),
        (lambda payload: payload["build"].update(extra=1), "unknown key build.extra; known: "),
        (
            lambda payload: payload["build"].update(library="os"),
            "build.library must be one of",
        ),
        (lambda payload: payload["build"].update(batch=[8, 1, 2]), "rows in order"),
        (lambda payload: payload["build"].update(batch=[1, 8]), "batch must have 3 values"),
        (
            lambda payload: payload["build"].update(without_cams="../x.engine"),
            "must be a file name in the same folder",
        ),
        (lambda payload: payload["contract"].update(labels=[]), "labels must be distinct"),
        (lambda payload: payload.update(contract=5), "must be a JSON object"),
    ],
)
def test_a_json_that_is_not_ours_is_one_clear_line(path, edit, message):
    change(path, edit)
    with pytest.raises(ContractError, match=message) as error:
        read_sidecar(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b"[]", "must hold a JSON object"),
        (b" " * ((1 << 20) + 1), "must be under 1 MiB"),
    ],
    ids=["missing", "bytes", "cut short", "nested", "list", "huge"],
)
def test_a_json_that_is_none_is_one_clear_line(path, content, message):
    if content is None:
        sidecar_path(path).unlink()
    else:
        sidecar_path(path).write_bytes(content)
    with pytest.raises(ContractError, match=message):
        read_sidecar(path)
