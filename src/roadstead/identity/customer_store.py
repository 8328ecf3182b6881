"""The table ``customers`` and its queries: who is a customer of which product.

The account of a simple or shadow customer is a row of ``users`` with a name in the product's realm;
somebody who comes by the login page keeps their own account.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

from roadstead.identity.store import users
from roadstead.storage.columns import UtcTimestamp, metadata


class CustomerKind(StrEnum):
    """How a customer proves who they are. Source: particle cloud notes §1.9."""

    SIMPLE = "simple"
    """By e-mail address and password of the product."""

    SHADOW = "shadow"
    """Not at all: the product's own server speaks for them."""

    LOGIN = "login"
    """By their own account, at the login page."""


@dataclass(frozen=True, slots=True)
class Customer:
    """An end user of a product.

    Attributes:
        id: user id of the account that owns the devices.
    """

    id: str
    product_id: int
    email: str
    kind: CustomerKind
    created_at: datetime


customers = Table(
    "customers",
    metadata,
    Column("product_id", Integer, primary_key=True),
    Column("user_id", String(24), ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("email", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Index(None, "user_id"),
    Index("ix_customers_product_id_email", "product_id", "email"),
)

_C = customers.c


def insert_customer(conn: Connection, customer: Customer) -> None:
    """Adds a customer; one that is there already violates the primary key."""
    conn.execute(
        insert(customers).values(
            product_id=customer.product_id,
            user_id=customer.id,
            email=customer.email,
            kind=customer.kind.value,
            created_at=customer.created_at,
        )
    )


def find_customer(conn: Connection, product_id: int, user_id: str) -> Customer | None:
    """The customer of a product with this account."""
    wanted = select(customers).where(_C.product_id == product_id, _C.user_id == user_id)
    row = conn.execute(wanted).first()
    return None if row is None else _to_customer(row)


def find_customer_by_email(conn: Connection, product_id: int, email: str) -> Customer | None:
    """The customer of a product with this address; one of the product's realm first."""
    found = _list(conn, select(customers).where(_C.product_id == product_id, _C.email == email))
    found.sort(key=lambda one: one.kind is CustomerKind.LOGIN)
    return found[0] if found else None


def list_customers(
    conn: Connection, product_id: int, *, offset: int, limit: int
) -> tuple[list[Customer], int]:
    """A part of a product's customers, oldest first, and how many there are."""
    mine = _C.product_id == product_id
    count = conn.scalar(select(func.count()).select_from(customers).where(mine))
    query = select(customers).where(mine).order_by(_C.created_at, _C.user_id)
    return _list(conn, query.offset(offset).limit(limit)), int(count or 0)


def list_products_of_customer(conn: Connection, user_id: str) -> list[int]:
    """The products that an account is a customer of."""
    return list(conn.scalars(select(_C.product_id).where(_C.user_id == user_id)))


def delete_customer(conn: Connection, product_id: int, user_id: str) -> bool:
    """Removes a customer; False when there is none such."""
    gone = delete(customers).where(_C.product_id == product_id, _C.user_id == user_id)
    return conn.execute(gone).rowcount == 1


def _list(conn: Connection, query: Any) -> list[Customer]:
    return [_to_customer(row) for row in conn.execute(query)]


def _to_customer(row: Row[Any]) -> Customer:
    return Customer(
        id=row.user_id,
        product_id=row.product_id,
        email=row.email,
        kind=CustomerKind(row.kind),
        created_at=row.created_at,
    )
