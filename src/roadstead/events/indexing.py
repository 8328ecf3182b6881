"""Writes the segments of the history behind the events, beside everything else.

It reads what was committed since the last segment, a page at a time, and closes a segment when it
is full or old. It may stop at any moment: the next start reads again what no segment holds, at most
one segment's worth. Several processes may do this on one database; who comes second with a segment
starts over behind it.
"""

import asyncio
import logging

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.events import segment_store
from roadstead.events.segments import SEGMENT_EVENTS, SegmentDraft
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.kit.ids import EVENT_COUNTER_BITS
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

PAGE_EVENTS = 2_000
"""Events read at once: a few milliseconds of a reader thread."""

LOOK_EVERY_S = 1.0

PAGE_PAUSE_S = 0.01
"""Between two full pages, so that catching up after an upgrade leaves time to others."""


class HistoryIndexer:
    """Closes segments.

    Attributes:
        segments: closed by this process.
        behind: events read so far that are in no segment yet.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._draft: SegmentDraft | None = None
        self.segments = 0

    @property
    def behind(self) -> int:
        """Events read that no segment holds yet."""
        return 0 if self._draft is None else self._draft.events

    async def run(self) -> None:
        """Goes on until it is cancelled; a database that is away only delays it."""
        while True:
            try:
                await self.catch_up()
            except Unavailable as error:
                log.warning("the history's index waits: %s", error.message)
            except Exception:
                log.exception("the history's index could not be written")
                self._draft = None
            await asyncio.sleep(LOOK_EVERY_S)

    async def catch_up(self) -> None:
        """Reads what is new, and closes every segment that is due.

        Raises:
            Unavailable: the database; what was stored stays.
        """
        full_page = True
        while full_page:
            draft = self._draft
            if draft is None:
                draft = SegmentDraft(await self._database.read(segment_store.covered_id))
                self._draft = draft
            full_page = await self._read_page(draft)
            age_ms = self._clock.now_ms() - (draft.first_id >> EVENT_COUNTER_BITS)
            if draft.is_due(age_ms):
                await self._close(draft)
            if full_page:
                await asyncio.sleep(PAGE_PAUSE_S)

    async def _read_page(self, draft: SegmentDraft) -> bool:
        room = min(PAGE_EVENTS, SEGMENT_EVENTS - draft.events)
        rows = await self._database.read(
            lambda conn: segment_store.rows_to_place(conn, draft.last_id, room)
        )
        for row in rows:
            draft.add(*row)
        return len(rows) == room

    async def _close(self, draft: SegmentDraft) -> None:
        def work(conn: Connection) -> bool:
            return segment_store.put_segment(conn, draft)

        self._draft = None
        try:
            stored = await self._database.write(work)
        except IntegrityError:
            stored = False  # another process was first
        except Unavailable:
            self._draft = draft
            raise
        self.segments += stored
