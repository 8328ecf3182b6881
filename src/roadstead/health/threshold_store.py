"""The table ``health_thresholds``: the thresholds of products that have their own."""

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, delete, select, text

from roadstead.health.thresholds import SHIPPED, HealthThresholds
from roadstead.products.store import products
from roadstead.storage.columns import Json, metadata

health_thresholds = Table(
    "health_thresholds",
    metadata,
    Column("product_id", Integer, ForeignKey(products.c.id), primary_key=True),
    Column("thresholds", Json, nullable=False),
)

_T = health_thresholds.c

_PUT = text(
    """
    INSERT INTO health_thresholds (product_id, thresholds) VALUES (:product_id, :thresholds)
    ON CONFLICT (product_id) DO UPDATE SET thresholds = excluded.thresholds
    """
)


def find_thresholds(conn: Connection, product_id: int) -> HealthThresholds | None:
    """The product's own thresholds; None when it has the shipped ones."""
    query = select(_T.thresholds).where(_T.product_id == product_id)
    found: Any = conn.execute(query).scalar()
    return None if found is None else msgspec.convert(found, HealthThresholds)


def thresholds_of(conn: Connection, product_ids: Collection[int]) -> dict[int, HealthThresholds]:
    """What counts for each of these products."""
    query = select(_T.product_id, _T.thresholds).where(_T.product_id.in_(product_ids))
    own = {
        row.product_id: msgspec.convert(row.thresholds, HealthThresholds)
        for row in conn.execute(query)
    }
    return {one: own.get(one, SHIPPED) for one in product_ids}


def put_thresholds(conn: Connection, product_id: int, thresholds: HealthThresholds) -> None:
    """Keeps the product's own thresholds."""
    document = msgspec.json.encode(thresholds).decode()
    conn.execute(_PUT, {"product_id": product_id, "thresholds": document})


def delete_thresholds(conn: Connection, product_id: int) -> None:
    """Goes back to the shipped ones."""
    conn.execute(delete(health_thresholds).where(_T.product_id == product_id))
