"""Cameras without a camera: a device double that works, fails, hangs or changes its mind."""

import itertools
import os
import threading
import time

import cv2
import numpy as np
import pytest

from rtau.errors import BackendUnavailable, SourceError, SourceOpenError, UsageError
from rtau.sources import camera as camera_module
from rtau.sources.camera import CameraMode, CameraSource, device_opener, is_pipeline
from tests.support.cameras import CameraDouble
from tests.support.media import frame_number, numbered

PIPELINE = "nvarguscamerasrc ! videoconvert ! video/x-raw,format=BGR ! appsink drop=1"


def opened(device, **options):
    options = {"timeout_s": 0.3, "open_timeout_s": 1.0} | options
    return CameraSource(0, open_device=device, **options)


class TestGood:
    def test_frames_come_with_capture_times_from_zero(self):
        with opened(CameraDouble(pace_s=0.01)) as source:
            frames = list(itertools.islice(source, 5))
        assert frames[0].time_s == 0.0
        assert frames[0].index == 0
        assert all(b.time_s - a.time_s > 0.005 for a, b in itertools.pairwise(frames))
        assert source.is_live
        assert source.info.name == "camera 0"
        assert source.info.nominal_fps == 30
        assert source.info.frame_count is None

    def test_a_slow_reader_gets_the_newest_and_sees_the_gap_in_the_index(self):
        with opened(CameraDouble(pace_s=0.002)) as source:
            frames = iter(source)
            next(frames)
            time.sleep(0.1)
            late = next(frames)
        assert late.index > 5
        assert frame_number(late.image_bgr) == late.index

    def test_a_mode_is_asked_for_and_the_difference_is_told(self):
        device = CameraDouble(mode=(64, 48, 30.0))
        with opened(device, mode=CameraMode(width=1280, height=720, fps=60)) as source:
            pass
        assert device.asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
        assert device.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 720
        assert device.asked[cv2.CAP_PROP_FPS] == 60
        assert device.asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
        assert (source.info.width, source.info.height) == (64, 48)
        assert source.report().notes == (
            "camera 0: asked for 1280x720 at 60 fps, it gives 64x48 at 30 fps",
        )

    def test_a_mode_that_is_met_needs_no_note(self):
        with opened(CameraDouble(), mode=CameraMode(width=64, fps=30)) as source:
            assert source.report().notes == ()

    def test_nothing_asked_for_leaves_the_camera_alone(self):
        device = CameraDouble()
        with opened(device):
            assert device.asked == {}

    @pytest.mark.parametrize("rate", [0.0, -1.0, 1e6])
    def test_a_rate_that_cannot_be_is_unknown(self, rate):
        with opened(CameraDouble(mode=(64, 48, rate))) as source:
            assert source.info.nominal_fps is None

    @pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1), (48, 64, 4)])
    def test_grey_and_alpha_become_bgr(self, shape):
        device = CameraDouble(itertools.repeat(np.full(shape, 90, np.uint8)))
        with opened(device) as source:
            assert next(iter(source)).image_bgr.shape == (48, 64, 3)

    def test_a_change_of_size_is_fitted_to_the_first(self):
        pictures = [numbered(0)] + [numbered(k, width=96, height=48) for k in range(1, 400)]
        with opened(CameraDouble(pictures)) as source:
            frames = list(itertools.islice(source, 3))
        assert {frame.image_bgr.shape for frame in frames} == {(48, 64, 3)}
        assert frame_number(frames[-1].image_bgr[8:40]) == frames[-1].index

    def test_it_is_opened_read_and_released_on_one_thread(self):
        device = CameraDouble()
        source = opened(device)
        source.close()
        source.close()
        assert device.releases == 1
        assert device.released_by == "rtau-camera"


