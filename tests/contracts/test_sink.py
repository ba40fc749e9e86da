"""What every sink promises (rtau.protocols.Sink): a new one is tested once it is in `SINKS`."""

from __future__ import annotations

import dataclasses
import importlib
import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rtau.errors import SinkError
from rtau.execution.async_sink import AsyncSink
from rtau.execution.event_loop import EventLoopThread
from rtau.execution.worker_pool import WorkerPool
from rtau.markers import Markers
from rtau.protocols import Sink, SinkReport
from rtau.sinks import TableRows
from rtau.sinks.csv_file import CsvSink
from rtau.sinks.face_lines import FaceLinesSink
from rtau.sinks.frame_json import FrameObjects
from rtau.sinks.image_folder import ImageFileSink, ImageFolderSink
from rtau.sinks.jsonl_file import JsonlSink
from rtau.sinks.progress import ProgressSink
from rtau.sinks.table_sinks import ParquetSink, TableSink
from rtau.sinks.terminal import TerminalSink
from rtau.sinks.video_file import VideoFileSink
from rtau.sinks.window import WindowSink
from rtau.status import ViewControls
from rtau.streams.access import Access
from rtau.streams.addresses import Address
from tests.support.doubles import NullSink, make_contract
from tests.support.limits import file_size_limit
from tests.support.results import AU_LABELS, THRESHOLDS, make_result
from tests.support.screen import MemoryScreen
from tests.support.terminals import Stream, make_status


@dataclasses.dataclass(frozen=True)
class Case:
    """One sink and what is special about it."""

    build: Callable[[Path], Sink]
    writes_file: bool = True


def _csv(folder: Path) -> Sink:
    return CsvSink(
        folder / "o.csv", TableRows(AU_LABELS, task="multi_label", thresholds=THRESHOLDS)
    )


def _jsonl(folder: Path) -> Sink:
    return JsonlSink(folder / "o.jsonl", thresholds=THRESHOLDS)


def _table(folder: Path) -> Sink:
    return TableSink(TableRows(AU_LABELS, task="multi_label", thresholds=THRESHOLDS))


def _parquet(folder: Path) -> Sink:
    pytest.importorskip("pyarrow")
    rows = TableRows(AU_LABELS, task="multi_label", thresholds=THRESHOLDS)
    return ParquetSink(folder / "o.parquet", rows, rows_at_once=50)


def _video(folder: Path) -> Sink:
    return VideoFileSink(folder / "o.mp4", width=64, height=48, nominal_fps=Fraction(25))


def _async(folder: Path) -> Sink:
    pool = WorkerPool()
    sink = AsyncSink(_video(folder), pool, queue_size=2)
    pool.start(threads=0)  # the writing thread executes the stage
    return sink


def _null(folder: Path) -> Sink:
    return NullSink()


def _window(folder: Path) -> Sink:
    return WindowSink("rtau", controls=ViewControls(), status=make_status, screen=MemoryScreen())


def _terminal(folder: Path) -> Sink:
    stream = Stream(terminal=True)
    return TerminalSink(stream, status=make_status, thresholds=THRESHOLDS, size=(80, 24))


def _terminal_in_a_pipe(folder: Path) -> Sink:
    return TerminalSink(Stream(terminal=False), status=make_status, thresholds=THRESHOLDS)


def _progress(folder: Path) -> Sink:
    return ProgressSink(Stream(terminal=True), status=make_status, width=80)


def _face_lines(folder: Path) -> Sink:
    return FaceLinesSink(io.StringIO(), file_of=lambda index: f"{index}.jpg")


def _image_folder(folder: Path) -> Sink:
    return ImageFolderSink(folder / "annotated", file_of=lambda index: f"{index}.jpg")


def _image_file(folder: Path) -> Sink:
    return ImageFileSink(folder / "annotated.png")


def _server(folder: Path) -> Sink:
    pytest.importorskip("websockets")
    served = importlib.import_module("rtau.streams.server_sink")
    return served.ServerSink(
        Access(Address("127.0.0.1", 0), None),
        loop=EventLoopThread(name="rtau-server"),
        contract=make_contract(),
        objects=FrameObjects(thresholds=THRESHOLDS),
        status=make_status,
        controls=ViewControls(),
        markers=Markers(),
        sends_video=True,
    )


def _osc(folder: Path) -> Sink:
    pytest.importorskip("pythonosc")
    return importlib.import_module("rtau.streams.osc").OscSink(_datagrams())


def _vmc(folder: Path) -> Sink:
    pytest.importorskip("pythonosc")
    vmc = importlib.import_module("rtau.streams.vmc")
    return vmc.VmcSink(_datagrams(), names="arkit", thresholds={})


