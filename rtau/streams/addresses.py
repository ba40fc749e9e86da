"""Addresses of network streams, `HOST:PORT`, as they are written on the command line."""

from __future__ import annotations

import dataclasses
import ipaddress
import re

from rtau.errors import UsageError


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """A host and a port."""

    host: str
    """A name or an IP address, without brackets."""
    port: int
    """0 to 65535; 0 lets the system choose where that makes sense."""

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, *, flag: str, allows_any_port: bool = False) -> Address:
    """Returns the address a text names.

    Args:
        text: `127.0.0.1:9000`, `localhost:9000` or `[::1]:9000`.
        flag: what the text was given to, for the error.
        allows_any_port: whether port 0 is meant, as a free one.

    Raises:
        UsageError: it is no host and port.
    """
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:\[\]/]+)):(\d{1,5})", text)
    lowest = 0 if allows_any_port else 1
    if found is None or not lowest <= int(found[3]) <= 65535:
        raise UsageError(
            f"{flag} must be HOST:PORT such as 127.0.0.1:9000 or [::1]:9000, got {text!r}; "
            "a camera or a file is named before it"
        )
    return Address(found[1] or found[2], int(found[3]))
