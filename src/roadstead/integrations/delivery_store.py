"""The table of deliveries: the same on both engines.

A row is written with its event, in the same transaction, and tells until it is deleted for its age
what became of it. Partial indexes hold the rows that wait, so that looking for work costs the same
however long the history is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    select,
    update,
)

from roadstead.events.model import Event
from roadstead.integrations.model import Delivery, Outcome
from roadstead.kit.clock import to_ms
from roadstead.kit.ids import EVENT_COUNTER_BITS
from roadstead.storage.columns import Json, metadata
from roadstead.storage.copying import copy_rows

State = Literal["waiting", "done"]

_waits = sa.text("state = 'waiting'")
_is_dead = sa.text("outcome IN ('failed', 'rejected', 'expired')")

deliveries = Table(
    "deliveries",
    metadata,
    Column(
        "id",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("hook_id", String(24), nullable=False),
    Column("event_name", Text, nullable=False),
    Column("device_id", String(24)),
    Column("event", LargeBinary, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("next_at_ms", BigInteger, nullable=False),
    Column("taken_until_ms", BigInteger, nullable=False),
    Column("outcome", String(12)),
    Column("finished_at_ms", BigInteger),
    Column("request", Json),
    Column("response", Json),
    Column("error", Text),
    Column("log", Json),
    Index(None, "hook_id", "id"),
    Index(
        "ix_deliveries_waiting_due",
        "hook_id",
        "next_at_ms",
        sqlite_where=_waits,
        postgresql_where=_waits,
    ),
    Index(
        "ix_deliveries_waiting_order", "hook_id", "id", sqlite_where=_waits, postgresql_where=_waits
    ),
    Index("ix_deliveries_dead", "hook_id", "id", sqlite_where=_is_dead, postgresql_where=_is_dead),
    Index("ix_deliveries_device_id_id", "device_id", "id"),
)

_NEW = (
    "id",
    "hook_id",
    "event_name",
    "device_id",
    "event",
    "state",
    "attempts",
    "since_ms",
    "next_at_ms",
    "taken_until_ms",
)

_INSERT_SQLITE = (
    f"INSERT INTO deliveries ({', '.join(_NEW)}) "  # noqa: S608 - the names of our own columns
    f"VALUES ({', '.join('?' * len(_NEW))})"
)

NewRow = tuple[int, str, str, str | None, bytes, str, int, int, int, int]
"""A new row: the columns of ``_NEW`` in their order."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


def encode_event(event: Event) -> bytes:
    """The event as deliveries keep it: they outlive its own row."""
    return _encode(event)


def new_row(delivery: Delivery, encoded: bytes, taken_until_ms: int) -> NewRow:
    """The row of a new delivery.

    Args:
        delivery: what waits.
        encoded: its event, by ``encode_event``.
        taken_until_ms: until when this process alone may send it; 0 when it waits for anybody.
    """
    event = delivery.event
    return (
        delivery.id,
        delivery.hook_id,
        event.name,
        event.device_id,
        encoded,
        "waiting",
        0,
        delivery.since_ms,
        delivery.next_at_ms,
        taken_until_ms,
    )


