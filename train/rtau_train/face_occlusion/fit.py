"""Makes the examples of a fit and teaches the branch; the alignment network stays as it is.

One thread, one rate that rises and falls. Called by `command.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rtau.errors import SourceOpenError
from rtau_train.face_occlusion import covers, examples
from rtau_train.face_occlusion.backbone import AlignmentBackbone, Maps
from rtau_train.face_occlusion.branch import OcclusionBranch
from rtau_train.face_occlusion.examples import Drawing, Examples
from rtau_train.face_occlusion.material import Material, Say
from rtau_train.face_occlusion.recipe import Data, Fit, Recipe
from rtau_train.records import BROKEN_NPZ

_ADORNED_SHARE: Final = 0.25
_CHUNK: Final = 1000
_BATCH: Final = 512


def training_examples(
    material: Material, recipe: Recipe, /, *, expand: float, cache: Path, say: Say
) -> Examples:
    """Returns the examples of a fit, each picture with several flaws.

    Parts that are in the cache are not made again.
    """
    data = recipe.data
    key = hashlib.sha256(repr((data, expand)).encode()).hexdigest()[:8]
    parts = []
    for first in range(0, data.pictures, _CHUNK):
        path = cache / f"occlusion-{key}-{first:06d}.npz"
        if not path.exists():
            _write(path, _chunk(material, data, first=first, expand=expand))
        parts.append(_read(path))
        say(f"{first + _CHUNK} of {data.pictures} pictures")
    return examples.joined(parts)


def _chunk(material: Material, data: Data, *, first: int, expand: float) -> Examples:
    """Returns the examples of some pictures, which follow from the number of the first."""
    rng = np.random.default_rng([data.seed, first])
    count = min(_CHUNK, data.pictures - first)
    portraits, renders = len(material.portraits), len(material.renders)
    rows = np.where(
        rng.random(count) < data.portrait_share,
        rng.integers(0, portraits, count),
        portraits + rng.integers(0, renders, count),
    )
    kinds = [kind for kind in covers.KINDS if kind != data.unseen_kind]
    drawing = Drawing(
        scenes=material.scenes,
        expand=expand,
        draw=examples.drawn(material.scenes),
        adorned_share=_ADORNED_SHARE,
        flaws_each=data.flaws,
    )
    return examples.examples(
        rng,
        [*material.portraits, *material.renders],
        drawing,
        kinds=examples.sampled_kinds(rng, count, kinds=kinds, covered_share=data.covered_share),
        rows=rows.tolist(),
    )


def _write(path: Path, made: Examples) -> None:
    begun = path.with_suffix(".part.npz")
    np.savez(
        begun,
        crops=made.crops,
        labels=made.labels,
        cells=made.cells,
        kinds=np.array(made.kinds),
        numbers=made.numbers,
    )
    begun.replace(path)


def _read(path: Path) -> Examples:
    try:
        with np.load(path) as file:
            kinds = tuple(file["kinds"].tolist())
            return Examples(file["crops"], file["labels"], file["cells"], kinds, file["numbers"])
    except BROKEN_NPZ as error:
        raise SourceOpenError(f"{path}: cannot be read ({error}); delete it") from None


def fitted(
    backbone: AlignmentBackbone, seen: Examples, recipe: Recipe, /, *, amp: bool, say: Say
) -> OcclusionBranch:
    """Returns the fitted branch, in evaluation mode, not yet calibrated.

    Args:
        backbone: makes the maps the branch takes; it does not change, so they are made once.
        seen: what is learnt from; their mirror images are as well.
        recipe: decides everything.
        amp: computes in bfloat16.
        say: takes lines of progress.
    """
    settings = recipe.fit
    torch.manual_seed(settings.seed)
    maps = backbone(np.concatenate([seen.crops, seen.crops[:, :, ::-1]]))
    labels = torch.from_numpy(np.tile(seen.labels, 2))
    labels = labels * (1 - settings.smoothing) + settings.smoothing / 2
    cells = torch.from_numpy(np.concatenate([seen.cells, seen.cells[:, :, ::-1]]))
    branch = OcclusionBranch(backbone.channels, recipe.channels)
    optimiser = torch.optim.AdamW(
        branch.parameters(), lr=settings.max_lr, weight_decay=settings.weight_decay
    )
    # An epoch sees each example or its mirror image, half of the maps.
    epoch = len(seen) // settings.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings.max_lr,
        total_steps=settings.epochs * epoch,
        pct_start=settings.warm_up,
    )
    branch.train()
    past: list[float] = []
    for step, rows in enumerate(_batches(len(labels), settings, epoch * settings.epochs), start=1):
        fine, coarse = (part[rows].float() for part in maps)
        with torch.autocast("cpu", torch.bfloat16, enabled=amp):
            logits, parts = branch((fine, coarse))
        whole = functional.binary_cross_entropy_with_logits(logits.float(), labels[rows])
        loss = whole + settings.cells_weight * functional.binary_cross_entropy_with_logits(
            parts.float(), cells[rows].float() / 255
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        past.append(float(whole.detach()))
        if step % epoch == 0:
            say(f"epoch {step // epoch} of {settings.epochs}: {np.mean(past):.4f}")
            past.clear()
    return branch.eval()


def logits_of(branch: OcclusionBranch, maps: Maps, /) -> Tensor:
    """Returns the logits of maps: float32 (N,)."""
    fine, coarse = maps
    with torch.inference_mode():
        parts = [
            branch((fine[at : at + _BATCH].float(), coarse[at : at + _BATCH].float()))[0]
            for at in range(0, len(fine), _BATCH)
        ]
    return torch.cat(parts)


def _batches(count: int, settings: Fit, steps: int) -> Iterator[Tensor]:
    """Yields the numbers of the examples of every batch, in a new order once all were seen."""
    chance = torch.Generator().manual_seed(settings.seed)
    made = 0
    while made < steps:
        order = torch.randperm(count, generator=chance)
        for first in range(0, count - settings.batch + 1, settings.batch):
            if made < steps:
                made += 1
                yield order[first : first + settings.batch]
