"""Panels of heatmaps: networks beside each other, Grad-CAM++ above Grad-CAM, as in the first paper.

Paper 1 shows VGG19 left and ShuffleNetV2 right, Grad-CAM++ above Grad-CAM, AUs side by side,
lettered a to d (figures 7, 8, 11 and 12); `draw` keeps that and, where it would grow too wide, sets
the networks below each other. Draws what `rtau_train.explaining.explain` found; called by
`rtau_train.commands.explain` and, as `panel`, by whoever has models and a crop.
"""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np

from rtau.contract import CamMethod
from rtau.data import Image
from rtau.facs import words_for_label
from rtau.overlay.heatmap import COLOUR_SCALE, colour_cam
from rtau.overlay.palette import INK, WHITE, Colour
from rtau.overlay.sprite import composite, sprite_of
from rtau.overlay.text import line_height, strip, width_px
from rtau_train.explaining.explain import Explanation, Heat, Reading, explain, opened
from rtau_train.models.checkpoint import Model

# model: full heat is the model's own fixed value, so strength compares over faces. face: full heat
# is each map's own maximum, as the papers' pictures have it, so only places compare.
HeatScale = Literal["model", "face"]
METHOD_NAMES: dict[CamMethod, str] = {"gradcam": "Grad-CAM", "gradcam++": "Grad-CAM++"}

# Side of a picture in the panel, px.
CELL_PX = 192
# Pictures in a row, the original apart; more than this and the networks go below each other.
MAX_ABREAST = 6
_MARGIN, _GAP, _BLOCK_GAP = 20, 10, 28
# Heights of capitals, px; text that is too wide is set smaller, down to the last.
_TITLE, _HEAD, _TEXT, _LEAST = 14, 12, 10, 7
_GREY: Colour = (104, 98, 92)
_RING_PX = 7


def panel(
    models: Sequence[tuple[str, Model]],
    crop_rgb: Image,
    /,
    *,
    labels: Sequence[str],
    methods: Sequence[CamMethod] = ("gradcam++", "gradcam"),
    heat_scale: HeatScale = "model",
    title: str = "",
) -> Image:
    """Returns the panel of one face crop for several models: uint8 (H, W, 3), BGR, white ground.

    Args:
        models: name and model, in the order they are shown.
        crop_rgb: uint8 (S, S, 3), a face's square; resampled to what each network takes.
        labels: AUs or emotions that every model has.
        methods: kinds of CAM, from the top row down.
        heat_scale: what counts as full heat; the panel says which.
        title: a line above everything, if any.

    Raises:
        UsageError: a model lacks a label, or the crop is not square.
    """
    found = [
        explain(opened(name, model), crop_rgb, labels=labels, methods=methods)
        for name, model in models
    ]
    return draw(found, heat_scale=heat_scale, title=title)


def draw(
    explanations: Sequence[Explanation], /, *, heat_scale: HeatScale = "model", title: str = ""
) -> Image:
    """Returns explanations of one face, with the same labels and methods, as one panel.

    uint8 (H, W, 3), BGR, white ground; see `panel`.
    """
    labels = len(explanations[0].readings)
    methods = len(explanations[0].readings[0].heats)
    count = len(explanations)
    abreast = labels * count <= MAX_ABREAST
    drawn = [
        _block(
            one,
            heat_scale=heat_scale,
            letters=_letters(place, models=count, methods=methods, abreast=abreast),
        )
        for place, one in enumerate(explanations)
    ]
    blocks = _beside(drawn, _BLOCK_GAP) if abreast else _below(drawn, _BLOCK_GAP)
    left = _below([_blank(CELL_PX, _head_height()), _legend(explanations[0], heat_scale)], 0)
    body = _beside([left, blocks], _BLOCK_GAP)
    if title:
        line = _Line(title, cap_px=_TITLE, bold=True)
        body = _below([_text_box([line], body.shape[1]), body], _GAP)
    margin = (_MARGIN,) * 4
    framed = cv2.copyMakeBorder(body, *margin, cv2.BORDER_CONSTANT, value=WHITE)
    return np.asarray(framed, np.uint8)


@dataclasses.dataclass(frozen=True)
class _Line:
    """A line of text in a column."""

    text: str
    cap_px: int = _TEXT
    bold: bool = False
    colour: Colour = INK


