"""Event streams over HTTP: one long answer in the ``text/event-stream`` format.

A stream begins with a comment, sends something at least every nine seconds so that clients know it
lives, and ends at once when its token ends, when the server stops, when its reader leaves, or when
its reader takes too long. Source: particle cloud notes §2.8; clients notes §5.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from roadstead.bus.local import LocalBus
from roadstead.events.streams import BlockStream
from roadstead.http.metrics import Sample
from roadstead.identity.recording import ACCESS_CHANGED
from roadstead.kit.errors import TooMany, Unavailable
from roadstead.products.telling import PRODUCT_CHANGED
from roadstead.storage.outbox import OutboxMessage

log = logging.getLogger("roadstead.http.sse")

KEEP_ALIVE_S = 9.0
"""Longest silence on a stream. The official client gives up after 15 s without a byte."""

SEND_DEADLINE_S = 20.0
"""Seconds that a reader may leave a full socket unread before the stream is cut off."""

FAREWELL_DEADLINE_S = 1.0
"""Seconds for the last bytes of a stream that the server ends."""

MAX_STREAMS_PER_ADDRESS = 100
"""Simultaneous streams of one address. Source: particle cloud notes §2.0.3."""

OPENING = b":ok\n\n"
KEEP_ALIVE = b":\n\n"

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-store"),
    # nginx would hold events back in its buffer.
    (b"x-accel-buffering", b"no"),
]


class OpenStreams:
    """Admits event streams, and ends them when their reason to live is gone.

    Args:
        bus: where ended tokens are heard of.
        stopping: set when the server begins to stop.
        keep_alive_s: longest silence on a stream.
    """

    def __init__(
        self, bus: LocalBus, stopping: asyncio.Event, *, keep_alive_s: float = KEEP_ALIVE_S
    ) -> None:
        self.keep_alive_s = keep_alive_s
        self._stopping = stopping
        self._by_address: Counter[str] = Counter()
        self._running: dict[StreamAnswer, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._opened = 0
        self._unread_cut = 0
        self._checking: set[asyncio.Task[None]] = set()
        bus.subscribe("token.revoked", self._hear_revoked)
        bus.subscribe(ACCESS_CHANGED, self._hear_access)
        bus.subscribe(PRODUCT_CHANGED, self._hear_product)

    def admit(self, address: str) -> None:
        """Checks that one more stream may be opened; to be asked before the stream is made.

        Raises:
            TooMany: ``too_many_streams``.
            Unavailable: ``stopping``.
        """
        if self._stopping.is_set():
            raise Unavailable("stopping", "The server is stopping.", {"retry_after_s": 5})
        if self._by_address[address] >= MAX_STREAMS_PER_ADDRESS:
            raise TooMany(
                "too_many_streams",
                f"Your address has {MAX_STREAMS_PER_ADDRESS} event streams open, the limit.",
                {"retry_after_s": 30},
            )

    def samples(self) -> Iterator[Sample]:
        """Streams open now, opened so far, and cut off because nobody read them."""
        open_now = len(self._running)
        yield Sample("roadstead_http_streams_open", "Event streams open now.", "gauge", open_now)
        yield Sample("roadstead_http_streams_total", "Streams opened.", "counter", self._opened)
        yield Sample(
            "roadstead_http_streams_unread_total",
            "Event streams cut off because their reader left a full socket unread.",
            "counter",
            self._unread_cut,
        )

    @contextlib.contextmanager
    def running(self, stream: "StreamAnswer", pump: asyncio.Task[None]) -> Iterator[None]:
        """Keeps a stream among the open ones for the length of the block."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._end_all_at_stop(), name="streams")
        self._opened += 1
        self._by_address[stream.address] += 1
        self._running[stream] = pump
        try:
            yield
        finally:
            del self._running[stream]
            self._by_address[stream.address] -= 1
            if not self._by_address[stream.address]:
                del self._by_address[stream.address]

    def count_unread(self) -> None:
        """Counts a stream whose reader did not read."""
        self._unread_cut += 1

    async def _end_all_at_stop(self) -> None:
        await self._stopping.wait()
        for pump in list(self._running.values()):
            pump.cancel()

    def _hear_revoked(self, message: object) -> None:
        if not isinstance(message, OutboxMessage):
            return
        for stream, pump in list(self._running.items()):
            if stream.token_digest is not None and stream.token_digest.hex() == message.key:
                pump.cancel()

    def _hear_access(self, message: object) -> None:
        """Looks again at the streams of somebody whose teams have changed, or of everybody."""
        if not isinstance(message, OutboxMessage):
            return
        for stream, pump in list(self._running.items()):
            if stream.still_allowed is not None and message.key in ("", stream.user_id):
                self._check(stream.still_allowed, pump)

    def _hear_product(self, message: object) -> None:
        """Looks again at the streams that are of several products."""
        for stream, pump in list(self._running.items()):
            if stream.is_same is not None:
                self._check(stream.is_same, pump)

    def _check(self, allowed: Callable[[], Awaitable[bool]], pump: asyncio.Task[None]) -> None:
        task = asyncio.create_task(_end_unless(allowed, pump))
        self._checking.add(task)
        task.add_done_callback(self._checking.discard)


