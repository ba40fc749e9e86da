"""Text of the outside world as it may be shown: names of files, addresses, messages of libraries.

A file name may hold escape sequences that change a terminal, characters that reorder a line, and
bytes that are no text; an address may hold a password. Called wherever something is shown or
recorded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# `scheme://user:password@`, up to the last @ of a word, and `scheme://user@`.
# A port is no password.
_USER_INFO = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/:@'\"]*:(?!\d{1,5}(?:[/?#]|$))\S*@|[^\s/:@'\"]*@)"
)
# Arguments of an address, or properties of a GStreamer source, that hold a secret.
_SECRET = re.compile(
    r"(?i)(?<![A-Za-z])((?:user-)?(?:password|passwd|passphrase|pass|pwd|pw|token|secret|api_?key)=)"
    r"[^\s&!,;'\"]+"
)


def shown(text: object) -> str:
    r"""Returns a text on one line that no terminal obeys: others than printable as `\x1b`."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(character if _is_plain(character) else _escaped(character) for character in text)


def without_passwords(text: str) -> str:
    """Returns a text with the user names, passwords and keys of its addresses removed."""
    if "=" in text:
        text = _SECRET.sub(r"\1***", text)
    return _USER_INFO.sub(r"\1", text) if "@" in text else text


def without_token(words: Sequence[str]) -> list[str]:
    """Returns the words of a command line with the value of `--token` removed."""
    kept: list[str] = []
    for word in words:
        if kept and kept[-1] == "--token":
            kept.append("***")
        else:
            kept.append("--token=***" if word.startswith("--token=") else word)
    return kept


def message(text: object) -> str:
    """Returns what may be shown of a text: one line, without passwords."""
    return shown(without_passwords(str(text)))


def _is_plain(character: str) -> bool:
    # Spaces of other widths stand in names of files and do no harm.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it in names
        code -= 0xDC00
    return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(
        character, f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    )
