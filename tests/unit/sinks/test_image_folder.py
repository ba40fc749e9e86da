import cv2
import numpy as np
import pytest

from rtau.errors import SinkError, UsageError
from rtau.sinks.image_folder import ImageFolderSink, check_names
from tests.support.limits import file_size_limit
from tests.support.results import make_result

NAMES = ["a/one.png", "b/two.JPG", "c/three.webp"]


def sink_for(folder, names=NAMES):
    return ImageFolderSink(folder, file_of=names.__getitem__)


def picture(level=90):
    return np.full((48, 64, 3), level, np.uint8)


def test_pictures_take_the_names_of_their_originals(tmp_path):
    sink = sink_for(tmp_path / "made" / "for it")
    for index in range(3):
        sink.write(make_result(index), picture(60 * index))
    sink.close()

    names = sorted(path.name for path in (tmp_path / "made" / "for it").iterdir())
    assert names == ["one.png", "three.jpg", "two.jpg"]
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "made/for it/one.png")), picture(0))


def test_two_originals_of_one_name_are_an_error_before_one_is_lost(tmp_path):
    sink = sink_for(tmp_path, ["a/x.jpg", "b/x.jpg"])
    sink.write(make_result(0), picture(10))

    with pytest.raises(SinkError, match=r"a/x\.jpg and b/x\.jpg would both be written"):
        sink.write(make_result(1), picture(200))
    sink.close()
    assert cv2.imread(str(tmp_path / "x.jpg")).mean() == pytest.approx(10, abs=3)


def test_an_original_is_never_overwritten(tmp_path):
    original = tmp_path / "x.jpg"
    original.write_bytes(b"precious")

    sink = sink_for(tmp_path, [str(original)])
    with pytest.raises(SinkError, match="is the input"):
        sink.write(make_result(0), picture())
    sink.close()
    assert original.read_bytes() == b"precious"


def test_a_full_disk_is_named_and_leaves_no_half_picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    sink = sink_for(tmp_path)

    with file_size_limit(2000), pytest.raises(SinkError, match=r"one\.png cannot be written"):
        sink.write(make_result(0), noise)
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_created_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SinkError, match="cannot be created"):
        sink_for(tmp_path / "file" / "out")


def test_a_second_run_into_the_folder_is_refused(tmp_path):
    first = sink_for(tmp_path)
    with pytest.raises(UsageError, match="is being written by another run"):
        sink_for(tmp_path)
    first.close()
    sink_for(tmp_path).close()

    assert list(tmp_path.iterdir()) == []


def test_a_picture_replaces_no_other_output(tmp_path):
    with pytest.raises(UsageError, match="two outputs have the same name"):
        check_names(tmp_path / "o", [tmp_path / "a.jpg"], others=[tmp_path / "o" / "a.jpg"])
