"""The tables ``products`` and ``product_ids`` and their queries: the same on both engines.

``product_ids`` keeps each number that was ever given out, with its owner: a deleted product's
number, which devices still carry in their firmware and old events in their rows, must never come
to somebody else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from roadstead.products.model import Owner, Product, ProductSettings
from roadstead.products.naming import FIRST_FREE_ID, MAX_PRODUCT_ID, product_name_key
from roadstead.storage.columns import Json, UtcTimestamp, metadata

products = Table(
    "products",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("platform_id", Integer, nullable=False),
    Column("owner_user_id", String(24)),
    Column("owner_organization_id", String(24)),
    Column("settings", Json, nullable=False),
    # Counters, changed in the transaction that changes what they count: nothing counts rows.
    Column("device_count", Integer, nullable=False),
    Column("quarantined_count", Integer, nullable=False),
    Column("denied_count", Integer, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    CheckConstraint("(owner_user_id IS NULL) <> (owner_organization_id IS NULL)", name="one_owner"),
    Index("ix_products_owner_user_id_name_key", "owner_user_id", "name_key", unique=True),
    Index(
        "ix_products_owner_organization_id_name_key",
        "owner_organization_id",
        "name_key",
        unique=True,
    ),
)

product_ids = Table(
    "product_ids",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("owner_id", String(24), nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
)

_P = products.c


def insert_product(conn: Connection, product: Product) -> None:
    """Adds a product; a taken number, slug or name violates a constraint."""
    conn.execute(
        insert(products).values(
            id=product.id,
            slug=product.slug,
            name=product.name,
            name_key=product_name_key(product.name),
            description=product.description,
            platform_id=product.platform_id,
            owner_user_id=product.owner.user_id,
            owner_organization_id=product.owner.organization_id,
            settings=msgspec.to_builtins(product.settings),
            device_count=product.device_count,
            quarantined_count=product.quarantined_count,
            denied_count=product.denied_count,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )
    )


def find_product(conn: Connection, product_id: int) -> Product | None:
    """The product with this number, whoever owns it; the caller checks what may be done with it."""
    return _first(conn, select(products).where(_P.id == product_id))


def find_product_by_slug(conn: Connection, slug: str) -> Product | None:
    """The product with this slug, whoever owns it; likewise."""
    return _first(conn, select(products).where(_P.slug == slug))


def list_products_of(
    conn: Connection, owners: Sequence[Owner], further: Sequence[int] = ()
) -> list[Product]:
    """All products of these owners, and those with these numbers, by name."""
    if not owners and not further:
        return []
    users = [owner.user_id for owner in owners if owner.user_id]
    organizations = [owner.organization_id for owner in owners if owner.organization_id]
    owned = or_(
        _P.owner_user_id.in_(users),
        _P.owner_organization_id.in_(organizations),
        _P.id.in_(further),
    )
    rows = conn.execute(select(products).where(owned).order_by(_P.name_key, _P.id))
    return [_to_product(row) for row in rows]


def some_trust_first_keys(conn: Connection) -> bool:
    """Whether any product trusts first keys; looks through all products, of which there are few."""
    query = select(_P.id).where(_P.settings.cast(Text).like('%"trust_first_key":true%'))
    return conn.execute(query.limit(1)).first() is not None


def update_product(
    conn: Connection, product_id: int, values: Mapping[str, Any], at: datetime
) -> None:
    """Changes columns of a product, in the words of Product; likewise."""
    columns = dict(values)
    if "name" in columns:
        columns["name_key"] = product_name_key(columns["name"])
    if "settings" in columns:
        columns["settings"] = msgspec.to_builtins(columns["settings"])
    keyed = update(products).where(_P.id == product_id)
    conn.execute(keyed.values(**columns, updated_at=at))


def delete_product(conn: Connection, product_id: int) -> None:
    """Deletes a product of which nothing else is kept any more; its number stays given out."""
    conn.execute(delete(products).where(_P.id == product_id))


def is_name_taken(conn: Connection, owner: Owner, name: str, *, except_id: int = 0) -> bool:
    """Whether another product of the owner has this name, in any case."""
    column = _P.owner_user_id if owner.user_id else _P.owner_organization_id
    query = select(_P.id).where(
        column == owner.id, _P.name_key == product_name_key(name), _P.id != except_id
    )
    return conn.execute(query).first() is not None


def is_slug_taken(conn: Connection, slug: str, *, except_id: int = 0) -> bool:
    """Whether another product has this slug."""
    query = select(_P.id).where(_P.slug == slug, _P.id != except_id)
    return conn.execute(query).first() is not None


_CREATION_LOCK = 0x50726F64
"""Key of the PostgreSQL advisory lock under which one product at a time gets number and slug."""


def lock_creation(conn: Connection) -> None:
    """Lets one creation at a time choose a number and a slug; SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_CREATION_LOCK)))


def find_free_id(conn: Connection) -> int | None:
    """The next number that nobody ever had; None when all are given out."""
    used = product_ids.c.id
    highest = conn.scalar(select(func.max(used)).where(used >= FIRST_FREE_ID))
    if highest is None:
        return FIRST_FREE_ID
    if highest < MAX_PRODUCT_ID:
        return int(highest) + 1
    taken = set(conn.scalars(select(used).where(used >= FIRST_FREE_ID)))
    return next((n for n in range(FIRST_FREE_ID, MAX_PRODUCT_ID + 1) if n not in taken), None)


def find_id_owner(conn: Connection, product_id: int) -> str | None:
    """Id of the owner who once got this number; None for one that nobody ever had."""
    found = conn.scalar(select(product_ids.c.owner_id).where(product_ids.c.id == product_id))
    return None if found is None else str(found)


def put_id(conn: Connection, product_id: int, owner: Owner, at: datetime) -> None:
    """Gives a number out for good; one that is given out already violates the primary key."""
    values = {"id": product_id, "owner_id": owner.id, "created_at": at}
    conn.execute(insert(product_ids).values(**values))


def update_owner(conn: Connection, product_id: int, owner: Owner, at: datetime) -> None:
    """Gives a product, and with it its number, to another owner."""
    values = {
        "owner_user_id": owner.user_id,
        "owner_organization_id": owner.organization_id,
        "updated_at": at,
    }
    conn.execute(update(products).where(_P.id == product_id).values(**values))
    conn.execute(
        update(product_ids).where(product_ids.c.id == product_id).values(owner_id=owner.id)
    )


def count_devices(
    conn: Connection,
    product_id: int,
    *,
    members: int = 0,
    quarantined: int = 0,
    denied: int = 0,
) -> None:
    """Adds to the counters of a product, in the transaction that changes what they count."""
    changes = {
        _P.device_count: members,
        _P.quarantined_count: quarantined,
        _P.denied_count: denied,
    }
    values: dict[Any, Any] = {column: column + by for column, by in changes.items() if by}
    if values:
        conn.execute(update(products).where(_P.id == product_id).values(values))


def _first(conn: Connection, query: Select[Any]) -> Product | None:
    row = conn.execute(query).first()
    return None if row is None else _to_product(row)


def _to_product(row: Row[Any]) -> Product:
    return Product(
        id=row.id,
        slug=row.slug,
        name=row.name,
        description=row.description,
        platform_id=row.platform_id,
        owner=Owner(user_id=row.owner_user_id, organization_id=row.owner_organization_id),
        # A setting that a later version has and this one does not know is passed over.
        settings=msgspec.convert(row.settings, ProductSettings),
        device_count=row.device_count,
        quarantined_count=row.quarantined_count,
        denied_count=row.denied_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
