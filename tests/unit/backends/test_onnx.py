import numpy as np
import pytest

from rtau.backends import open_engine
from rtau.contract import METADATA_KEY
from rtau.data import Crops
from rtau.errors import BackendUnavailable, ContractError, EngineError, UsageError
from tests.support.doubles import LANDMARK_RULE, make_contract

onnx = pytest.importorskip("onnx", reason="builds its models with the onnx package")
onnxruntime = pytest.importorskip("onnxruntime", reason="runs models")

# Below, what needs onnx.
from tests.support.models import LABELS, SIZE, build_model  # noqa: E402

pytestmark = pytest.mark.needs_onnxruntime


@pytest.fixture
def model_path(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(build_model())
    return path


def crops_of(count, *, size=SIZE):
    rng = np.random.default_rng(count)
    return Crops(
        images_rgb=rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8),
        frame_from_crop=np.zeros((count, 2, 3), np.float32),
        face_rows=np.arange(count, dtype=np.int64),
    )


def unsaid_landmarks():
    """A file whose contract tells of no landmarks, and it has them."""
    model = onnx.load_from_string(build_model(contract=make_contract(landmarks=LANDMARK_RULE)))
    onnx.helper.set_model_props(model, {METADATA_KEY: make_contract().to_json()})
    return model.SerializeToString()


@pytest.mark.parametrize("count", [0, 1, 2, 7, 32, 65, 150])
def test_any_number_of_rows_is_scored_as_if_alone(model_path, count):
    crops = crops_of(count)
    expected = crops.images_rgb.mean(axis=(1, 2)) @ np.array([[1, 2, 3]] * 3)

    with open_engine(str(model_path)) as engine:
        scores = engine.infer(crops, cams=True)

    np.testing.assert_allclose(scores.logits, expected, rtol=1e-5)
    assert scores.cams.shape[:2] == (count, LABELS)


def test_without_cams_the_cam_branch_is_not_in_the_session(model_path):
    with open_engine(str(model_path), threads=1) as engine:
        assert engine.infer(crops_of(2)).cams is None
        assert [output.name for output in engine._bare.get_outputs()] == ["logits"]


@pytest.mark.parametrize("cams", [True, False])
@pytest.mark.parametrize("count", [0, 3, 70])
def test_landmarks_come_with_every_batch(tmp_path, cams, count):
    path = tmp_path / "model.onnx"
    path.write_bytes(build_model(contract=make_contract(landmarks=LANDMARK_RULE)))
    crops = crops_of(count)

    with open_engine(str(path)) as engine:
        scores = engine.infer(crops, cams=cams)

    assert (scores.cams is not None) == cams
    assert scores.landmarks_xy.shape == (count, 68, 2)
    red = crops.images_rgb[..., 0].mean(axis=(1, 2))
    places = np.broadcast_to(np.arange(68), (count, 68))
    np.testing.assert_allclose(scores.landmarks_xy[..., 0], places)
    np.testing.assert_allclose(scores.landmarks_xy[..., 1], places + red[:, None], rtol=1e-5)


def test_a_model_without_landmarks_gives_none(model_path):
    with open_engine(str(model_path)) as engine:
        assert engine.infer(crops_of(2)).landmarks_xy is None


@pytest.mark.parametrize(
    ("threads", "cores", "runs"),
    [(0, 1, 1), (0, 2, 2), (0, 8, 2), (0, 3, 3), (1, 8, 1), (4, 8, 1)],
)
def test_threads_nobody_named_run_parts_of_a_large_batch(
    model_path, monkeypatch, threads, cores, runs
):
    """Who names a number of threads gets that, and no others."""
    monkeypatch.setattr("rtau.backends.onnx.usable_cores", lambda: cores)
    calls = []

    def run(session, outputs, feeds):
        calls.append(len(next(iter(feeds.values()))))
        return original(session, outputs, feeds)

    original = onnxruntime.InferenceSession.run
    with open_engine(str(model_path), threads=threads) as engine:
        monkeypatch.setattr(onnxruntime.InferenceSession, "run", run)
        engine.infer(crops_of(64))
    assert len(calls) == runs
    assert sum(calls) == 64


