"""Pictures of faces at the apex of events, with the heatmap of the event's label over them.

Decodes the video once and scores only the frames that are asked for, at the boxes of the table: the
crops are those of the run, so the heatmaps are of the very numbers in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from rtau import columns as names
from rtau.analysis.event_detection import Event
from rtau.analysis.face_series import FaceSeries
from rtau.data import Faces, Frame, Image
from rtau.errors import SourceError
from rtau.faces.crops import cut
from rtau.overlay.heatmap import colour_cam
from rtau.protocols import Engine
from rtau.sources import open_source

# Side of a picture, px, and its JPEG quality.
SIDE_PX = 160
QUALITY = 82
# Blocks across a blurred face, as in blurred videos.
BLOCKS = 8

# Face, label and apex of an event.
EventKey = tuple[str, str, float]


def apex_pictures(
    video: Path,
    faces: Sequence[FaceSeries],
    events: Sequence[Event],
    *,
    engine: Engine,
    blur: bool = False,
) -> dict[EventKey, bytes]:
    """Returns a JPEG for each event of the model's labels whose face the video shows at its apex.

    Args:
        video: the file the table is about.
        faces: its faces.
        events: whose apexes are wanted.
        engine: the model.
        blur: makes faces unrecognisable under the heatmap.

    Raises:
        RtauError: the video cannot be read, or is another one than the table's.
    """
    wanted = _wanted(faces, events, engine)
    if not wanted:
        return {}
    found: dict[EventKey, bytes] = {}
    with closing(open_source(str(video))) as source:
        for frame in source:
            for series, members in wanted.pop(frame.index, ()):
                found |= _of_face(frame, series, members, engine=engine, blur=blur)
            if not wanted:
                break
    if wanted:
        raise SourceError(
            f"{video}: has no frame {min(wanted) + 1}, which the table is about; "
            "give the video the table was made of"
        )
    return found


def _wanted(
    faces: Sequence[FaceSeries], events: Sequence[Event], engine: Engine
) -> dict[int, list[tuple[FaceSeries, list[Event]]]]:
    """Returns the events of each face by the index of the frame of their apexes."""
    wanted: dict[int, list[tuple[FaceSeries, list[Event]]]] = {}
    for series in faces:
        if names.FACE_X not in series.table.columns:
            continue
        by_frame: dict[int, list[Event]] = {}
        for event in events:
            if event.face == series.face and event.au in engine.contract.labels:
                by_frame.setdefault(_index_of(series, event.apex_s), []).append(event)
        for index, members in by_frame.items():
            wanted.setdefault(index, []).append((series, members))
    return wanted


def _index_of(series: FaceSeries, time_s: float) -> int:
    """Returns the index of the frame at a time in its video, from 0."""
    row = series.rows[int(np.searchsorted(series.times_s, time_s))]
    return int(series.table[names.FRAME][row]) - 1


def _of_face(
    frame: Frame, series: FaceSeries, events: Sequence[Event], *, engine: Engine, blur: bool
) -> Mapping[EventKey, bytes]:
    place = int(np.searchsorted(series.times_s, events[0].apex_s))
    faces = _faces(series, int(series.rows[place]))
    contract = engine.contract
    crops = cut(frame, faces, rule=contract.crop, size=contract.input_size)
    if len(crops.face_rows) == 0 or contract.cam_scale is None:
        return {}
    cams = engine.infer(crops, cams=True).cams
    if cams is None:
        return {}
    shown = cut(frame, faces, rule=contract.crop, size=SIDE_PX).images_rgb[0][:, :, ::-1]
    picture = _blurred(shown) if blur else shown
    found = {}
    for event in events:
        column = contract.labels.index(event.au)
        layers = colour_cam(cams[0, column], scale=contract.cam_scale[column])
        found[event.face, event.au, event.apex_s] = _jpeg(_composite(picture, layers))
    return found


def _faces(series: FaceSeries, row: int) -> Faces:
    x, y, width, height = (float(series.table[name][row]) for name in names.BOX)
    roll = series.table.columns.get(names.ROLL)
    return Faces(
        boxes_xyxy=np.array([[x, y, x + width, y + height]], np.float32),
        scores=None,
        track_ids=np.array([1], np.int64),
        rolls_rad=None if roll is None else np.array([roll[row]], np.float32),
    )


def _composite(picture: Image, layers: Image) -> Image:
    """Returns a picture under the layers of a heatmap: premultiplied colours, inverse alpha."""
    large = cv2.resize(layers, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    under = picture.astype(np.float32) * (large[:, :, 3:].astype(np.float32) / 255)
    return np.asarray((under + large[:, :, :3]).clip(0, 255).round(), np.uint8)


def _blurred(picture: Image) -> Image:
    blocks = cv2.resize(picture, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.resize(blocks, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC), np.uint8
    )


def _jpeg(picture: Image) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done, "OpenCV always has its JPEG encoder"
    return data.tobytes()
