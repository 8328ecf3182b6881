"""The table ``product_endings``: products that are being deleted, and how far that is.

A row outlives its product: the names of files that are still to be removed are in it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Row, String, Table, delete, insert, or_, select
from sqlalchemy import update as sql_update

from roadstead.identity.model import Actor
from roadstead.products.actor_documents import actor_document, to_actor
from roadstead.storage.columns import Json, UtcTimestamp, metadata

product_endings = Table(
    "product_endings",
    metadata,
    Column("product_id", Integer, primary_key=True, autoincrement=False),
    Column("actor", Json, nullable=False),
    Column("asked_at", UtcTimestamp, nullable=False),
    Column("total_devices", Integer, nullable=False),
    Column("removed_devices", Integer, nullable=False),
    # Set once the product is gone.
    Column("files", Json),
    Column("lease_owner", String(24)),
    Column("lease_until", UtcTimestamp),
)

_E = product_endings.c


@dataclass(frozen=True, slots=True)
class ProductEnding:
    """A product that is being deleted.

    Attributes:
        total_devices: devices that it had when somebody asked.
        removed_devices: devices taken out so far.
        files: files to be removed, once the product is gone; None before.
    """

    product_id: int
    actor: Actor
    asked_at: datetime
    total_devices: int
    removed_devices: int
    files: tuple[str, ...] | None


def insert_ending(conn: Connection, one: ProductEnding) -> bool:
    """Adds one; False when the product is being deleted already."""
    if find_ending(conn, one.product_id) is not None:
        return False
    conn.execute(
        insert(product_endings).values(
            product_id=one.product_id,
            actor=actor_document(one.actor),
            asked_at=one.asked_at,
            total_devices=one.total_devices,
            removed_devices=0,
        )
    )
    return True


def find_ending(conn: Connection, product_id: int) -> ProductEnding | None:
    """How far the end of a product is; None when nobody deletes it."""
    row = conn.execute(select(product_endings).where(_E.product_id == product_id)).first()
    return None if row is None else _to_ending(row)


def list_free(conn: Connection, at: datetime) -> list[int]:
    """Products whose end nobody works on, oldest first."""
    free = or_(_E.lease_until.is_(None), _E.lease_until < at)
    return list(conn.scalars(select(_E.product_id).where(free).order_by(_E.asked_at)))


def take(conn: Connection, product_id: int, owner: str, at: datetime, until: datetime) -> bool:
    """Takes or keeps a lease; False when somebody else has it, or all is done."""
    free = or_(_E.lease_until.is_(None), _E.lease_until < at, _E.lease_owner == owner)
    taken = sql_update(product_endings).where(_E.product_id == product_id, free)
    return conn.execute(taken.values(lease_owner=owner, lease_until=until)).rowcount == 1


def release_all(conn: Connection) -> None:
    """Ends all leases; for the one process of a database that has just started."""
    conn.execute(sql_update(product_endings).values(lease_owner=None, lease_until=None))


def count_removed(conn: Connection, product_id: int, number: int) -> None:
    """So many more devices were taken out."""
    values = {"removed_devices": _E.removed_devices + number}
    conn.execute(sql_update(product_endings).where(_E.product_id == product_id).values(**values))


def put_files(conn: Connection, product_id: int, files: list[str]) -> None:
    """The product is gone; these files are left."""
    conn.execute(sql_update(product_endings).where(_E.product_id == product_id).values(files=files))


def delete_ending(conn: Connection, product_id: int) -> None:
    """Nothing is left to do."""
    conn.execute(delete(product_endings).where(_E.product_id == product_id))


def _to_ending(row: Row[Any]) -> ProductEnding:
    return ProductEnding(
        product_id=row.product_id,
        actor=to_actor(row.actor),
        asked_at=row.asked_at,
        total_devices=row.total_devices,
        removed_devices=row.removed_devices,
        files=None if row.files is None else tuple(row.files),
    )
