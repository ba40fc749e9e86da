"""The settings of one command: defaults, then the config file, then the flags.

Used by every verb that runs something; `rtau.config` does the checking.
"""

from __future__ import annotations

import argparse

from rtau.cli.parser import given_values
from rtau.config import RunConfig, build, read_toml


def config_of(args: argparse.Namespace) -> RunConfig:
    """Returns the checked settings of a parsed command line.

    Raises:
        ConfigError: a value or a key is not allowed.
    """
    from_file = {} if args.config is None else read_toml(args.config)
    return build({**from_file, **given_values(args)})
