"""The base of all engines that run a library: checks crops, splits batches, joins the outputs."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from rtau.backends.tensors import CAMS, row_shapes, scores_of
from rtau.contract import ModelContract
from rtau.data import Crops, Image, Scores
from rtau.errors import ContractError, EngineError

# Rows per call for a model of unlimited batch: more are no faster on a CPU and need more memory.
DEFAULT_MAX_BATCH = 64

_Self = TypeVar("_Self", bound="BatchEngine")


class BatchEngine(abc.ABC):
    """Scores batches of any length; a subclass runs up to `max_batch` rows at a time."""

    _contract: ModelContract

    @property
    def contract(self) -> ModelContract:
        """What the model expects and returns."""
        return self._contract

    @property
    def max_batch(self) -> int:
        """Rows per call; longer batches are split."""
        return self._contract.max_batch or DEFAULT_MAX_BATCH

    def infer(self, crops: Crops, /, *, cams: bool = False) -> Scores:
        """Returns a row of scores per crop.

        Raises:
            ContractError: the crops have another size, or the model has no CAMs.
            EngineError: the engine is closed, the library failed, the outputs are not those of
                the contract, or a value is not finite.
        """
        contract = self.contract
        if len(crops) and crops.size != contract.input_size:
            raise ContractError(
                f"{contract.name} takes crops of {contract.input_size} px, got {crops.size}"
            )
        if cams and not contract.has_cams:
            raise ContractError(f"{contract.name} has no CAM output; export it with --cam gradcam")
        starts = range(0, len(crops), self.max_batch)
        shapes = row_shapes(contract, cams=cams)
        parts = [
            self._checked(crops.images_rgb[k : k + self.max_batch], cams=cams) for k in starts
        ] or [self._no_rows(cams=cams)]
        joined = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        return scores_of(contract, dict(zip(shapes, joined, strict=True)))

    @abc.abstractmethod
    def close(self) -> None:
        """Frees the model; may be called twice."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @abc.abstractmethod
    def _run(self, images_rgb: Image, *, cams: bool) -> Sequence[np.ndarray]:
        """Returns the outputs of 1 to `max_batch` crops, in the order of `row_shapes`."""

    def _checked(self, images_rgb: Image, *, cams: bool) -> Sequence[np.ndarray]:
        """Returns the outputs of a call.

        Raises:
            EngineError: an output has another type or shape than the contract says.
        """
        found = self._run(images_rgb, cams=cams)
        shapes = row_shapes(self.contract, cams=cams).items()
        for (name, row), output in zip(shapes, found, strict=True):
            wanted = [str(size) for size in (len(images_rgb), *row)]
            given = [str(size) for size in output.shape]
            if name == CAMS and len(given) == 4 and output.shape[2] and output.shape[3]:
                given[2:] = ["h", "w"]  # up to the model
            wanted += ["h", "w"] if name == CAMS else []
            if output.dtype != np.float32 or given != wanted:
                raise EngineError(
                    f"{self.contract.name} breaks its contract: for {len(images_rgb)} crops "
                    f"{name} must be float32 ({', '.join(wanted)}), got {output.dtype} "
                    f"({', '.join(map(str, output.shape))}); export the model again"
                )
        return found

    def _no_rows(self, *, cams: bool) -> Sequence[np.ndarray]:
        """Returns the outputs of an empty batch; CAMs are 1 x 1, since the model was not run."""
        shapes = row_shapes(self.contract, cams=cams).items()
        sizes = [(*shape, 1, 1) if name == CAMS else shape for name, shape in shapes]
        return [np.zeros((0, *size), np.float32) for size in sizes]


def read_model(path: Path) -> bytes:
    """Returns the bytes of a model file.

    Raises:
        ContractError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path}: the model cannot be read ({error.strerror})") from None


def warm_up_rows(contract: ModelContract) -> int:
    """Returns how many crops to warm up with: two, which shows whether each has its own row."""
    return min(2, contract.max_batch or 2)


def grey_crops(rows: int, *, size: int) -> Image:
    """Returns crops to warm up with, which also shows that the model runs: uint8 (N, S, S, 3)."""
    return np.full((rows, size, size, 3), 128, np.uint8)
