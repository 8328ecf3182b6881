"""Readers of the live stream.

An event is offered to the readers of its own account, product and device only, rendered once
whatever their number (twice where account and product have readers), and never waits for any of
them: who reads too slowly is cut off and may come again.
"""

import asyncio
from typing import Literal, NamedTuple, Protocol, Self

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import TOPIC
from roadstead.events.matching import EventFilter, Filters
from roadstead.events.model import Event
from roadstead.events.rendering import to_json as to_json
from roadstead.events.rendering import to_sse as to_sse
from roadstead.events.visibility import account_of, account_scope, product_scope

QUEUE_LIMIT = 1000
"""Events that may wait for one reader: at most 2 MB, and some seconds of a busy account. A reader
that far behind will not catch up, and its connection is better spent on a new beginning."""

JOIN_LIMIT_BYTES = 64 * 1024
"""Bytes of waiting events that are given as one block: one write, one packet train."""

ClosedReason = Literal["slow_reader", "closed", "stopping", "taken_over"]


class Rendered(NamedTuple):
    """An event as one kind of reader gets it."""

    id: int
    block: bytes


class BlockStream(Protocol):
    """What an answer sends: blocks of whole events, until one side ends it."""

    async def __anext__(self) -> bytes:
        """The next block; asking for it says that the one before was sent.

        Raises:
            StopAsyncIteration: no more comes.
        """

    def close(self) -> None:
        """The reader is gone."""


class EventStream:
    """One reader: an async iterator of blocks, each of whole rendered events.

    Attributes:
        wanted: what the reader asked for.
        closed_reason: why no more comes; None while the stream is open.
        last_id: of the last event that was given out; 0 before the first.
    """

    def __init__(self, streams: "EventStreams", wanted: Filters) -> None:
        self.wanted = wanted
        self.closed_reason: ClosedReason | None = None
        self.last_id = 0
        self._streams = streams
        self._waiting: list[Rendered] = []
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

    def skip_until(self, event_id: int) -> None:
        """Drops what waits up to this event: the reader has it from elsewhere."""
        self._waiting = [one for one in self._waiting if one.id > event_id]

    def _offer(self, rendered: Rendered, limit: int) -> bool:
        """Queues an event; False when the queue was full and the stream is closed."""
        if len(self._waiting) >= limit:
            self.close("slow_reader")
            return False
        self._waiting.append(rendered)
        if self._wake is not None:
            self._notify()
        return True

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _take(self) -> bytes:
        waiting = self._waiting
        if len(waiting) == 1:
            self.last_id, block = waiting.pop()
            return block
        count, size_bytes = 0, 0
        for one in waiting:
            size_bytes += len(one.block)
            if count and size_bytes > JOIN_LIMIT_BYTES:
                break
            count += 1
        taken, self._waiting = waiting[:count], waiting[count:]
        self.last_id = taken[-1].id
        return b"".join([one.block for one in taken])


class _Place(NamedTuple):
    """Where one filter of a stream waits for events."""

    stream: EventStream
    prefix: str
    of_product: bool


class _Scope:
    """The readers of one account or product."""

    __slots__ = ("by_device", "of_all")

    def __init__(self) -> None:
        self.of_all: dict[_Place, None] = {}
        self.by_device: dict[str, dict[_Place, None]] = {}

    def add(self, place: _Place, device_ids: frozenset[str] | None) -> None:
        if device_ids is None:
            self.of_all[place] = None
        for device_id in device_ids or ():
            self.by_device.setdefault(device_id, {})[place] = None

    def discard(self, place: _Place, device_ids: frozenset[str] | None) -> None:
        if device_ids is None:
            self.of_all.pop(place, None)
        for device_id in device_ids or ():
            places = self.by_device.get(device_id, {})
            places.pop(place, None)
            if not places:
                self.by_device.pop(device_id, None)

    def gather(self, event: Event, interested: dict[EventStream, bool]) -> None:
        """Adds the readers of an event, each with whether it gets the form of products."""
        name = event.name
        for places in (self.of_all, self.by_device.get(event.device_id or "", ())):
            for place in places:
                if name.startswith(place.prefix):
                    interested[place.stream] = place.of_product or interested.get(
                        place.stream, False
                    )


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
        self._scopes: dict[str, _Scope] = {}
        self._subscription = bus.subscribe(TOPIC, self._on_event)

    def open(self, *wanted: EventFilter) -> EventStream:
        """A new reader, which gets every matching event from now on until it is closed.

        Args:
            wanted: its filters; an event that several of them let through comes once.
        """
        stream = EventStream(self, wanted)
        for one in wanted:
            for name in _scopes_of(one):
                self._scopes.setdefault(name, _Scope()).add(_place(stream, one), one.device_ids)
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
        # The index does here what matches() says: scope first, then device, then prefix.
        if not isinstance(message, Event):
            return
        interested: dict[EventStream, bool] = {}
        owner_id, product_id = account_of(message), message.product_id
        if owner_id and (account := self._scopes.get(account_scope(owner_id))):
            account.gather(message, interested)
        if product_id is not None and (product := self._scopes.get(product_scope(product_id))):
            product.gather(message, interested)
        if interested:
            self._offer(message, interested)

    def _offer(self, event: Event, interested: dict[EventStream, bool]) -> None:
        rendered: dict[bool, Rendered] = {}
        for stream, of_product in interested.items():
            form = rendered.get(of_product)
            if form is None:
                form = Rendered(event.id, to_sse(event, of_product=of_product))
                rendered[of_product] = form
            if stream._offer(form, self._queue_limit):
                self.delivered += 1
            else:
                self.slow_readers_cut += 1

    def _remove(self, stream: EventStream) -> None:
        del self._open[stream]
        for one in stream.wanted:
            for name in _scopes_of(one):
                scope = self._scopes.get(name)
                if scope is None:
                    continue
                scope.discard(_place(stream, one), one.device_ids)
                if not scope.of_all and not scope.by_device:
                    del self._scopes[name]


def _place(stream: EventStream, one: EventFilter) -> _Place:
    return _Place(stream, one.prefix, one.product_ids is not None)


def _scopes_of(one: EventFilter) -> list[str]:
    if one.owner_id is not None:
        return [account_scope(one.owner_id)]
    return [product_scope(number) for number in one.product_ids or ()]
