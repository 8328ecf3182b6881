"""All timers of a fleet behind one timer of the event loop.

A timer of the loop per device costs ten times as much as an entry of this heap, and devices re-arm
theirs with every datagram.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count


class TimerHeap:
    """Calls back at given times; entries cannot be cancelled, their owners check on waking.

    Args:
        loop: the event loop that carries the one real timer; its ``time()`` is the time here.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._entries: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._armed: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Monotonic seconds."""
        return self._loop.time()

    def call_at(self, when: float, callback: Callable[[], None]) -> None:
        """Calls ``callback`` once at ``when`` (monotonic seconds) or as soon as possible after."""
        heapq.heappush(self._entries, (when, next(self._order), callback))
        if self._entries[0][0] == when:
            self._arm()

    def call_after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Calls ``callback`` once after ``seconds``."""
        self.call_at(self._loop.time() + seconds, callback)

    def close(self) -> None:
        """Forgets every entry."""
        self._entries.clear()
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None

    def _arm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
        self._armed = self._loop.call_at(self._entries[0][0], self._fire)

    def _fire(self) -> None:
        self._armed = None
        now = self._loop.time()
        try:
            while self._entries and self._entries[0][0] <= now:
                heapq.heappop(self._entries)[2]()
        finally:
            if self._entries and self._armed is None:
                self._arm()
