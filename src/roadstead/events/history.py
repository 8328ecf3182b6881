"""The history for people: pages of what was found, and streams of all that was."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from roadstead.events.history_store import END_ID, Search, Step, take_step
from roadstead.events.model import Event
from roadstead.kit.clock import Clock
from roadstead.kit.errors import TooMany
from roadstead.kit.ids import EVENT_COUNTER_BITS
from roadstead.storage.database import Database

SCAN_EVENTS = 1_000_000
"""Events that one search looks at before it gives what it has and says where it stopped."""

SCAN_S = 2.0
"""Seconds after which it does so, however few those were."""

STEPS_AT_ONCE = 2
"""Steps of searches, exports and resumed streams that read the database at once: fewer than its
reader threads, so that other requests always find one."""

EXPORT_EVENTS = 500
"""Events given at once by an export: some 100 kB."""


@dataclass(frozen=True, slots=True)
class Findings:
    """One page of a search.

    Attributes:
        events: in the order of the search.
        looked_at: events that were looked at for it, about.
        cursor: where the next page begins, for ``Search.beyond``; None when there is no more.
        stopped_early: it was the effort that ended the page, and not its length or the range.
    """

    events: list[Event]
    looked_at: int
    cursor: int | None
    stopped_early: bool


class EventHistory:
    """Reads what was kept.

    Args:
        database: where events are.
        clock: bounds how long one search takes.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns = asyncio.Semaphore(STEPS_AT_ONCE)
        self._exporting: set[str] = set()

    async def search(self, search: Search, limit: int) -> Findings:
        """One page, of at most ``limit`` events, after a bounded effort.

        Raises:
            Unavailable: the database.
        """
        ends_at = self._clock.monotonic() + SCAN_S
        found: list[Event] = []
        looked_at = 0
        while not search.is_empty:
            step = await self.read(search, limit - len(found))
            found += step.found
            looked_at += step.looked_at
            if step.is_end:
                return Findings(found, looked_at, None, False)
            search = search.beyond(step.reached_id)
            if len(found) >= limit:
                return Findings(found, looked_at, step.reached_id, False)
            if looked_at >= SCAN_EVENTS or self._clock.monotonic() >= ends_at:
                return Findings(found, looked_at, step.reached_id, True)
        return Findings(found, looked_at, None, False)

    async def export(self, search: Search) -> AsyncIterator[list[Event]]:
        """Everything that is found, however long it takes, in lists of some hundred events.

        Lists may be empty: a sign of life while nothing is found.
        """
        while not search.is_empty:
            step = await self.read(search, EXPORT_EVENTS)
            yield step.found
            if step.is_end:
                return
            search = search.beyond(step.reached_id)

    async def read(self, search: Search, limit: int) -> Step:
        """One step of a search, in a snapshot of its own."""
        async with self._turns:
            return await self._database.read(lambda conn: take_step(conn, search, limit))

    def exporting(self, user_id: str) -> contextlib.AbstractContextManager[None]:
        """A place for one export of this account, to be held while it lasts.

        Raises:
            TooMany: ``export_running``.
        """
        if user_id in self._exporting:
            raise TooMany(
                "export_running",
                "An export of your event history is running; wait for it to end.",
                {"retry_after_s": 30},
            )
        return self._export(user_id)

    @contextlib.contextmanager
    def _export(self, user_id: str) -> Iterator[None]:
        self._exporting.add(user_id)
        try:
            yield
        finally:
            self._exporting.discard(user_id)


def after_time(ms: int) -> int:
    """The id behind which events were accepted at ``ms`` (Unix milliseconds) or later."""
    return max(0, (ms << EVENT_COUNTER_BITS) - 1)


def before_time(ms: int) -> int:
    """The id below which events were accepted before ``ms``."""
    return min(END_ID, ms << EVENT_COUNTER_BITS)