class TestFaults:
    def test_unplugged_reads_fail_at_once(self):
        with opened(CameraDouble([numbered(k) for k in range(5)], then="fails")) as source:
            started_s = time.monotonic()
            with pytest.raises(
                SourceError, match=r"camera 0: no frame for 0\.3 s, camera unplugged"
            ):
                list(source)
            assert time.monotonic() - started_s < 1.5
            assert source.report().corrupt > 0

    def test_unplugged_read_hangs(self):
        device = CameraDouble([numbered(k) for k in range(5)], then="hangs")
        with opened(device) as source:
            started_s = time.monotonic()
            with pytest.raises(SourceError, match="camera unplugged"):
                list(source)
            assert time.monotonic() - started_s < 2
            device.unblock()
        assert device.releases == 1

    def test_close_does_not_wait_for_a_hanging_read_for_ever(self, caplog):
        device = CameraDouble([numbered(0)], then="hangs")
        source = opened(device, timeout_s=0.1)
        started_s = time.monotonic()
        source.close()
        assert time.monotonic() - started_s < 2
        assert "left behind" in caplog.text
        device.unblock()

    def test_close_ends_an_iteration_that_waits(self):
        device = CameraDouble([numbered(0)], then="hangs")
        source = opened(device, timeout_s=5.0)
        got = []
        reader = threading.Thread(target=lambda: got.extend(source))
        reader.start()
        time.sleep(0.05)
        closer = threading.Thread(target=source.close)
        closer.start()
        reader.join(1)
        assert not reader.is_alive()
        device.unblock()
        closer.join()

    def test_a_picture_that_is_none_is_skipped_and_counted(self):
        broken = [None, np.zeros((0, 0, 3), np.uint8), np.zeros((4, 4, 3), np.uint16)]
        pictures = [numbered(0), *broken, *[numbered(k) for k in range(1, 300)]]
        with opened(CameraDouble(pictures)) as source:
            frames = list(itertools.islice(source, 3))
            assert source.report().corrupt == 3
        assert all(frame.image_bgr.shape == (48, 64, 3) for frame in frames)

    def test_a_camera_that_cannot_be_opened(self):
        device = CameraDouble(opens=False)
        with pytest.raises(
            SourceOpenError, match=r"camera 0: cannot be opened; .* no other program"
        ):
            opened(device)
        assert device.releases == 1

    @pytest.mark.parametrize("then", ["fails", "hangs"])
    def test_a_camera_that_opens_and_gives_nothing(self, then):
        device = CameraDouble([], then=then)
        threading.Timer(0.6, device.unblock).start()
        with pytest.raises(SourceOpenError, match=r"camera 0: no frame within 0\.4 s of opening"):
            opened(device, open_timeout_s=0.4, timeout_s=0.3)

    def test_an_error_of_the_driver_reaches_the_caller(self):
        def broken(_target):
            raise OSError("the driver is gone")

        with pytest.raises(OSError, match="the driver is gone"):
            opened(broken)


class TestRealDevices:
    def test_a_missing_camera_is_named_with_those_there_are(self):
        with pytest.raises(
            SourceOpenError, match=r"no camera at /dev/video77 \(cameras here: .*\)"
        ):
            CameraSource(77)

    def test_a_file_is_no_camera(self, tmp_path):
        (tmp_path / "video0").touch()
        with pytest.raises(SourceOpenError, match="expected a camera such as /dev/video0"):
            CameraSource(str(tmp_path / "video0"))

    def test_reads_of_v4l2_are_bounded_by_our_time_unless_the_user_says_otherwise(
        self, monkeypatch
    ):
        monkeypatch.setattr(camera_module, "_check_device", lambda path: None)
        monkeypatch.setattr(camera_module.sys, "platform", "linux")
        monkeypatch.delenv(camera_module.V4L2_TIMEOUT, raising=False)
        device_opener(0, requested=CameraMode(), timeout_s=3.2)
        assert os.environ[camera_module.V4L2_TIMEOUT] == "3"
        device_opener(0, requested=CameraMode(), timeout_s=9)
        assert os.environ[camera_module.V4L2_TIMEOUT] == "3"
        monkeypatch.delenv(camera_module.V4L2_TIMEOUT)


class TestPipelines:
    def test_a_pipeline_has_an_exclamation_mark(self):
        assert is_pipeline(PIPELINE)
        assert not is_pipeline("/dev/video0")

    def test_without_gstreamer_the_text_says_which_opencv_is_needed(self, monkeypatch):
        monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda backend: False)
        with pytest.raises(BackendUnavailable, match="needs an OpenCV with GStreamer") as caught:
            CameraSource(PIPELINE)
        assert "apt install python3-opencv" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_with_gstreamer_opencv_gets_the_pipeline(self, monkeypatch):
        monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda backend: True)
        seen = []

        def capture(target, backend):
            seen.append((target, backend))
            return CameraDouble()

        monkeypatch.setattr(cv2, "VideoCapture", capture)
        with CameraSource(PIPELINE, timeout_s=0.3) as source:
            assert source.info.name == PIPELINE
        assert seen == [(PIPELINE, cv2.CAP_GSTREAMER)]

    def test_a_pipeline_must_end_in_an_appsink(self, monkeypatch):
        monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda backend: True)
        with pytest.raises(UsageError, match="must end in `! videoconvert"):
            CameraSource("v4l2src ! autovideosink")

    def test_a_pipeline_has_its_size_in_its_caps(self, monkeypatch):
        monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda backend: True)
        with pytest.raises(UsageError, match="write them into its caps"):
            CameraSource(PIPELINE, mode=CameraMode(width=640))
