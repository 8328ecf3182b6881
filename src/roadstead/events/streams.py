"""Readers of the live stream.

An event is offered to the readers of its own account and device only, rendered once whatever their
number, and never waits for any of them: who reads too slowly is cut off and may come again.
"""

import asyncio
from collections.abc import Iterable
from typing import Literal, Self

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import TOPIC
from roadstead.events.matching import EventFilter
from roadstead.events.model import Event
from roadstead.events.rendering import to_json as to_json
from roadstead.events.rendering import to_sse as to_sse
from roadstead.events.visibility import account_of

QUEUE_LIMIT = 1000
"""Events that may wait for one reader: at most 2 MB, and some seconds of a busy account. A reader
that far behind will not catch up, and its connection is better spent on a new beginning."""

JOIN_LIMIT_BYTES = 64 * 1024
"""Bytes of waiting events that are given as one block: one write, one packet train."""

ClosedReason = Literal["slow_reader", "closed", "stopping"]


class EventStream:
    """One reader: an async iterator of blocks, each of whole rendered events.

    Attributes:
        wanted: what the reader asked for.
        closed_reason: why no more comes; None while the stream is open.
    """

    def __init__(self, streams: "EventStreams", wanted: EventFilter) -> None:
        self.wanted = wanted
        self.closed_reason: ClosedReason | None = None
        self._streams = streams
        self._waiting: list[bytes] = []
        self._wake: asyncio.Future[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next block; waits for an event. Cancelling the wait loses nothing.

        Raises:
            StopAsyncIteration: the stream is closed; ``closed_reason`` says why.
        """
        while not self._waiting:
            if self.closed_reason is not None:
                raise StopAsyncIteration
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        return self._take()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, reason: ClosedReason = "closed") -> None:
        """Ends the stream and forgets what waits; a second call changes nothing."""
        if self.closed_reason is not None:
            return
        self.closed_reason = reason
        self._waiting.clear()
        self._streams._remove(self)
        self._notify()

    def _offer(self, block: bytes, limit: int) -> bool:
        """Queues a rendered event; False when the queue was full and the stream is closed."""
        if len(self._waiting) >= limit:
            self.close("slow_reader")
            return False
        self._waiting.append(block)
        if self._wake is not None:
            self._notify()
        return True

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _take(self) -> bytes:
        waiting = self._waiting
        if len(waiting) == 1:
            return waiting.pop()
        count, size_bytes = 0, 0
        for block in waiting:
            size_bytes += len(block)
            if count and size_bytes > JOIN_LIMIT_BYTES:
                break
            count += 1
        taken, self._waiting = waiting[:count], waiting[count:]
        return b"".join(taken)


class _Account:
    """The readers of one account."""

    __slots__ = ("by_device", "of_all")

    def __init__(self) -> None:
        self.of_all: dict[EventStream, None] = {}
        self.by_device: dict[str, dict[EventStream, None]] = {}

    def groups(self, wanted: EventFilter) -> Iterable[tuple[str | None, dict[EventStream, None]]]:
        """The places of a filter: (device id, readers), created where missing."""
        if wanted.device_ids is None:
            yield None, self.of_all
            return
        for device_id in wanted.device_ids:
            yield device_id, self.by_device.setdefault(device_id, {})


class EventStreams:
    """All open readers of this process.

    Args:
        bus: brings committed events.
        queue_limit: events that may wait for one reader.

    Attributes:
        slow_readers_cut: streams closed because their reader was too slow.
        delivered: events queued, counted once per reader.
    """

    def __init__(self, bus: LocalBus, queue_limit: int = QUEUE_LIMIT) -> None:
        self.slow_readers_cut = 0
        self.delivered = 0
        self._open: dict[EventStream, None] = {}
        self._queue_limit = queue_limit
        self._accounts: dict[str, _Account] = {}
        self._subscription = bus.subscribe(TOPIC, self._on_event)

    def open(self, wanted: EventFilter) -> EventStream:
        """A new reader, which gets every matching event from now on until it is closed."""
        stream = EventStream(self, wanted)
        account = self._accounts.setdefault(wanted.owner_id, _Account())
        for _, readers in account.groups(wanted):
            readers[stream] = None
        self._open[stream] = None
        return stream

    def close(self) -> None:
        """Ends all streams; for an orderly stop."""
        self._subscription.close()
        for stream in tuple(self._open):
            stream.close("stopping")

    @property
    def open_streams(self) -> int:
        """Readers now."""
        return len(self._open)

    def _on_event(self, message: object) -> None:
        # The index does here what matches() says: account first, then device, then prefix.
        if not isinstance(message, Event):
            return
        owner_id = account_of(message)
        account = self._accounts.get(owner_id) if owner_id else None
        if account is None:
            return
        readers = list(account.of_all)
        if message.device_id is not None:
            readers += account.by_device.get(message.device_id, ())
        name = message.name
        interested = [one for one in readers if name.startswith(one.wanted.prefix)]
        if interested:
            self._offer(to_sse(message), interested)

    def _offer(self, block: bytes, readers: list[EventStream]) -> None:
        for stream in readers:
            if stream._offer(block, self._queue_limit):
                self.delivered += 1
            else:
                self.slow_readers_cut += 1

    def _remove(self, stream: EventStream) -> None:
        del self._open[stream]
        account = self._accounts.get(stream.wanted.owner_id)
        if account is None:
            return
        for device_id, readers in account.groups(stream.wanted):
            readers.pop(stream, None)
            if device_id is not None and not readers:
                del account.by_device[device_id]
        if not account.of_all and not account.by_device:
            del self._accounts[stream.wanted.owner_id]
