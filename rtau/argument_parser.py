"""The parser of command lines: a flag has one name.

Loads nothing. Called by `rtau-train` and `rtau-export`.
"""

from __future__ import annotations

import argparse
from typing import Any


class WholeNames(argparse.ArgumentParser):
    """Takes no abbreviated flag, nor do the parsers of the verbs that are added to it."""

    def __init__(self, **how: Any) -> None:
        """Takes what `argparse.ArgumentParser` takes, and sets `allow_abbrev`."""
        super().__init__(**{**how, "allow_abbrev": False})
