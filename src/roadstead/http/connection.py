"""One HTTP connection, within limits on what may arrive before there is a request to answer.

uvicorn bounds the head of a request with its slow parser only, and waits for ever for it: a single
stranger could fill the memory with one endless header, or hold every place with silent connections.
"""

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_UNPARSED_BYTES = 64 * 1024
"""Bytes that may arrive without a part of a body: the head of a request, or its trailers. The
dispatcher refuses heads above 16 kB with an answer that says so; this bounds what never ends."""

HEAD_TIMEOUT_S = 20.0
"""Seconds within which the head of a request must be whole, silence before it included."""


class HttpConnection(HttpToolsProtocol):
    """uvicorn's connection, closed when no request comes of it."""

    _unparsed_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_waiting()
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
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unparsed_bytes = 0
        super().on_message_complete()

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
