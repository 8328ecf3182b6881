"""The journal: rows from hot paths, written in batches of a few milliseconds.

A device's event is acknowledged after its row is committed, and thousands of events share a
commit. Rows of one writer are handed to it together. Order of arrival is kept among the writers of
one module, which share tables; writers of different modules may overtake each other in a batch.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

RowWriter = Callable[[Connection, Sequence[Any]], None]
"""A store function that writes many rows of one kind at once."""

OnCommitted = Callable[[Exception | None], None]

REPORT_EVERY_S = 10.0
"""A database that is down fails every batch; the log says so once in this time."""

SLOW_BATCH_S = 5.0
"""A batch takes milliseconds; after this long something is wrong with the disk or the database."""

OUTAGE_TOLD_S = 5.0
"""Seconds that a failed write is told of while nothing waits: without devices or requests nothing
is written, and so nothing would ever show that the database is back."""

_Entry = tuple[RowWriter, Any, OnCommitted | None, bool]


class Journal:
    """Takes rows at once and writes them soon.

    Args:
        database: where to.
        delay_s: how long the first row of a batch waits for company.
        max_batch: rows in one transaction.
        max_pending: rows that may wait; beyond it ``append`` refuses, so that a stalled disk
            shows as unacknowledged messages and not as growing memory.

    Attributes:
        rows: rows committed so far.
        batches: transactions committed so far.
        failures: transactions that failed; their rows were reported as failed.
    """

    def __init__(
        self,
        database: Database,
        *,
        delay_s: float = 0.008,
        max_batch: int = 4000,
        max_pending: int = 100_000,
    ) -> None:
        self._database = database
        self._delay_s = delay_s
        self._max_batch = max_batch
        self._max_pending = max_pending
        self._pending: list[_Entry] = []
        self._in_flight = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._next_report_s = 0.0
        self._began_s: float | None = None
        self._outage: Unavailable | None = None
        self._outage_s = 0.0
        self.rows = 0
        self.batches = 0
        self.failures = 0

    def append(
        self,
        write_rows: RowWriter,
        row: Any,
        on_committed: OnCommitted | None = None,
        *,
        durable: bool = False,
    ) -> bool:
        """Takes a row; False when the journal is full or closed, and then nothing was taken.

        ``on_committed(None)`` runs on the event loop after the commit, ``on_committed(error)``
        after a failure. The commit of a ``durable`` row, and with it of its batch, survives a
        power loss (see Database.write).
        """
        if self._closing or len(self._pending) + self._in_flight >= self._max_pending:
            return False
        if not self._pending and not self._in_flight:
            self._idle.clear()
            asyncio.get_running_loop().call_later(self._delay_s, self._wake.set)
        self._pending.append((write_rows, row, on_committed, durable))
        return True

    async def write(self, write_rows: RowWriter, row: Any, *, durable: bool = False) -> None:
        """Takes a row and returns after the commit.

        Raises:
            Unavailable: the journal is full or closed, or the database cannot be reached.
        """
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_committed(error: Exception | None) -> None:
            if committed.done():
                return
            if error is None:
                committed.set_result(None)
            else:
                committed.set_exception(error)

        if not self.append(write_rows, row, on_committed, durable=durable):
            raise Unavailable("database_unavailable", "Too much waits for the database.")
        await committed

    async def run(self) -> None:
        """Writes batches until ``close``; the one task that the journal needs.

        When it is cancelled, it finishes the batch under way and reports the others as failed.
        """
        try:
            while not (self._closing and not self._pending):
                await self._wake.wait()
                self._wake.clear()
                while self._pending:
                    await self._write_batch()
                self._idle.set()
        finally:
            self._closing = True
            rest, self._pending = self._pending, []
            _tell(rest, Unavailable("database_unavailable", "The server is stopping."))
            self._idle.set()

    def describe(self) -> str:
        """``ok`` while rows are written as they come, else what keeps them, in words."""
        waiting = len(self._pending) + self._in_flight
        now_s = asyncio.get_running_loop().time()
        if self._outage is not None and (waiting or now_s < self._outage_s + OUTAGE_TOLD_S):
            return f"rows are not written: {self._outage.code}"
        if self._began_s is not None:
            took_s = now_s - self._began_s
            if took_s > SLOW_BATCH_S:
                return f"a write has taken {took_s:.0f} s already; {waiting} rows wait"
        if waiting > self._max_pending // 2:
            return f"{waiting} rows wait; {self._max_pending} is the limit"
        return "ok"

    @property
    def waiting(self) -> int:
        """Rows that were taken and are not committed yet."""
        return len(self._pending) + self._in_flight

    @property
    def limit(self) -> int:
        """Rows that may wait."""
        return self._max_pending

    async def flush(self) -> None:
        """Returns when every row taken so far is committed or reported as failed."""
        await self._idle.wait()

    async def close(self) -> None:
        """Takes no more rows, writes those that wait, and lets ``run`` end."""
        self._closing = True
        self._wake.set()
        await self._idle.wait()

    async def _write_batch(self) -> None:
        batch, self._pending = self._pending[: self._max_batch], self._pending[self._max_batch :]
        self._in_flight = len(batch)
        self._began_s = asyncio.get_running_loop().time()
        writing = asyncio.ensure_future(self._write_or_split(batch))
        try:
            await asyncio.shield(writing)
        finally:
            await writing
            self._in_flight = 0
            self._began_s = None

    async def _write_or_split(self, batch: Sequence[_Entry]) -> None:
        """Writes a batch; one row that the database refuses costs only itself, not the others."""
        try:
            await self._database.write(
                lambda connection: _write(connection, batch),
                durable=any(durable for _, _, _, durable in batch),
            )
        except Exception as failure:
            self.failures += 1
            self._outage = failure if isinstance(failure, Unavailable) else None
            self._outage_s = asyncio.get_running_loop().time()
            self._report(failure, len(batch))
            if len(batch) > 1 and not isinstance(failure, Unavailable):
                middle = len(batch) // 2
                await self._write_or_split(batch[:middle])
                await self._write_or_split(batch[middle:])
            else:
                _tell(batch, failure)
            return
        self._outage = None
        self.rows += len(batch)
        self.batches += 1
        _tell(batch, None)

    def _report(self, failure: Exception, rows: int) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            log.error(
                "journal: a batch of %d rows was not written, %d batches failed so far: %s (%s)",
                rows,
                self.failures,
                failure,
                failure.__cause__,
            )


def _write(connection: Connection, batch: Sequence[_Entry]) -> None:
    runs: dict[str, list[tuple[RowWriter, list[Any]]]] = {}
    for write_rows, row, _, _ in batch:
        of_module = runs.setdefault(write_rows.__module__, [])
        if of_module and of_module[-1][0] == write_rows:
            of_module[-1][1].append(row)
        else:
            of_module.append((write_rows, [row]))
    for of_module in runs.values():
        for write_rows, rows in of_module:
            write_rows(connection, rows)


def _tell(batch: Sequence[_Entry], error: Exception | None) -> None:
    for _, _, on_committed, _ in batch:
        if on_committed is not None:
            try:
                on_committed(error)
            except Exception:
                log.exception("journal: a callback failed")
