"""Builds the ASGI application from the services."""

from starlette.types import ASGIApp, Receive, Scope, Send

from roadstead.http.dispatch import Dispatcher
from roadstead.http.envelope import Envelope
from roadstead.http.metrics import RequestCounters
from roadstead.http.operation import Edge, Operation
from roadstead.http.operations import OPERATIONS
from roadstead.http.parts import HttpParts, HttpSettings
from roadstead.http.sse import KEEP_ALIVE_S, OpenStreams

__all__ = ["HttpParts", "HttpSettings", "build_app"]


def build_app(
    parts: HttpParts,
    *,
    keep_alive_s: float = KEEP_ALIVE_S,
    operations: tuple[Operation, ...] = OPERATIONS,
) -> ASGIApp:
    """The HTTP edge as one ASGI application, to be built inside a running event loop.

    Args:
        parts: the services and settings; addresses may be set in it later.
        keep_alive_s: longest silence on an event stream.
        operations: the table that it answers by.
    """
    edge = Edge(
        parts=parts,
        operations=operations,
        open_streams=OpenStreams(parts.bus, parts.stopping, keep_alive_s=keep_alive_s),
        counters=RequestCounters(),
        started_at_s=parts.clock.monotonic(),
    )
    return _Application(Envelope(Dispatcher(edge), edge.counters))


class _Application:
    """Takes HTTP; acknowledges the server's lifespan; refuses WebSockets."""

    def __init__(self, http: ASGIApp) -> None:
        self._http = http

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
