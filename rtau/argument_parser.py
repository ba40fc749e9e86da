"""The parser of command lines: a flag has one name, and a near miss is told the name it meant.

Loads nothing but the standard library. Called by `rtau`, `rtau-train` and `rtau-export`.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from rtau.shown import message as shown

_NEGATIVE_NUMBER = re.compile(r"-\.?\d")


class StrictArgumentParser(argparse.ArgumentParser):
    """Takes no abbreviated flag, nor do the parsers of the verbs that are added to it."""

    def __init__(self, **how: Any) -> None:
        """Takes what `argparse.ArgumentParser` takes, and sets `allow_abbrev`."""
        self._verbs: Collection[str] = ()
        super().__init__(**{**how, "allow_abbrev": False})

    def add_subparsers(self, **how: Any) -> Any:
        """Returns the action that verbs are added to."""
        action = super().add_subparsers(**how)
        self._verbs = action.choices
        return action

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Returns what argparse returns, after looking at the names of verbs and flags.

        What is wrong with a name is told before anything else, because it may be the cause of it.
        """
        words = sys.argv[1:] if args is None else list(args)
        self._check_names(words)
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Prints the usage and the error, and exits; any argument is shown safely."""
        super().error(shown(message))

    def verb_hint(self, word: str) -> str:
        """Returns what to give instead of a word that is no verb."""
        near = _nearest(word, self._verbs)
        return f"did you mean {near}?" if near else f"known: {', '.join(self._verbs)}"

    def _check_names(self, words: Sequence[str]) -> None:
        """Ends the program at the first word that is written as a flag or a verb and is none."""
        for word in words:
            flag = word.partition("=")[0]
            if word == "--":
                return
            if word.startswith("-") and not _is_value(flag):
                if flag not in self._option_string_actions:
                    self.error(f"unknown flag {flag}; {self._flag_hint(flag)}")
            elif self._verbs:  # what follows is for the parser of the verb
                if word not in self._verbs:
                    self.error(f"unknown verb {word}; {self.verb_hint(word)}")
                return

    def _flag_hint(self, flag: str) -> str:
        near = _nearest(flag, self._option_string_actions)
        if near:
            return f"did you mean {near}?"
        hint = f"`{self.prog} --help` lists those there are"
        return hint if flag.startswith("--") else f"{hint}; a file of that name is ./{flag}"


def _is_value(word: str) -> bool:
    """Returns True for what begins like a flag and is none: `-` itself, a number, a sentence."""
    return word == "-" or " " in word or _NEGATIVE_NUMBER.match(word) is not None


def _nearest(word: str, known: Collection[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, known, n=1)), None)
