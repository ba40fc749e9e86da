"""Draws the annotated picture of a result: blur, heatmaps, landmarks, boxes, AU panels, in order.

`Composer` is built once per run and called frame by frame: it keeps the last CAMs, the positions of
panels and the boxes of faces that were just lost.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from rtau.contract import ModelContract
from rtau.data import FrameResult, Picture
from rtau.overlay import _panels as panels
from rtau.overlay._blur import HiddenFaces, hide
from rtau.overlay._boxes import draw_box, draw_tags
from rtau.overlay._landmarks import draw_landmarks
from rtau.overlay._layout import PanelLayout, Scene, Size, SizeStep
from rtau.overlay._placement import Area, Rects
from rtau.overlay.canvas import Canvas, canvas_of
from rtau.overlay.heatmap import HeatmapCache, draw_heatmap
from rtau.overlay.palette import track_colour
from rtau.overlay.sprite import Sprite
from rtau.status import NO_HEATMAP, ViewControls

# Height of the status line relative to the frame's height, and the smallest that is readable, px.
_HEADER_SHARE, _HEADER_MIN_PX = 0.042, 22


@dataclasses.dataclass(frozen=True, slots=True)
class OverlayOptions:
    """What is drawn on a frame."""

    heatmap: str = NO_HEATMAP
    """`none`, `top` or a label of the model."""
    bars: bool = True
    """AU panels and chips."""
    blur: bool = False
    """Faces are made unrecognisable."""
    points: bool = False
    """The landmarks, if the model has them."""
    header: bool = False
    """Leave room for a view's status line at the top."""


class Composer:
    """Draws the annotated pictures of one run's results, in order.

    Args:
        contract: the model's contract.
        options: what to draw.
        controls: a view's controls; its heatmap, bars and header replace those of `options`.
    """

    def __init__(
        self,
        contract: ModelContract,
        *,
        options: OverlayOptions | None = None,
        controls: ViewControls | None = None,
    ) -> None:
        self._contract = contract
        self._options = options or OverlayOptions()
        self._controls = controls
        self._heatmaps = HeatmapCache(contract)
        self._hidden = HiddenFaces()
        self._layout = PanelLayout()

    @property
    def options(self) -> OverlayOptions:
        """What is drawn at this moment: the options with the user's changes."""
        if self._controls is None:
            return self._options
        return dataclasses.replace(
            self._options,
            heatmap=self._controls.heatmap,
            bars=self._controls.bars,
            header=self._controls.header,
        )

    def compose(self, result: FrameResult) -> Picture:
        """Returns the annotated picture, new, read-only: planes if the frame has them, or BGR."""
        options = self.options
        canvas = canvas_of(result.frame)
        self._heatmaps.update(result, selection=options.heatmap)
        if options.blur:
            for box in self._hidden.update(result):
                hide(canvas, box)
        heatmaps = [self._heatmaps.of(track_id) for track_id in result.track_ids]
        for heatmap, frame_from_crop in zip(heatmaps, result.frame_from_crop, strict=True):
            if heatmap is not None:
                draw_heatmap(
                    canvas, heatmap, frame_from_crop=frame_from_crop,
                    crop_px=self._contract.input_size,
                )  # fmt: skip
        landmarks = result.landmarks_xy if options.points else None
        for points_xy in () if landmarks is None else landmarks:
            draw_landmarks(canvas, points_xy)
        area = _area(result, options)
        blocks = []
        for row, track_id in enumerate(result.track_ids):
            box, heatmap = result.faces.boxes_xyxy[row], heatmaps[row]
            draw_box(canvas, box, colour=track_colour(track_id))
            label = heatmap.label if heatmap else None
            reasons = () if result.quality_reasons is None else result.quality_reasons[row]
            blocks.append(
                draw_tags(
                    canvas, box, track_id=track_id, heat_label=label, area=area, reasons=reasons
                )
            )
        if options.bars and blocks:
            self._draw_panels(canvas, result, np.stack(blocks), area=area)
        return canvas.picture()

    def _draw_panels(
        self, canvas: Canvas, result: FrameResult, blocks: Rects, *, area: Area
    ) -> None:
        """Draws a panel or chips beside each face; `blocks` are the faces with their tags."""
        height, ids = result.frame.height, result.track_ids
        probabilities = result.deciding

        @functools.cache
        def chips_of(row: int, step: SizeStep) -> Sprite:
            return panels.chips(
                self._contract.labels,
                probabilities[row],
                result.active[row],
                colour=track_colour(ids[row]),
                cap_px=step.cap_px(height),
                max_width=int((blocks[row, 2] - blocks[row, 0]) * 1.3),
                with_words=step.has_names,
            )

        def chips_size(row: int, step: SizeStep) -> Size:
            chips = chips_of(row, step)
            return chips.width, chips.height

        def spec(step: SizeStep) -> panels.PanelSpec:
            labels, thresholds = self._contract.labels, self._contract.thresholds
            return panels.PanelSpec(labels, thresholds, step.row_px(height))

        scene = Scene(
            blocks=blocks,
            track_ids=ids,
            panel_size=lambda step: panels.panel_size(spec(step)),
            chips_size=chips_size,
            area=area,
            time_s=result.frame.time_s,
        )
        for row, placement in enumerate(self._layout.arrange(scene)):
            x, y = int(placement.rect[0]), int(placement.rect[1])
            if placement.form == "chips":
                canvas.composite(chips_of(row, placement.step), x=x, y=y)
                continue
            panel = panels.panel(
                spec(placement.step),
                probabilities=probabilities[row].tolist(),
                active=result.active[row].tolist(),
                colour=track_colour(ids[row]),
            )
            canvas.composite_stack(panel, x=x - x % canvas.grid, y=y - y % canvas.grid)


def header_px(frame_height: int) -> int:
    """Returns the height of a view's status line, px."""
    return max(_HEADER_MIN_PX, round(frame_height * _HEADER_SHARE))


def _area(result: FrameResult, options: OverlayOptions) -> Area:
    height = result.frame.height
    return Area(
        width=result.frame.width,
        height=height,
        top=header_px(height) if options.header else 0,
        margin=max(3, round(height * 0.011)),
    )
