"""The outbox: changes that other processes must hear of, written with the change itself.

A service appends a row in the transaction that makes the change. Every process follows the table
and puts new rows on its own bus, so that caches drop what is stale, whoever changed it: this
process, another server, or a command at the shell.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import Connection

from roadstead.kit.clock import SystemClock
from roadstead.kit.errors import Unavailable
from roadstead.storage.columns import Json, metadata
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

KEEP_S = 3600
"""How long a row is kept: a process that paused for longer must start anew anyway."""

PAGE_ROWS = 500
"""Rows delivered in one go."""

outbox_rows = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at_s", sa.BigInteger, nullable=False, index=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("payload", Json, nullable=True),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What subscribers of the bus get.

    Attributes:
        topic: what happened, for example ``device.changed``.
        key: to what: a device id, a user id, the hex digest of a token.
        payload: further facts, or None.
    """

    topic: str
    key: str
    payload: dict[str, Any] | None


_clock = SystemClock()


def _unix_s() -> float:
    return _clock.now().timestamp()


_APPEND_LOCK = 0x526F6164
"""Key of the PostgreSQL advisory lock that makes outbox rows commit in the order of their ids."""


def append(conn: Connection, topic: str, key: str, payload: dict[str, Any] | None = None) -> None:
    """Writes a message in the transaction of the change that it tells of."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPEND_LOCK)))
    conn.execute(
        outbox_rows.insert().values(at_s=int(_unix_s()), topic=topic, key=key, payload=payload)
    )


def append_many(conn: Connection, topic: str, keys: Sequence[str]) -> None:
    """Writes a message for each key, in one statement; see ``append``."""
    if not keys:
        return
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPEND_LOCK)))
    at_s = int(_unix_s())
    rows = [{"at_s": at_s, "topic": topic, "key": key, "payload": None} for key in keys]
    conn.execute(outbox_rows.insert(), rows)


class Publisher(Protocol):
    """Who takes the messages: the bus of this process."""

    def publish(self, topic: str, message: object) -> None:
        """Gives the message to everybody who subscribed to the topic."""


class OutboxFollower:
    """Carries new outbox rows to the bus of this process.

    Starts behind the newest row: a process that starts has no caches to drop.

    Args:
        database: where the rows are.
        bus: gets an ``OutboxMessage`` on the topic of each row, in order.
        poll_s: how long a change by another process may stay unseen.
    """

    def __init__(self, database: Database, bus: Publisher, *, poll_s: float = 0.3) -> None:
        self._database = database
        self._bus = bus
        self._poll_s = poll_s
        self._wake = asyncio.Event()
        self._last_id: int | None = None
        self._next_clean_s = 0.0

    def wake(self) -> None:
        """Says that this process has just committed a row, so that nobody waits for the poll."""
        self._wake.set()

    async def start(self) -> None:
        """Takes its place behind the newest row; before any cache is filled."""
        self._last_id = await self._database.read(_newest_id)

    async def run(self) -> None:
        """Delivers until it is cancelled; an unreachable database only delays it."""
        while True:
            with_rows = False
            try:
                with_rows = await self.deliver()
                await self._clean()
            except Unavailable as error:
                log.warning("outbox: %s", error.message)
            except Exception:
                # A row that cannot be read must not end the process; the others still matter.
                log.exception("outbox: delivery failed; trying again")
            if not with_rows:
                await self._pause()

    async def deliver(self) -> bool:
        """Delivers one page of new rows; True if there may be more."""
        if self._last_id is None:
            await self.start()
        last = self._last_id or 0
        rows = await self._database.read(lambda conn: _rows_after(conn, last))
        for row_id, message in rows:
            self._last_id = row_id
            self._bus.publish(message.topic, message)
        return len(rows) == PAGE_ROWS

    async def _pause(self) -> None:
        # Not wait_for: before Python 3.12 it can swallow a cancellation that meets the wake-up.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._wake.wait()
        self._wake.clear()

    async def _clean(self) -> None:
        now_s = _unix_s()
        if now_s >= self._next_clean_s:
            self._next_clean_s = now_s + KEEP_S / 4
            await self._database.write(lambda conn: _delete_before(conn, int(now_s) - KEEP_S))


def _newest_id(conn: Connection) -> int:
    newest = sa.select(sa.func.coalesce(sa.func.max(outbox_rows.c.id), 0))
    return int(conn.execute(newest).scalar_one())


def _rows_after(conn: Connection, last_id: int) -> list[tuple[int, OutboxMessage]]:
    query = outbox_rows.select().where(outbox_rows.c.id > last_id)
    rows = conn.execute(query.order_by(outbox_rows.c.id).limit(PAGE_ROWS))
    return [(row.id, OutboxMessage(row.topic, row.key, row.payload)) for row in rows]


def _delete_before(conn: Connection, at_s: int) -> None:
    conn.execute(outbox_rows.delete().where(outbox_rows.c.at_s < at_s))
