"""The table ``firmware_assignments``: versions that single devices shall run.

Whoever moves a fleet in steps writes here and nowhere else: an assignment counts before what is
released to a device's groups or to all, and behind a lock. One device has at most one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    delete,
    insert,
    select,
)

from roadstead.firmware.model import Assignment
from roadstead.products.store import products
from roadstead.storage.columns import UtcTimestamp, metadata

BATCH_IDS: Final = 500
"""Ids in one statement; both engines bound the number of parameters."""

firmware_assignments = Table(
    "firmware_assignments",
    metadata,
    Column("product_id", Integer, ForeignKey(products.c.id), primary_key=True),
    Column("device_id", String(24), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("rollout_id", String(24), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("assigned_at", UtcTimestamp, nullable=False),
    Index("ix_firmware_assignments_of_rollout", "rollout_id", "device_id"),
)

_A = firmware_assignments.c


def assign(
    conn: Connection,
    product_id: int,
    device_ids: Sequence[str],
    version: int,
    *,
    rollout_id: str,
    reason: str,
    at: datetime,
) -> None:
    """Assigns a version to devices, in the place of what was assigned to them before."""
    for some in _batches(device_ids):
        conn.execute(
            delete(firmware_assignments).where(_A.product_id == product_id, _A.device_id.in_(some))
        )
        rows = [
            {
                "product_id": product_id,
                "device_id": device_id,
                "version": version,
                "rollout_id": rollout_id,
                "reason": reason,
                "assigned_at": at,
            }
            for device_id in some
        ]
        conn.execute(insert(firmware_assignments), rows)


def withdraw(
    conn: Connection, product_id: int, device_ids: Sequence[str], *, rollout_id: str
) -> int:
    """Takes away what this rollout assigned to devices; gives the number of rows."""
    gone = 0
    for some in _batches(device_ids):
        gone += conn.execute(
            delete(firmware_assignments).where(
                _A.product_id == product_id,
                _A.device_id.in_(some),
                _A.rollout_id == rollout_id,
            )
        ).rowcount
    return gone


def withdraw_all(conn: Connection, product_id: int, *, rollout_id: str) -> int:
    """Takes away all that a rollout assigned; gives the number of rows."""
    return conn.execute(
        delete(firmware_assignments).where(_A.product_id == product_id, _A.rollout_id == rollout_id)
    ).rowcount


def list_assigned(
    conn: Connection, product_id: int, rollout_id: str, *, after: str = "", limit: int
) -> list[Assignment]:
    """What a rollout assigned, by device id, behind ``after``."""
    rows = conn.execute(
        select(firmware_assignments)
        .where(_A.rollout_id == rollout_id, _A.product_id == product_id, _A.device_id > after)
        .order_by(_A.device_id)
        .limit(limit)
    )
    return [_to_assignment(row) for row in rows]


def find_assignments(
    conn: Connection, product_id: int, device_ids: Sequence[str]
) -> dict[str, Assignment]:
    """What is assigned to devices, by id; those without an assignment are missing."""
    found: dict[str, Assignment] = {}
    for some in _batches(device_ids):
        query = select(firmware_assignments).where(
            _A.product_id == product_id, _A.device_id.in_(some)
        )
        found.update((row.device_id, _to_assignment(row)) for row in conn.execute(query))
    return found


def forget_devices(conn: Connection, product_id: int, device_ids: Sequence[str]) -> None:
    """Takes away whatever is assigned to devices that leave the product."""
    for some in _batches(device_ids):
        conn.execute(
            delete(firmware_assignments).where(_A.product_id == product_id, _A.device_id.in_(some))
        )


def delete_all(conn: Connection, product_id: int) -> None:
    """Removes everything of a product that is deleted."""
    conn.execute(delete(firmware_assignments).where(_A.product_id == product_id))


def _batches(device_ids: Sequence[str]) -> list[Sequence[str]]:
    return [device_ids[i : i + BATCH_IDS] for i in range(0, len(device_ids), BATCH_IDS)]


def _to_assignment(row: Row[Any]) -> Assignment:
    return Assignment(
        product_id=row.product_id,
        device_id=row.device_id,
        version=row.version,
        rollout_id=row.rollout_id,
        reason=row.reason,
        assigned_at=row.assigned_at,
    )
