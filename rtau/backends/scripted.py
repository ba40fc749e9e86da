"""An engine whose outputs are computed by Python functions: for tests and for own models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import Crops, Scores
from rtau.errors import ContractError

LogitsOf = Callable[[Crops], npt.NDArray[np.float32]]


class ScriptedEngine:
    """Engine that calls functions for the logits and, if given, for CAMs and landmarks."""

    def __init__(
        self,
        contract: ModelContract,
        logits_of: LogitsOf,
        /,
        *,
        cams_of: LogitsOf | None = None,
        landmarks_of: LogitsOf | None = None,
    ) -> None:
        """Takes functions of `Crops`.

        Args:
            contract: what the engine claims to be.
            logits_of: returns float32 (N, A).
            cams_of: returns float32 (N, A, h, w).
            landmarks_of: returns float32 (N, 68, 2), px, crop space.
        """
        self._contract = contract
        self._logits_of = logits_of
        self._cams_of = cams_of
        self._landmarks_of = landmarks_of

    @property
    def contract(self) -> ModelContract:
        """The contract it was given."""
        return self._contract

    @property
    def device(self) -> str:
        """Always `scripted`."""
        return "scripted"

    def infer(self, crops: Crops, /, *, cams: bool = False) -> Scores:
        """Returns what the functions return for the crops.

        Raises:
            ContractError: CAMs are requested and there is no function for them.
        """
        if cams and self._cams_of is None:
            raise ContractError(f"{self._contract.name} has no CAM output")
        return Scores(
            labels=self._contract.labels,
            task=self._contract.task,
            logits=self._logits_of(crops),
            cams=self._cams_of(crops) if cams and self._cams_of is not None else None,
            landmarks_xy=None if self._landmarks_of is None else self._landmarks_of(crops),
        )

    def close(self) -> None:
        """Does nothing."""
