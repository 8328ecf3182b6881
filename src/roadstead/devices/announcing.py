"""How a change of a device is told: to the audit trail, and to the caches of all processes.

Both rows are written in the transaction that makes the change. All rows of the audit trail come
before all rows of the outbox: each has a lock on PostgreSQL, and one order excludes a deadlock.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from roadstead.devices.store import devices
from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.storage import outbox

DEVICE_CHANGED = "device.changed"
"""Outbox topic, keyed by device id: owner, name, platform or trust changed."""

KEY_CHANGED = "device.key_changed"
"""Outbox topic, keyed by device id: the device must prove another key from now on."""

Facts = dict[str, object] | None


def record(
    conn: Connection,
    actor: Actor,
    action: str,
    device_id: str,
    before: Facts,
    after: Facts,
    at: datetime,
) -> None:
    """Writes the audit row of a change that a person made, on its product's trail if it has one."""
    product_id = conn.scalar(select(devices.c.product_id).where(devices.c.id == device_id))
    record_change(
        conn,
        actor,
        action,
        f"device/{device_id}",
        before,
        after,
        at=at,
        scope=f"product/{product_id}" if product_id is not None else None,
    )


def announce(conn: Connection, topics: Iterable[str], device_id: str) -> None:
    """Writes the outbox rows of a change; afterwards no audit row in this transaction."""
    for topic in topics:
        outbox.append(conn, topic, device_id)