def _datagrams():
    datagrams = importlib.import_module("rtau.streams.datagrams")
    return datagrams.Datagrams(Address("127.0.0.1", 9), flag="--osc")


def _lsl(folder: Path) -> Sink:
    pytest.importorskip("pylsl", exc_type=Exception)
    lsl = importlib.import_module("rtau.streams.lsl")
    return lsl.LslSink(make_contract(), source=str(folder), device="none")


SINKS = {
    "csv": Case(_csv),
    "jsonl": Case(_jsonl),
    "parquet": Case(_parquet),
    "table": Case(_table, writes_file=False),
    "video": Case(_video),
    "asynchronous": Case(_async),
    "null": Case(_null, writes_file=False),
    "face lines": Case(_face_lines, writes_file=False),
    "image folder": Case(_image_folder, writes_file=False),
    "image file": Case(_image_file, writes_file=False),
    "window": Case(_window, writes_file=False),
    "terminal": Case(_terminal, writes_file=False),
    "terminal in a pipe": Case(_terminal_in_a_pipe, writes_file=False),
    "progress": Case(_progress, writes_file=False),
    "server": Case(_server, writes_file=False),
    "osc": Case(_osc, writes_file=False),
    "vmc": Case(_vmc, writes_file=False),
    "lsl": Case(_lsl, writes_file=False),
}
FILE_SINKS = [name for name, case in SINKS.items() if case.writes_file]


@pytest.fixture(params=SINKS)
def sink(request, tmp_path):
    sink = SINKS[request.param].build(tmp_path)
    yield sink
    sink.close()


def picture_for(sink, result):
    """Returns the read-only picture a pipeline would pass, or None as the protocol wants."""
    if not sink.wants_overlay:
        return None
    image = result.frame.image_bgr.copy()
    image.flags.writeable = False
    return image


def write(sink, result):
    sink.write(result, picture_for(sink, result))


def test_has_the_shape_of_a_sink(sink):
    assert isinstance(sink, Sink)
    assert isinstance(sink.wants_overlay, bool)
    assert isinstance(sink.is_view, bool)
    assert isinstance(sink.is_slow, bool)
    assert sink.name
    assert sink.report() == SinkReport(audio="none" if "mp4" in sink.name else None)


def test_takes_frames_with_any_number_of_faces(sink):
    for index, faces in enumerate((0, 1, 6, 0, 2)):
        write(sink, make_result(index, faces=faces))
    sink.close()


def test_takes_faces_the_detector_did_not_score(sink):
    write(sink, make_result(scored=False))


def test_takes_frames_with_gaps_in_index_and_time(sink):
    for index in (0, 1, 7, 8, 40):
        write(sink, make_result(index))


def test_never_changes_what_it_is_given(sink):
    result = make_result(faces=2)
    image = picture_for(sink, result)
    before = [result.faces.boxes_xyxy.copy(), result.scores.logits.copy(), result.active.copy()]
    pixels = None if image is None else image.copy()
    sink.write(result, image)
    sink.close()
    after = [result.faces.boxes_xyxy, result.scores.logits, result.active]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert image is None or np.array_equal(image, pixels)


def test_closes_twice_and_without_a_frame(sink):
    sink.close()
    sink.close()


def test_closes_twice_after_frames(sink):
    for index in range(3):
        write(sink, make_result(index))
    sink.close()
    sink.close()


def test_reports_after_the_close_that_all_is_well(sink):
    for index in range(3):
        write(sink, make_result(index))
    sink.close()
    assert sink.report().note is None


@pytest.mark.parametrize("build", [_video, _async])
def test_a_video_without_a_frame_is_reported(build, tmp_path):
    sink = build(tmp_path)
    sink.close()
    assert sink.report() == SinkReport(note="not written: no frame came", audio="none")


@pytest.mark.parametrize("name", FILE_SINKS)
def test_a_full_disk_is_one_sink_error_and_closing_is_quiet(name, tmp_path):
    sink = SINKS[name].build(tmp_path)
    noise = np.random.default_rng(0)

    def write_until_full():
        for index in range(2000):
            picture = noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            write(sink, make_result(index, image_bgr=picture))

    with file_size_limit(20_000), pytest.raises(SinkError, match=r"o\.\w+ cannot be written"):
        write_until_full()
    sink.close()
    sink.close()


@pytest.mark.parametrize("name", FILE_SINKS)
def test_a_missing_directory_is_refused_before_the_first_frame(name, tmp_path):
    with pytest.raises(SinkError, match="does not exist"):
        SINKS[name].build(tmp_path / "nowhere")
