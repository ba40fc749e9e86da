"""People of ICT-FaceKit's head model, a new head shape each. A `HeadFamily`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau_train.synth import identity, paint, sampling
from rtau_train.synth.drawing import RenderedHead
from rtau_train.synth.identity import Appearance
from rtau_train.synth.render import Deformation, Renderer
from rtau_train.synth.sampling import Expression
from rtau_train.synth.scene import Scene
from rtau_train.synth.shapes import AU_SHAPES
from rtau_train.synth.spectacles import Spectacles
from rtau_train.synth.wrinkles import height_map

Floats = npt.NDArray[np.float32]

_BEARD: Final = 0.5


class SculptedHeads:
    """The family; a `HeadFamily`."""

    def __init__(self, renderer: Renderer, /) -> None:
        """Takes an open renderer."""
        self._renderer = renderer

    @property
    def actions(self) -> frozenset[int]:
        """All of the table."""
        return frozenset(AU_SHAPES)

    def sampled_person(self, rng: np.random.Generator, /) -> SculptedPerson:
        """Returns a sampled person."""
        return SculptedPerson(self._renderer, identity.sampled_appearance(rng))


@dataclasses.dataclass(frozen=True)
class SculptedPerson:
    """One of them; a `Person`."""

    renderer: Renderer
    appearance: Appearance

    @property
    def skin_level(self) -> float:
        """Mean linear albedo of the cheeks."""
        return float(np.mean(self.appearance.tone))

    @property
    def hair_colour(self) -> tuple[float, float, float]:
        """Linear RGB."""
        return self.appearance.hair_colour

    @property
    def subject(self) -> None:
        """Every picture has a head of its own."""
        return None

    @property
    def columns(self) -> Mapping[str, str]:
        """What `labels.csv` says of the person."""
        appearance = self.appearance
        return {
            "sex": appearance.sex,
            "ethnicity": appearance.ethnicity,
            "age_group": str(appearance.age_group),
            "child": f"{appearance.child:.2f}",
            "skin_tone": str(appearance.skin_tone),
            "hair": appearance.hair,
            "beard": str(int(max(appearance.beard) > _BEARD)),
            "skin": str(appearance.skins[0]),
            "brow": str(appearance.brow),
        }

    def resting_landmarks(self) -> Floats:
        """Returns the 68 points at rest: (68, 3) cm, head space."""
        return self.renderer.resting_landmarks(self.appearance)

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
        """Returns the person alone; blemishes and folds are drawn anew."""
        appearance = self.appearance
        blemishes = paint.blemishes(
            self.renderer.masks, rng, freckles=appearance.freckles, blush=appearance.blush
        )
        gains = sampling.fold_gains(
            expression.intensities, wrinkled=appearance.wrinkled, gain=appearance.fold_gain, rng=rng
        )
        return self.renderer.render(
            appearance,
            Deformation(expression.weights, height_map(gains, rng)),
            place,
            skin_factor=blemishes,
            spectacles=spectacles,
            shift=shift,
        )
