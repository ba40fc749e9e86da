"""CAMs as coloured, see-through heat over faces, on a scale fixed by the model's contract.

A CAM is coloured once when it arrives and laid on every frame through that frame's own map, so
heat follows the face between refreshes. `HeldHeat` keeps it meanwhile; compose.py draws it.
"""

from __future__ import annotations

import dataclasses
import functools

import cv2
import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import FrameResult, Image
from rtau.geometry import warp_matrix
from rtau.overlay.canvas import Canvas, Region
from rtau.overlay.palette import Decal
from rtau.status import NO_HEATMAP, TOP_HEATMAP

# Side of a coloured map: fine enough that enlarging it over a 4K face shows no grid.
_SIDE_PX = 64
# Heat is see-through at 0 and at most this opaque: the face must stay readable under it.
_MAX_ALPHA = 0.55
# Below this share of full heat nothing is drawn; noise would veil the whole face.
_FLOOR = 0.08
# Share of the crop, at each edge, over which heat fades out: the crop's square never shows.
_FADE = 0.12
# Longest side at which heat is warped; smooth pictures enlarge without loss from there.
_WARP_PX = 96
# A label must beat the one shown by this much to replace it at a refresh.
_LEAD = 0.1
# A face that is away longer is forgotten, seconds of the source's time.
_FORGET_S = 1.0

# Entries of the colour table used: inferno's black end would stain what little heat lies over.
_TABLE = cv2.applyColorMap(
    np.round(np.linspace(70, 250, 256)).astype(np.uint8)[:, None], cv2.COLORMAP_INFERNO
)
_TABLE_F32 = _TABLE[:, 0].astype(np.float32)
RAMP: bytes = _TABLE[::17].tobytes()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """One coloured CAM in crop space."""

    label: str
    """Label whose heat it is."""
    decal: Decal
    """The heat, over the whole crop."""
    layers: Image = dataclasses.field(init=False)
    """uint8 (side, side, 4): the decal's paint and keep in one, so that one warp moves both."""

    def __post_init__(self) -> None:
        layers = cv2.merge((self.decal.paint, self.decal.keep[:, :, :1]))
        object.__setattr__(self, "layers", layers)


@dataclasses.dataclass(slots=True, eq=False)
class _Held:
    """What is kept of one track between refreshes."""

    cams: npt.NDArray[np.float32]
    column: int | None
    heat: HeatMap | None
    seen_s: float


class HeldHeat:
    """The last CAMs of each track, and which of their labels is shown.

    With `top` that is the most probable active label, or the one nearest to its threshold if
    none is active. It is chosen when CAMs arrive and kept until the next ones; a close second
    does not replace it.
    """

    def __init__(self, contract: ModelContract) -> None:
        self._contract = contract
        self._selection = NO_HEATMAP
        self._held: dict[int, _Held] = {}

    def update(self, result: FrameResult, *, selection: str) -> None:
        """Takes new CAMs from a result if it has any, and forgets faces that are long gone.

        Raises:
            ValueError: the selection is not `none`, `top` or a label of the contract.
        """
        if selection not in (NO_HEATMAP, TOP_HEATMAP, *self._contract.labels):
            raise ValueError(
                f"heatmap must be none, top or a label of the model, got {selection!r}"
            )
        now_s = result.frame.time_s
        ids = _ids(result)
        if result.scores.cams is not None:
            for row in range(len(ids)):
                self._refresh(result, row, selection=selection)
        elif selection != self._selection:
            for row, track_id in enumerate(ids):
                if track_id in self._held:
                    self._choose(self._held[track_id], result, row, selection=selection)
        self._selection = selection
        for track_id in ids:
            if track_id in self._held:
                self._held[track_id].seen_s = now_s
        self._held = {
            track_id: held
            for track_id, held in self._held.items()
            if now_s - held.seen_s <= _FORGET_S
        }

    def of(self, track_id: int) -> HeatMap | None:
        """Returns the heat to draw over a track's face; None without one."""
        held = self._held.get(track_id)
        return None if held is None else held.heat

    def _refresh(self, result: FrameResult, row: int, *, selection: str) -> None:
        assert result.scores.cams is not None
        track_id = _ids(result)[row]
        before = self._held.get(track_id)
        held = _Held(
            cams=result.scores.cams[row].copy(),
            column=None if before is None else before.column,
            heat=None,
            seen_s=result.frame.time_s,
        )
        self._held[track_id] = held
        self._choose(held, result, row, selection=selection)

    def _choose(self, held: _Held, result: FrameResult, row: int, *, selection: str) -> None:
        labels = self._contract.labels
        if selection == NO_HEATMAP or self._contract.cam_scale is None:
            held.column, held.heat = None, None
            return
        if selection == TOP_HEATMAP:
            held.column = _top(
                result.scores.probabilities[row],
                result.active[row],
                thresholds=self._contract.thresholds,
                before=held.column,
            )
        else:
            held.column = labels.index(selection)
        decal = colour_cam(held.cams[held.column], scale=self._contract.cam_scale[held.column])
        held.heat = HeatMap(label=labels[held.column], decal=decal)


