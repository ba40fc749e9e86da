"""Pictures in the mp4: even sizes, one size, true colours, and encoders that are not there."""

from __future__ import annotations

import av
import numpy as np
import pytest

from rtau.errors import SinkError
from rtau.execution.async_sink import PreparingSink
from rtau.sinks import video_encoder
from rtau.sinks.video_encoder import PictureEncoder, available_encoders, threads_in_a_run
from tests.support.mp4 import decoded, open_sink
from tests.support.planes import smooth_planes
from tests.support.results import make_result


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (65, 48), (64, 49)])
def test_odd_sizes_grow_by_a_replicated_pixel(tmp_path, size):
    width, height = size
    image = np.full((height, width, 3), 60, np.uint8)
    image[-1, :], image[:, -1] = 200, 200
    sink = open_sink(tmp_path / "o.mp4", width=width, height=height, crf=4)
    for index in range(3):
        sink.write(make_result(index, image_bgr=image), image)
    sink.close()
    shown = decoded(tmp_path / "o.mp4")[1][-1]
    assert shown.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(shown[-1].astype(int) - 200).max() < 12


def test_a_picture_of_another_size_is_letterboxed_into_the_first(tmp_path):
    sink = open_sink(tmp_path / "o.mp4", width=64, height=48, crf=4)
    for index, (width, height) in enumerate([(64, 48), (48, 64), (128, 96), (64, 48)]):
        image = np.full((height, width, 3), 180, np.uint8)
        sink.write(make_result(index, image_bgr=image), image)
    sink.close()
    images = decoded(tmp_path / "o.mp4")[1]
    assert {image.shape for image in images} == {(48, 64, 3)}
    bright = [float((image[24, :, 0] > 100).mean()) for image in images]
    assert bright == pytest.approx([1.0, 36 / 64, 1.0, 1.0], abs=0.04)
    assert images[1][24, 2].max() < 30  # black bars left and right


@pytest.mark.parametrize(
    ("bgr", "luma"), [((0, 0, 255), 63), ((0, 255, 0), 173), ((255, 0, 0), 32), ((255,) * 3, 235)]
)
def test_colours_are_converted_with_the_matrix_the_tags_name(tmp_path, bgr, luma):
    """BT.709 limited range: Y = 16 + 219 (0.2126 R + 0.7152 G + 0.0722 B)."""
    image = np.full((48, 64, 3), bgr, np.uint8)
    sink = open_sink(tmp_path / "o.mp4", crf=1)
    for index in range(2):
        sink.write(make_result(index, image_bgr=image), image)
    sink.close()
    with av.open(str(tmp_path / "o.mp4")) as file:
        context = file.streams.video[0].codec_context
        frame = next(file.decode(video=0))
        tags = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
        assert (context.codec.canonical_name, context.pix_fmt) == ("h264", "yuv420p")
        assert tags == (1, 1, 1, 1)
        assert frame.to_ndarray()[10, 10] == pytest.approx(luma, abs=1)


def test_an_unknown_encoder_names_those_there_are_and_keeps_the_old_file(tmp_path):
    (tmp_path / "o.mp4").write_bytes(b"precious")
    with pytest.raises(SinkError, match=r"libx264.*got 'h264_magic'"):
        open_sink(tmp_path / "o.mp4", encoder="h264_magic")
    with pytest.raises(SinkError, match="must be an H"):
        open_sink(tmp_path / "o.mp4", encoder="mpeg4")
    assert (tmp_path / "o.mp4").read_bytes() == b"precious"


def test_an_encoder_whose_device_is_missing_is_an_error_before_the_first_frame(tmp_path):
    for encoder in ("h264_v4l2m2m", "h264_nvenc", "h264_qsv"):
        if encoder not in available_encoders():
            continue
        try:
            sink = open_sink(tmp_path / "o.mp4", encoder=encoder)
        except SinkError as error:
            assert encoder in str(error)  # noqa: PT017 - machines that have the device pass
            assert "libx264" in str(error)  # noqa: PT017 - as above
        else:
            sink.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_the_encoder_takes_as_many_threads_as_it_is_given(tmp_path, threads):
    image = np.full((480, 640, 3), 90, np.uint8)
    sink = open_sink(tmp_path / "o.mp4", width=640, height=480, threads=threads)
    sink.write(make_result(0, image_bgr=image), image)
    sink.close()
    # x264 writes its settings into the stream.
    assert f" threads={threads} ".encode() in (tmp_path / "o.mp4").read_bytes()