def test_the_device_names_library_and_provider(model_path):
    with open_engine(str(model_path), provider="cpu") as engine:
        assert engine.device.endswith("CPUExecutionProvider")
    with open_engine(str(model_path)) as engine:
        assert "auto" in engine.device


def test_a_provider_that_is_not_there_is_an_error_that_names_both(model_path):
    with pytest.raises(
        BackendUnavailable, match=r"CoreMLExecutionProvider was asked for.*CPUExecutionProvider"
    ):
        open_engine(str(model_path), provider="coreml")


def test_a_provider_that_loads_as_another_is_an_error_that_names_both(model_path, monkeypatch):
    """What onnxruntime-gpu does without CUDA's libraries: the list says CUDA, the session CPU."""
    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda model, options, providers: real(model, options, providers=["CPUExecutionProvider"]),
    )
    with pytest.raises(
        BackendUnavailable, match=r"CUDAExecutionProvider was asked for but .* CPUExecutionProvider"
    ):
        open_engine(str(model_path), provider="cuda")


def test_an_unknown_provider_lists_the_known(model_path):
    with pytest.raises(UsageError, match="provider must be one of auto, cpu, cuda"):
        open_engine(str(model_path), provider="abacus")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no rtau contract"),
        (b"not a model at all", "not an ONNX file"),
        (build_model(with_contract=False), "no rtau contract"),
        (build_model(cams=False), "outputs must be"),
        (build_model(logits=2), "outputs must be"),
        (unsaid_landmarks(), "outputs must be"),
        (build_model(contract=make_contract(input_size=64)), "input must be crops: uint8"),
        (build_model()[:300], "not an ONNX file, or cut short"),
    ],
    ids=[
        "empty",
        "text",
        "no contract",
        "no cams",
        "labels",
        "landmarks",
        "input size",
        "truncated",
    ],
)
def test_a_wrong_file_is_a_contract_error_that_names_it(tmp_path, content, words):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)

    with pytest.raises(ContractError, match=words) as caught:
        open_engine(str(path))

    assert "bad.onnx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_returns_nan_is_stopped_when_it_is_opened(tmp_path):
    path = tmp_path / "nan.onnx"
    path.write_bytes(build_model(nan=True))

    with pytest.raises(EngineError, match="logits must be finite, got nan for AU01"):
        open_engine(str(path))


def instead(output, node, *inputs, **attributes):
    """A model one of whose outputs is what a further node makes of it, under the name `output_`."""
    model = onnx.load_from_string(build_model(contract=make_contract(landmarks=LANDMARK_RULE)))
    for one in model.graph.node:
        names = [f"{name}_" if name == output else name for name in one.output]
        one.ClearField("output")
        one.output.extend(names)
        inner = [f"{name}_" if name == output else name for name in one.input]
        one.ClearField("input")
        one.input.extend(inner)
    values = {"first": np.array([0], np.int64), "nan": np.array(np.nan, np.float32)}
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in values.items()
    )
    model.graph.node.append(onnx.helper.make_node(node, inputs, [output], **attributes))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            instead("logits", "ReduceMax", "logits_", "first", keepdims=1),
            r"for 2 crops logits must be float32 \(2, 3\), got float32 \(1, 3\)",
        ),
        (
            instead("logits", "Concat", "logits_", "logits_", axis=0),
            r"logits must be float32 \(2, 3\), got float32 \(4, 3\)",
        ),
        (
            instead("logits", "Concat", "logits_", "logits_", axis=1),
            r"logits must be float32 \(2, 3\), got float32 \(2, 6\)|outputs must be|cannot load",
        ),
        (
            instead("landmarks", "ReduceMax", "landmarks_", "first", keepdims=1),
            r"landmarks must be float32 \(2, 68, 2\), got float32 \(1, 68, 2\)",
        ),
        (instead("landmarks", "Add", "landmarks_", "nan"), "landmarks_xy must be finite"),
    ],
    ids=["one row", "two rows a crop", "other labels", "one row of landmarks", "nan"],
)
def test_a_model_that_breaks_its_contract_is_stopped_when_it_is_opened(tmp_path, content, words):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises((EngineError, ContractError), match=words) as caught:
        open_engine(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            instead("cams", "ReduceMax", "cams_", "first", keepdims=1),
            r"for 3 crops cams must be float32 \(3, 3, h, w\), got float32 \(1, 3, 7, 7\)",
        ),
        (instead("cams", "Add", "cams_", "nan"), "cams must be finite"),
    ],
    ids=["one row", "nan"],
)
def test_cams_that_break_the_contract_are_one_line(tmp_path, content, words):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with open_engine(str(path)) as engine, pytest.raises(EngineError, match=words):
        engine.infer(crops_of(3), cams=True)


