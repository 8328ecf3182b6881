"""The table ``firmware_pushes``: releases that go out at once, with how far each of them is.

A row is written in the transaction of its release, and removed when every member of the product was
looked at; a process that dies in between leaves the place where the next goes on.
"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from roadstead.kit.ids import new_object_id
from roadstead.products.membership_store import product_devices
from roadstead.storage.columns import metadata

firmware_pushes = Table(
    "firmware_pushes",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("product_id", Integer, nullable=False),
    Column("asked_by", String(24)),
    Column("created_at_ms", BigInteger, nullable=False),
    # The last device that was looked at; empty before the first.
    Column("at_device", String(24), nullable=False),
)

_P = firmware_pushes.c
_M = product_devices.c


@dataclass(frozen=True, slots=True)
class Push:
    """Look at all members of a product that are connected, now."""

    id: str
    product_id: int
    asked_by: str | None
    created_at_ms: int
    at_device: str


def insert_push(conn: Connection, product_id: int, asked_by: str | None, at_ms: int) -> None:
    """Has the connected members of a product looked at at once; the engine is to be woken after."""
    conn.execute(
        insert(firmware_pushes).values(
            id=new_object_id(),
            product_id=product_id,
            asked_by=asked_by,
            created_at_ms=at_ms,
            at_device="",
        )
    )


def list_pushes(conn: Connection) -> list[Push]:
    """What is left to do, oldest first."""
    return [Push(*row) for row in conn.execute(select(firmware_pushes).order_by(_P.id))]


def move_push(conn: Connection, push_id: str, at_device: str) -> None:
    """Notes how far a push is."""
    conn.execute(update(firmware_pushes).where(_P.id == push_id).values(at_device=at_device))


def delete_push(conn: Connection, push_id: str) -> None:
    """Every member was looked at."""
    conn.execute(delete(firmware_pushes).where(_P.id == push_id))


def delete_of_product(conn: Connection, product_id: int) -> int:
    """Forgets what is left to do of a product that ends; gives the number of rows."""
    return conn.execute(delete(firmware_pushes).where(_P.product_id == product_id)).rowcount


def list_members(conn: Connection, product_id: int, after: str, limit: int) -> list[str]:
    """Ids of members of a product in their order, those after ``after``."""
    query = (
        select(_M.device_id)
        .where(_M.product_id == product_id, _M.standing == "member", _M.device_id > after)
        .order_by(_M.device_id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())
