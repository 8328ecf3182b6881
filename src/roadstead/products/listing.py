"""The list of a product's devices: filters, orders and pages as queries.

Each order is one index of ``product_devices``, read from its beginning or, for a page near the
end, from its end; a page costs as much as its distance from the nearer of the two, in index rows.
Totals come from counters. Only a search for a part of a text has to look at every device of the
product, and counts what it finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    select,
    true,
)

from roadstead.devices.model import Device, Presence
from roadstead.devices.naming import name_key
from roadstead.devices.presence_store import PresenceRow, device_presence, to_presence
from roadstead.devices.store import devices
from roadstead.identity.store import users
from roadstead.kit.ids import parse_device_id
from roadstead.products.group_store import device_group_members, find_groups
from roadstead.products.membership_store import find_many, product_devices
from roadstead.products.model import Product, ProductDevice, Standing

SortAttribute = Literal["deviceName", "deviceId", "firmwareVersion", "lastConnection"]

MAX_PER_PAGE = 1000
"""Most devices of one page: some hundred kilobytes of JSON."""

GATHER_LIMIT = 5000
"""Devices of a group that are gathered and sorted; a larger group is found along the order of the
product, where every page meets enough of it."""

_E = product_devices.c
_D = devices.c
_P = device_presence.c
_M = device_group_members.c

_ORDERS: Final[dict[SortAttribute, Column[Any]]] = {
    "deviceName": _E.name_key,
    "deviceId": _E.device_id,
    "firmwareVersion": _E.firmware_version,
    "lastConnection": _E.last_handshake_ms,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceQuery:
    """What is wanted of the list.

    Attributes:
        standing: members, those that wait, or those that were refused.
        device_id, device_name, serial_number: parts of them, in any case; empty for all.
        groups: in one of these groups; empty for all.
        development: only development devices, or only others; None for all.
        firmware_version: only those that said that they run this version; None for all.
        owner_id: only those that this account owns; None for all.
        page: from 1.
    """

    standing: Standing = "member"
    device_id: str = ""
    device_name: str = ""
    serial_number: str = ""
    groups: tuple[str, ...] = ()
    development: bool | None = None
    firmware_version: int | None = None
    owner_id: str | None = None
    sort: SortAttribute = "lastConnection"
    descending: bool = True
    page: int = 1
    per_page: int = 25

    @property
    def searches(self) -> bool:
        """True when the number of devices is not known from counters."""
        parts = self.device_id or self.device_name or self.serial_number
        narrow = (self.development, self.firmware_version, self.owner_id)
        return bool(parts) or any(one is not None for one in narrow) or len(self.groups) > 1


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device of the list.

    Attributes:
        device: without its descriptions, which are long.
        stored: what was last stored of its connection.
        owner_name: user name of its owner.
    """

    entry: ProductDevice
    device: Device
    stored: Presence
    owner_name: str | None


def list_page(
    conn: Connection, product: Product, wanted: DeviceQuery
) -> tuple[list[ListedDevice], int]:
    """The devices of a page, and the number of devices on all pages."""
    groups = find_groups(conn, product.id, wanted.groups) if wanted.groups else {}
    if wanted.groups and not groups:
        return [], 0
    members = [group.id for group in groups.values()]
    conditions = _conditions(product.id, wanted)
    size = sum(group.device_count for group in groups.values())
    candidates = _candidates(conditions, members, size)
    if wanted.searches:
        total = int(conn.scalar(select(func.count()).select_from(candidates.subquery())) or 0)
    else:
        total = size if groups else _total(product, wanted.standing)
    offset = (wanted.page - 1) * wanted.per_page
    if offset >= total:
        return [], total
    return _page(conn, product.id, candidates, wanted, offset, total), total


def _total(product: Product, standing: Standing) -> int:
    counters = {
        "member": product.device_count,
        "quarantined": product.quarantined_count,
        "denied": product.denied_count,
    }
    return counters[standing]