def test_a_model_that_gives_no_answer_is_stopped(tmp_path, monkeypatch):
    helper, proto = onnx.helper, onnx.TensorProto
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["again"]),
            helper.make_node("Add", ["seen", "seen"], ["more"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("k", proto.INT64, []),
            helper.make_tensor_value_info("go", proto.BOOL, []),
            helper.make_tensor_value_info("seen", proto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("again", proto.BOOL, []),
            helper.make_tensor_value_info("more", proto.FLOAT, None),
        ],
    )
    path = tmp_path / "slow.onnx"
    path.write_bytes(instead("logits", "Loop", "", "", "logits_", body=body))
    monkeypatch.setattr("rtau.backends.onnx.ANSWER_S", 0.2)
    with pytest.raises(
        EngineError, match=r"slow\.onnx failed on 2 crops .*no answer within 0\.2 s"
    ):
        open_engine(str(path))


def test_the_session_with_cams_is_opened_when_the_first_are_asked_for(model_path, monkeypatch):
    opened = []
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *a, **k: opened.append(real(*a, **k)) or opened[-1]
    )
    with open_engine(str(model_path)) as engine:
        engine.infer(crops_of(1))
        assert [[one.name for one in session.get_outputs()] for session in opened] == [["logits"]]
        for _ in range(2):
            engine.infer(crops_of(1), cams=True)
        assert len(opened) == 2


def test_cams_of_a_file_that_was_replaced_are_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(build_model())
    with open_engine(str(path)) as engine:
        path.write_bytes(build_model(contract=make_contract(name="another")))
        with pytest.raises(ContractError, match=r"model\.onnx: the file was replaced"):
            engine.infer(crops_of(1), cams=True)


def test_cams_of_a_model_without_them_are_refused(tmp_path):
    path = tmp_path / "plain.onnx"
    contract = make_contract(cam_method=None, cam_scale=None)
    path.write_bytes(build_model(contract=contract, cams=False))

    with open_engine(str(path)) as engine, pytest.raises(ContractError, match="no CAM output"):
        engine.infer(crops_of(1), cams=True)


def test_crops_of_another_size_are_refused(model_path):
    with (
        open_engine(str(model_path)) as engine,
        pytest.raises(ContractError, match="takes crops of 32 px, got 48"),
    ):
        engine.infer(crops_of(1, size=48))


def test_a_closed_engine_says_so(model_path):
    engine = open_engine(str(model_path))
    engine.close()
    engine.close()

    with pytest.raises(EngineError, match="is closed"):
        engine.infer(crops_of(1))


def test_unknown_models_and_suffixes_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match="no such model file, and no bundled model"):
        open_engine("nonesuch")
    path = tmp_path / "model.pt"
    path.write_bytes(b"x")
    with pytest.raises(UsageError, match=r"model files end in \.onnx, \.engine, got '\.pt'"):
        open_engine(str(path))