def _letters(place: int, /, *, models: int, methods: int, abreast: bool) -> list[str]:
    """Returns the letters of one model's rows: reading order, so (a) (b) run along the top row."""
    if abreast:
        numbers = [row * models + place for row in range(methods)]
    else:
        numbers = [place * methods + row for row in range(methods)]
    alphabet = string.ascii_lowercase
    return [f"({alphabet[number % len(alphabet)]})" for number in numbers]


def _block(one: Explanation, *, heat_scale: HeatScale, letters: Sequence[str]) -> Image:
    """Returns one model's part: its name, a head per label, a row of pictures per method.

    More labels than go abreast continue below.
    """
    parts: list[Image] = []
    for first in range(0, len(one.readings), MAX_ABREAST):
        readings = one.readings[first : first + MAX_ABREAST]
        if parts:
            parts.append(_blank(1, _GAP))
        parts.append(_beside([_column_head(reading) for reading in readings], _GAP))
        for row, letter in enumerate(letters):
            heats = [reading.heats[row] for reading in readings]
            caption = _Line(f"{letter} {METHOD_NAMES[heats[0].method]}", cap_px=_HEAD)
            parts.append(_text_box([caption], _width(len(heats))))
            drawn = [captioned(one.picture_rgb, heat, heat_scale=heat_scale) for heat in heats]
            parts.append(_beside(drawn, _GAP))
    name = _Line(one.name, cap_px=_TITLE, bold=True)
    return _below(
        [_text_box([name], _width(min(len(one.readings), MAX_ABREAST))), *parts], _GAP // 2
    )


def _width(cells: int) -> int:
    """Returns the width of so many pictures beside each other, px."""
    return cells * (CELL_PX + _GAP) - _GAP


