"""The records that the stages exchange: frozen, with shapes and dtypes checked on construction.

Sources return `Frame`s, detectors `Faces`, engines `Scores`, the pipeline `FrameResult`s (see the
picture in docs/architecture.md).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau._records import check_array, freeze, is_every_row, is_finite, shapes
from rtau.baseline import Calibrated
from rtau.errors import EngineError
from rtau.face import Face
from rtau.intensity import Intensities
from rtau.markers import Marker
from rtau.planes import Image, Picture, Planes

__all__ = [
    "LANDMARKS",
    "Crops",
    "Face",
    "Faces",
    "Frame",
    "FrameResult",
    "Image",
    "Picture",
    "Planes",
    "Scores",
    "Task",
    "TrackedFaces",
]

Task = Literal["multi_label", "multi_class"]
# The number of iBUG's points (Sagonas et al. 2013), counted from 0 as in OpenFace.
LANDMARKS = 68
_FLOAT, _INT, _BOOL = np.float32, np.int64, np.bool_
_FACES_OPTIONAL = {"scores": _FLOAT, "track_ids": _INT, "rolls_rad": _FLOAT, "covered": _BOOL}
BROKEN = "the model file or its precision is broken: run `rtau-export verify`"


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame:
    """One decoded image and when it was taken."""

    index: int
    """Position in the source, from 0; gaps mark frames that were captured and dropped."""
    time_s: float
    """Presentation time for files, capture time since the start for cameras, seconds."""
    picture: Picture
    """uint8 (H, W, 3), BGR, read-only, or planes; frame space."""

    def __post_init__(self) -> None:
        if not isinstance(self.picture, Planes):
            check_array("picture", self.picture, dtype=np.uint8, shape=("H", "W", 3))
            freeze(self, "picture")
        if not (self.width and self.height):
            raise ValueError(f"picture must hold pixels, got {self.width}x{self.height}")
        if self.index < 0 or not math.isfinite(self.time_s):
            raise ValueError(
                f"index must be >= 0 and time_s finite, got {self.index} and {self.time_s}"
            )

    @property
    def image_bgr(self) -> Image:
        """The picture as uint8 (H, W, 3), BGR, frame space, read-only."""
        return self.picture.image_bgr if isinstance(self.picture, Planes) else self.picture

    def canvas_bgr(self) -> Image:
        """Returns the picture as uint8 (H, W, 3), BGR, a new array that the caller may change."""
        # Planes are converted directly, not converted and copied: allocating a large array costs
        # more than filling it.
        if isinstance(self.picture, Planes):
            return self.picture.canvas_bgr()
        image: Image = self.picture.copy()
        return image

    @property
    def planes(self) -> Planes | None:
        """The picture's planes; None for a BGR picture."""
        return self.picture if isinstance(self.picture, Planes) else None

    @property
    def width(self) -> int:
        """Width of the frame, px."""
        return int(self._stored.shape[1])

    @property
    def height(self) -> int:
        """Height of the frame, px."""
        return int(self._stored.shape[0])

    @property
    def _stored(self) -> Image:
        return self.picture.y if isinstance(self.picture, Planes) else self.picture

    __repr__ = shapes


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Faces:
    """The faces of one frame, a row each."""

    boxes_xyxy: npt.NDArray[np.float32]
    """float32 (N, 4), frame space, px, half-open."""
    scores: npt.NDArray[np.float32] | None = None
    """float32 (N,) in [0, 1]: presence, the probability that this is a face; None if unknown."""
    track_ids: npt.NDArray[np.int64] | None = None
    """int64 (N,), >= 1, unique in the frame and within a run; None before tracking."""
    rolls_rad: npt.NDArray[np.float32] | None = None
    """float32 (N,): clockwise tilt of each face in the picture; None for upright faces."""
    seats: tuple[str | None, ...] | None = None
    """N names of the seats the faces are in, None for a face in no seat; None without seats."""
    covered: npt.NDArray[np.bool_] | None = None
    """bool (N,): something covers a part of the face; None where nobody can tell."""

    def __post_init__(self) -> None:
        check_array("boxes_xyxy", self.boxes_xyxy, dtype=np.float32, shape=("N", 4))
        if not is_finite(self.boxes_xyxy):
            raise ValueError("boxes_xyxy must be finite, got NaN or infinity")
        freeze(self, "boxes_xyxy")
        rows = len(self.boxes_xyxy)
        for name, dtype in _FACES_OPTIONAL.items():
            if getattr(self, name) is not None:
                check_array(name, getattr(self, name), dtype=dtype, shape=(rows,))
                freeze(self, name)
        if self.track_ids is not None and len(set(self.track_ids.tolist())) != rows:
            raise ValueError(f"track_ids must be unique, got {self.track_ids.tolist()}")
        if self.seats is not None and len(self.seats) != rows:
            raise ValueError(f"seats must have {rows} values, got {len(self.seats)}")

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def roll_of(self, row: int) -> float:
        """Returns the clockwise tilt of a face, radians; 0 where it is not known."""
        return 0.0 if self.rolls_rad is None else float(self.rolls_rad[row])

    def seat_of(self, row: int) -> str | None:
        """Returns the name of a face's seat; None where it has none."""
        return None if self.seats is None else self.seats[row]

    def select(self, rows: npt.NDArray[Any]) -> Faces:
        """Returns the faces at a mask or an index array; itself if these are all rows."""
        if is_every_row(rows, len(self)):
            return self
        optional = _rows_of(self, _FACES_OPTIONAL, rows)
        seats = None if self.seats is None else _selected(self.seats, rows)
        return Faces(boxes_xyxy=self.boxes_xyxy[rows], seats=seats, **optional)

    @classmethod
    def none(cls) -> Faces:
        """Returns a record with N = 0, with scores and track ids."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    __repr__ = shapes


def _rows_of(record: object, names: Iterable[str], rows: npt.NDArray[Any]) -> dict[str, Any]:
    """Returns rows of the fields of a record that may be None, by name."""
    return {n: None if (held := getattr(record, n)) is None else held[rows] for n in names}


def _selected(names: tuple[str | None, ...], rows: npt.NDArray[Any]) -> tuple[str | None, ...]:
    return tuple(names[row] for row in np.arange(len(names))[rows].tolist())


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrackedFaces:
    """What a tracker says of one frame."""

    faces: Faces
    """Faces that this frame shows, with presence, ids and tilt."""
    tentative_xyxy: npt.NDArray[np.float32]
    """float32 (M, 4), frame space: where a face may be that is not reported."""

    __repr__ = shapes


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Crops:
    """Square crops of faces, with the affine maps to the frame."""

    images_rgb: Image
    """uint8 (N, S, S, 3), RGB, crop space."""
    frame_from_crop: npt.NDArray[np.float32]
    """float32 (N, 2, 3): point_in_frame = frame_from_crop @ (x, y, 1) in crop space."""
    face_rows: npt.NDArray[np.int64]
    """int64 (N,): row of the `Faces` each crop came from; a face too small to cut is absent."""

    def __post_init__(self) -> None:
        check_array("images_rgb", self.images_rgb, dtype=np.uint8, shape=("N", "S", "S", 3))
        rows = len(self.images_rgb)
        if self.images_rgb.shape[1] != self.images_rgb.shape[2]:
            raise ValueError(f"images_rgb must be square, got {self.images_rgb.shape}")
        check_array("frame_from_crop", self.frame_from_crop, dtype=np.float32, shape=(rows, 2, 3))
        check_array("face_rows", self.face_rows, dtype=np.int64, shape=(rows,))
        for field in ("images_rgb", "frame_from_crop", "face_rows"):
            freeze(self, field)

    def __len__(self) -> int:
        return len(self.images_rgb)

    @property
    def size(self) -> int:
        """Side of every crop, px."""
        return int(self.images_rgb.shape[1])

    __repr__ = shapes


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scores:
    """The outputs of a network for a batch of crops, a row each."""

    labels: tuple[str, ...]
    """The A labels, in the contract's order."""
    task: Task
    """multi_label: each label on its own (sigmoid). multi_class: one of them (softmax)."""
    logits: npt.NDArray[np.float32]
    """float32 (N, A): raw outputs, finite."""
    cams: npt.NDArray[np.float32] | None = None
    """float32 (N, A, h, w) >= 0, raw scale, crop space; None if not requested."""
    landmarks_xy: npt.NDArray[np.float32] | None = None
    """float32 (N, 68, 2), px, crop space, iBUG order; None when the model has none."""
    pose_rad: npt.NDArray[np.float32] | None = None
    """float32 (N, 2): pitch and yaw, OpenFace's `pose_Rx` and `pose_Ry`; None without."""

    def __post_init__(self) -> None:
        labels = len(self.labels)
        check_array("logits", self.logits, dtype=np.float32, shape=("N", labels))
        if not is_finite(self.logits):
            row, column = np.argwhere(~np.isfinite(self.logits))[0]
            raise EngineError(
                f"logits must be finite, got {self.logits[row, column]} for {self.labels[column]} "
                f"in row {row}; {BROKEN}"
            )
        freeze(self, "logits")
        if self.cams is not None:
            self._check_finite("cams", (len(self.logits), labels, "h", "w"))
        optional = {"landmarks_xy": (LANDMARKS, 2), "pose_rad": (2,)}
        for name, rest in optional.items():
            if getattr(self, name) is not None:
                self._check_finite(name, (len(self.logits), *rest))

    def _check_finite(self, name: str, shape: tuple[Any, ...]) -> None:
        check_array(name, getattr(self, name), dtype=np.float32, shape=shape)
        if not is_finite(getattr(self, name)):
            raise EngineError(f"{name} must be finite, got NaN or infinity; {BROKEN}")
        freeze(self, name)

    def __len__(self) -> int:
        return len(self.logits)

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """float32 (N, A) in [0, 1]: sigmoid of the logits, or softmax, by task."""
        if self.task == "multi_label":
            half = np.float32(0.5)  # sigmoid(x) = (1 + tanh(x / 2)) / 2 cannot overflow
            return np.asarray(half + half * np.tanh(half * self.logits), dtype=np.float32)
        lifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(lifted / lifted.sum(axis=1, keepdims=True), dtype=np.float32)

    def select(self, rows: npt.NDArray[Any]) -> Scores:
        """Returns the rows at a mask or an index array; itself if these are all rows."""
        if is_every_row(rows, len(self)):
            return self
        optional = _rows_of(self, ("cams", "landmarks_xy", "pose_rad"), rows)
        return Scores(labels=self.labels, task=self.task, logits=self.logits[rows], **optional)

    __repr__ = shapes


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class FrameResult:
    """All results of one frame, as sinks receive them.

    `faces`, `frame_from_crop`, `scores` and `active` have the same N rows in the same order.
    Iterating gives a `Face` per row, `len()` the number of faces.
    """

    frame: Frame
    """The frame itself."""
    faces: Faces
    """Confirmed, tracked, scored faces."""
    frame_from_crop: npt.NDArray[np.float32]
    """float32 (N, 2, 3): where each face's crop, and so its CAM, lies in the frame."""
    scores: Scores
    """Logits of this frame; CAMs in frames where heatmaps are refreshed."""
    active: npt.NDArray[np.bool_]
    """bool (N, A): the decision per label, after smoothing and hysteresis if they are on."""
    tentative_xyxy: npt.NDArray[np.float32]
    """float32 (M, 4), frame space: tentative faces: not scored, hidden by `--blur`."""
    stage_s: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Seconds spent on this frame per stage; a batch's time is shared evenly by its frames."""
    has_heatmaps: bool = False
    """True when CAMs are computed in this run, for this frame or for others."""
    received_s: float | None = None
    """When a live frame was received, on the clock of `time.perf_counter`; None for others."""
    markers: tuple[Marker, ...] = ()
    """Events marked since the frame before."""
    quality_reasons: tuple[tuple[str, ...], ...] | None = None
    """N times why a face's scores may be unreliable, empty if they are not; None if not judged."""
    intensities: Intensities | None = None
    """FACS intensities of every label; None when the model tells none."""
    calibrated: Calibrated | None = None
    """Probabilities relative to each person's neutral; None while no face has one."""

    def __post_init__(self) -> None:
        rows, labels = len(self.faces), len(self.scores.labels)
        if self.faces.track_ids is None:
            raise ValueError("faces must carry track_ids in a result, got None")
        if len(self.scores) != rows:
            raise ValueError(f"scores must have {rows} rows like faces, got {len(self.scores)}")
        for name, found in (("intensities", self.intensities), ("calibrated", self.calibrated)):
            if found is not None:
                check_array(name, found.values, dtype=np.float32, shape=(rows, labels))
        check_array("frame_from_crop", self.frame_from_crop, dtype=np.float32, shape=(rows, 2, 3))
        check_array("active", self.active, dtype=np.bool_, shape=(rows, labels))
        check_array("tentative_xyxy", self.tentative_xyxy, dtype=np.float32, shape=("M", 4))
        for field in ("frame_from_crop", "active", "tentative_xyxy"):
            freeze(self, field)

    @property
    def track_ids(self) -> list[int]:
        """The track id of each face."""
        assert self.faces.track_ids is not None  # __post_init__ refuses None
        return [int(track_id) for track_id in self.faces.track_ids]

    @property
    def deciding(self) -> npt.NDArray[np.float32]:
        """float32 (N, A): the probabilities that views show beside thresholds: decisions' own."""
        raw, found = self.scores.probabilities, self.calibrated
        return raw if found is None else found.deciding(raw)

    @property
    def landmarks_xy(self) -> npt.NDArray[np.float32] | None:
        """float32 (N, 68, 2), px, frame space, iBUG order; None when the model has none."""
        points = self.scores.landmarks_xy
        return None if points is None else geometry.apply(self.frame_from_crop, points)

    def pose_of(self, row: int) -> tuple[float, float, float] | None:
        """Returns OpenFace's `pose_Rx`, `pose_Ry`, `pose_Rz` of a face, radians; None without."""
        pose = self.scores.pose_rad
        if pose is None:
            return None
        return float(pose[row, 0]), float(pose[row, 1]), self.faces.roll_of(row)

    @property
    def index(self) -> int:
        """Position of the frame in its source, from 0."""
        return self.frame.index

    @property
    def time_s(self) -> float:
        """Presentation time for files, capture time since the start for cameras, seconds."""
        return self.frame.time_s

    def __len__(self) -> int:
        return len(self.faces)

    def __bool__(self) -> bool:
        return True  # a result without a face is a result

    def __iter__(self) -> Iterator[Face]:
        """Yields the faces, a view of each row."""
        faces, scores, labels, ids = self.faces, self.scores, self.scores.labels, self.track_ids
        probabilities, points = scores.probabilities.tolist(), self.landmarks_xy
        for row, box in enumerate(faces.boxes_xyxy.tolist()):
            yield Face(
                id=ids[row],
                box=tuple(box),
                score=None if faces.scores is None else float(faces.scores[row]),
                au=dict(zip(labels, probabilities[row], strict=True)),
                active=tuple(itertools.compress(labels, self.active[row])),
                landmarks=None if points is None else points[row],
                frame_from_crop=self.frame_from_crop[row],
                cams=None if scores.cams is None else scores.cams[row],
                has_heatmaps=self.has_heatmaps,
                seat=faces.seat_of(row),
                quality_reason=() if self.quality_reasons is None else self.quality_reasons[row],
                intensity=None if self.intensities is None else self.intensities.of(row, labels),
                sides=None if self.intensities is None else self.intensities.sides_of(row),
                pose=self.pose_of(row),
                au_n=None if self.calibrated is None else self.calibrated.of(row, labels),
            )

    def __repr__(self) -> str:
        faces = "".join(f"\n  {face!r}" for face in self)
        size, plural = f"{self.frame.width}x{self.frame.height} px", "" if len(self) == 1 else "s"
        found = f"{size}: {len(self)} face{plural}"
        return f"FrameResult({self.index}, {self.time_s:.3f} s, {found}){faces}"