async def _end_unless(allowed: Callable[[], Awaitable[bool]], pump: asyncio.Task[None]) -> None:
    try:
        if await allowed():
            return
    except Exception:
        # What cannot be looked up now is not shown either; the reader comes again.
        log.exception("an event stream could not be checked")
    pump.cancel()


class StreamAnswer:
    """An ASGI answer that sends the blocks of one stream until one side ends it.

    Args:
        blocks: the stream; closed when the answer ends.
        streams: where this answer counts as open.
        address: the reader's.
        token_digest: of the token that the stream lives by.
        remaining_s: asked once, when the end of the token would already be heard of; gives the
            seconds that the token has left, 0 if it has ended, None if it never ends.
        notice: a comment for the reader, sent first; empty for none.

    Attributes:
        user_id: whose stream it is.
        still_allowed: asked when the teams of that user changed; False ends the stream. None for
            streams of one's own.
        is_same: asked when a product changed; False ends the stream, so that its reader comes
            again for the products that there are now. None for streams of fixed products.
    """

    def __init__(
        self,
        blocks: BlockStream,
        streams: OpenStreams,
        *,
        address: str,
        token_digest: bytes | None,
        remaining_s: Callable[[], Awaitable[float | None]],
        notice: bytes = b"",
    ) -> None:
        self.address = address
        self.token_digest = token_digest
        self.user_id = ""
        self.still_allowed: Callable[[], Awaitable[bool]] | None = None
        self.is_same: Callable[[], Awaitable[bool]] | None = None
        self._blocks = blocks
        self._streams = streams
        self._remaining_s = remaining_s
        self._notice = notice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream; returns when it ended."""
        pump = asyncio.create_task(self._pump(send, _writability(scope)))
        leaving = asyncio.create_task(_until_left(receive))
        try:
            with self._streams.running(self, pump):
                await asyncio.wait({pump, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._blocks.close()
            left = leaving.done()
            error = await _end(pump)
            await _end(leaving)
        if isinstance(error, _Unread):
            self._streams.count_unread()
        if isinstance(error, _Unread) or not (left or await _say_farewell(send)):
            _abort(scope)
            # One turn of the loop, in which the connection learns that it is gone; else uvicorn
            # calls the unfinished answer a fault of this program.
            await asyncio.sleep(0)

    async def _pump(self, send: Send, is_writable: Callable[[], bool]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await _send_block(send, OPENING + self._notice, is_writable)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(await self._remaining_s()):
                await self._relay(send, is_writable)

    async def _relay(self, send: Send, is_writable: Callable[[], bool]) -> None:
        loop, silence_s = asyncio.get_running_loop(), self._streams.keep_alive_s
        while True:
            try:
                # One deadline that is moved on: a new one for each event is a tenth of its cost.
                async with asyncio.timeout(None) as deadline:
                    while True:
                        deadline.reschedule(loop.time() + silence_s)
                        block = await anext(self._blocks)
                        deadline.reschedule(None)
                        await _send_block(send, block, is_writable)
            except TimeoutError:
                await _send_block(send, KEEP_ALIVE, is_writable)
            except StopAsyncIteration:
                return


class _Unread(Exception):
    """The reader does not read."""


async def _send_block(send: Send, block: bytes, is_writable: Callable[[], bool]) -> None:
    if is_writable():
        # Nothing to wait for: the transport takes it at once.
        await send({"type": "http.response.body", "body": block, "more_body": True})
        return
    try:
        async with asyncio.timeout(SEND_DEADLINE_S):
            await send({"type": "http.response.body", "body": block, "more_body": True})
    except TimeoutError as error:
        raise _Unread from error


async def _until_left(receive: Receive) -> None:
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return


async def _end(task: asyncio.Task[None]) -> BaseException | None:
    """Ends a task; gives the exception that it had failed with."""
    task.cancel()
    await asyncio.wait({task})
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, _Unread | OSError):
        log.error("an event stream failed", exc_info=error)
    return error


async def _say_farewell(send: Send) -> bool:
    try:
        async with asyncio.timeout(FAREWELL_DEADLINE_S):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except (TimeoutError, OSError):
        return False
    return True


def _writability(scope: Scope) -> Callable[[], bool]:
    """A question: does the reader's connection take more at once, as far as uvicorn can tell?"""
    flow: Any = getattr(_cycle_of(scope), "flow", None)
    return (lambda: not flow.write_paused) if hasattr(flow, "write_paused") else lambda: False


def _cycle_of(scope: Scope) -> Any:
    return getattr(scope.get("raw_send"), "__self__", None)


def _abort(scope: Scope) -> None:
    """Drops the connection of a reader that does not read.

    An orderly close would wait for the unread bytes to go out, which they never will; ASGI has no
    word for it, so uvicorn's transport is asked where there is one.
    """
    transport = getattr(_cycle_of(scope), "transport", None)
    if transport is not None:
        transport.abort()
