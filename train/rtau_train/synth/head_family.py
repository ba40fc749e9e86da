"""What a family of heads must do to be rendered and labelled: two protocols.

`picture.py` draws people of any family that does. `sculpted_heads.py` has those of ICT-FaceKit,
`avatar_heads.py` the VALID avatars; a further head model is a further module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rtau_train.synth.drawing import RenderedHead
from rtau_train.synth.sampling import Expression
from rtau_train.synth.scene import Scene
from rtau_train.synth.spectacles import Spectacles

Floats = npt.NDArray[np.float32]


class Person(Protocol):
    """One person of a family."""

    @property
    def skin_level(self) -> float:
        """Mean linear albedo of the skin, for the camera's meter."""
        ...

    @property
    def hair_colour(self) -> tuple[float, float, float]:
        """Linear RGB."""
        ...

    @property
    def subject(self) -> str | None:
        """Who it is; None for a person who is in one picture only."""
        ...

    @property
    def columns(self) -> Mapping[str, str]:
        """What `labels.csv` says of the person.

        `sex`, `ethnicity`, `age_group`, `child`, `skin_tone`, `hair`, `beard`, `skin`, `brow`.
        """
        ...

    def resting_landmarks(self) -> Floats:
        """Returns the 68 points at rest: (68, 3) cm, head space."""
        ...

    def rendered(
        self,
        expression: Expression,
        place: Scene,
        /,
        *,
        spectacles: Spectacles | None,
        shift: tuple[float, float],
        rng: np.random.Generator,
    ) -> RenderedHead:
        """Returns the person alone, as the camera sees them.

        Args:
            expression: what the face does; its `intensities` are all that is shown.
            place: camera and light.
            spectacles: what is worn.
            shift: of the window, in its sides.
            rng: for what differs from picture to picture of one person.
        """
        ...


class HeadFamily(Protocol):
    """A set of heads, opened for rendering."""

    @property
    def actions(self) -> frozenset[int]:
        """The Action Units that its shapes can show."""
        ...

    def sampled_person(self, rng: np.random.Generator, /) -> Person:
        """Returns a sampled person."""
        ...
