"""The annotated picture of a result: hidden faces, heat, boxes, readings, in that order.

`compose` draws with what it is given; `Composer` keeps what must outlive a frame (held heat, places
of panels, faces just lost). The runner builds one Composer per run and calls it frame by frame.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import FrameResult, Picture
from rtau.overlay import _panels as panels
from rtau.overlay._blur import HiddenFaces, hide
from rtau.overlay._boxes import draw_box, draw_tags
from rtau.overlay._landmarks import draw_points
from rtau.overlay._layout import Arranger, Rung, Scene, Size
from rtau.overlay._placement import Area, Rects
from rtau.overlay.canvas import Canvas, canvas_of
from rtau.overlay.heatmap import HeldHeat, draw_heat
from rtau.overlay.palette import Decal, track_colour
from rtau.status import NO_HEATMAP, ViewControls

# Height of the header's line over the frame's height, and the least that can be read, px.
_HEADER_SHARE, _HEADER_MIN_PX = 0.042, 22


@dataclasses.dataclass(frozen=True, slots=True)
class OverlayOptions:
    """What is drawn on a frame."""

    heatmap: str = NO_HEATMAP
    """`none`, `top` or a label of the model."""
    bars: bool = True
    """Panels and chips."""
    blur: bool = False
    """Faces are made unrecognisable."""
    points: bool = False
    """The landmarks, where the model has them."""
    header: bool = False
    """Room for a view's status line at the top: nothing else is put there."""


class Composer:
    """Makes annotated pictures of one run's results, in order.

    Args:
        contract: the model's contract.
        options: what to draw.
        controls: a view's controls; what they say of heatmap, bars and header goes before options.
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
        self._heat = HeldHeat(contract)
        self._hidden = HiddenFaces()
        self._arranger = Arranger()

    @property
    def options(self) -> OverlayOptions:
        """What is drawn now: the options, and the user's changes on top."""
        if self._controls is None:
            return self._options
        return dataclasses.replace(
            self._options,
            heatmap=self._controls.heatmap,
            bars=self._controls.bars,
            header=self._controls.header,
        )

    def compose(self, result: FrameResult) -> Picture:
        """Returns the annotated picture, new, read-only: in planes if the frame is, or in BGR."""
        options = self.options
        self._heat.update(result, selection=options.heatmap)
        hidden = self._hidden.update(result) if options.blur else np.zeros((0, 4), np.float32)
        return compose(
            result,
            contract=self._contract,
            options=options,
            heat=self._heat,
            hidden_xyxy=hidden,
            arranger=self._arranger,
        )


def compose(
    result: FrameResult,
    *,
    contract: ModelContract,
    options: OverlayOptions,
    heat: HeldHeat,
    hidden_xyxy: npt.NDArray[np.float32],
    arranger: Arranger,
) -> Picture:
    """Returns the annotated picture of one result, new, read-only.

    `heat` has the maps to lay over faces, `hidden_xyxy` the boxes to make unrecognisable
    (float32 (K, 4), frame space); `arranger` remembers places between frames.
    """
    canvas = canvas_of(result.frame)
    for box in hidden_xyxy:
        hide(canvas, box)
    assert result.faces.track_ids is not None
    ids = [int(track_id) for track_id in result.faces.track_ids]
    maps = [heat.of(track_id) for track_id in ids]
    for row, shown in enumerate(maps):
        if shown is not None:
            draw_heat(
                canvas, shown, frame_from_crop=result.frame_from_crop[row],
                crop_px=contract.input_size,
            )  # fmt: skip
    landmarks = result.landmarks_xy if options.points else None
    for points_xy in () if landmarks is None else landmarks:
        draw_points(canvas, points_xy)
    area = _area(result, options)
    blocks = []
    for row, track_id in enumerate(ids):
        box = result.faces.boxes_xyxy[row]
        draw_box(canvas, box, colour=track_colour(track_id))
        shown = maps[row]
        blocks.append(
            draw_tags(
                canvas, box, track_id=track_id, heat_label=shown.label if shown else None, area=area
            )
        )
    if options.bars and ids:
        _draw_readings(
            canvas, result, np.stack(blocks), contract=contract, arranger=arranger, area=area
        )
    return canvas.picture()


def _draw_readings(
    canvas: Canvas,
    result: FrameResult,
    blocks: Rects,
    *,
    contract: ModelContract,
    arranger: Arranger,
    area: Area,
) -> None:
    """Draws a panel or chips for each face where there is room."""
    height = result.frame.height
    probabilities = result.scores.probabilities
    assert result.faces.track_ids is not None
    ids = [int(track_id) for track_id in result.faces.track_ids]
    colours = [track_colour(track_id) for track_id in ids]
    chips: dict[tuple[int, Rung], Decal | None] = {}

    def chips_of(row: int, rung: Rung) -> Decal | None:
        if (row, rung) not in chips:
            chips[row, rung] = panels.chips(
                contract.labels,
                probabilities[row],
                result.active[row],
                colour=colours[row],
                cap_px=rung.cap_px(height),
                max_width=int((blocks[row, 2] - blocks[row, 0]) * 1.3),
            )
        return chips[row, rung]

    def chips_size(row: int, rung: Rung) -> Size:
        decal = chips_of(row, rung)
        return (0, 0) if decal is None else (decal.width, decal.height)

    scene = Scene(
        blocks=blocks,
        track_ids=ids,
        panel_size=lambda rung: panels.panel_size(_panel_spec(contract, rung, height)),
        chips_size=chips_size,
        area=area,
        time_s=result.frame.time_s,
    )
    stands = arranger.arrange(scene)
    for row, stand in enumerate(stands):
        x, y = int(stand.rect[0]), int(stand.rect[1])
        if stand.form == "chips":
            decal = chips_of(row, stand.rung)
            if decal is not None:
                canvas.lay(decal, x=x, y=y)
        else:
            panel = panels.panel(
                _panel_spec(contract, stand.rung, height),
                probabilities=probabilities[row].tolist(),
                active=result.active[row].tolist(),
                colour=colours[row],
            )
            canvas.lay_stack(panel, x=x - x % canvas.grid, y=y - y % canvas.grid)


def _panel_spec(contract: ModelContract, rung: Rung, frame_height: int) -> panels.PanelSpec:
    row_px, with_words = rung.row_px(frame_height), rung.form == "words"
    return panels.PanelSpec(contract.labels, contract.thresholds, row_px, with_words)


def header_px(frame_height: int) -> int:
    """Returns the height of the strip a view's status line takes, px."""
    return max(_HEADER_MIN_PX, round(frame_height * _HEADER_SHARE))


def _area(result: FrameResult, options: OverlayOptions) -> Area:
    height = result.frame.height
    return Area(
        width=result.frame.width,
        height=height,
        top=header_px(height) if options.header else 0,
        margin=max(3, round(height * 0.011)),
    )