def test_planes_are_encoded_as_they_are(tmp_path):
    """Lossless, so that what comes out is what went in, to the bit."""
    path, planes = tmp_path / "o.mp4", [smooth_planes(64, 48, seed=seed) for seed in range(3)]
    sink = open_sink(path, crf=0)
    for index, picture in enumerate(planes):
        sink.write(make_result(index, image_bgr=picture.image_bgr), picture)
    sink.close()

    with av.open(str(path)) as container:
        shown = [frame.to_ndarray() for frame in container.decode(video=0)]
    for stored, picture in zip(shown, planes, strict=True):
        parts = (picture.y, picture.u, picture.v)
        np.testing.assert_array_equal(stored.ravel(), np.concatenate([x.ravel() for x in parts]))


@pytest.mark.parametrize(("size", "matrix"), [((64, 48), 5), ((128, 96), 1), ((65, 48), 1)])
def test_planes_that_are_coded_otherwise_or_of_another_size_are_converted(tmp_path, size, matrix):
    width, height = (64, 48) if size == (128, 96) else size
    planes = smooth_planes(*size, matrix=matrix)
    sink = open_sink(tmp_path / "o.mp4", width=width, height=height, crf=1)
    for index in range(2):
        sink.write(make_result(index, image_bgr=planes.image_bgr), planes)
    sink.close()

    shown = decoded(tmp_path / "o.mp4")[1][-1]
    assert shown.shape == (height, width + width % 2, 3)
    means = shown.mean(axis=(0, 1)) - planes.image_bgr.mean(axis=(0, 1))
    assert np.abs(means).max() < 4, "another matrix would tint the whole picture"


def test_a_picture_that_is_prepared_is_written_as_one_that_is_not(tmp_path, monkeypatch):
    encode, encoded = PictureEncoder.encode, []

    def noted(encoder, frame, *, pts):
        encoded.append((pts, b"".join(bytes(memoryview(plane)) for plane in frame.planes)))
        return encode(encoder, frame, pts=pts)

    monkeypatch.setattr(PictureEncoder, "encode", noted)
    image = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)
    for name in ("at_once", "in_steps"):
        sink = open_sink(tmp_path / f"{name}.mp4", width=64, height=48)
        assert isinstance(sink, PreparingSink)
        for index, picture in enumerate([image, smooth_planes(64, 48), image]):
            result = make_result(index, image_bgr=image)
            if name == "at_once":
                sink.write(result, picture)
            else:
                sink.write_prepared(result, sink.prepare(picture))
        sink.close()
        with pytest.raises(ValueError, match="open sink"):
            sink.write(result, image)

    assert len(encoded) == 6
    assert encoded[:3] == encoded[3:]
    # The encoder's bytes have differed in two of three whole runs of the tests, never alone.
    times, shown = decoded(tmp_path / "at_once.mp4")
    times_in_steps, shown_in_steps = decoded(tmp_path / "in_steps.mp4")
    assert times == times_in_steps
    assert np.abs(np.subtract(shown, shown_in_steps, dtype=np.float64)).mean() < 4


QUICK = {"encoder": "libx264", "preset": "veryfast", "width": 1280, "height": 720}


@pytest.mark.parametrize(
    ("cores", "changed", "threads"),
    [
        (1, {}, 1),
        (2, {}, 1),
        (2, {"width": 720, "height": 1280, "preset": "ultrafast"}, 1),
        # Encoding is most of the work: a second core is worth waiting for.
        (2, {"width": 1920, "height": 1080}, 0),
        (2, {"preset": "medium"}, 0),
        # Nothing is known of other encoders, and with more cores some are left.
        (2, {"encoder": "h264_nvenc"}, 0),
        (3, {}, 0),
    ],
)
def test_an_encoder_has_one_thread_where_a_run_has_all_the_cores(
    monkeypatch, cores, changed, threads
):
    monkeypatch.setattr(video_encoder, "usable_cores", lambda: cores)
    how = {**QUICK, **changed}
    assert threads_in_a_run(how.pop("encoder"), **how) == threads
