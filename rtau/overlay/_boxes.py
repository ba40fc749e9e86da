"""Boxes around faces and the tags that name them.

Lines carry a dark halo, so they show on any background; tags are opaque and sit above the box or
inside it where the frame ends. Called by compose.py.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from rtau.facs import words_for_label
from rtau.overlay import text
from rtau.overlay._placement import Area
from rtau.overlay.canvas import Canvas, Layer
from rtau.overlay.heatmap import RAMP
from rtau.overlay.palette import INK, WHITE, Colour, Decal, plate, track_colour, write

# Fractional bits OpenCV takes for line ends: boxes glide instead of jumping by whole pixels.
_SHIFT = 4
# Of a box (x0, y0, x1, y1), the columns that are x and y of its outline's four points, and of the
# three points of each of its four corner strokes.
_OUTLINE = [[0, 1], [2, 1], [2, 3], [0, 3]]
_STROKES = [[[x, y]] * 3 for x in (0, 2) for y in (1, 3)]
_COLUMNS = np.array(_OUTLINE + [point for stroke in _STROKES for point in stroke])
# How each of those points moves along the box's sides: only the ends of strokes do.
_INWARD = np.array(
    [[0, 0]] * 4 + [move for x in (1, -1) for y in (1, -1) for move in ([x, 0], [0, 0], [0, y])],
    np.float32,
)


def draw_box(canvas: Canvas, box_xyxy: npt.NDArray[np.float32], *, colour: Colour) -> None:
    """Draws a face's box in place: a hairline all around and heavy corners."""
    side = float(min(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1]))
    if side < 1:
        return
    heavy = max(2, round(min(side / 55, canvas.height / 240)))
    points = box_xyxy[_COLUMNS] + _INWARD * np.float32(side * 0.17)
    for layer in canvas.layers:
        fixed = _fixed(points / np.float32(layer.step))
        outline, corners = fixed[:4], list(fixed[4:].reshape(4, 3, 2))
        hairline = max(1, heavy // 2)
        for paint, thin, thick in ((INK, hairline + 1, heavy + 2), (colour, hairline, heavy)):
            _lines(layer, [outline], (paint, thin), closed=True)
            _lines(layer, corners, (paint, thick), closed=False)


def _lines(
    layer: Layer, lines: list[npt.NDArray[np.int32]], pen: tuple[Colour, int], *, closed: bool
) -> None:
    """Draws lines in place with a pen of a colour and a thickness, px of the picture."""
    value, px = layer.colour(pen[0]), layer.thickness(pen[1])
    cv2.polylines(layer.pixels, lines, closed, value, px, cv2.LINE_AA, _SHIFT)


def _fixed(points: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Returns points in OpenCV's fixed point; its pixel centres are integers, ours at .5."""
    return np.round((points - 0.5) * (1 << _SHIFT)).astype(np.int32)


def draw_tags(
    canvas: Canvas,
    box_xyxy: npt.NDArray[np.float32],
    *,
    track_id: int,
    heat_label: str | None,
    area: Area,
) -> npt.NDArray[np.int32]:
    """Draws a face's tags in place and returns the face with them: int32 (4,), x0, y0, x1, y1.

    They stand on the box, or inside it at the top where the frame has no room above.
    """
    x0, y0, x1, y1 = (float(v) for v in box_xyxy)
    tags = _tags(track_id, heat_label, cap_px=_cap_px(y1 - y0, area.height), room_px=x1 - x0)
    gap = max(1, tags[0].height // 8)
    total = sum(tag.width for tag in tags) + gap * (len(tags) - 1)
    left = max(0, min(round(x0), area.width - total))
    top = round(y0) - tags[0].height - gap
    if top < area.top:
        top = max(round(y0) + 2 * gap, area.top)
    x = left
    for tag in tags:
        canvas.lay(tag, x=x, y=top)
        x += tag.width + gap
    # A detector's box ends inside the face: keep readings off chin, cheeks and forehead as well.
    spill = 0.05 * (y1 - y0)
    return np.array(
        [
            min(x0 - spill, left),
            min(y0 - spill, top),
            max(x1 + spill, left + total),
            max(y1 + 2 * spill, top + tags[0].height),
        ]
    ).astype(np.int32)


def _cap_px(face_height: float, frame_height: int) -> int:
    return max(7, round(min(face_height * 0.056, frame_height * 0.016)))


def _tags(
    track_id: int, heat_label: str | None, *, cap_px: int, room_px: float
) -> tuple[Decal, ...]:
    """Returns the tags of a face, in their long form where the box is wide enough."""
    colour = track_colour(track_id)
    if heat_label is None:
        name = _tag(f"face {track_id}", cap_px, colour)
        return (name if name.width <= room_px else _tag(str(track_id), cap_px, colour),)
    name = _tag(str(track_id), cap_px, colour)
    words = words_for_label(heat_label)
    heat = _heat_tag(heat_label, "" if words == heat_label else words, cap_px)
    if name.width + heat.width > room_px:
        heat = _heat_tag(heat_label, "", cap_px)
    return name, heat


@functools.lru_cache(maxsize=512)
def _tag(shown: str, cap_px: int, back: Colour) -> Decal:
    """Returns dark text on a track's colour."""
    name = text.strip(shown, cap_px, bold=True)
    pad, height = max(3, round(cap_px * 0.6)), text.line_height(cap_px)
    width = name.shape[1] + 2 * pad
    drawn = plate(width, height, radius=max(2, height // 5), colour=back, opacity=1.0)
    write(drawn, name, x=pad, y=0, colour=INK)
    return drawn


@functools.lru_cache(maxsize=256)
def _heat_tag(label: str, words: str, cap_px: int) -> Decal:
    """Returns the caption of a heatmap: a ramp from little heat to full heat, label and words."""
    name = text.strip(f"{label} {words}".strip(), cap_px, bold=True)
    pad, height = max(3, round(cap_px * 0.6)), text.line_height(cap_px)
    colours = np.frombuffer(RAMP, np.uint8).reshape(1, -1, 3)
    bar = cv2.resize(colours, (cap_px * 3, cap_px), interpolation=cv2.INTER_LINEAR)
    width = pad + bar.shape[1] + pad + name.shape[1] + pad
    drawn = plate(width, height, radius=max(2, height // 5), colour=INK, opacity=0.88)
    y = (height - cap_px) // 2
    drawn.paint[y : y + cap_px, pad : pad + bar.shape[1]] = bar
    drawn.keep[y : y + cap_px, pad : pad + bar.shape[1]] = 0
    write(drawn, name, x=pad + bar.shape[1] + pad, y=0, colour=WHITE)
    return drawn
