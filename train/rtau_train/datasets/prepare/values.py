"""Reads the values of labels: intensities, occurrences, splits, names of AUs and of emotions.

Each function returns the value or raises ValueError with the reason a file is rejected for. Called
by the readers of the layouts.
"""

from __future__ import annotations

import math
import re
from typing import Final

from rtau.facs import AU
from rtau_train.datasets.prepare.listing import SPLITS

MAX_INTENSITY: Final = 5.0
# What an AU that is coded as present, without an intensity, is stored as. Any number from 2 on
# reads as "occurs"; the highest is the one soft targets take for a full 1, as 0 is for a full 0.
PRESENT: Final = 5.0
_OCCURRENCES: Final = {"0": 0.0, "1": PRESENT}

# The seven classes of FER2013 in its own order (second paper, "Materiales y metodos"), and CK+'s
# eighth.
EMOTIONS: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
CONTEMPT: Final = "contempt"
_SYNONYMS: Final = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
_AU_COLUMN: Final = re.compile(r"AU0*(\d+)", flags=re.IGNORECASE)


def intensity(text: str, /) -> float:
    """Returns an intensity in [0, 5].

    Raises:
        ValueError: not a number, or outside.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MAX_INTENSITY:
        raise ValueError(f"an intensity must be a number from 0 to 5, got {text!r}")
    return value


def occurrence(text: str, /) -> float:
    """Returns 0 for absent and `PRESENT` for present.

    Raises:
        ValueError: neither 0 nor 1.
    """
    try:
        return _OCCURRENCES[text.removesuffix(".0")]
    except KeyError:
        raise ValueError(f"an occurrence must be 0 or 1, got {text!r}") from None


def split(text: str, /) -> str:
    """Returns train, validation or test.

    Raises:
        ValueError: another word.
    """
    word = text.strip().lower()
    if word not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {text!r}")
    return word


def emotion(text: str, /) -> str:
    """Returns an emotion as one lower-case noun: `Angry` is `anger`.

    Words that are no emotion of the papers are kept: a lab may have classes of its own.

    Raises:
        ValueError: empty.
    """
    word = text.strip().lower()
    if not word:
        raise ValueError("emotion is empty")
    return _SYNONYMS.get(word, word)


def is_known_emotion(word: str, /) -> bool:
    """True for the seven classes of FER2013 and for contempt."""
    return word in EMOTIONS or word == CONTEMPT


def emotion_order(words: set[str], /) -> tuple[str, ...]:
    """Returns classes in the order of the papers, then contempt, then others by alphabet."""
    known = (*EMOTIONS, CONTEMPT)
    return (*(word for word in known if word in words), *sorted(words - set(known)))


def au_label(column: str, /) -> str | None:
    """Returns `AU04` for `AU4`, `au04` and the like; None for other words and unknown AUs."""
    number = au_number(column)
    return None if number is None or number not in set(AU) else AU(number).label


def au_number(column: str, /) -> int | None:
    """Returns the number in a word like `AU4`; None for other words."""
    found = _AU_COLUMN.fullmatch(column.strip())
    return None if found is None else int(found.group(1))
