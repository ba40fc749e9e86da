"""Draws boxes around faces, and tags with the face's number above them.

Lines have a dark outline, so they are visible on any background. Tags are opaque; at the top of the
frame they are drawn inside the box.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from rtau.facs import name_beside
from rtau.overlay import text
from rtau.overlay._placement import Area
from rtau.overlay.canvas import Canvas, Layer
from rtau.overlay.heatmap import COLOUR_SCALE
from rtau.overlay.palette import INK, WHITE, Colour, track_colour
from rtau.overlay.sprite import Sprite, plate, write

# Fractional bits of OpenCV's coordinates: boxes move in steps of 1/16 px.
_SHIFT = 4
# Indices into a box (x0, y0, x1, y1) of x and y: four points of the outline, then three points of
# each of the four corner strokes.
_OUTLINE = [[0, 1], [2, 1], [2, 3], [0, 3]]
_STROKES = [[[x, y]] * 3 for x in (0, 2) for y in (1, 3)]
_COLUMNS = np.array(_OUTLINE + [point for stroke in _STROKES for point in stroke])
# Direction in which each of those points is moved inwards: only the ends of strokes are.
_INWARD = np.array(
    [[0, 0]] * 4 + [move for x in (1, -1) for y in (1, -1) for move in ([x, 0], [0, 0], [0, y])],
    np.float32,
)


def draw_box(canvas: Canvas, box_xyxy: npt.NDArray[np.float32], *, colour: Colour) -> None:
    """Draws a face's box in place: a thin outline with thick corners."""
    side = float(min(box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1]))
    if side < 1:
        return
    heavy = max(2, round(min(side / 55, canvas.height / 240)))
    points = box_xyxy[_COLUMNS] + _INWARD * np.float32(side * 0.17)
    for layer in canvas.layers:
        fixed = _fixed(points / np.float32(layer.step))
        outline, corners = fixed[:4], list(fixed[4:].reshape(4, 3, 2))
        light = max(1, heavy // 2)
        for stroke, thin, thick in ((INK, light + 1, heavy + 2), (colour, light, heavy)):
            _draw_lines(layer, [outline], colour=stroke, px=thin, closed=True)
            _draw_lines(layer, corners, colour=stroke, px=thick, closed=False)


def _draw_lines(
    layer: Layer, lines: list[npt.NDArray[np.int32]], *, colour: Colour, px: int, closed: bool
) -> None:
    """Draws lines on a layer in place, `px` of the frame thick."""
    value, px = layer.colour(colour), layer.thickness(px)
    cv2.polylines(layer.pixels, lines, closed, value, px, cv2.LINE_AA, _SHIFT)


def _fixed(points: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Returns points in OpenCV's fixed point: its pixel centres are at integers, ours at .5."""
    return np.round((points - 0.5) * (1 << _SHIFT)).astype(np.int32)


def draw_tags(
    canvas: Canvas,
    box_xyxy: npt.NDArray[np.float32],
    *,
    track_id: int,
    heat_label: str | None,
    area: Area,
    reasons: tuple[str, ...] = (),
) -> npt.NDArray[np.int32]:
    """Draws a face's tags in place; returns the rectangle of face and tags, x0, y0, x1, y1, px.

    Args:
        canvas: the picture.
        box_xyxy: float32 (4,), px, frame space.
        track_id: the face's number, and its colour.
        heat_label: the label whose heatmap is drawn on the face; None for no caption.
        area: the part of the frame that may be drawn on.
        reasons: why the scores of the face may be unreliable.

    Returns:
        int32 (4,), a little larger than box and tags, for the placement of panels.
    """
    x0, y0, x1, y1 = (float(v) for v in box_xyxy)
    tags = _tags(track_id, heat_label, cap_px=_cap_px(y1 - y0, area.height), room_px=x1 - x0)
    if reasons:
        tags = (*tags, _tag(", ".join(reasons), _cap_px(y1 - y0, area.height), WHITE))
    gap = max(1, tags[0].height // 8)
    total = sum(tag.width for tag in tags) + gap * (len(tags) - 1)
    left = max(0, min(round(x0), area.width - total))
    top = round(y0) - tags[0].height - gap
    if top < area.top:
        top = max(round(y0) + 2 * gap, area.top)
    x = left
    for tag in tags:
        canvas.composite(tag, x=x, y=top)
        x += tag.width + gap
    # A detector's box ends inside the face: panels must not cover chin, cheeks and forehead.
    border = 0.05 * (y1 - y0)
    return np.array(
        [
            min(x0 - border, left),
            min(y0 - border, top),
            max(x1 + border, left + total),
            max(y1 + 2 * border, top + tags[0].height),
        ]
    ).astype(np.int32)


def _cap_px(face_height: float, frame_height: int) -> int:
    return max(7, round(min(face_height * 0.056, frame_height * 0.016)))


def _tags(
    track_id: int, heat_label: str | None, *, cap_px: int, room_px: float
) -> tuple[Sprite, ...]:
    """Returns a face's tags, in their long form if they fit the box's width, `room_px`."""
    colour = track_colour(track_id)
    if heat_label is None:
        name = _tag(f"face {track_id}", cap_px, colour)
        return (name if name.width <= room_px else _tag(str(track_id), cap_px, colour),)
    name = _tag(str(track_id), cap_px, colour)
    heat = _heat_tag(heat_label, name_beside(heat_label), cap_px)
    if name.width + heat.width > room_px:
        heat = _heat_tag(heat_label, "", cap_px)
    return name, heat


@functools.lru_cache(maxsize=512)
def _tag(shown: str, cap_px: int, back: Colour) -> Sprite:
    """Returns a tag of dark text on a track's colour."""
    name = text.strip(shown, cap_px, bold=True)
    pad, height = max(3, round(cap_px * 0.6)), text.line_height(cap_px)
    width = name.shape[1] + 2 * pad
    drawn = plate(width, height, radius=max(2, height // 5), colour=back, opacity=1.0)
    write(drawn, name, x=pad, y=0, colour=INK)
    return drawn


@functools.lru_cache(maxsize=256)
def _heat_tag(label: str, words: str, cap_px: int) -> Sprite:
    """Returns the caption of a heatmap: its colour scale, the label and its words."""
    name = text.strip(f"{label} {words}".strip(), cap_px, bold=True)
    pad, height = max(3, round(cap_px * 0.6)), text.line_height(cap_px)
    colours = np.frombuffer(COLOUR_SCALE, np.uint8).reshape(1, -1, 3)
    bar = cv2.resize(colours, (cap_px * 3, cap_px), interpolation=cv2.INTER_LINEAR)
    width = pad + bar.shape[1] + pad + name.shape[1] + pad
    drawn = plate(width, height, radius=max(2, height // 5), colour=INK, opacity=0.88)
    y = (height - cap_px) // 2
    drawn.bgr[y : y + cap_px, pad : pad + bar.shape[1]] = bar
    drawn.inverse_alpha[y : y + cap_px, pad : pad + bar.shape[1]] = 0
    write(drawn, name, x=pad + bar.shape[1] + pad, y=0, colour=WHITE)
    return drawn
