import pytest

pytest.importorskip("onnx", reason="makes INT8 files with the onnx package")

from benchmarks.precision_speed import rows
from rtau.runs.bench.metrics import Cost

pytestmark = pytest.mark.needs_onnxruntime


def test_a_ratio_is_the_median_of_those_within_a_round():
    # The third round was slow for both: a ratio of medians or of means would be another.
    ms = {
        ("cpu", "fp32"): (30.0, 32.0, 300.0),
        ("cpu", "int8"): (10.0, 8.0, 100.0),
        ("openvino", "int8"): (5.0, 8.0, 50.0),
    }
    costs = {way: [Cost(1, one / 1e3, cpu_s=0.0) for one in spent] for way, spent in ms.items()}

    _, own, other = rows("vgg19", 1, costs)

    assert own.startswith("| vgg19 | 1 | ONNX Runtime | int8 | 10.00 |")
    assert own.endswith("| 3.00 | 1.00 |")
    assert other.endswith("| 6.00 | 2.00 |")
