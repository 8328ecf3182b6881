"""What surrounds every answer: request id, headers, the preflight of browsers, log line, counters.

Programs in browsers may use the API from any origin with a token. The one cookie, of the console's
own pages, counts for requests from those pages alone (see ``browser_session``), so that no answer
to another page depends on anything that a browser would add by itself.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadstead.http.metrics import UNMATCHED, RequestCounters

access_log = logging.getLogger("roadstead.http.access")

PREFLIGHT_AGE_S = 86_400
"""Seconds that a browser may remember a preflight; browsers cap it at two hours to a day."""

MAX_LOGGED_PATH_CHARS = 200
"""Longest piece of a path in the log."""

SECRET_PATHS = ("/v1/access_tokens/", "/access_tokens/")
"""Below these a path carries an access token, which must not reach the log."""

_COMMON_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_DEFAULT_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_ORIGIN_HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-Request-Id, Retry-After"),
)
_PREFLIGHT_HEADERS = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (b"access-control-allow-headers", b"*, Authorization"),
    (b"access-control-max-age", str(PREFLIGHT_AGE_S).encode()),
    (b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
)

_STOPPING = b'{"ok":false,"error":"stopping","error_description":"The server is stopping."}'


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as the log and the counters see it.

    Attributes:
        request_id: names this exchange in the answer's ``X-Request-Id`` and in the log.
        operation: name of the operation, as soon as it is known.
        address: the caller, as soon as it is known.
        status: of the answer; 0 while there is none.
        streams: the answer is an event stream.
    """

    request_id: str
    operation: str = UNMATCHED
    address: str = ""
    status: int = 0
    streams: bool = False


class Envelope:
    """Wraps the application that answers."""

    def __init__(self, app: ASGIApp, counters: RequestCounters) -> None:
        self._app = app
        self._counters = counters
        self._prefix = secrets.token_hex(4)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request; the scope gains its ``Exchange``."""
        exchange = Exchange(f"{self._prefix}-{next(self._numbers):x}")
        scope["exchange"] = exchange
        scope["raw_send"] = send
        started = perf_counter()
        self._counters.in_flight += 1
        wrapped = _Sending(scope, send, exchange)
        try:
            if scope["method"] == "OPTIONS":
                exchange.operation = "preflight"
                await _answer_preflight(wrapped)
            else:
                await self._app(scope, receive, wrapped)
        except asyncio.CancelledError:
            if exchange.status:
                raise
            # The server stops and cannot wait for this answer any longer; the task ends here.
            await Response(_STOPPING, 503, media_type="application/json")(scope, receive, wrapped)
        finally:
            self._counters.in_flight -= 1
            self._record(scope, exchange, perf_counter() - started)

    def _record(self, scope: Scope, exchange: Exchange, duration_s: float) -> None:
        self._counters.count(
            exchange.operation, exchange.status, None if exchange.streams else duration_s
        )
        if access_log.isEnabledFor(logging.INFO):
            access_log.info(
                "%s %s %s %d %.1fms %s %s",
                exchange.address or "-",
                scope["method"],
                printable_path(scope),
                exchange.status,
                duration_s * 1000,
                exchange.operation,
                exchange.request_id,
            )


class _Sending:
    """Adds headers to the start of an answer, and drops the body of an answer to HEAD."""

    def __init__(self, scope: Scope, send: Send, exchange: Exchange) -> None:
        self._scope = scope
        self._send = send
        self._exchange = exchange

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._exchange.status = message["status"]
            message = {**message, "headers": self._headers(message)}
        elif self._scope["method"] == "HEAD":
            message = {**message, "body": b""}
        await self._send(message)

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = list(message.get("headers", ()))
        given = {name for name, _ in headers}
        headers.extend(_COMMON_HEADERS)
        headers.extend(pair for pair in _DEFAULT_HEADERS if pair[0] not in given)
        headers.append((b"x-request-id", self._exchange.request_id.encode()))
        # Metrics are open to this machine by its address alone, so no page may read them.
        if self._exchange.operation != "get_metrics":
            headers.extend(_ORIGIN_HEADERS)
        return headers


def printable_path(scope: Mapping[str, object]) -> str:
    """The path of a request as one line of ASCII without secrets and without its query."""
    path = quote(str(scope["path"])[:MAX_LOGGED_PATH_CHARS], safe="/:@+,;=~!$&'()*")
    for prefix in SECRET_PATHS:
        head, found, tail = path.partition(prefix)
        if found and tail != "current":
            return f"{head}{prefix}…"
    return path


async def _answer_preflight(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT_HEADERS)})
    await send({"type": "http.response.body", "body": b""})
