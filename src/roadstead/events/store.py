"""The table ``events`` and its queries: the same on both engines.

Rows are only appended and deleted. An id begins with the millisecond of acceptance, so ranges of
ids are ranges of time. There is no other index: with one for devices and one for accounts, batches
took seven times as long on SQLite and twice as long on PostgreSQL (docs/decisions, 7).
What finds the events of a device or an account is written later, in bulk (``segment_store``).

Ids are in the order of commits, whoever writes: a batch whose ids are not above all committed ones
gets new ones. On PostgreSQL writers take a lock for the length of their transaction. So whoever
reads "all above this id" misses nothing, ever.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    func,
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
)

_COLUMNS = tuple(events.c.keys())
# Rows are written as the tuple of an Event's fields, so the orders must be one.
assert Event.__struct_fields__ == _COLUMNS

_INSERT_SQLITE = (
    f"INSERT INTO events ({', '.join(_COLUMNS)}) "  # noqa: S608 - the names of our own columns
    f"VALUES ({', '.join('?' * len(_COLUMNS))})"
)


WRITE_LOCK = 0x45766E74
"""Key of the PostgreSQL advisory lock under which events are written, one transaction at a time."""


def write_events(conn: Connection, rows: Sequence[Event | ReactedEvent]) -> None:
    """Appends many events in one statement, and what goes with them; a row writer of the journal.

    All of it in the one transaction, so that no reaction to a kept event is ever lost.

    Args:
        conn: a unit of work.
        rows: by growing id; an id that is not above all committed ones is replaced in its event.
    """
    written = [row.event if isinstance(row, ReactedEvent) else row for row in rows]
    _place_last(conn, written)
    kept = [msgspec.structs.astuple(event) for event in written]
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(_INSERT_SQLITE, kept)
    else:
        copy_rows(conn, "events", _COLUMNS, kept)
    if reacted := [
        reaction for row in rows if isinstance(row, ReactedEvent) for reaction in row.reactions
    ]:
        _write_reactions(conn, reacted)


def _write_reactions(conn: Connection, reactions: Sequence[Reaction]) -> None:
    by_writer: dict[RowWriter, list[Any]] = {}
    for reaction in reactions:
        by_writer.setdefault(reaction.write_rows, []).extend(reaction.rows)
    for write_rows, rows in by_writer.items():
        write_rows(conn, rows)


def newest_id(conn: Connection) -> int:
    """The greatest committed id; 0 without events."""
    return int(conn.scalar(select(func.max(events.c.id))) or 0)


def oldest_id(conn: Connection) -> int | None:
    """The least kept id; None without events."""
    found = conn.scalar(select(func.min(events.c.id)))
    return None if found is None else int(found)


def find_event(conn: Connection, event_id: int) -> Event | None:
    """The event with this id."""
    row = conn.execute(select(events).where(events.c.id == event_id)).first()
    return None if row is None else to_event(row)


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


def to_event(row: Sequence[Any]) -> Event:
    """The event of a row of all columns."""
    fields = dict(zip(_COLUMNS, row, strict=True))
    if fields["payload"] is not None:
        fields["payload"] = bytes(fields["payload"])
    return Event(**fields)


def _place_last(conn: Connection, rows: Sequence[Event]) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(WRITE_LOCK)))
    last = newest_id(conn)
    if rows[0].id > last:
        return
    for row in rows:
        last = max(row.id, last + 1)
        # Not committed, and so not seen by anybody yet.
        msgspec.structs.force_setattr(row, "id", last)
