"""The table ``event_subscriptions``: how far the reader of each named subscription has come."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
)

from roadstead.storage.columns import Json, UtcTimestamp, metadata

Ack = Literal["auto", "manual"]

event_subscriptions = Table(
    "event_subscriptions",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("owner_id", String(24), nullable=False),
    Column("name", Text, nullable=False),
    Column("wanted", Json, nullable=False),
    Column("ack", String(8), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("used_at", UtcTimestamp, nullable=False, index=True),
    UniqueConstraint("owner_id", "name"),
)

_T = event_subscriptions.c


@dataclass(frozen=True, slots=True)
class Subscription:
    """A named place in the events.

    Attributes:
        id: 24 hex digits.
        owner_id: user id of whose it is.
        name: unique among the owner's.
        wanted: its filters, as ``subscriptions.describe`` writes them.
        ack: whether what was sent counts as read, or only what was acknowledged.
        position: id of the last event that counts as read.
        used_at: when a reader last opened it or moved its position.
    """

    id: str
    owner_id: str
    name: str
    wanted: list[dict[str, Any]]
    ack: Ack
    position: int
    created_at: datetime
    used_at: datetime


class Moved(NamedTuple):
    """A new position, for the journal."""

    subscription_id: str
    position: int
    used_at_ms: int


_MOVE = text(
    """
    UPDATE event_subscriptions SET position = :position, used_at = :used_at
    WHERE id = :id AND position <= :position
    """
)


def find_subscription(conn: Connection, owner_id: str, name: str) -> Subscription | None:
    """The owner's subscription of this name."""
    row = conn.execute(
        select(event_subscriptions).where(_T.owner_id == owner_id, _T.name == name)
    ).first()
    return None if row is None else _subscription(row)


def list_subscriptions(conn: Connection, owner_id: str) -> list[Subscription]:
    """All of the owner's, by name."""
    rows = conn.execute(
        select(event_subscriptions).where(_T.owner_id == owner_id).order_by(_T.name)
    )
    return [_subscription(row) for row in rows]


def count_subscriptions(conn: Connection, owner_id: str) -> int:
    """How many the owner has."""
    return conn.scalar(select(func.count(_T.id)).where(_T.owner_id == owner_id)) or 0


def insert_subscription(conn: Connection, one: Subscription) -> None:
    """Stores a new one."""
    conn.execute(event_subscriptions.insert().values(**asdict(one)))


def write_positions(conn: Connection, rows: Sequence[Moved]) -> None:
    """Moves positions forward, never back; the row writer of the journal."""
    conn.execute(
        _MOVE,
        [{"id": one[0], "position": one[1], "used_at": one[2]} for one in rows],
    )


def delete_subscription(conn: Connection, owner_id: str, name: str) -> bool:
    """Removes one; False when the owner has none of this name."""
    found = conn.execute(
        delete(event_subscriptions).where(_T.owner_id == owner_id, _T.name == name)
    )
    return bool(found.rowcount)


def delete_all_of(conn: Connection, owner_id: str) -> None:
    """Removes all of the owner's."""
    conn.execute(delete(event_subscriptions).where(_T.owner_id == owner_id))


def is_unused(days: int, now: datetime) -> ColumnElement[bool]:
    """Condition: not used for so many days."""
    return _T.used_at < now - timedelta(days=days)


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(**dict(row._mapping))
