"""Finds the ImageNet weights of a body: downloaded by their provider's means, or in a folder.

Every file is checked against the hash its provider publishes and loaded with `weights_only=True`,
so a hostile file runs no code. A file that is missing is an error that says which one, from where
and with which hash; nothing ever starts from random weights instead. Called by
`rtau_train.models.start`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast
from urllib.error import URLError

import torch
from torch import Tensor

from rtau.errors import ConfigError

State = dict[str, Tensor]


def _from_torch_hub(source: Pretrained) -> State:
    """Returns the weights through torch.hub's cache, which is also torchvision's."""
    state = torch.hub.load_state_dict_from_url(
        source.url, map_location="cpu", progress=False, check_hash=True, weights_only=True
    )
    return cast(State, state)


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Where the ImageNet weights of one network come from."""

    url: str
    """What the provider serves; a `.zip` holds the file of the same name without `.zip`."""
    digest: str
    """First hexadecimal digits of the file's hash, as published."""
    algorithm: Literal["sha256", "sha1"] = "sha256"
    classifier: tuple[str, ...] = ("classifier.", "fc.")
    """Prefixes of the keys that belong to the ImageNet classifier; all others are the body's."""
    download: Callable[[Pretrained], State] = _from_torch_hub

    @property
    def file_name(self) -> str:
        """Name of the file in `--weights-dir`."""
        return self.url.rsplit("/", 1)[-1].removesuffix(".zip")

    def how_to_get(self) -> str:
        """Returns one sentence that tells a user where the file comes from."""
        unpack = " and unpack it" if self.url.endswith(".zip") else ""
        return (
            f"download {self.url}{unpack}; the {self.algorithm.upper()} of {self.file_name} "
            f"begins with {self.digest}"
        )


def body_weights(source: Pretrained, /, *, weights_dir: Path | None) -> State:
    """Returns the state dict of a body, without the ImageNet classifier.

    Args:
        source: which file.
        weights_dir: the folder it lies in; None downloads it into torch.hub's cache.

    Raises:
        ConfigError: the file is missing, cannot be downloaded, or is not what was published.
    """
    state = _downloaded(source) if weights_dir is None else _read(source, weights_dir)
    return {key: value for key, value in state.items() if not key.startswith(source.classifier)}


def _downloaded(source: Pretrained) -> State:
    try:
        return source.download(source)
    except (URLError, OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"{source.file_name}: the ImageNet weights could not be downloaded "
            f"({_one_line(error)}); on a machine with internet, {source.how_to_get()}; put it in "
            "a folder DIR and add --weights-dir DIR"
        ) from error


def _read(source: Pretrained, folder: Path) -> State:
    path = folder / source.file_name
    if not path.is_file():
        raise ConfigError(f"{path}: no such file of ImageNet weights; {source.how_to_get()}")
    found = hashlib.new(source.algorithm, path.read_bytes(), usedforsecurity=False).hexdigest()
    if not found.startswith(source.digest):
        raise ConfigError(
            f"{path}: not the published weights, its {source.algorithm.upper()} begins with "
            f"{found[: len(source.digest)]}; {source.how_to_get()}"
        )
    return read_state(path)


def read_state(path: Path) -> State:
    """Returns the tensors of a weights file.

    Raises:
        ConfigError: the file holds something else.
    """
    try:
        return cast(State, torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{path}: not a file of weights ({_one_line(error)})") from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
