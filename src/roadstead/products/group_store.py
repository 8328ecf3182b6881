"""The tables ``device_groups`` and ``device_group_members``.

Members refer to a group by its id, so that a new name costs one row whatever the size of the group.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
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
    delete,
    func,
    insert,
    select,
    update,
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


def find_group(conn: Connection, product_id: int, name: str) -> DeviceGroup | None:
    """The product's group with this name."""
    query = select(device_groups).where(_G.product_id == product_id, _G.name == name)
    row = conn.execute(query).first()
    return None if row is None else _to_group(row)


def find_groups(
    conn: Connection, product_id: int, names: Collection[str]
) -> dict[str, DeviceGroup]:
    """Those of these groups that the product has, by name."""
    query = select(device_groups).where(_G.product_id == product_id, _G.name.in_(list(names)))
    return {row.name: _to_group(row) for row in conn.execute(query)}


def count_groups(conn: Connection, product_id: int) -> int:
    """How many groups the product has; a few hundred at most."""
    query = select(func.count()).where(_G.product_id == product_id, _G.name.is_not(None))
    return int(conn.scalar(query) or 0)


def insert_group(conn: Connection, group: DeviceGroup) -> None:
    """Adds a group; a name that the product has already violates the constraint."""
    conn.execute(
        insert(device_groups).values(
            id=group.id,
            product_id=group.product_id,
            name=group.name,
            description=group.description,
            color=group.color,
            device_count=group.device_count,
            created_at=group.created_at,
            updated_at=group.updated_at,
        )
    )


def update_group(
    conn: Connection, product_id: int, group_id: str, values: Mapping[str, Any], at: datetime
) -> None:
    """Changes name, description or colour of a group."""
    keyed = (_G.product_id == product_id, _G.id == group_id)
    conn.execute(update(device_groups).where(*keyed).values(**values, updated_at=at))


def add_members(conn: Connection, group_id: str, device_ids: Sequence[str]) -> int:
    """Puts devices into a group and counts them; gives the number of those that are new in it."""
    there = _members_among(conn, group_id, device_ids)
    new = [device_id for device_id in dict.fromkeys(device_ids) if device_id not in there]
    if new:
        rows = [{"group_id": group_id, "device_id": device_id} for device_id in new]
        conn.execute(insert(device_group_members), rows)
        _count(conn, group_id, len(new))
    return len(new)


def remove_members(conn: Connection, group_id: str, device_ids: Sequence[str]) -> int:
    """Takes devices out of a group and counts them; gives the number of those that were in it."""
    there = _members_among(conn, group_id, device_ids)
    if there:
        gone = (_M.group_id == group_id, _M.device_id.in_(list(there)))
        conn.execute(delete(device_group_members).where(*gone))
        _count(conn, group_id, -len(there))
    return len(there)


def leave_all(conn: Connection, product_id: int, device_ids: Sequence[str]) -> None:
    """Takes devices out of all groups of a product, and counts them."""
    mine = select(_G.id).where(_G.product_id == product_id)
    query = select(_M.group_id, func.count()).where(
        _M.device_id.in_(list(device_ids)), _M.group_id.in_(mine)
    )
    left = conn.execute(query.group_by(_M.group_id).order_by(_M.group_id)).all()
    if left:
        ids = [group_id for group_id, _ in left]
        gone = (_M.device_id.in_(list(device_ids)), _M.group_id.in_(ids))
        conn.execute(delete(device_group_members).where(*gone))
        for group_id, number in left:
            _count(conn, group_id, -number)


def list_emptying(conn: Connection) -> list[str]:
    """Ids of deleted groups whose members have not all been taken out yet."""
    return list(conn.scalars(select(_G.id).where(_G.name.is_(None))))


def empty_some(conn: Connection, group_id: str, limit: int) -> bool:
    """Takes some members out of a deleted group; False once it is empty and gone."""
    ids = list(conn.scalars(select(_M.device_id).where(_M.group_id == group_id).limit(limit)))
    if ids:
        gone = (_M.group_id == group_id, _M.device_id.in_(ids))
        conn.execute(delete(device_group_members).where(*gone))
        return True
    conn.execute(delete(device_groups).where(_G.id == group_id, _G.name.is_(None)))
    return False


def delete_all(conn: Connection, product_id: int) -> None:
    """Deletes all groups of a product without devices; few members can be left, of deleted ones."""
    mine = select(_G.id).where(_G.product_id == product_id)
    conn.execute(delete(device_group_members).where(_M.group_id.in_(mine)))
    conn.execute(delete(device_groups).where(_G.product_id == product_id))


def _members_among(conn: Connection, group_id: str, device_ids: Sequence[str]) -> set[str]:
    query = select(_M.device_id).where(_M.group_id == group_id, _M.device_id.in_(list(device_ids)))
    return set(conn.scalars(query))


def _count(conn: Connection, group_id: str, by: int) -> None:
    more = _G.device_count + by
    conn.execute(update(device_groups).where(_G.id == group_id).values(device_count=more))


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
