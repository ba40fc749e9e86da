"""Fits the network: fresh examples all the time, and what it took for faces among them.

One thread, one pass, one rate that rises and falls. After some shares of the fit the network
searches the scenes, and what it wrongly calls a face is learnt from then on. Called by
`command.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from rtau.squares import FaceSquares, PointRule, points_from_squares
from rtau_train.face_alignment import examples, proposals
from rtau_train.face_alignment.examples import SIZE_PX, Examples
from rtau_train.face_alignment.losses import SquareFit, points_loss, presence_loss, square_loss
from rtau_train.face_alignment.material import Material
from rtau_train.face_alignment.network import AlignmentNetwork
from rtau_train.face_alignment.proposals import Place
from rtau_train.face_alignment.recipe import Fit, Recipe
from rtau_train.models.checkpoint import resumed_state, save_state

Say = Callable[[str], None]

_CHUNK: Final = 2048
"""Examples made at a time."""
# Of the places to mine at, this share comes from the cascade, the rest from anywhere.
_HAAR_SHARE: Final = 0.5
_LINES: Final = 20
"""Lines of progress."""


def fitted(
    recipe: Recipe, material: Material, /, *, checkpoint: Path | None = None, say: Say
) -> AlignmentNetwork:
    """Returns the fitted network, in evaluation mode, not yet calibrated.

    Args:
        recipe: decides everything.
        material: what is learnt from.
        checkpoint: file that is written after each cycle; cycles it holds are not repeated.
        say: takes lines of progress.
    """
    torch.manual_seed(recipe.fit.seed)
    network = fresh_network(recipe, rule=material.rule)
    done = 0
    if checkpoint is not None and checkpoint.exists():
        with resumed_state(checkpoint, kind="cycles") as saved:
            network.load_state_dict(saved["network"])
            done = int(saved["cycles"])
    for cycle in range(done, recipe.fit.cycles):
        say(f"cycle {cycle + 1} of {recipe.fit.cycles}")
        _fit_cycle(network, recipe, material, cycle=cycle, say=say)
        if checkpoint is not None:
            state = {"network": network.state_dict(), "cycles": cycle + 1}
            save_state(checkpoint, {"kind": "cycles", **state})
    return network.eval()


def _fit_cycle(
    network: AlignmentNetwork, recipe: Recipe, material: Material, *, cycle: int, say: Say
) -> None:
    """Lets the rate rise and fall once."""
    supply = _Supply(recipe, material, cycle=cycle, say=say)
    settings = recipe.fit
    steps = settings.examples // settings.batch
    rate = settings.max_lr * settings.later_lr**cycle
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=settings.warm_up
    )
    parts_of = loss_of(settings, material.rule)
    minings = [math.ceil(share * steps) for share in settings.minings]
    network.to(memory_format=torch.channels_last)
    past: list[Tensor] = []
    for step in range(steps):
        if step in minings:
            supply.mine(network)
        network.train()
        optimiser.zero_grad()
        parts = parts_of(network, supply.batch())
        parts.sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        past.append(parts.detach())
        if (step + 1) % max(1, steps // _LINES) == 0:
            presence, points, square = torch.stack(past).mean(dim=0).tolist()
            say(f"{step + 1}/{steps}: presence {presence:.4f} points {points:.4f} {square:.4f}")
            past.clear()


def fresh_network(recipe: Recipe, /, *, rule: PointRule) -> AlignmentNetwork:
    """Returns a network that answers every crop with the average face."""
    middle = FaceSquares(
        centres_xy=np.full((1, 2), SIZE_PX / 2, np.float32),
        sides_px=np.array([SIZE_PX / recipe.network.expand], np.float32),
        rolls_rad=np.zeros(1, np.float32),
    )
    average = points_from_squares(middle, rule=rule)[0]
    shape = recipe.network
    return AlignmentNetwork(shape.channels, hidden=shape.hidden, average_points_xy=average)


def presences(network: AlignmentNetwork, crops: examples.Grey, /) -> examples.Floats:
    """Returns the probability of a face per crop: float32 (N,); the network is put in eval mode."""
    network.eval()
    found = [np.zeros(0, np.float32)]
    with torch.inference_mode():
        for first in range(0, len(crops), _CHUNK):
            logits, _ = network(torch.from_numpy(crops[first : first + _CHUNK]))
            found.append(torch.sigmoid(logits).numpy())
    return np.concatenate(found)


class _Supply:
    """Keeps a pool of examples and renews it as they are used."""

    def __init__(self, recipe: Recipe, material: Material, *, cycle: int, say: Say) -> None:
        self._recipe, self._part, self._say = recipe, material.train, say
        self._faces = self._part.faces
        self._plain = [scene for scene in self._part.scenes if scene.face is None]
        self._rng = np.random.default_rng([recipe.fit.seed, cycle])
        searched = self._rng.permutation(len(self._part.scenes))[: recipe.fit.searched_scenes]
        self._haar = proposals.haar_proposals(
            self._part.scenes, numbers=searched.tolist(), rng=self._rng
        )
        self._mined: list[Place] = list(self._haar)
        self._owed = 0.0
        self._pool = self._made(_CHUNK)
        say(f"{len(self._haar)} false proposals of Haar")

    def batch(self) -> Examples:
        """Returns the next examples, half of them mirrored."""
        settings = self._recipe.fit
        self._owed += settings.batch / settings.uses
        while self._owed >= _CHUNK or len(self._pool) < settings.batch:
            self._renew()
        rows = self._rng.integers(0, len(self._pool), settings.batch)
        return examples.mirrored(self._pool.select(rows), self._rng.random(settings.batch) < 0.5)

    def mine(self, network: AlignmentNetwork) -> None:
        """Adds windows without a face that the network takes for one."""
        settings, rng = self._recipe.fit, self._rng
        count = settings.mined_windows
        by_haar = min(int(_HAAR_SHARE * count), len(self._haar))
        picked = rng.permutation(len(self._haar))[:by_haar]
        places = proposals.scattered(proposals.chosen(self._haar, picked), rng=rng)
        places += proposals.random_places(self._part.scenes, count=count - by_haar, rng=rng)
        wrong: list[Place] = []
        for first in range(0, len(places), _CHUNK):
            some = places[first : first + _CHUNK]
            seen = presences(network, self._windows(some).crops)
            rows = np.flatnonzero(seen >= settings.mined_presence)
            wrong += proposals.chosen(some, rows)
        # What was wrong counts as much as all of Haar's proposals together.
        copies = max(1, len(self._haar) // max(1, len(wrong)))
        self._mined += wrong * min(copies, _MOST_COPIES)
        self._say(f"{len(wrong)} of {len(places)} windows without a face looked like one")

    def _renew(self) -> None:
        self._owed -= _CHUNK
        joined = examples.joined([self._made(_CHUNK), self._pool])
        self._pool = joined.select(np.arange(min(len(joined), self._recipe.fit.pool)))

    def _made(self, count: int) -> Examples:
        """Returns new examples, half of them faces."""
        settings, expand = self._recipe.fit, self._recipe.network.expand
        none = count - count // 2
        near, mined = int(settings.near_share * none), int(settings.mined_share * none)
        rng, scenes = self._rng, self._part.scenes
        rows = rng.integers(0, len(self._mined), mined) if self._mined else np.zeros(0, np.int64)
        places = proposals.scattered(proposals.chosen(self._mined, rows), rng=rng)
        places += proposals.random_places(scenes, count=none - near - len(rows), rng=rng)
        return examples.joined(
            [
                examples.faces(rng, self._faces, self._plain, count=count // 2, expand=expand),
                examples.near_faces(
                    rng, self._part.cutouts, self._plain, count=near, expand=expand
                ),
                self._windows(places),
            ]
        )

    def _windows(self, places: Sequence[Place]) -> Examples:
        expand = self._recipe.network.expand
        return examples.windows(self._rng, self._part.scenes, places, expand=expand)


_MOST_COPIES: Final = 20


def loss_of(settings: Fit, rule: PointRule) -> Callable[[AlignmentNetwork, Examples], Tensor]:
    """Returns a function that gives the three weighted parts of the loss: (3,)."""
    fit = SquareFit(rule)
    weights = torch.tensor(rule.weights, dtype=torch.float32).clamp(min=_LEAST_POINT_WEIGHT)

    def parts(network: AlignmentNetwork, batch: Examples) -> Tensor:
        presence = torch.from_numpy(batch.presence)
        wanted = torch.from_numpy(batch.points_xy)
        logits, points = network(torch.from_numpy(batch.crops))
        return torch.stack(
            [
                settings.presence_weight * presence_loss(logits, presence),
                settings.points_weight
                * points_loss(points, wanted, presence=presence, weights=weights),
                settings.square_weight * square_loss(fit, points, wanted, presence=presence),
            ]
        )

    return parts


# Points that say little about the square are learnt all the same.
_LEAST_POINT_WEIGHT: Final = 0.5
