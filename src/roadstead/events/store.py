"""The table ``events`` and its queries: the same on both engines.

Rows are only appended and deleted. An id begins with the millisecond of acceptance, so ranges of
ids are ranges of time: old rows leave by primary key, and the histories of a device and of an
account read one index backwards.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    select,
)

from roadstead.events.model import Event
from roadstead.events.reactions import ReactedEvent, Reaction
from roadstead.kit.ids import EVENT_COUNTER_BITS
from roadstead.storage.columns import metadata
from roadstead.storage.copying import copy_rows
from roadstead.storage.journal import RowWriter

events = Table(
    "events",
    metadata,
    # As INTEGER the key is SQLite's own row number: no second index, appends at the end.
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("name", Text, nullable=False),
    Column("payload", LargeBinary),
    Column("content_format", Integer),
    Column("ttl_s", BigInteger, nullable=False),
    Column("published_at_ms", BigInteger, nullable=False),
    Column("source", String(8), nullable=False),
    Column("device_id", String(24)),
    Column("owner_id", String(24)),
    Column("product_id", Integer),
    Column("firmware_version", Integer, nullable=False),
    Column("message_id", Integer),
    Index(None, "device_id", "id"),
    Index(None, "owner_id", "id"),
)

_COLUMNS = tuple(events.c.keys())
# Rows are written as the tuple of an Event's fields, so the orders must be one.
assert Event.__struct_fields__ == _COLUMNS

_INSERT_SQLITE = (
    f"INSERT INTO events ({', '.join(_COLUMNS)}) "  # noqa: S608 - the names of our own columns
    f"VALUES ({', '.join('?' * len(_COLUMNS))})"
)


def write_events(conn: Connection, rows: Sequence[Event | ReactedEvent]) -> None:
    """Appends many events in one statement, and what goes with them; a row writer of the journal.

    All of it in the one transaction, so that no reaction to a kept event is ever lost.
    """
    kept = [
        msgspec.structs.astuple(row.event if isinstance(row, ReactedEvent) else row) for row in rows
    ]
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(_INSERT_SQLITE, kept)
    else:
        copy_rows(conn, "events", _COLUMNS, kept)
    if reacted := [row.reaction for row in rows if isinstance(row, ReactedEvent)]:
        _write_reactions(conn, reacted)


def _write_reactions(conn: Connection, reactions: Sequence[Reaction]) -> None:
    by_writer: dict[RowWriter, list[Any]] = {}
    for reaction in reactions:
        by_writer.setdefault(reaction.write_rows, []).extend(reaction.rows)
    for write_rows, rows in by_writer.items():
        write_rows(conn, rows)


def is_older_than(days: int, now: datetime) -> ColumnElement[bool]:
    """Condition: accepted more than ``days`` before ``now``; by ranges of the primary key."""
    before_ms = int((now - timedelta(days=days)).timestamp() * 1000)
    return events.c.id < (before_ms << EVENT_COUNTER_BITS)


def find_event(conn: Connection, event_id: int) -> Event | None:
    """The event with this id."""
    row = conn.execute(select(events).where(events.c.id == event_id)).first()
    return None if row is None else _to_event(row)


def recent_message_ids(conn: Connection, since_ms: int) -> list[tuple[str, int]]:
    """What devices were acknowledged since a Unix time in milliseconds.

    Returns:
        (device id, CoAP message id) of each kept event that came in a confirmable message, oldest
        first; by them a repeat is recognised after a restart.
    """
    table = events.c
    rows = conn.execute(
        select(table.device_id, table.message_id)
        .where(table.id >= since_ms << EVENT_COUNTER_BITS)
        .where(table.message_id.is_not(None), table.device_id.is_not(None))
        .order_by(table.id)
    )
    return [(device_id, message_id) for device_id, message_id in rows]


def _to_event(row: Any) -> Event:
    fields = dict(row._mapping)
    if fields["payload"] is not None:
        fields["payload"] = bytes(fields["payload"])
    return Event(**fields)
