"""The server of a run: the dashboard over HTTP, results over WebSocket, commands back.

Lives on an event loop of `rtau.execution`; the run hands it texts and never waits. Whatever a
client sends, the run goes on: messages are short, few, and one of a handful of commands.
"""

from __future__ import annotations

import asyncio
import http
import logging
import time
import urllib.parse
from collections.abc import Callable

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from rtau.streams.access import Access, Refusal
from rtau.streams.hub import Hub
from rtau.streams.messages import MAX_COMMAND, Command, CommandError, refused_object, text_of
from rtau.streams.pages import HEADERS, read_pages

SOCKET_PATH = "/stream"
# A client must finish its first request in this time, and answer pings.
OPEN_TIMEOUT_S, PING_S, CLOSE_TIMEOUT_S = 5.0, 10.0, 1.0
# Messages a client may send in one second; one that sends more is disconnected.
MESSAGES_PER_S = 20
# Said to no log: what clients do wrong is not a fault of the run.
_quiet = logging.getLogger("rtau.streams.clients")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class RunServer:
    """Serves one run."""

    def __init__(
        self,
        access: Access,
        *,
        greeting: Callable[[], str],
        act: Callable[[Command], None],
        parse: Callable[[str | bytes], Command],
    ) -> None:
        """Reads the pages; `start` listens.

        Args:
            access: where it listens, and who may connect.
            greeting: returns the first message to a client.
            act: executes a command; raises CommandError if it cannot.
            parse: turns a client's message into a command; raises CommandError.

        Raises:
            OSError: a file of the dashboard is missing.
        """
        self.hub = Hub()
        self.port = access.address.port
        self._access = access
        self._greeting = greeting
        self._act = act
        self._parse = parse
        self._pages = read_pages()
        self._server: Server | None = None

    async def start(self) -> None:
        """Listens.

        Raises:
            OSError: the address cannot be listened on.
        """
        address = self._access.address
        self._server = await serve(
            self._talk,
            address.host,
            address.port,
            process_request=self._answer,
            compression=None,  # costs more than it saves where it is read on the same machine
            max_size=MAX_COMMAND,
            max_queue=4,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=CLOSE_TIMEOUT_S,
            logger=_quiet,
            server_header=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Disconnects all clients and stops listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _answer(self, _: ServerConnection, request: Request) -> Response | None:
        """Returns the answer to a request, or None where a socket may open."""
        path, query = (*request.path.split("?", 1), "")[:2]
        named = {name.title(): value for name, value in request.headers.raw_items()}
        refusal = self._access.refusal(named, query=query, port=self.port)
        if refusal is None and path == SOCKET_PATH:
            if "websocket" not in named.get("Upgrade", "").lower():
                refusal = Refusal(426, "this address speaks WebSocket")
            elif self.hub.is_full:
                refusal = Refusal(503, "too many clients")
            else:
                return None
        if refusal is None and path not in self._pages:
            refusal = Refusal(404, "no such page")
        if refusal is not None:
            text = f"{refusal.reason}\n".encode()
            return _response(refusal.status, text, kind="text/plain; charset=utf-8")
        content, kind = self._pages[path]
        response = _response(200, content, kind=kind)
        if self._access.token is not None and self._access.token_in(query):
            value = urllib.parse.quote(self._access.token, safe="")
            name = self._access.cookie_name(self.port)
            response.headers["Set-Cookie"] = f"{name}={value}; Path=/; HttpOnly; SameSite=Strict"
        return response

    async def _talk(self, connection: ServerConnection) -> None:
        """Serves one client until it leaves."""
        self.hub.add(connection)
        try:
            await connection.send(self._greeting())
            await self._listen(connection)
        except ConnectionClosed:
            return  # the ordinary end of a client, however rude
        finally:
            self.hub.remove(connection)

    async def _listen(self, connection: ServerConnection) -> None:
        window_s, count = time.monotonic(), 0
        async for message in connection:
            now_s = time.monotonic()
            if now_s - window_s >= 1:
                window_s, count = now_s, 0
            count += 1
            if count > MESSAGES_PER_S:
                await connection.close(1008, "too many messages")
                return
            try:
                command = self._parse(message)
                if command.name == "video":
                    self.hub.set_video(connection, is_wanted=command.value == "on")
                else:
                    self._act(command)
            except CommandError as error:
                await connection.send(text_of(refused_object(str(error))))


async def repeat(period_s: float, action: Callable[[], None]) -> None:
    """Calls a function again and again, until the task is cancelled."""
    while True:
        action()
        await asyncio.sleep(period_s)


def _response(status: int, content: bytes, *, kind: str) -> Response:
    headers = Headers(HEADERS)
    headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(content))
    headers["Connection"] = "close"
    return Response(status, http.HTTPStatus(status).phrase, headers, content)