def _conditions(product_id: int, wanted: DeviceQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        _E.product_id == product_id,
        _E.standing == wanted.standing,
    ]
    if wanted.device_id:
        whole = parse_device_id(wanted.device_id)
        part = wanted.device_id.lower()
        conditions.append(_E.device_id == whole if whole else _contains(_E.device_id, part))
    if wanted.device_name:
        conditions.append(_contains(_E.name_key, name_key(wanted.device_name)))
    if wanted.serial_number:
        part = wanted.serial_number.lower()
        # From the index of the numbers, whoever's they are: few devices have the part.
        told = select(_D.id).where(_D.serial_number.is_not(None))
        found = told.where(_contains(func.lower(_D.serial_number), part))
        conditions.append(_E.device_id.in_(found))
    if wanted.owner_id is not None:
        owned = select(_D.id).where(_D.owner_id == wanted.owner_id)
        conditions.append(_E.device_id.in_(owned))
    if wanted.development is not None:
        conditions.append(_E.development == wanted.development)
    if wanted.firmware_version is not None:
        conditions.append(_E.firmware_version == wanted.firmware_version)
    return conditions


def _contains(column: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    return column.contains(part, autoescape=True)


def _candidates(
    conditions: Sequence[ColumnElement[bool]], members: Sequence[str], size: int
) -> Select[Any]:
    """Ids of the devices, in no order."""
    query = select(_E.device_id).where(*conditions)
    if not members:
        return query
    if size <= GATHER_LIMIT:
        gathered = select(_M.device_id).where(_M.group_id.in_(members)).distinct().subquery()
        return query.join(gathered, gathered.c.device_id == _E.device_id)
    inside = select(true()).where(_M.group_id.in_(members), _M.device_id == _E.device_id)
    return query.where(inside.exists())


def _page(
    conn: Connection,
    product_id: int,
    candidates: Select[Any],
    wanted: DeviceQuery,
    offset: int,
    total: int,
) -> list[ListedDevice]:
    limit = min(wanted.per_page, total - offset)
    from_end = offset + limit > total - offset
    start = total - offset - limit if from_end else offset
    descending = wanted.descending != from_end
    ids = list(conn.scalars(_ordered(candidates, wanted, descending).limit(limit).offset(start)))
    entries = find_many(conn, product_id, ids)
    rows = {row.id: row for row in conn.execute(_DETAILS, {"ids": ids})}
    ordered = [one for one in ids if one in rows and one in entries]
    if from_end:
        ordered.reverse()
    return [_listed(entries[one], rows[one]) for one in ordered]


def _ordered(candidates: Select[Any], wanted: DeviceQuery, descending: bool) -> Select[Any]:
    columns = [_ORDERS[wanted.sort]]
    if wanted.sort != "deviceId":
        columns.append(_E.device_id)  # the index goes on with it; equal ones keep their places
    return candidates.order_by(*(one.desc() if descending else one.asc() for one in columns))


_SHOWN: Final = (
    *(_D.id, _D.owner_id, _D.name, _D.notes, _D.product_id, _D.platform_id, _D.serial_number),
    *(_D.imei, _D.iccid, _D.firmware_product_id, _D.firmware_version, _D.system_version),
    *(_D.safe_mode, _D.updates_enabled, _D.updates_forced, _D.quarantined),
    *(_D.created_at, _D.claimed_at, _D.updated_at),
)
_DETAILS: Final[Select[Any]] = (
    select(
        *_SHOWN,
        _P.online,
        _P.last_heard_ms,
        _P.last_handshake_ms,
        _P.last_ip_address,
        users.c.username,
    )
    .join_from(devices, device_presence, _P.device_id == _D.id, isouter=True)
    .join(users, users.c.id == _D.owner_id, isouter=True)
    .where(_D.id.in_(bindparam("ids", expanding=True)))
)


def _listed(entry: ProductDevice, row: Row[Any]) -> ListedDevice:
    *_, online, heard_ms, handshake_ms, address, username = tuple(row)
    values = dict(zip((one.name for one in _SHOWN), tuple(row), strict=False))
    stored = to_presence(
        PresenceRow(entry.device_id, bool(online), heard_ms, handshake_ms, address)
    )
    return ListedDevice(entry, Device(**values), stored, username)