def colour_cam(cam: npt.NDArray[np.float32], *, scale: float, fades_at_edge: bool = True) -> Decal:
    """Returns a raw CAM (h, w) as heat over the whole crop; `scale` and above are full heat.

    Without the fade at its edge the square shows, and so does heat that lies there.
    """
    share = np.clip(cam / scale, 0, 1).astype(np.float32)
    smooth = cv2.resize(share, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_CUBIC)
    heat = np.clip(smooth, 0, 1)
    rise = np.clip((heat - _FLOOR) / (0.55 - _FLOOR), 0, 1)
    alpha = _MAX_ALPHA * rise * rise * (3 - 2 * rise)
    if fades_at_edge:
        alpha = alpha * _fade()
    colours = np.take(_TABLE_F32, np.rint(heat * 255).astype(np.uint8), axis=0)
    colours *= alpha[:, :, None]
    paint = np.rint(colours, out=colours).astype(np.uint8)
    keep = np.rint(255 * (1 - alpha)).astype(np.uint8)
    return Decal(paint=paint, keep=np.asarray(cv2.cvtColor(keep, cv2.COLOR_GRAY2BGR), np.uint8))


def draw_heat(
    canvas: Canvas, heat: HeatMap, *, frame_from_crop: npt.NDArray[np.float32], crop_px: int
) -> None:
    """Lays heat over a face in place; `frame_from_crop` is the map of this very frame.

    `crop_px` is the side of the crop the map was made for.
    """
    corners = np.array([[0, 0], [crop_px, 0], [0, crop_px], [crop_px, crop_px]], np.float32)
    reached = corners @ frame_from_crop[:, :2].T + frame_from_crop[:, 2]
    grid = canvas.grid
    x0, y0 = np.maximum(np.floor(reached.min(axis=0) / grid).astype(int) * grid, 0).tolist()
    ends = np.ceil(reached.max(axis=0) / grid).astype(int) * grid
    x1, y1 = np.minimum(ends, [canvas.width, canvas.height]).tolist()
    if x0 >= x1 or y0 >= y1:
        return
    region = (x0, y0, x1, y1)
    small = _warped(heat.layers, frame_from_crop, crop_px=crop_px, region=region)
    canvas.lay_grown(small, region)


def _warped(
    layers: Image,
    frame_from_crop: npt.NDArray[np.float32],
    *,
    crop_px: int,
    region: Region,
) -> Image:
    """Returns layers of crop space over a region of the frame, at no more than `_WARP_PX`.

    They are to be enlarged from there: a warp costs three times an enlargement, and a face in a
    4K frame has a million pixels.
    """
    x0, y0, x1, y1 = region
    width, height = x1 - x0, y1 - y0
    shrink = min(1.0, _WARP_PX / max(width, height))
    small = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    scale = np.array([[small[0] / width], [small[1] / height]])
    crop_from_map = crop_px / layers.shape[1]
    matrix = frame_from_crop.astype(np.float64)
    matrix[:, :2] *= crop_from_map
    matrix[:, 2] -= (x0, y0)
    matrix = warp_matrix((matrix * scale).astype(np.float32))
    warped = cv2.warpAffine(
        layers, matrix, small, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0, 255),
    )  # fmt: skip
    return np.asarray(warped, np.uint8)


def _top(
    probabilities: npt.NDArray[np.float32],
    active: npt.NDArray[np.bool_],
    *,
    thresholds: tuple[float, ...],
    before: int | None,
) -> int:
    """Returns the column `top` shows; `before` stays unless another leads it clearly."""
    if active.any():
        rank = np.where(active, probabilities, -1.0)
    else:
        # A threshold of 0 (multi_class) has no ratio: the probability itself ranks.
        limits = np.array([limit if limit > 0 else 1.0 for limit in thresholds], np.float32)
        rank = probabilities / limits
    best = int(rank.argmax())
    if before is not None and rank[before] >= 0 and rank[best] - rank[before] < _LEAD:
        return before
    return best


@functools.lru_cache(maxsize=1)
def _fade() -> npt.NDArray[np.float32]:
    """Returns the weight that takes heat to zero at the crop's edge: float32 (side, side)."""
    centre = (np.arange(_SIDE_PX, dtype=np.float32) + 0.5) / _SIDE_PX
    edge = np.clip(np.minimum(centre, 1 - centre) / _FADE, 0, 1)
    edge = edge * edge * (3 - 2 * edge)
    return np.asarray(edge[:, None] * edge[None, :], dtype=np.float32)


def _ids(result: FrameResult) -> list[int]:
    ids = result.faces.track_ids
    return [] if ids is None else [int(track_id) for track_id in ids]
