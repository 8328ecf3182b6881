"""Looking through deliveries: pages, single ones, and setting them to be sent again.

The caller gives hooks of one owner; nothing here looks at a row of any other hook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, select, update

from roadstead.integrations.delivery_store import DeliveryRow, deliveries, to_row
from roadstead.kit.ids import EVENT_COUNTER_BITS

Wanted = Literal["waiting", "delivered", "failed", "rejected", "expired", "dead"]
"""``dead``: every one that ended without having been delivered."""

DEAD = ("failed", "rejected", "expired")


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries.

    Attributes:
        event: prefix of the event's name.
        after_ms, before_ms: made at or after, and before; Unix milliseconds.
    """

    outcome: Wanted | None = None
    device_id: str | None = None
    event: str = ""
    after_ms: int | None = None
    before_ms: int | None = None


def list_deliveries(
    conn: Connection,
    hook_ids: Sequence[str],
    wanted: DeliveryFilter,
    *,
    below_id: int | None,
    limit: int,
) -> list[DeliveryRow]:
    """The newest deliveries of these hooks, newest first.

    Args:
        conn: a unit of work.
        hook_ids: of one owner.
        wanted: which.
        below_id: only those with smaller ids; the last id of the page before.
        limit: at most so many.
    """
    found: list[DeliveryRow] = []
    # Each hook by its own index, instead of one query that would sort all rows of all of them.
    for hook_id in hook_ids:
        query = select(deliveries).where(*_conditions(hook_id, wanted))
        if below_id is not None:
            query = query.where(deliveries.c.id < below_id)
        query = query.order_by(deliveries.c.id.desc()).limit(limit)
        found += [to_row(row) for row in conn.execute(query)]
    return sorted(found, key=lambda row: row.id, reverse=True)[:limit]


def find_delivery(
    conn: Connection, hook_ids: Sequence[str], delivery_id: int
) -> DeliveryRow | None:
    """One delivery of these hooks."""
    query = select(deliveries).where(deliveries.c.id == delivery_id)
    row = conn.execute(query.where(deliveries.c.hook_id.in_(hook_ids))).first()
    return None if row is None else to_row(row)


def send_again(conn: Connection, hook_id: str, delivery_id: int, now_ms: int) -> bool:
    """Sets an ended delivery to be sent; False when there is none, or it waits already."""
    table = deliveries.c
    this = (table.id == delivery_id) & (table.hook_id == hook_id) & (table.state == "done")
    return conn.execute(update(deliveries).where(this).values(_anew(now_ms))).rowcount == 1


def send_some_again(
    conn: Connection, hook_id: str, wanted: DeliveryFilter, now_ms: int, limit: int
) -> int:
    """Sets the oldest ended deliveries of a filter to be sent; gives how many they were."""
    table = deliveries.c
    query = (
        select(table.id)
        .where(*_conditions(hook_id, wanted), table.state == "done")
        .order_by(table.id)
        .limit(limit)
    )
    ids = list(conn.execute(query).scalars())
    if not ids:
        return 0
    # The state again: another one may have set some of them meanwhile.
    these = table.id.in_(ids) & (table.state == "done")
    return conn.execute(update(deliveries).where(these).values(_anew(now_ms))).rowcount


def _anew(now_ms: int) -> dict[str, Any]:
    return {
        "state": "waiting",
        "attempts": 0,
        "since_ms": now_ms,
        "next_at_ms": now_ms,
        "taken_until_ms": 0,
        "outcome": None,
        "finished_at_ms": None,
        "error": None,
    }


def _conditions(hook_id: str, wanted: DeliveryFilter) -> list[ColumnElement[bool]]:
    table = deliveries.c
    conditions: list[ColumnElement[bool]] = [table.hook_id == hook_id]
    if wanted.outcome == "waiting":
        conditions.append(table.state == "waiting")
    elif wanted.outcome == "dead":
        conditions.append(table.outcome.in_(DEAD))
    elif wanted.outcome is not None:
        conditions.append(table.outcome == wanted.outcome)
    if wanted.device_id is not None:
        conditions.append(table.device_id == wanted.device_id)
    if wanted.event:
        conditions.append(table.event_name.startswith(wanted.event, autoescape=True))
    if wanted.after_ms is not None:
        conditions.append(table.id >= wanted.after_ms << EVENT_COUNTER_BITS)
    if wanted.before_ms is not None:
        conditions.append(table.id < wanted.before_ms << EVENT_COUNTER_BITS)
    return conditions
