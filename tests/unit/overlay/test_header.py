import numpy as np
import pytest

from rtau.overlay.compose import header_px
from rtau.overlay.header import draw_header, draw_help
from rtau.status import ViewStatus

STATUS = ViewStatus(
    source="camera 0", model="m", device="onnxruntime, CPUExecutionProvider", is_live=True,
    frames_done=10, fps=30.0, latency_p50_s=0.02, latency_p95_s=0.03, dropped=1,
)  # fmt: skip


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (3840, 2160), (60, 40), (1, 1)])
def test_the_status_line_stays_in_its_strip(size):
    image = np.full((size[1], size[0], 3), 100, np.uint8)
    draw_header(image, STATUS)
    assert (image[header_px(size[1]) :] == 100).all()
    assert (image[0] < 100).any()


def test_a_narrow_picture_shows_whole_pieces_only():
    wide, narrow = (np.full((360, width, 3), 100, np.uint8) for width in (900, 300))
    draw_header(wide, STATUS)
    draw_header(narrow, STATUS)
    inked = np.flatnonzero((narrow[:22] > 150).any(axis=(0, 2)))
    assert len(inked)
    shown = slice(4, inked.max() + 1)
    assert np.array_equal(narrow[4:18, shown], wide[4:18, shown])


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (100, 50)])
def test_the_help_card_lies_in_the_middle(size):
    image = np.full((size[1], size[0], 3), 100, np.uint8)
    draw_help(image, (("q", "end the run"), ("space", "pause")), title="Keys")
    assert image[size[1] // 2, size[0] // 2].sum() != 300
    if size[0] > 200:
        assert (image[:, :40] == 100).all()
