"""One HTTP connection, within limits on what may arrive before there is a request to answer.

uvicorn bounds the head of a request with its slow parser only, and waits for ever for it: a single
stranger could fill the memory with one endless header, or hold every place with silent connections.
So a head has a size and a time, and connections that ask nothing have fewer places than there are:
when these are taken, whoever holds the most gives up the oldest.
"""

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from roadstead.kit.addresses import caller_key
from roadstead.kit.shares import Shares

MAX_UNPARSED_BYTES = 64 * 1024
"""Bytes that may arrive without a part of a body: the head of a request, or its trailers. The
dispatcher refuses heads above 16 kB with an answer that says so; this bounds what never ends."""

HEAD_TIMEOUT_S = 20.0
"""Seconds within which the head of a request must be whole, silence before it included."""

IDLE_CONNECTIONS = 3072
"""Connections without a request under way that are kept, three quarters of all (main)."""


class IdleConnections:
    """The connections of one server that have no request under way, by their callers."""

    def __init__(self, limit: int = IDLE_CONNECTIONS) -> None:
        self._limit = limit
        self._shares: Shares[HttpConnection] = Shares()
        self._callers: dict[HttpConnection, str] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def add(self, connection: "HttpConnection") -> None:
        """It waits for a request; one too many closes the oldest of the caller with the most."""
        if connection in self._callers:
            return
        caller = caller_key(connection.client[0]) if connection.client else ""
        self._callers[connection] = caller
        self._shares.add(caller, connection)
        if len(self._callers) > self._limit:
            oldest = next(iter(self._shares.heaviest()))
            self.discard(oldest)
            oldest.transport.close()

    def discard(self, connection: "HttpConnection") -> None:
        """It has a request, or is gone."""
        caller = self._callers.pop(connection, None)
        if caller is not None:
            self._shares.remove(caller, connection)


class HttpConnection(HttpToolsProtocol):
    """uvicorn's connection, closed when no request comes of it.

    Attributes:
        idle: shared by all connections of a process.
    """

    idle = IdleConnections()
    _unparsed_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()
        self.idle.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_waiting()
        self.idle.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request; refuses what has no end."""
        if self.transport.is_closing():
            return
        self._unparsed_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._unparsed_bytes > MAX_UNPARSED_BYTES:
            self._refuse(431, "headers_too_large", "The headers of this request are too large.")
        elif self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Answers bytes that are no HTTP request."""
        self._refuse(400, "invalid_request", msg)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._unparsed_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._unparsed_bytes = 0
        self._stop_waiting()
        self.idle.discard(self)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unparsed_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is sent; the connection waits for the next request, or begins it."""
        if not self.pipeline and not self.transport.is_closing():
            self.idle.add(self)
        super().on_response_complete()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, code: str, sentence: str) -> None:
        document: dict[str, Any] = {"ok": False, "error": code, "error_description": sentence}
        content = msgspec.json.encode(document)
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(content) + content)
        self.transport.close()
