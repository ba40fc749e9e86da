"""Who may read a served run: the rules on token, origin and host of a request.

A page of another site must reach neither the socket nor, by a name that it lets point to this
machine (DNS rebinding), the page. Pure functions on headers; the server calls `refusal`.
"""

from __future__ import annotations

import dataclasses
import hmac
import ipaddress
import re
import urllib.parse
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from rtau.errors import UsageError
from rtau.streams.addresses import Address

# Shorter ones can be guessed by trying.
MIN_TOKEN = 8
BEARER = "Bearer "


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused."""

    status: int
    """Status code of HTTP."""
    reason: str
    """A sentence for people."""


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """The rules of one server."""

    address: Address
    """Where it listens."""
    token: str | None
    """What every request must carry; None asks for nothing."""

    def __post_init__(self) -> None:
        if self.token is None:
            if not self.address.is_loopback:
                raise UsageError(
                    f"--serve {self.address} can be reached from other machines and shows data of "
                    "faces: it needs --token SECRET; or serve at 127.0.0.1"
                )
        elif len(self.token) < MIN_TOKEN or not (
            self.token.isascii() and self.token.isprintable() and " " not in self.token
        ):
            raise UsageError(
                f"--token must have at least {MIN_TOKEN} printable ASCII characters without spaces"
            )

    def cookie_name(self, port: int) -> str:
        """Returns the name of the cookie that carries the token; cookies know no ports."""
        return f"rtau_{port}"

    def refusal(self, headers: Mapping[str, str], *, query: str, port: int) -> Refusal | None:
        """Returns why a request is refused, or None.

        Args:
            headers: of the request, by any spelling of their names.
            query: what follows `?` in its target.
            port: the one the server really listens on.
        """
        host = headers.get("Host", "")
        if self.token is None and not _is_own_name(host):
            return Refusal(403, "this server answers to the names of its own machine only")
        origin = headers.get("Origin")
        if origin is not None and not _is_same_place(origin, host):
            return Refusal(403, "pages of other sites may not connect")
        if self.token is not None and not self._carries_token(headers, query, port):
            return Refusal(401, "the address needs ?token=SECRET, as given to --token")
        return None

    def token_in(self, query: str) -> bool:
        """Returns whether a query carries the right token."""
        given = urllib.parse.parse_qs(query, max_num_fields=16).get("token", [])
        return any(self._is_token(one) for one in given)

    def _carries_token(self, headers: Mapping[str, str], query: str, port: int) -> bool:
        bearer = headers.get("Authorization", "")
        if bearer.startswith(BEARER) and self._is_token(bearer.removeprefix(BEARER)):
            return True
        return self._is_token(_cookie(headers, self.cookie_name(port))) or self.token_in(query)

    def _is_token(self, given: str) -> bool:
        """Compares in a time that does not depend on where the texts differ."""
        assert self.token is not None  # the callers ask for it
        return hmac.compare_digest(
            given.encode("utf-8", errors="surrogateescape"), self.token.encode()
        )


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        found = SimpleCookie(headers.get("Cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if found is None else urllib.parse.unquote(found.value)


def _is_own_name(host: str) -> bool:
    found = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:]*))(?::\d*)?", host)
    name = "" if found is None else (found[1] or found[2] or "").lower()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _is_same_place(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and place.lower() == host.lower()
