"""The tables ``device_groups`` and ``device_group_members``.

Members refer to a group by its id, so that a new name costs one row whatever the size of the group.
"""

from collections.abc import Sequence
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
    UniqueConstraint,
    select,
)

from roadstead.products.model import DeviceGroup
from roadstead.products.store import products
from roadstead.storage.columns import UtcTimestamp, metadata

device_groups = Table(
    "device_groups",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("product_id", Integer, ForeignKey(products.c.id), nullable=False),
    # Null once the group was deleted, while its members are being taken out.
    Column("name", String(64)),
    Column("description", Text, nullable=False),
    Column("color", String(7), nullable=False),
    Column("device_count", Integer, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    UniqueConstraint("product_id", "name"),
)

device_group_members = Table(
    "device_group_members",
    metadata,
    Column("group_id", String(24), ForeignKey(device_groups.c.id), primary_key=True),
    Column("device_id", String(24), primary_key=True),
    Index(None, "device_id"),
)

_G = device_groups.c
_M = device_group_members.c


def list_groups(conn: Connection, product_id: int) -> list[DeviceGroup]:
    """All groups of the product, by name."""
    query = select(device_groups).where(_G.product_id == product_id, _G.name.is_not(None))
    return [_to_group(row) for row in conn.execute(query.order_by(_G.name))]


def list_group_names(conn: Connection, product_ids: Sequence[int]) -> dict[int, list[str]]:
    """Names of the groups of each product, sorted; a product without groups is missing."""
    query = select(_G.product_id, _G.name).where(
        _G.product_id.in_(product_ids), _G.name.is_not(None)
    )
    names: dict[int, list[str]] = {}
    for product_id, name in conn.execute(query.order_by(_G.name)):
        names.setdefault(product_id, []).append(name)
    return names


def groups_of_devices(
    conn: Connection, product_id: int, device_ids: Sequence[str]
) -> dict[str, list[DeviceGroup]]:
    """The groups that each device is in, by name; at most some hundred ids at a time."""
    query = (
        select(_M.device_id, *device_groups.c)
        .join_from(device_group_members, device_groups, _M.group_id == _G.id)
        .where(_M.device_id.in_(device_ids), _G.product_id == product_id, _G.name.is_not(None))
        .order_by(_G.name)
    )
    found: dict[str, list[DeviceGroup]] = {}
    for row in conn.execute(query):
        found.setdefault(row.device_id, []).append(_to_group(row))
    return found


def _to_group(row: Row[Any]) -> DeviceGroup:
    return DeviceGroup(
        id=row.id,
        product_id=row.product_id,
        name=row.name,
        description=row.description,
        color=row.color,
        device_count=row.device_count,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
