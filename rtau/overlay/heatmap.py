"""Heatmaps: CAMs as coloured, translucent sprites over faces, scaled by the model's contract.

A CAM is coloured once, when it arrives, and drawn on every frame through that frame's
`frame_from_crop`, so it follows the face until the next CAM. `HeatmapCache` keeps it meanwhile.
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
from rtau.status import NO_HEATMAP, TOP_HEATMAP

# Side of a coloured CAM: no grid is visible when it is enlarged over a face in a 4K frame.
_SIDE_PX = 64
# Alpha of full heat: the face stays visible under it.
_MAX_ALPHA = 0.55
# Below this share of full heat nothing is drawn: noise would cover the whole face.
_FLOOR = 0.08
# Share of the crop, at each edge, over which heat fades out: the crop's edges are never visible.
_FADE = 0.12
# Longest side at which heatmaps are warped; they are smooth and lose nothing when enlarged.
_WARP_PX = 96
# A label replaces the one shown if its probability is higher by this much.
_LEAD = 0.1
# CAMs of a track that is not seen for this long are dropped, seconds of the source's time.
_KEEP_S = 1.0

# Without inferno's black end, which would darken the face where there is little heat.
_TABLE = cv2.applyColorMap(
    np.round(np.linspace(70, 250, 256)).astype(np.uint8)[:, None], cv2.COLORMAP_INFERNO
)
_TABLE_F32 = _TABLE[:, 0].astype(np.float32)
COLOUR_SCALE: bytes = _TABLE[::17].tobytes()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """One coloured CAM in crop space."""

    label: str
    """The label it is of."""
    layers: Image
    """uint8 (side, side, 4): what `colour_cam` returns."""


@dataclasses.dataclass(slots=True, eq=False)
class _Entry:
    """The cached CAMs of one track."""

    cams: npt.NDArray[np.float32]
    column: int | None
    heatmap: Heatmap | None = None
    seen_s: float = 0.0


class HeatmapCache:
    """The last CAMs of each track, and the heatmap drawn of them.

    With `top` that is the heatmap of the most probable active label, and none if none is active. It
    is selected when CAMs arrive and kept until the next ones; a label that is only slightly more
    probable does not replace it.
    """

    def __init__(self, contract: ModelContract) -> None:
        self._contract = contract
        self._selection = NO_HEATMAP
        self._entries: dict[int, _Entry] = {}

    def update(self, result: FrameResult, *, selection: str) -> None:
        """Caches a result's CAMs, if it has any, and drops tracks that were not seen for a second.

        Raises:
            ValueError: the selection is not `none`, `top` or a label of the contract.
        """
        if selection not in (NO_HEATMAP, TOP_HEATMAP, *self._contract.labels):
            raise ValueError(
                f"heatmap must be none, top or a label of the model, got {selection!r}"
            )
        now_s, cams = result.frame.time_s, result.scores.cams
        for row, track_id in enumerate(result.track_ids):
            entry = self._entries.get(track_id)
            if cams is not None:
                entry = _Entry(cams[row].copy(), None if entry is None else entry.column)
                self._entries[track_id] = entry
            if entry is None:
                continue
            entry.seen_s = now_s
            is_quiet = selection == TOP_HEATMAP and not result.active[row].any()
            if cams is not None or selection != self._selection or is_quiet:
                self._select(entry, result, row, selection=selection)
        self._selection = selection
        self._entries = {
            track_id: entry
            for track_id, entry in self._entries.items()
            if now_s - entry.seen_s <= _KEEP_S
        }

    def of(self, track_id: int) -> Heatmap | None:
        """Returns the heatmap to draw over a track's face; None without one."""
        entry = self._entries.get(track_id)
        return None if entry is None else entry.heatmap

    def _select(self, entry: _Entry, result: FrameResult, row: int, *, selection: str) -> None:
        labels = self._contract.labels
        is_quiet = selection == TOP_HEATMAP and not result.active[row].any()
        if selection == NO_HEATMAP or self._contract.cam_scale is None or is_quiet:
            entry.column, entry.heatmap = None, None
            return
        if selection == TOP_HEATMAP:
            entry.column = _top(
                result.deciding[row],
                result.active[row],
                before=entry.column,
            )
        else:
            entry.column = labels.index(selection)
        layers = colour_cam(entry.cams[entry.column], scale=self._contract.cam_scale[entry.column])
        entry.heatmap = Heatmap(labels[entry.column], layers)


def colour_cam(cam: npt.NDArray[np.float32], *, scale: float, fades_at_edge: bool = True) -> Image:
    """Returns a CAM as the layers of a sprite over the whole crop.

    Args:
        cam: float32 (h, w), raw scale.
        scale: the value drawn as full heat, and above.
        fades_at_edge: False draws heat up to the crop's edges, which are then visible.

    Returns:
        uint8 (side, side, 4): premultiplied BGR and inverse alpha.
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
    bgr = np.rint(colours, out=colours).astype(np.uint8)
    inverse_alpha = np.rint(255 * (1 - alpha)).astype(np.uint8)
    return np.asarray(cv2.merge((bgr, inverse_alpha)), np.uint8)


def draw_heatmap(
    canvas: Canvas, heatmap: Heatmap, *, frame_from_crop: npt.NDArray[np.float32], crop_px: int
) -> None:
    """Draws a heatmap over a face in place.

    Args:
        canvas: the picture.
        heatmap: what to draw.
        frame_from_crop: float32 (2, 3), of the face in this frame.
        crop_px: side of the face's crop, px.
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
    small = _warped(heatmap.layers, frame_from_crop, crop_px=crop_px, region=region)
    canvas.composite_resized(small, region)


def _warped(
    layers: Image,
    frame_from_crop: npt.NDArray[np.float32],
    *,
    crop_px: int,
    region: Region,
) -> Image:
    """Returns layers of crop space warped to a region of the frame, at most `_WARP_PX` large.

    The caller enlarges them: a warp costs three times a resize, and a face in a 4K frame has a
    million pixels.
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
    before: int | None,
) -> int:
    """Returns the active column `top` shows: `before`, unless another is ahead by `_LEAD`."""
    rank = np.where(active, probabilities, -1.0)
    best = int(rank.argmax())
    if before is not None and rank[before] >= 0 and rank[best] - rank[before] < _LEAD:
        return before
    return best


@functools.lru_cache(maxsize=1)
def _fade() -> npt.NDArray[np.float32]:
    """Returns weights that fall to zero at the crop's edge: float32 (side, side)."""
    centre = (np.arange(_SIDE_PX, dtype=np.float32) + 0.5) / _SIDE_PX
    edge = np.clip(np.minimum(centre, 1 - centre) / _FADE, 0, 1)
    edge = edge * edge * (3 - 2 * edge)
    return np.asarray(edge[:, None] * edge[None, :], dtype=np.float32)
