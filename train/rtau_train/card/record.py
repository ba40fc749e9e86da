"""Everything a card says in numbers, as frozen records: written as JSON, computed elsewhere.

Shares and correlations are NaN where there was nothing to count. Filled by the measuring modules,
read by the tables and the document.
"""

from __future__ import annotations

import dataclasses

from rtau_train.evaluation.run_metrics import GroupMetrics, LabelMetrics, MeanMetrics

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Stage:
    """One run on the way to the weights."""

    recipe: str
    epochs: int
    minutes: float
    """Wall time."""
    machine: str
    changes: tuple[str, ...] = ()
    """What the command line changed in the recipe."""


@dataclasses.dataclass(frozen=True)
class ChangeMetrics:
    """The held-out renders once more, each picture changed in the same way."""

    name: str
    """What was done to the pictures; empty for the pictures as they are."""
    mean_auc: float
    macro_f1: float
    """At the shipped thresholds."""
    same_decisions: float
    """Share of the decisions that are those for the unchanged pictures."""


@dataclasses.dataclass(frozen=True)
class RenderMetrics:
    """Figures on renders that were not trained on."""

    rows: int
    subjects: int
    """Different heads."""
    labels: tuple[LabelMetrics, ...]
    means: MeanMetrics
    groups: tuple[GroupMetrics, ...]
    changes: tuple[ChangeMetrics, ...]
    """The first one is no change."""
    is_test_part: bool = True
    """They are the run's test part; False: rendered for this alone."""


@dataclasses.dataclass(frozen=True)
class TeacherMetrics:
    """How far one AU follows the model that scored the portraits."""

    label: str
    rows: int
    """Portraits of the test part where the teacher's score is used."""
    positives: int
    """Those with a soft label of 2 or more."""
    auc: float
    spearman: float
    """Rank correlation of probability and soft label."""


@dataclasses.dataclass(frozen=True)
class PortraitMetrics:
    """Figures on portraits that were not trained on."""

    rows: int
    subjects: int
    """Sheets the portraits are from; one sheet may show one face several times."""
    origins: tuple[str, ...]
    """The collections they are from."""
    rows_of_known_subjects: int
    """Portraits whose sheet is in the training part too."""
    labels: tuple[TeacherMetrics, ...]
    mean_auc: float
    mean_spearman: float


@dataclasses.dataclass(frozen=True)
class NeutralMetrics:
    """What one AU says of faces that were asked to do nothing."""

    label: str
    active: int
    """Neutral faces at or above the shipped threshold: false alarms."""
    share: float


@dataclasses.dataclass(frozen=True)
class SmileMetrics:
    """What one AU says of smiles beside the neutral faces of the same people."""

    label: str
    pairs: int
    """People of whom both faces were found."""
    rising: float
    """Share of them whose probability is higher in the smile."""
    auc: float
    """Smiles against neutral faces, whoever they show."""
    active: float
    """Share of the smiles at or above the shipped threshold."""


@dataclasses.dataclass(frozen=True)
class LondonMetrics:
    """Figures on the even-numbered people of the Face Research Lab London Set."""

    people: int
    neutral_faces: int
    """Neutral pictures in which the face was found."""
    smiling_faces: int
    not_found: tuple[str, ...]
    """Pictures in which no face was found; in no figure."""
    neutral: tuple[NeutralMetrics, ...]
    smiles: tuple[SmileMetrics, ...]


@dataclasses.dataclass(frozen=True)
class CurveMetrics:
    """One AU of one face of a clip."""

    label: str
    correlation: float
    """Pearson's r of probability and true intensity over the frames with the face found."""
    lag_frames: float
    """By how many frames the curve runs behind the truth."""


@dataclasses.dataclass(frozen=True)
class ClipMetrics:
    """The curves of one face of a rendered clip."""

    clip: str
    face: int
    fps: float
    frames: int
    found: int
    """Frames in which the face was found."""
    labels: tuple[CurveMetrics, ...]
    mean_correlation: float


@dataclasses.dataclass(frozen=True)
class DatasetRows:
    """How many rows of one data set are in each part of the run."""

    name: str
    """`renders`, `portraits`, numbered where there are several."""
    made_by: str
    train: int
    validation: int
    test: int
    shared: int
    """Rows of the test part whose subject is in the training part too."""


@dataclasses.dataclass(frozen=True)
class Origins:
    """What the weights have seen, as far as the data say."""

    datasets: tuple[DatasetRows, ...]
    has_released_skins: bool
    """Renders with MakeHuman's skins as they were released under CC0."""
    has_older_skins: bool
    """Renders with an older version of those skins."""
    has_avatars: bool
    """Renders of the VALID avatars."""
    has_portraits: bool
    has_geometry: bool
    """Portraits with the labels of `rtau-train label-geometry`."""
    has_warped: bool
    """Portraits with Action Units moved into them by `rtau-train warp`."""
    starts_from_file: str
    """The exported file that the first run began with; empty without one."""
    stages: tuple[Stage, ...]
    """The runs on the way to the weights, first to last."""
    starts_from_imagenet: bool
    max_yaw_deg: float
    """Furthest turn of a head to a side among the renders trained on; NaN where not recorded."""
    max_pitch_deg: float
    """Furthest nod; NaN where not recorded."""


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """The file that was measured."""

    name: str
    megabytes: float
    file_sha256: str
    weights_sha256: str
    cam_grid: tuple[int, int] | None
    """Rows and columns of its heatmaps; None without heatmaps."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Where, when and with what it was measured."""

    commit: str
    machine: str
    versions: tuple[str, ...]
    device: str
    """What ran the file, in the engine's own words."""
    wall_s: float


@dataclasses.dataclass(frozen=True)
class CardMetrics:
    """Everything that was measured of one model file."""

    format: int
    model: ModelFile
    origins: Origins
    renders: RenderMetrics
    portraits: PortraitMetrics | None
    """None without portraits that were held out."""
    london: LondonMetrics | None
    """None where the set was not given."""
    clips: tuple[ClipMetrics, ...]
    """Empty where no clips were given."""
    measurement: Measurement
