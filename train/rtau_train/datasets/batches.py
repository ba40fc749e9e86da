"""Cuts the training batches of an epoch in threads of their own, ahead of the network.

The same epoch always yields the same batches, whoever asks, in whatever run and by however many
threads. Called by the loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rtau.data import Image
from rtau.errors import UsageError
from rtau_train.datasets import augmentation
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.recipe import Recipe

# Batches cut ahead of the network; two keep it busy, more only cost memory.
AHEAD = 2
# Pictures are kept decoded up to here and read anew in every epoch beyond: DISFA+ is 20 GB.
KEPT_BYTES = 3 << 30

Batch = tuple[Tensor, Tensor, Tensor | None]
Points = npt.NDArray[np.float32]


class TrainingSet:
    """The pictures of the training part and the batches made of them."""

    def __init__(
        self,
        recipe: Recipe,
        data: LabelledCrops,
        rows: Rows,
        *,
        rank: int = 0,
        world: int = 1,
        threads: int = 1,
    ) -> None:
        """Reads the pictures if they fit in memory.

        Args:
            recipe: crop, augmentation, batch and seed.
            data: the data set.
            rows: its training part.
            rank: which share of every batch is cut here, of `world` shares.
            world: processes that train together.
            threads: that cut crops.

        Raises:
            SourceOpenError: a picture cannot be read.
        """
        self._recipe, self._data, self._rows = recipe, data, rows
        self._rank, self._world, self._threads = rank, world, threads
        self._targets = torch.from_numpy(data.targets[rows])
        self._batch = min(recipe.fit.batch, len(rows))
        self._mixed = _mixed_rows(recipe, data, rows)
        self._trust = _trust(recipe, self._mixed, rows=len(rows))
        self._kept = self._read_all() if self._bytes() <= KEPT_BYTES else None

    @property
    def steps(self) -> int:
        """Batches in an epoch; the rows left over wait for the next shuffle."""
        wanted = self._recipe.fit.epoch_rows
        return (min(self._count, wanted) if wanted else self._count) // self._batch

    @property
    def targets(self) -> Tensor:
        """float32 (rows, A) of the training part, NaN where a label is not coded."""
        return self._targets

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yields crops uint8 (B, S, S, 3), targets (B, A), landmarks (B, 68, 2) or None."""
        shape = (self.steps, self._batch)
        places = self._order(epoch)[: self.steps * self._batch].reshape(shape)
        turns = np.arange(self.steps * self._batch, dtype=np.int64).reshape(shape)
        mine = slice(self._rank, None, self._world)
        waiting: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(max_workers=self._threads) as pool:
            for some, turn in zip(places[:, mine], turns[:, mine], strict=True):
                waiting.append(pool.submit(self._cut, some, turn, epoch))
                if len(waiting) > AHEAD + self._threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    @property
    def _count(self) -> int:
        """Pictures in an epoch: all rows that are in no mix, and the mixes' shares on top."""
        others = len(self._rows) - sum(map(len, self._mixed))
        return round(others / (1 - sum(mix.share for mix in self._recipe.mix)))

    def _order(self, epoch: int) -> Rows:
        """Returns the places of an epoch's pictures among the rows, shuffled."""
        rng = np.random.default_rng([self._recipe.fit.seed, epoch])
        if not self._mixed:
            return rng.permutation(len(self._rows)).astype(np.int64)
        chosen = [np.setdiff1d(np.arange(len(self._rows)), np.concatenate(self._mixed))]
        for mix, rows in zip(self._recipe.mix, self._mixed, strict=True):
            wanted = round(self._count * mix.share)
            rounds = -(-wanted // len(rows))
            repeated = np.concatenate([rng.permutation(rows) for _ in range(rounds)])
            chosen.append(repeated[:wanted])
        return rng.permutation(np.concatenate(chosen)).astype(np.int64)

    def _bytes(self) -> int:
        return int(self._data.images(self._rows[:1]).nbytes) * len(self._rows)

    def _read_all(self) -> tuple[Image, Points | None]:
        return self._data.read(self._rows)

    def _pictures(self, places: Rows) -> tuple[Image, Points | None]:
        if self._kept is None:
            return self._data.read(self._rows[places])
        images, points = self._kept
        return images[places], None if points is None else points[places]

    def _cut(self, places: Rows, turns: Rows, epoch: int) -> Batch:
        recipe = self._recipe
        size = recipe.network.input_size
        images, landmarks = self._pictures(places)
        crops = np.empty((len(places), size, size, 3), np.uint8)
        shown = np.empty((len(places), 68, 2), np.float32)
        targets = self._targets[torch.from_numpy(places)]
        for index, place in enumerate(places):
            # A picture of a mix comes several times in an epoch, changed in another way each time.
            turn = () if not recipe.mix else (int(turns[index]),)
            rng = np.random.default_rng([recipe.fit.seed, epoch, int(place), *turn])
            crops[index], points = augmentation.training_crop(
                images[index],
                None if landmarks is None else landmarks[index],
                self._data.rule_of(int(self._rows[place]), recipe),
                augment=recipe.augment,
                size=size,
                rng=rng,
            )
            if points is not None:
                shown[index] = points
            if self._trust is not None:
                unused = rng.random(targets.shape[1]) >= self._trust[place]
                targets[index, torch.from_numpy(unused)] = torch.nan
        kept_points = None if landmarks is None else torch.from_numpy(shown)
        return torch.from_numpy(crops), targets, kept_points


def _trust(
    recipe: Recipe, mixed: tuple[Rows, ...], /, *, rows: int
) -> npt.NDArray[np.float32] | None:
    """Returns float32 (rows, A): how often each label of each row is used; None for always."""
    if not any(mix.trust for mix in recipe.mix):
        return None
    trust = np.ones((rows, len(recipe.network.labels)), np.float32)
    for mix, places in zip(recipe.mix, mixed, strict=True):
        for label, share in mix.trust.items():
            trust[places, recipe.network.labels.index(label)] = share
    return trust


def _mixed_rows(recipe: Recipe, data: LabelledCrops, rows: Rows) -> tuple[Rows, ...]:
    """Returns the places among some rows that each mix's share is drawn from."""
    names = data.datasets
    found = []
    for mix in recipe.mix:
        places = np.flatnonzero(names[rows] == mix.dataset)
        if not 0 < len(places) < len(rows):
            raise UsageError(
                f"the recipe mixes {mix.dataset!r} with other data, and --data have "
                f"{', '.join(sorted(set(names)))}; name the folders of both"
            )
        found.append(places.astype(np.int64))
    return tuple(found)
