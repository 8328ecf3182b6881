"""One HTTP connection, within limits on what may arrive before there is a request to answer.

uvicorn bounds the head of a request with its slow parser only, and waits for ever for it: a single
stranger could fill the memory with one endless header, or hold every place with silent connections.
So a head has a size and a time, and connections whose request is not whole have fewer places than
there are: when these are taken, whoever holds the most gives up the oldest. A body that never comes
to its end holds such a place like a head that does not.
"""

import asyncio
import logging
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from roadstead.kit.addresses import caller_key
from roadstead.kit.shares import Shares

MAX_UNPARSED_BYTES = 64 * 1024
"""Bytes that may arrive without a part of a body: the head of a request, or its trailers. The
dispatcher refuses heads above 16 kB with an answer that says so; this bounds what never ends."""

HEAD_TIMEOUT_S = 20.0
"""Seconds within which the head of a request must be whole, silence before it included."""

IDLE_CONNECTIONS = 3072
"""Connections without a whole request that are kept, three quarters of all (main)."""

WARN_EVERY_S = 60.0
"""Seconds between two lines of the log that say that all places are taken."""

_log = logging.getLogger(__name__)


class IdleConnections:
    """The connections of one server that still owe a request, or the rest of it, by callers."""

    def __init__(self, limit: int = IDLE_CONNECTIONS) -> None:
        self._limit = limit
        self._shares: Shares[HttpConnection] = Shares()
        self._callers: dict[HttpConnection, str] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def add(self, connection: "HttpConnection") -> None:
        """It owes a request; one too many closes the oldest of the caller with the most."""
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
        """It has a whole request, or is gone."""
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
    _warned_at_s: float | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # uvicorn's own refusal is plain text, and a line of the log for each.
        self._places, self.limit_concurrency = self.limit_concurrency, None
        self._served = self.app

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
        self.app = self._served if self._has_room() else refuse_overloaded
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unparsed_bytes = 0
        super().on_message_complete()
        if not self.cycle.response_complete:
            self.idle.discard(self)

    def on_response_complete(self) -> None:
        """The answer is sent; the connection waits for the next request, or begins it."""
        owes_body = self.cycle.more_body
        if (owes_body or not self.pipeline) and not self.transport.is_closing():
            self.idle.add(self)
        super().on_response_complete()

    def _has_room(self) -> bool:
        if self._places is None or max(len(self.connections), len(self.tasks)) < self._places:
            return True
        now, warned = self.loop.time(), HttpConnection._warned_at_s
        if warned is None or now - warned >= WARN_EVERY_S:
            HttpConnection._warned_at_s = now
            _log.warning("all %d connections are taken; requests are refused", self._places)
        return False

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


async def refuse_overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request for which there is no place; an ASGI application."""
    content = msgspec.json.encode(
        {
            "ok": False,
            "error": "overloaded",
            "error_description": "The server has as many connections as it takes; try again.",
        }
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"retry-after", b"5"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": content})
