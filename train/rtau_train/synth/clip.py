"""Renders a video of one face whose AU curves are known for every frame, and writes the curves.

Each labelled action rises, holds and falls alone, in order, then four mixes follow; the head sways
and blinks. For demonstrations and tests of timing, not for training: all frames show one head.
Called by `commands/synth.py`.
"""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.errors import SinkError
from rtau_train.synth import identity, paint, sampling, scene
from rtau_train.synth.render import Deformation, Renderer
from rtau_train.synth.sampling import LABELLED
from rtau_train.synth.scene import Pose
from rtau_train.synth.window import SIDE_OVER_LANDMARK_BOX, Window
from rtau_train.synth.wrinkles import height_map

Floats = npt.NDArray[np.float32]

PEAK: Final = 4.2
"""Intensity at which an action is held."""
_MIXES: Final = ((6, 12, 25), (1, 2, 5, 25, 26), (4, 9, 17), (1, 4, 15, 17))
_RISE: Final = 0.25
_FALL_FROM: Final = 0.6
_BLINK_EVERY_S: Final = 3.7
_BLINK_S: Final = 0.16
_DISTANCE_CM: Final = 75.0
# Half the height of a resting face and how far below the pivot its middle lies.
_HALF_FACE_CM: Final = 7.0
_FACE_BELOW_CM: Final = 0.9
COLUMNS: Final = (
    *("frame", "time_s", "face", "x0", "y0", "x1", "y1", "yaw_deg", "pitch_deg", "roll_deg"),
    *("lip_gap", *(f"AU{au:02d}" for au in LABELLED)),
)


def script(frames: int, /) -> Floats:
    """Returns the intensities of every frame: float32 (frames, 12), 0 to `PEAK`."""
    events = [*((au,) for au in LABELLED), *_MIXES]
    curves = np.zeros((frames, len(LABELLED)), np.float32)
    place = np.arange(frames) / frames * len(events)
    for number, actions in enumerate(events):
        within = place - number
        rise, fall = within / _RISE, 1 - (within - _FALL_FROM) / _RISE
        ramp = np.clip(np.where(within < _FALL_FROM, rise, fall), 0, 1)
        ramp = np.where((within >= 0) & (within < 1), ramp, 0)
        for au in actions:
            curves[:, LABELLED.index(au)] += PEAK * ramp**2 * (3 - 2 * ramp)
    return curves


def write_clip(
    renderer: Renderer,
    path: Path,
    /,
    *,
    seconds: float,
    fps: int,
    seed: int,
    progress: Callable[[int], None],
) -> int:
    """Writes `path` (H.264) and, beside it, the curves as .csv; returns the number of frames.

    Raises:
        SinkError: the files cannot be written.
    """
    frames = round(seconds * fps)
    curves = script(frames)
    actor = _Actor(renderer, seed)
    try:
        with av.open(str(path), "w") as container, _table(path.with_suffix(".csv")) as file:
            stream: Any = container.add_stream("libx264", fps)
            stream.width = stream.height = renderer.size
            stream.pix_fmt = "yuv420p"
            stream.options = {"crf": "20"}
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for number in range(frames):
                image, row = actor.frame(curves[number], number / fps)
                rows.writerow([number, f"{number / fps:.4f}", 0, *row])
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                container.mux(stream.encode(picture))
                progress(1)
            container.mux(stream.encode())
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror})") from None
    return frames


def _table(path: Path) -> Any:
    return path.open("w", encoding="utf-8", newline="")


class _Actor:
    """One person in one room before a camera that stands still."""

    def __init__(self, renderer: Renderer, seed: int) -> None:
        rng = np.random.default_rng([seed, 0])
        self._renderer, self._seed = renderer, seed
        appearance = identity.sampled_appearance(rng)
        self._appearance = dataclasses.replace(
            appearance, hair="short01" if appearance.sex == "m" else "long01"
        )
        lighting = scene.sampled_lighting(rng, kind="soft")
        exposure = scene.metered_exposure(lighting, rng, skin_level=float(np.mean(appearance.tone)))
        self._scene = scene.Scene(Pose(), _DISTANCE_CM, lighting, exposure)
        self._skin = paint.blemishes(renderer.masks, rng, freckles=0, blush=appearance.blush)
        self._background = scene.sampled_background(rng, renderer.size, kind="soft")
        self._phases = rng.uniform(0, 2 * math.pi, 4)
        half = SIDE_OVER_LANDMARK_BOX * _HALF_FACE_CM / _DISTANCE_CM
        self._window = Window(0.0, -_FACE_BELOW_CM / _DISTANCE_CM, half)

    def frame(self, intensities: Floats, time_s: float) -> tuple[Image, list[str]]:
        """Returns a frame, uint8 (S, S, 3) RGB, and its row of the table from `x0` on."""
        actions = {au: float(v) for au, v in zip(LABELLED, intensities, strict=True)}
        expression = sampling.only(actions)
        weights = {**expression.weights, **_blink(time_s, expression.weights)}
        gains = sampling.fold_gains(
            actions,
            wrinkled=self._appearance.wrinkled,
            gain=self._appearance.fold_gain,
            rng=self._luck(),
        )
        pose = self._sway(time_s)
        rendered = self._renderer.render(
            self._appearance,
            Deformation(weights, height_map(gains, self._luck())),
            dataclasses.replace(self._scene, pose=pose),
            skin_factor=self._skin,
            window=self._window,
        )
        cover = rendered.image[..., 3:]
        image = rendered.image[..., :3] + (1 - cover) * self._background
        box = [*rendered.landmarks.min(axis=0), *rendered.landmarks.max(axis=0)]
        row = [f"{value:.1f}" for value in (*box, *dataclasses.astuple(pose))]
        row += [f"{rendered.lip_gap_cm:.3f}", *(f"{value:.2f}" for value in intensities)]
        return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), row

    def _luck(self) -> np.random.Generator:
        """Returns the same luck for every frame: folds deepen and do not jump."""
        return np.random.default_rng([self._seed, 1])

    def _sway(self, time_s: float) -> Pose:
        first, second, third, fourth = self._phases
        return Pose(
            9 * math.sin(0.5 * time_s + first) + 3 * math.sin(1.3 * time_s + second),
            4 * math.sin(0.4 * time_s + third),
            3 * math.sin(0.6 * time_s + fourth),
        )


def _blink(time_s: float, weights: Mapping[str, float]) -> dict[str, float]:
    since = time_s % _BLINK_EVERY_S
    if since >= _BLINK_S:
        return {}
    shut = math.sin(since / _BLINK_S * math.pi)
    return {f"eyeBlink_{side}": max(shut, weights.get(f"eyeBlink_{side}", 0.0)) for side in "LR"}