def write_deliveries(conn: Connection, rows: Sequence[NewRow]) -> None:
    """Appends new deliveries; written with their events."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(_INSERT_SQLITE, list(rows))
    else:
        copy_rows(conn, "deliveries", _NEW, rows)


class AttemptRow(NamedTuple):
    """What an attempt changes in its row.

    Attributes:
        id: of the delivery.
        state: ``waiting`` when it is tried again.
        next_at_ms: when, in Unix milliseconds; else when it ended.
        outcome: None while it waits.
        request, response: of this attempt, without secrets and cut to a readable length.
        error: why it was no success.
        log: of all attempts.
    """

    id: int
    state: State
    attempts: int
    next_at_ms: int
    outcome: Outcome | None
    finished_at_ms: int | None
    request: dict[str, object] | None
    response: dict[str, object] | None
    error: str | None
    log: list[dict[str, object]]


_UPDATE = (
    update(deliveries)
    .where(deliveries.c.id == sa.bindparam("of_id"))
    .values({name: sa.bindparam(name) for name in (*AttemptRow._fields[1:], "taken_until_ms")})
)


def write_attempts(conn: Connection, rows: Sequence[AttemptRow]) -> None:
    """Writes what attempts came to; a row writer of the journal."""
    conn.execute(_UPDATE, [_update_of(row) for row in rows])


def _update_of(row: AttemptRow) -> dict[str, object]:
    values: dict[str, object] = row._asdict()
    return {**values, "of_id": values.pop("id"), "taken_until_ms": 0}


def take(
    conn: Connection,
    hook_id: str,
    *,
    now_ms: int,
    until_ms: int,
    limit: int,
    in_order: bool,
) -> tuple[list[Delivery], int | None]:
    """Takes deliveries of a hook that wait, for this process alone until a time.

    Args:
        conn: a unit of work that writes.
        hook_id: whose.
        now_ms: Unix milliseconds.
        until_ms: when others may take them.
        limit: at most so many.
        in_order: those that are not due yet as well, because later ones must not overtake them.

    Returns:
        The deliveries in the order in which they are to be sent, and when the next of the others
        can be taken (None when there is none).
    """
    table = deliveries.c
    waits = (table.hook_id == hook_id) & (table.state == "waiting")
    free = waits & (table.taken_until_ms <= now_ms)
    wanted = free if in_order else free & (table.next_at_ms <= now_ms)
    order = (table.id,) if in_order else (table.next_at_ms, table.id)
    rows = conn.execute(
        select(
            table.id,
            table.event,
            table.attempts,
            table.since_ms,
            table.next_at_ms,
            table.log,
        )
        .where(wanted)
        .order_by(*order)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        ids = [row.id for row in rows]
        conn.execute(update(deliveries).where(table.id.in_(ids)).values(taken_until_ms=until_ms))
    can = sa.case(
        (table.taken_until_ms > table.next_at_ms, table.taken_until_ms), else_=table.next_at_ms
    )
    rest = waits & ~table.id.in_([row.id for row in rows]) if rows else waits
    next_ms = conn.execute(select(sa.func.min(can)).where(rest)).scalar()
    return [_to_delivery(hook_id, row) for row in rows], next_ms


def hooks_with_work(conn: Connection) -> list[str]:
    """Ids of the hooks for which deliveries wait; for the start of a process."""
    query = select(deliveries.c.hook_id).where(deliveries.c.state == "waiting").distinct()
    return list(conn.execute(query).scalars())


def give_back_all(conn: Connection) -> None:
    """Ends what earlier processes took, when there can be no other process now."""
    table = deliveries.c
    conn.execute(
        update(deliveries)
        .where((table.state == "waiting") & (table.taken_until_ms > 0))
        .values(taken_until_ms=0)
    )


def newest_id(conn: Connection) -> int:
    """The largest id so far; 0 for none."""
    return int(conn.execute(select(sa.func.coalesce(sa.func.max(deliveries.c.id), 0))).scalar_one())


def is_older_than(days: int, now: datetime) -> sa.ColumnElement[bool]:
    """Condition: made more than ``days`` before ``now``; by ranges of the primary key."""
    before_ms = to_ms(now - timedelta(days=days))
    return deliveries.c.id < (before_ms << EVENT_COUNTER_BITS)


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery as its owner looks at it; ``AttemptRow`` says what the fields are."""

    id: int
    hook_id: str
    event: Event
    state: State
    attempts: int
    next_at_ms: int
    outcome: Outcome | None
    finished_at_ms: int | None
    request: dict[str, Any] | None
    response: dict[str, Any] | None
    error: str | None
    log: list[dict[str, Any]]


def to_row(row: Any) -> DeliveryRow:
    """A whole row of the table."""
    return DeliveryRow(
        id=row.id,
        hook_id=row.hook_id,
        event=_decode(bytes(row.event)),
        state=row.state,
        attempts=row.attempts,
        next_at_ms=row.next_at_ms,
        outcome=row.outcome,
        finished_at_ms=row.finished_at_ms,
        request=row.request,
        response=row.response,
        error=row.error,
        log=row.log or [],
    )


def _to_delivery(hook_id: str, row: Any) -> Delivery:
    event = _decode(bytes(row.event))
    log = row.log or []
    return Delivery(row.id, hook_id, event, row.since_ms, row.next_at_ms, row.attempts, log)
