"""Reads a `--config` file (TOML): the settings of `rtau.config` that it gives, checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rtau.config import RunConfig
from rtau.errors import ConfigError
from rtau.strict_parser import StrictParser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[tuple[str, str], Any]:
    """Returns the values of a config file by (section, key).

    Raises:
        ConfigError: the file is unreadable or not TOML, has an unknown key, or a value of the wrong
            type or out of range.
    """
    try:
        payload = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        StrictParser().parse(RunConfig, payload)
    except OSError as error:
        raise ConfigError(f"{path}: the config cannot be read ({error.strerror})") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    # Beside its own error, tomllib raises what numbers of thousands of digits and thousands of
    # nested brackets lead to.
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file ({error})") from None
    return {
        (section, key): value
        for section, content in payload.items()
        for key, value in content.items()
    }
