"""Deletes rows that have had their time, a few at a time, beside everything else.

Each capability says by a rule which of its rows are old; nothing here knows what they mean. A step
is one short transaction and is followed by a pause, so that ingest never waits behind it; where
several processes sweep one PostgreSQL database, each passes over the rows that another one holds.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ColumnElement, Connection

from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

STEP_ROWS = 500
"""Rows deleted in one transaction: a few milliseconds on SQLite."""

PAUSE_S = 0.1
"""Between two steps, so that at most a small part of the time goes to deleting; still 5,000 rows
per second, above what a server of this kind takes in for long."""

FIRST_SWEEP_AFTER_S = 60.0
"""A start has better things to do."""

SWEEP_EVERY_S = 600.0

EXPIRED_KEPT = timedelta(days=1)
"""How long what has expired is still there, so that who comes a little late is told why."""


@dataclass(frozen=True, slots=True)
class SweepRule:
    """Which rows of a table go.

    Attributes:
        key: the primary key (one column); it names the table.
        is_old: the condition at a time; on a large table, an index must lead to its rows.
    """

    key: Column[Any]
    is_old: Callable[[datetime], ColumnElement[bool]]

    @property
    def table_name(self) -> str:
        """Name of the table."""
        return str(self.key.table.name)


@dataclass(frozen=True, slots=True)
class SweepStep:
    """A rule of a table whose rows are found otherwise than by one column.

    Attributes:
        table_name: name of the table.
        delete_some: deletes up to ``STEP_ROWS`` rows that are old at a time; gives how many.
    """

    table_name: str
    delete_some: Callable[[Connection, datetime], int]


def expired(key: Column[Any]) -> SweepRule:
    """The rule of a table with a column ``expires_at``; what expired stays for EXPIRED_KEPT."""
    expires_at = key.table.c.expires_at
    return SweepRule(key, lambda now: expires_at < now - EXPIRED_KEPT)


class Sweeper:
    """Applies rules every ten minutes.

    Attributes:
        deleted: rows deleted so far, by table.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rules: Sequence[SweepRule | SweepStep],
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._pause_s = pause_s
        self.deleted = {rule.table_name: 0 for rule in rules}

    async def run(self) -> None:
        """Sweeps until it is cancelled; a database that is away only delays it."""
        await asyncio.sleep(FIRST_SWEEP_AFTER_S)
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("old rows stay for now: %s", error.message)
            except Exception:
                log.exception("old rows could not be deleted")
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep(self) -> None:
        """Deletes all that is old now.

        Raises:
            Unavailable: the database; what was deleted before stays deleted.
        """
        now = self._clock.now()
        for rule in self._rules:
            deleted = STEP_ROWS
            while deleted == STEP_ROWS:
                deleted = await self._step(rule, now)
                await asyncio.sleep(self._pause_s)

    async def _step(self, rule: SweepRule | SweepStep, now: datetime) -> int:
        delete = rule.delete_some if isinstance(rule, SweepStep) else partial(_delete_some, rule)
        deleted = await self._database.write(lambda conn: delete(conn, now))
        self.deleted[rule.table_name] += deleted
        return deleted


def _delete_some(rule: SweepRule, conn: Connection, now: datetime) -> int:
    oldest = (
        sa.select(rule.key)
        .where(rule.is_old(now))
        .order_by(rule.key)
        .limit(STEP_ROWS)
        .with_for_update(skip_locked=True)
    )
    keys = list(conn.execute(oldest).scalars())
    if keys:
        conn.execute(sa.delete(rule.key.table).where(rule.key.in_(keys)))
    return len(keys)
