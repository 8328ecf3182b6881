"""A stream that begins in the past: from the history until now, then live, without a seam.

Ids are in the order of commits. So the history is read upwards until nothing is left; then the live
stream is opened; then the rest is read that was committed in between; and of what the live stream
brought meanwhile, all up to the last id read is dropped. A reader that falls behind goes back to
the history, at its own pace, instead of being cut off.
"""

from collections.abc import Callable
from typing import Self

from roadstead.events.history import EventHistory
from roadstead.events.history_store import Search
from roadstead.events.matching import Filters, shows_product
from roadstead.events.model import Event
from roadstead.events.rendering import to_sse
from roadstead.events.streams import EventStream, EventStreams

REPLAY_EVENTS = 250
"""Events of the history given as one block: some 60 kB, and two milliseconds of rendering."""


class ReplayingStream:
    """One reader that begins behind an event it has: an async iterator of blocks.

    Args:
        streams: where the live stream is opened.
        history: where the past is read.
        wanted: what the reader asked for.
        after_id: id of the last event that it has; 0 for everything that is kept.
        on_close: called once with the stream when it is closed.

    Attributes:
        given_id: id of the last event of a block that was sent whole; ``after_id`` before.
        is_live: the past has been given.
    """

    def __init__(
        self,
        streams: EventStreams,
        history: EventHistory,
        wanted: Filters,
        after_id: int,
        on_close: Callable[["ReplayingStream"], None] | None = None,
    ) -> None:
        self.given_id = after_id
        self.is_live = False
        self._streams = streams
        self._history = history
        self._wanted = wanted
        self._read_until = after_id
        self._offered_id = after_id
        self._live: EventStream | None = None
        self._on_close = on_close
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next block, from wherever it comes. Cancelling the wait loses nothing.

        Raises:
            StopAsyncIteration: the stream is closed.
            Unavailable: the database cannot be read.
        """
        self.given_id = self._offered_id
        while not self._closed:
            block = await (self._next_live() if self.is_live else self._next_past())
            if block:
                return block
        raise StopAsyncIteration

    def close(self) -> None:
        """Ends the stream."""
        if self._closed:
            return
        self._closed = True
        if self._live is not None:
            self._live.close()
        if self._on_close is not None:
            self._on_close(self)

    async def _next_past(self) -> bytes:
        search = Search(self._wanted, after_id=self._read_until, newest_first=False)
        live = self._live
        step = await self._history.read(search, REPLAY_EVENTS)
        self._read_until = step.reached_id
        if step.is_end and not step.found:
            if live is None:
                self._live = self._streams.open(*self._wanted)
            elif live.closed_reason == "slow_reader":
                self._live = None  # too much came while the rest was read: once more
            elif live.closed_reason is not None:
                self.close()
            else:
                live.skip_until(self._read_until)
                self.is_live = True
        if not step.found:
            return b""
        self._offered_id = step.found[-1].id
        return b"".join(map(self._render, step.found))

    async def _next_live(self) -> bytes:
        live = self._live
        assert live is not None
        try:
            block = await anext(live)
        except StopAsyncIteration:
            if live.closed_reason != "slow_reader":
                self.close()
                return b""
            self._live, self.is_live = None, False
            self._read_until = self._offered_id
            return b""
        self._offered_id = live.last_id
        return block

    def _render(self, event: Event) -> bytes:
        return to_sse(event, of_product=shows_product(event, self._wanted))
