"""Numbers, labels and names of the Action Units of the Facial Action Coding System."""

from __future__ import annotations

import enum


class AU(enum.IntEnum):
    """One FACS action; the value is its FACS number (Ekman, Friesen & Hager 2002)."""

    INNER_BROW_RAISER = 1
    OUTER_BROW_RAISER = 2
    BROW_LOWERER = 4
    UPPER_LID_RAISER = 5
    CHEEK_RAISER = 6
    LID_TIGHTENER = 7
    NOSE_WRINKLER = 9
    UPPER_LIP_RAISER = 10
    NASOLABIAL_DEEPENER = 11
    LIP_CORNER_PULLER = 12
    SHARP_LIP_PULLER = 13
    DIMPLER = 14
    LIP_CORNER_DEPRESSOR = 15
    LOWER_LIP_DEPRESSOR = 16
    CHIN_RAISER = 17
    LIP_PUCKER = 18
    LIP_STRETCHER = 20
    LIP_FUNNELER = 22
    LIP_TIGHTENER = 23
    LIP_PRESSOR = 24
    LIPS_PART = 25
    JAW_DROP = 26
    MOUTH_STRETCH = 27
    LIP_SUCK = 28
    BLINK = 45

    @property
    def label(self) -> str:
        """The form used in contracts and CSV headers: `AU` and two digits, `AU04`."""
        return f"AU{self.value:02d}"

    @property
    def words(self) -> str:
        """The FACS name in lower case, `lip corner puller`."""
        return self.name.lower().replace("_", " ")


# The twelve AUs of DISFA+ in the order of the study's tables (paper 1, Table 4).
DISFA_PLUS_AUS: tuple[AU, ...] = tuple(AU(n) for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26))


def au_from_label(label: str) -> AU:
    """Returns the AU that a label such as `AU12`, `au4` or `12` names.

    Raises:
        ValueError: the text names no AU of this vocabulary.
    """
    digits = label.strip().upper().removeprefix("AU")
    try:
        return AU(int(digits))
    except ValueError:
        known = ", ".join(au.label for au in AU)
        raise ValueError(f"label must name an Action Unit ({known}), got {label!r}") from None


def name_beside(label: str) -> str:
    """Returns the FACS name to show beside an AU label, empty for a label that is a word itself."""
    words = words_for_label(label)
    return "" if words == label else words


def words_for_label(label: str) -> str:
    """Returns the FACS name of an AU label; a label that is no AU (an emotion) as it is."""
    try:
        return au_from_label(label).words
    except ValueError:
        return label
