"""What the engine of deliveries does later, and what runs beside: one heap, one task group."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Final

from roadstead.kit.clock import Clock

log = logging.getLogger(__name__)

Action = Callable[[], None]
Job = Coroutine[Any, Any, None]

DUE_LIMIT: Final = 500
"""Actions in one go; a thousand at the same moment never hold the event loop."""

IDLE_S: Final = 3600.0


class Agenda:
    """Calls back at times, and runs jobs; entries are never taken out, their owners check."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[tuple[float, int, Action]] = []
        self._order = count()
        self._wake = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._waiting: list[Job] = []
        self._jobs: set[asyncio.Task[None]] = set()
        self._stopped = False

    def after(self, seconds: float, action: Action) -> None:
        """Does something after a time."""
        when = self._clock.monotonic() + max(0.0, seconds)
        heapq.heappush(self._entries, (when, next(self._order), action))
        if self._entries[0][0] == when:
            self._wake.set()

    def spawn(self, job: Job) -> None:
        """Runs a job; its failure is logged and hurts no other."""
        if self._stopped:
            job.close()
        elif self._tasks is None:
            self._waiting.append(job)
        else:
            task = self._tasks.create_task(_guarded(job))
            self._jobs.add(task)
            task.add_done_callback(self._jobs.discard)

    async def run(self) -> None:
        """Until ``stop``, or until it is cancelled; jobs end with it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                waiting, self._waiting = self._waiting, []
                for job in waiting:
                    self.spawn(job)
                while not self._stopped:
                    await self._pause()
                    self._do_due()
                for task in tuple(self._jobs):
                    task.cancel()
        finally:
            self._tasks = None
            self._stopped = True

    def stop(self) -> None:
        """Ends ``run`` and its jobs."""
        self._stopped = True
        self._wake.set()

    async def _pause(self) -> None:
        pause_s = IDLE_S
        if self._entries:
            pause_s = max(0.0, self._entries[0][0] - self._clock.monotonic())
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _do_due(self) -> None:
        now = self._clock.monotonic()
        for _ in range(DUE_LIMIT):
            if self._stopped or not self._entries or self._entries[0][0] > now:
                return
            action = heapq.heappop(self._entries)[2]
            try:
                action()
            except Exception:
                log.exception("deliveries: something that was due failed")


async def _guarded(job: Job) -> None:
    try:
        await job
    except Exception:
        log.exception("deliveries: a job failed")
