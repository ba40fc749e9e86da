"""Cuts the training batches of an epoch in a thread of their own, ahead of the network.

The same epoch always yields the same batches, whoever asks and in whatever run. Called by the loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rtau_train import augment
from rtau_train.data import RenderedCrops
from rtau_train.folds import Rows
from rtau_train.recipe import Recipe

# Batches cut ahead of the network; two keep it busy, more only cost memory.
AHEAD = 2

Batch = tuple[Tensor, Tensor, Tensor]


class TrainingSet:
    """The pictures of the training part, kept in memory, and the batches made of them."""

    def __init__(self, recipe: Recipe, data: RenderedCrops, rows: Rows) -> None:
        self._recipe = recipe
        self._images = data.images(rows)
        self._landmarks = data.landmarks[rows]
        self._intensities = data.intensities[rows]
        self._batch = min(recipe.fit.batch, len(rows))

    @property
    def steps(self) -> int:
        """Batches in an epoch; the rows left over wait for the next shuffle."""
        return len(self._images) // self._batch

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yields crops uint8 (B, S, S, 3), intensities (B, A) and landmarks (B, 68, 2)."""
        order = np.random.default_rng([self._recipe.fit.seed, epoch]).permutation(len(self._images))
        places = order[: self.steps * self._batch].reshape(self.steps, self._batch)
        waiting: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(max_workers=1) as pool:
            for some in places:
                waiting.append(pool.submit(self._cut, some, epoch))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _cut(self, places: npt.NDArray[np.int64], epoch: int) -> Batch:
        recipe = self._recipe
        size = recipe.network.input_size
        crops = np.empty((len(places), size, size, 3), np.uint8)
        points = np.empty((len(places), 68, 2), np.float32)
        for index, place in enumerate(places):
            crops[index], points[index] = augment.training_crop(
                self._images[place],
                self._landmarks[place],
                recipe.crop,
                augment=recipe.augment,
                size=size,
                rng=np.random.default_rng([recipe.fit.seed, epoch, int(place)]),
            )
        intensities = torch.from_numpy(self._intensities[places])
        return torch.from_numpy(crops), intensities, torch.from_numpy(points)
