"""The mp4 sink: times, refusals, and what is left when a run dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtau.errors import SinkError, UsageError
from tests.support import media
from tests.support.limits import file_size_limit
from tests.support.mp4 import (
    boxes,
    decoded,
    end_s,
    open_sink,
    sound_packets,
    write_noise,
    write_numbered,
)
from tests.support.results import make_result

REPOSITORY = Path(__file__).parents[3]
# Unequal steps on the 90 kHz grid, as a phone gives them.
VARIABLE_TIMES_S = tuple(np.cumsum([0, 1 / 30, 1 / 30, 0.1, 0.02, 0.5, 1 / 30, 0.04, 0.25, 0.1]))


def test_a_variable_frame_rate_is_kept_to_the_tick(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, VARIABLE_TIMES_S)
    sink.close()
    times_s, images = decoded(tmp_path / "o.mp4")
    assert times_s == pytest.approx(VARIABLE_TIMES_S, abs=1 / 90_000)
    assert [media.frame_number(image) for image in images] == list(range(len(VARIABLE_TIMES_S)))


def test_a_time_base_of_the_source_is_kept_exactly(tmp_path):
    base = Fraction(1, 24_000)
    ticks = [0, 1001, 2002, 5005]
    sink = open_sink(tmp_path / "o.mp4", time_base=base)
    write_numbered(sink, [float(tick * base) for tick in ticks])
    sink.close()
    with av.open(str(tmp_path / "o.mp4")) as file:
        assert [frame.pts * frame.time_base for frame in file.decode(video=0)] == [
            tick * base for tick in ticks
        ]


def test_two_frames_of_one_time_stay_two_frames(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.0, 0.04, 0.04, 0.08])
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) == 4


@pytest.mark.parametrize("times_s", [[0.0], [0.0, 0.3]])
def test_without_an_original_the_last_frame_lasts_one_nominal_frame(tmp_path, times_s):
    sink = open_sink(tmp_path / "o.mp4", nominal_fps=Fraction(10))
    write_numbered(sink, times_s)
    sink.close()
    assert end_s(tmp_path / "o.mp4") == pytest.approx(times_s[-1] + 0.1, abs=1e-3)


def test_no_frame_leaves_no_file_and_says_so(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    sink.close()
    assert not (tmp_path / "o.mp4").exists()
    assert sink.note == "not written: no frame came"


KILLED = """
    import sys, time
    from pathlib import Path
    import numpy as np
    from tests.support.media import numbered
    from tests.support.mp4 import open_sink
    from tests.support.results import make_result

    out, clip = Path(sys.argv[1]), Path(sys.argv[2])
    sink = open_sink(out, audio_from=clip)
    for index in range(200):
        image = numbered(index)
        sink.write(make_result(index, image_bgr=image), image)
    print("written", flush=True)
    time.sleep(60)
"""


def test_kill_9_leaves_a_playable_file_with_most_frames_and_sound(tmp_path):
    clip = media.write_clip(tmp_path / "in.mp4", count=300, fps=25, audio="aac")
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "o.mp4"), str(clip)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "written\n"
        child.send_signal(signal.SIGKILL)
    times_s, images = decoded(tmp_path / "o.mp4")
    # A second's fragment and what the encoder looks ahead may be lost, no more.
    assert len(images) >= 200 - 25 - 40
    assert [media.frame_number(image) for image in images] == list(range(len(images)))
    assert times_s == pytest.approx([k / 25 for k in range(len(images))], abs=1e-4)
    sound = sound_packets(tmp_path / "o.mp4")
    assert sound[-1][0] > times_s[-1] - 1.5
    assert [raw for _, raw in sound] == [raw for _, raw in sound_packets(clip)][: len(sound)]


@pytest.mark.parametrize("limit", [150_000, 333_333, 500_001])
def test_a_full_disk_names_file_and_reason_and_what_was_written_plays(tmp_path, limit):
    sink = open_sink(tmp_path / "o.mp4")
    with file_size_limit(limit), pytest.raises(SinkError, match=r"o\.mp4 cannot be .*too large"):
        write_noise(sink)
    sink.close()
    times_s, _ = decoded(tmp_path / "o.mp4")
    assert len(times_s) > 5
    assert times_s == pytest.approx([k / 25 for k in range(len(times_s))], abs=1e-4)
    assert set(boxes(tmp_path / "o.mp4")[-2:]) == {"moof", "mdat"}
    assert [p.name for p in tmp_path.iterdir()] == ["o.mp4"]
    assert "plays" in sink.note


def test_a_disk_full_from_the_start_leaves_no_useless_file(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    with file_size_limit(600), pytest.raises(SinkError):
        write_noise(sink)
    assert not (tmp_path / "o.mp4").exists()


def test_a_disk_that_fills_at_the_very_end_is_an_error_and_plays(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_noise(sink, frames=60)
    size = (tmp_path / "o.mp4").stat().st_size
    with file_size_limit(size + 100), pytest.raises(SinkError, match="cannot be written"):
        sink.close()
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) >= 20


def test_a_rate_that_is_a_clock_is_not_believed(tmp_path):
    sink = open_sink(tmp_path / "o.mp4", nominal_fps=Fraction(90_000))
    write_numbered(sink, [0.0, 0.2, 0.4])
    sink.close()
    assert end_s(tmp_path / "o.mp4") == pytest.approx(0.6, abs=1e-3)


@pytest.mark.parametrize("nominal_fps", [None, Fraction(0)])
def test_without_any_rate_a_single_frame_still_lasts_a_moment(tmp_path, nominal_fps):
    sink = open_sink(tmp_path / "o.mp4", nominal_fps=nominal_fps)
    write_numbered(sink, [0.0])
    sink.close()
    assert end_s(tmp_path / "o.mp4") == pytest.approx(1 / 30, abs=1e-3)


@pytest.mark.parametrize("name", ["o.avi", "o", "o.mp4.txt"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.mp4"):
        open_sink(tmp_path / name)


@pytest.mark.parametrize("alias", ["in.mp4", "sub/../in.mp4", "link.mp4", "hard.mp4"])
def test_the_input_is_never_overwritten_by_whatever_name(tmp_path, alias):
    clip = media.write_clip(tmp_path / "in.mp4")
    raw = clip.read_bytes()
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.mp4").symlink_to(clip)
    (tmp_path / "hard.mp4").hardlink_to(clip)
    with pytest.raises(UsageError, match="is the input"):
        open_sink(tmp_path / alias, audio_from=clip)
    assert clip.read_bytes() == raw


def test_outputs_that_cannot_be_are_refused_before_the_first_frame(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UsageError, match="is a directory"):
        open_sink(tmp_path / "folder.mp4")
    with pytest.raises(SinkError, match="does not exist"):
        open_sink(tmp_path / "nowhere" / "o.mp4")
    (tmp_path / "o.mp4").write_bytes(b"precious")
    with pytest.raises(UsageError, match="already exists"):
        open_sink(tmp_path / "o.mp4", overwrite=False)
    with pytest.raises(SinkError, match="cannot be written"):
        open_sink(Path("/proc/o.mp4"))


def test_writing_after_the_end_is_our_own_mistake(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    sink.close()
    with pytest.raises(ValueError, match="open sink"):
        sink.write(make_result(), media.numbered(0))
