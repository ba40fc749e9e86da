"""What a study consists of: its experiments, and what a smaller run changes in them.

The first paper's twelve experiments are run under its own protocol and, beside it, by person; the
second paper's three networks on each of its data sets. Trains nothing. Called by
`rtau_train.study.conduct`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rtau.errors import ConfigError, UsageError
from rtau.strict_parser import StrictParser
from rtau_train.recipe import Protocol, Recipe, read_recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

StudyName = Literal["paper1", "paper2"]

# Network -> (recipe's stem, the paper's letter where its text says which it is).
PAPER1_NETWORKS: Mapping[str, tuple[str, str | None]] = {
    "vgg19": ("vgg19", "A"),
    "resnet101": ("resnet101", None),
    "nasnet_mobile": ("nasnet-mobile", None),
    "mobilenetv2": ("mobilenetv2", None),
    "efficientnet_b0": ("efficientnet-b0", "D"),
    "shufflenetv2_x1_0": ("shufflenetv2", "F"),
}
PAPER1_DATA: Mapping[str, str] = {"disfa+": "disfa", "dem": "dem"}
PAPER2_NETWORKS = ("resnet18", "resnet34", "resnet50")
PAPER2_DATA = ("fer2013", "ckplus")
# What turns the paper's protocol into one by person: nobody on both sides, no artificial copy of a
# training picture among those that are judged.
BY_PERSON = ("split.protocol=subject",)
CLEAN_COPIES = "oversample.before_split=false"


@dataclasses.dataclass(frozen=True)
class Planned:
    """One experiment before it is run."""

    key: str
    """Name of its folder: `vgg19-disfa-image`."""
    network: str
    dataset: str
    protocol: Protocol
    letter: str | None
    recipe_path: Path
    overrides: tuple[str, ...]
    published: Recipe
    """As the recipe stands."""
    recipe: Recipe
    """As it is run, overrides made."""


@dataclasses.dataclass(frozen=True)
class Reduction:
    """What a smaller run changes, read from a TOML file; the report's heading says so."""

    heading: str = ""
    data: str = ""
    """One plain statement of what data this is."""
    notes: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    """Changes of every recipe, as for `rtau-train fit --set`."""
    networks: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Network -> list of further changes."""
    datasets: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Data set -> list of further changes."""

    def of(self, network: str, dataset: str, /) -> tuple[str, ...]:
        """Returns all changes of the recipe of a network on a data set."""
        return (
            *self.overrides,
            *self.datasets.get(dataset, ()),
            *self.networks.get(network, ()),
        )


def read_reduction(path: Path, /) -> Reduction:
    """Returns what a TOML file changes.

    Raises:
        ConfigError: the file is missing, not TOML, or holds something else.
    """
    try:
        payload = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        reduction = StrictParser().parse(Reduction, payload)
    except OSError as error:
        raise ConfigError(f"{path}: the reduction cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from None
    for table, known in (
        ("networks", (*PAPER1_NETWORKS, *PAPER2_NETWORKS)),
        ("datasets", (*PAPER1_DATA, *PAPER2_DATA)),
    ):
        for name, changes in getattr(reduction, table).items():
            if name not in known or not isinstance(changes, list):
                raise ConfigError(
                    f"{path}: [{table}] must map {', '.join(known)} to lists of KEY=VALUE, got "
                    f"{name}"
                )
    return reduction


def planned(
    study: StudyName,
    data: Sequence[str],
    /,
    *,
    recipes: Path,
    reduction: Reduction,
    protocols: Sequence[Protocol] = ("image", "subject"),
) -> tuple[Planned, ...]:
    """Returns the experiments of a study on the data sets at hand, in the order they are run.

    Args:
        study: which paper.
        data: names of the data sets.
        recipes: folder of the recipes.
        reduction: what a smaller run changes.
        protocols: of the first paper: its own, by picture, and by person.

    Raises:
        UsageError: a data set is not the study's, or none is given.
        ConfigError: a recipe is missing or a change does not fit it.
    """
    wanted = tuple(PAPER1_DATA) if study == "paper1" else PAPER2_DATA
    unknown = [name for name in data if name not in wanted]
    if unknown or not data:
        raise UsageError(
            f"{study} needs --data NAME=DIR with NAME one of {', '.join(wanted)}, got "
            f"{', '.join(unknown) or 'none'}"
        )
    if study == "paper1":
        wanted_runs = [
            _paper1(network, dataset, protocol)
            for protocol in protocols
            for dataset in data
            for network in PAPER1_NETWORKS
        ]
    else:
        wanted_runs = [_paper2(network, dataset) for dataset in data for network in PAPER2_NETWORKS]
    return tuple(_planned(one, recipes=recipes, reduction=reduction) for one in wanted_runs)


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """An experiment before its recipe is read."""

    key: str
    network: str
    dataset: str
    stem: str
    """Of the recipe's file."""
    letter: str | None = None
    by_person: bool = False


def _paper1(network: str, dataset: str, protocol: Protocol) -> _Wanted:
    stem, letter = PAPER1_NETWORKS[network]
    recipe = f"{stem}-{PAPER1_DATA[dataset]}"
    return _Wanted(
        f"{recipe}-{protocol}", network, dataset, recipe, letter, by_person=protocol == "subject"
    )


def _paper2(network: str, dataset: str) -> _Wanted:
    # CK+ has no split of its own.
    key, stem = f"{network}-{dataset}", f"{network}-emotions"
    return _Wanted(key, network, dataset, stem, by_person=dataset == "ckplus")


def _planned(one: _Wanted, /, *, recipes: Path, reduction: Reduction) -> Planned:
    path = recipes / f"{one.stem}.toml"
    published = read_recipe(path)
    changes = reduction.of(one.network, one.dataset)
    if one.by_person:
        changes += BY_PERSON if published.oversample is None else (*BY_PERSON, CLEAN_COPIES)
    recipe = read_recipe(path, overrides=changes)
    return Planned(
        key=one.key,
        network=one.network,
        dataset=one.dataset,
        protocol=recipe.split.protocol,
        letter=one.letter,
        recipe_path=path,
        overrides=changes,
        published=published,
        recipe=recipe,
    )


def reduced_rows(experiments: Sequence[Planned], /) -> list[tuple[str, str, str]]:
    """Returns what differs between recipes and runs: (what, published value, value used).

    A change that all networks share is named once. The protocol is not among them: it is a column
    of the report's tables.
    """
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in experiments:
        before, after = _flat(one.published.to_dict()), _flat(one.recipe.to_dict())
        for place in before.keys() | after.keys():
            if place.startswith(("split.protocol", "oversample.before_split", "shipping.")):
                continue
            old, new = before.get(place), after.get(place)
            if old != new:
                networks = found.setdefault((place, str(old), str(new)), [])
                if one.network not in networks:
                    networks.append(one.network)
    everyone = len({one.network for one in experiments})
    rows = []
    for (place, old, new), networks in sorted(found.items()):
        whose = "all networks" if len(networks) == everyone else ", ".join(networks)
        rows.append((f"{place} ({whose})", old, new))
    return rows


def _flat(table: Mapping[str, Any], /, *, place: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, place=f"{place}{key}.")
        else:
            flat[place + key] = value
    return flat
