import pytest

from rtau.backends.onnx_file import metadata
from rtau.errors import ContractError
from rtau_export.onnx_file import read_onnx

pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnx

from tests.support.doubles import LANDMARK_RULE
from tests.support.onnx_models import small_model


def test_the_contract_is_read_without_the_onnx_package(tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model("int8"))
    found = read_onnx(path)
    assert found.contract.precision == "int8"
    assert metadata(found.content).keys() == {"rtau_contract"}


@pytest.mark.parametrize(
    ("rule", "kept"), [(None, ["logits"]), (LANDMARK_RULE, ["logits", "landmarks"])]
)
def test_the_cut_file_has_everything_but_cams(tmp_path, rule, kept):
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model(landmarks=rule))
    cut = onnx.load_from_string(read_onnx(path).content_without_cams)
    onnx.checker.check_model(cut, full_check=True)
    assert [output.name for output in cut.graph.output] == kept


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ContractError, match=r"no\.onnx: the model cannot be read"):
        read_onnx(tmp_path / "no.onnx")
