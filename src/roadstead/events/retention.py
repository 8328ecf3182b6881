"""Deletes events that have had their time by the plan of whoever they are kept for.

A step is one short transaction and is followed by a pause of several times its length, so that
ingest never waits behind it. Whatever is interrupted goes on where it was: the books say what is
still to be deleted.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from roadstead.events import retention_store as store
from roadstead.events.retention_rules import (
    Floors,
    Retention,
    due_payers,
    floor_by_days,
    floor_by_size,
)
from roadstead.events.retention_store import KeptSegment
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

Result = TypeVar("Result")

FIRST_SWEEP_AFTER_S = 60.0
"""A start has better things to do."""

SWEEP_EVERY_S = 600.0

PAUSE_RATIO = 4.0
"""A pause lasts so many times its step: at most a fifth of the writer's time goes to deleting."""

LEAST_PAUSE_S = 0.01

SEGMENTS_AT_ONCE = 100

RetentionOf = Callable[[Sequence[str]], Awaitable[Mapping[str, Retention]]]
"""What is allowed to each of these payers (``events.visibility``); asked once a sweep."""


class EventRetention:
    """Applies the retention of every plan, every ten minutes.

    Args:
        database: where events are.
        clock: says what is old.
        retention_of: asked for what is allowed.

    Attributes:
        deleted: events deleted so far.
    """

    def __init__(self, database: Database, clock: Clock, retention_of: RetentionOf) -> None:
        self._database = database
        self._clock = clock
        self._retention_of = retention_of
        self.deleted = 0

    async def run(self) -> None:
        """Sweeps until it is cancelled; a database that is away only delays it."""
        await asyncio.sleep(FIRST_SWEEP_AFTER_S)
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("old events stay for now: %s", error.message)
            except Exception:
                log.exception("old events could not be deleted")
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> None:
        """Deletes all that is due now.

        Raises:
            Unavailable: the database; what was deleted before stays deleted.
        """
        floors = await self._find_floors()
        highest = max((max(one.by_days, one.by_size + 1) for one in floors.values()), default=0)
        after_id = -1
        while True:
            page = partial(
                store.list_segments, after_id=after_id, before_id=highest, limit=SEGMENTS_AT_ONCE
            )
            segments = await self._database.read(page)
            for segment in segments:
                await self._sweep_segment(segment, floors)
                after_id = segment.first_id
            if len(segments) < SEGMENTS_AT_ONCE:
                return

    async def _find_floors(self) -> dict[str, Floors]:
        totals = await self._database.read(store.list_totals)
        allowed = await self._retention_of(list(totals))
        now = self._clock.now()
        floors: dict[str, Floors] = {}
        for payer, size_bytes in totals.items():
            retention = allowed.get(payer, Retention())
            by_size = 0
            if retention.size_bytes and size_bytes > retention.size_bytes:
                sizes = await self._database.read(partial(store.list_sizes, payer=payer))
                by_size = floor_by_size(retention, sizes)
            floors[payer] = Floors(floor_by_days(retention, now), by_size)
        return floors

    async def _sweep_segment(self, segment: KeptSegment, floors: Mapping[str, Floors]) -> None:
        payers = due_payers(segment.first_id, segment.last_id, segment.volumes, floors)
        if payers:
            deleted = store.STEP_ROWS
            while deleted == store.STEP_ROWS:
                deleted = await self._step(lambda conn: store.delete_events(conn, segment, payers))
                self.deleted += deleted
            await self._step(lambda conn: store.forget_parts(conn, segment, payers))
        if len(payers) == len(segment.volumes):
            while await self._step(lambda conn: store.forget_segment(conn, segment)):
                pass

    async def _step(self, work: Callable[[Connection], Result]) -> Result:
        began = self._clock.monotonic()
        result = await self._database.write(work)
        took_s = self._clock.monotonic() - began
        await asyncio.sleep(max(LEAST_PAUSE_S, PAUSE_RATIO * took_s))
        return result
