import io

import pytest
from rich.console import Console

from rtau.cli import bench
from rtau.cli.parser import build_parser
from rtau.runs.bench.record import read_bench_record
from tests.support.commands import EXAMPLE, run_here
from tests.support.records import CLIP, make_metric, make_record

TINY = ("--seconds", "0.01", "--frames", "16", "--peer", "none")


def plan(*arguments):
    return bench.plan_of(build_parser().parse_args(["bench", *arguments]))


def shown(record):
    text = io.StringIO()
    bench.show(record, console=Console(file=text, width=140))
    return text.getvalue()


@pytest.mark.needs_onnxruntime
@pytest.mark.slow
def test_a_small_benchmark_prints_its_tables_and_writes_its_record(tmp_path, capsys):
    path = tmp_path / "bench.json"
    code, out, err = run_here(
        capsys, "bench", "--faces", "2", "--sizes", "320x180", *TINY, "--json", path
    )
    assert (code, err) == (0, "")
    for words in ("decode", "file to annotated mp4", "live, capture to overlay", "import rtau"):
        assert words in out
    record = read_bench_record(path)
    assert (record.suite, record.peer, record.targets) == ("bench", None, ())
    assert [(clip.name, clip.faces) for clip in record.clips] == [("faces-2-320x180", 2)]
    assert {"start to first result", "encode", "bare decode and encode"} <= {
        metric.name for metric in record.figures
    }
    assert record.threads[0].engine >= 1


def test_the_flags_become_a_plan():
    made = plan("a.mp4", "--faces", "1,8", "--sizes", "64x48,640x360", "--peer", "none")
    assert (made.faces, made.sizes, made.with_peer) == ((1, 8), ((64, 48), (640, 360)), False)
    assert plan().with_peer


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--faces", "one"), "--faces must be numbers such as 1,4,8, got 'one'"),
        (("--sizes", "720p"), "--sizes must be sizes such as 640x360,1280x720, got '720p'"),
        (("--seconds", "0"), "--seconds must lie in [0.01, 600], got 0"),
        (("--threads", "-1"), "--threads must lie in [0, 256], got -1"),
        (("--model", "missing"), "missing: no such model file"),
        (("missing.mp4",), "missing.mp4: there is no such file"),
        (("--sizes", "321x180"), "an even size"),
        (("--json", "/no/where/a.json"), "/no/where"),
    ],
)
@pytest.mark.needs_onnxruntime
def test_a_wrong_request_is_one_line_and_no_table(arguments, words, capsys):
    code, out, err = run_here(capsys, "bench", *TINY, *arguments)
    assert code in (1, 2)
    assert out == ""
    assert words in err
    assert len(err.splitlines()) == 1


def test_the_tables_say_where_with_what_and_how_fast():
    record = make_record(
        figures=(
            make_metric(),
            make_metric("file to CSV"),
            make_metric("import rtau", clip=None),
            make_metric("resident memory, peak", clip=None, unit="MiB"),
        ),
        notes=("MediaPipe [x] is not here",),
    )
    text = shown(record)
    assert "Test CPU, 2 cores, 1 GiB" in text
    assert "cpu-thermal 42 to 63 °C" in text
    assert "threads of rtau: engine 2, opencv 2, decoder 1, encoder auto" in text
    assert "peer: MediaPipe 1.2.3, VIDEO mode" in text
    assert f"{CLIP.name}: 640x360, 1 face, 25 fps" in text
    (run,) = [line for line in text.splitlines() if line.startswith("file to CSV")]
    assert run.split()[-7:] == ["2.00", "2.90", "2.98", "1.00", "1.50", "500.0", "3"]
    assert "resident memory, peak, MiB" in text
    assert "MediaPipe [x] is not here" in text


def test_a_wheel_has_no_commit_and_a_changed_checkout_says_so():
    assert "(bbbbbbbbbb)" in shown(make_record())
    assert "(bbbbbbbbbb, changed)" in shown(make_record(is_dirty=True))
    assert "(bbb" not in shown(make_record(commit=None, is_dirty=None))


def test_the_example_is_a_clip_that_stays_as_it_is_without_faces_and_sizes():
    made = plan(str(EXAMPLE))
    assert (made.clip, made.faces, made.sizes) == (EXAMPLE, (), ())