def _head_height() -> int:
    """Returns the height above the first row of pictures in a block, px."""
    lines = (_TITLE, _HEAD, _TEXT, _TEXT, _HEAD)
    return sum(map(line_height, lines)) + 3 * (_GAP // 2)


def _column_head(reading: Reading) -> Image:
    words = words_for_label(reading.label)
    if reading.threshold is None:
        verdict = f"p {reading.probability:.2f}" + (", the likeliest" if reading.active else "")
    else:
        sign = ">=" if reading.active else "<"
        state = "active" if reading.active else "not active"
        # Two digits that look equal would contradict "<".
        digits = 2 if round(reading.probability, 2) != round(reading.threshold, 2) else 3
        limit = f"{reading.threshold:.{digits}f}"
        verdict = f"p {reading.probability:.{digits}f} {sign} {limit}: {state}"
    lines = [
        _Line(reading.label, cap_px=_HEAD, bold=True),
        _Line(words if words != reading.label else ""),
        _Line(verdict, bold=reading.active, colour=INK if reading.active else _GREY),
    ]
    return _text_box(lines, CELL_PX)


def heat_picture(picture_rgb: Image, heat: Heat, /, *, heat_scale: HeatScale) -> Image:
    """Returns a face under one CAM: uint8 (CELL_PX, CELL_PX, 3), BGR, a ring at its peak."""
    image = _shown(picture_rgb)
    peak = heat.peak_xy
    if peak is None:
        return image
    full = heat.full if heat_scale == "model" else heat.highest
    layers = colour_cam(heat.cam, scale=full, fades_at_edge=False)
    composite(image, sprite_of(_resized(layers, CELL_PX)), x=0, y=0)
    _ring(image, round(peak[0] * CELL_PX), round(peak[1] * CELL_PX))
    return image


def captioned(picture_rgb: Image, heat: Heat, /, *, heat_scale: HeatScale) -> Image:
    """Returns the face under one CAM, and below it how strong the heat is, or that there is none.

    uint8 (H, CELL_PX, 3), BGR.
    """
    image = heat_picture(picture_rgb, heat, heat_scale=heat_scale)
    if heat.peak_xy is None:
        return _below([image, _text_box([_Line("no heat", colour=_GREY)], CELL_PX)], 0)
    fixed = "full heat" if heat_scale == "model" else "the fixed full heat"
    strength = _Line(f"peak {100 * heat.highest / heat.full:.0f} % of {fixed}", colour=_GREY)
    return _below([image, _text_box([strength], CELL_PX)], 0)


def _legend(one: Explanation, heat_scale: HeatScale) -> Image:
    """Returns the original, and what the colours mean."""
    if heat_scale == "model":
        full = "full heat"
        words = (
            "Full heat is a raw value, fixed",
            "per model and label: not this",
            "picture's maximum.",
        )
    else:
        full = "the map's maximum"
        words = (
            "Each map is coloured up to its",
            "own maximum: places compare,",
            "strengths do not.",
        )
    ramp = np.frombuffer(COLOUR_SCALE, np.uint8).reshape(1, -1, 3)
    bar = cv2.resize(ramp, (CELL_PX, 12), interpolation=cv2.INTER_LINEAR)
    ends = _blank(CELL_PX, line_height(_TEXT))
    _write(ends, "0", x=0, y=0, cap_px=_TEXT)
    _write(ends, full, x=CELL_PX - width_px(full, _TEXT), y=0, cap_px=_TEXT)
    ring = _blank(CELL_PX, max(line_height(_TEXT), 3 * _RING_PX))
    _ring(ring, _RING_PX + 2, ring.shape[0] // 2)
    _write(ring, "highest value", x=2 * _RING_PX + _GAP, y=(len(ring) - line_height(_TEXT)) // 2)
    lines = _text_box([_Line(line, colour=_GREY) for line in words], CELL_PX)
    original = _text_box([_Line("original")], CELL_PX)
    parts = [_shown(one.picture_rgb), original, np.asarray(bar, np.uint8), ends, lines, ring]
    return _below(parts, _GAP // 2)


def _shown(picture_rgb: Image) -> Image:
    """Returns a picture as it stands in the panel: uint8 (CELL_PX, CELL_PX, 3), BGR."""
    return cv2.cvtColor(_resized(picture_rgb, CELL_PX), cv2.COLOR_RGB2BGR).astype(np.uint8)


def _resized(image: Image, side: int) -> Image:
    shrinks = len(image) > side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=method), np.uint8)


def _ring(image: Image, x: int, y: int) -> None:
    """Draws a ring that holds on light and dark ground."""
    for colour, thickness in ((INK, 3), (WHITE, 1)):
        cv2.circle(image, (x, y), _RING_PX, colour, thickness, cv2.LINE_AA)


def _text_box(lines: Sequence[_Line], width: int) -> Image:
    """Returns lines below each other; one too wide is set smaller, and at last cut short."""
    rows = []
    for line in lines:
        row = _blank(width, line_height(line.cap_px))
        text, cap_px = line.text, line.cap_px
        while cap_px > _LEAST and width_px(text, cap_px, bold=line.bold) > width:
            cap_px -= 1
        while text and width_px(text, cap_px, bold=line.bold) > width:
            text = f"{text.removesuffix('...')[:-1]}..."
        top = (len(row) - line_height(cap_px)) // 2
        _write(row, text, x=0, y=top, cap_px=cap_px, bold=line.bold, colour=line.colour)
        rows.append(row)
    return _below(rows, 0)


def _write(
    image: Image,
    text: str,
    *,
    x: int,
    y: int,
    cap_px: int = _TEXT,
    bold: bool = False,
    colour: Colour = INK,
) -> None:
    """Writes a line on an image in place, cut at its edges."""
    coverage = strip(text, cap_px, bold=bold)
    ground = image[y : y + len(coverage), x : x + coverage.shape[1]]
    share = coverage[: ground.shape[0], : ground.shape[1], None].astype(np.float32) / 255
    ground[:] = np.round(ground * (1 - share) + np.array(colour, np.float32) * share)


def _blank(width: int, height: int) -> Image:
    return np.full((height, width, 3), 255, np.uint8)


def _beside(images: Sequence[Image], gap: int) -> Image:
    """Returns images from left to right, tops level, on white."""
    height = max(len(image) for image in images)
    width = sum(image.shape[1] for image in images) + gap * (len(images) - 1)
    canvas, x = _blank(width, height), 0
    for image in images:
        canvas[: len(image), x : x + image.shape[1]] = image
        x += image.shape[1] + gap
    return canvas


def _below(images: Sequence[Image], gap: int) -> Image:
    """Returns images from top to bottom, left edges level, on white."""
    turned = [np.ascontiguousarray(image.transpose(1, 0, 2)) for image in images]
    return np.ascontiguousarray(_beside(turned, gap).transpose(1, 0, 2))
