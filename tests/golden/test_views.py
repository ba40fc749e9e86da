"""What the views show, against committed files: `make goldens` rewrites them.

A picture is the same when its hash is, or, on another build of OpenCV, when it differs by no more
than rounding does; a board of readings is compared as text.
"""

import hashlib
import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from rtau.overlay.compose import Composer, OverlayOptions
from rtau.overlay.header import draw_header, draw_help
from rtau.sinks import _au_panel as au_panel
from rtau.sinks.terminal import Dashboard
from rtau.sinks.window import KEYS
from rtau.status import ViewStatus
from tests.support.pictures import EMOTIONS, drawn_contract, drawn_result, spot_cams

HERE = Path(__file__).parent / "views"
REWRITES = os.environ.get("RTAU_WRITE_GOLDENS") == "1"
# Another rounding in a blend moves a pixel by one or two of 255: 42 dB. A moved letter is below 35.
LEAST_PSNR_DB = 40.0

ONE = [(250, 110, 400, 270)]
SIX = [(x, y, x + 96, y + 96) for y in (70, 300) for x in (60, 330, 600)]
STATUS = ViewStatus(
    source="clip.mp4", model="shufflenetv2-au14", device="onnxruntime, CPUExecutionProvider",
    is_live=False, frames_done=812, frames_total=1925, fps=31.2, latency_p50_s=0.021,
    latency_p95_s=0.034, corrupt=1, elapsed_s=26.0,
)  # fmt: skip


def compose(result, contract=None, **options):
    return Composer(contract or drawn_contract(), options=OverlayOptions(**options)).compose(result)


def one_face():
    return compose(drawn_result(ONE, width=640, height=360))


def one_face_with_heat():
    cams = spot_cams(1, at=(2, 4)) + spot_cams(1, at=(4, 4))
    return compose(drawn_result(ONE, width=640, height=360, cams=cams), heatmap="AU12")


def six_faces():
    return compose(drawn_result(SIX, width=760, height=460))


def blurred_face():
    return compose(drawn_result(ONE, width=640, height=360), blur=True)


def emotions():
    result = drawn_result(ONE, width=640, height=360, labels=EMOTIONS, task="multi_class")
    return compose(result, drawn_contract(EMOTIONS, "multi_class"))


def window_with_help():
    image = compose(drawn_result(ONE, width=640, height=360), header=True).copy()
    draw_header(image, STATUS)
    draw_help(image, KEYS, title="Keys")
    return image


PICTURES = (
    one_face, one_face_with_heat, six_faces, blurred_face, emotions, window_with_help,
)  # fmt: skip


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
def test_a_picture_looks_as_it_did(draw):
    image, path = draw(), HERE / f"{draw.__name__}.png"
    if REWRITES:
        assert cv2.imwrite(str(path), image)
    kept = cv2.imread(str(path))
    assert kept is not None, f"{path} is missing: make goldens"
    assert kept.shape == image.shape
    if hashlib.sha256(kept.tobytes()).digest() != hashlib.sha256(image.tobytes()).digest():
        assert cv2.PSNR(kept, np.ascontiguousarray(image)) >= LEAST_PSNR_DB


def board(faces, *, width, height, **changes):
    """Returns what a terminal of a size shows, without colours."""
    result = drawn_result([(9, 9, 30, 30)] * faces, width=64, height=48, **changes)
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, color_system=None, legacy_windows=False)
    thresholds = drawn_contract(result.scores.labels, result.scores.task).thresholds
    dashboard = Dashboard(STATUS, tuple(au_panel.faces_of(result)), thresholds)
    console.print(dashboard, height=height)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


BOARDS = {
    "one_face_80x24": lambda: board(1, width=80, height=24),
    "three_faces_160x24": lambda: board(3, width=160, height=24),
    "two_faces_56x24": lambda: board(2, width=56, height=24),
    "six_faces_60x16": lambda: board(6, width=60, height=16),
    "no_face_60x12": lambda: board(0, width=60, height=12),
    "emotions_60x20": lambda: board(1, width=60, height=20, labels=EMOTIONS, task="multi_class"),
}


@pytest.mark.parametrize("name", BOARDS)
def test_a_terminal_reads_as_it_did(name):
    shown, path = BOARDS[name](), HERE / f"{name}.txt"
    if REWRITES:
        path.write_text(shown, encoding="utf-8")
    assert path.exists(), f"{path} is missing: make goldens"
    assert shown == path.read_text(encoding="utf-8")
