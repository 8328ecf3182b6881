"""The table ``fleet_counts``: what the devices of a product did in each minute.

A row counts devices of one firmware version and one release of Device OS, in one group or (empty)
in all; so a question reads one stretch of the key, whatever the size of the fleet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    text,
    tuple_,
)

from roadstead.devices.presence_store import device_presence
from roadstead.devices.releases import release_name
from roadstead.devices.store import devices
from roadstead.health.fleet_series import MINUTE_MS, FleetFilter, Metric, Window
from roadstead.kit.clock import to_ms
from roadstead.products.group_store import device_group_members, device_groups
from roadstead.storage.columns import metadata

KEPT_DAYS = 31

STEP_ROWS = 500

HOURLY = "/h"
"""Ends the metric of rows that hold a whole hour, for windows of days: a sixtieth of the rows."""

QUARTERLY = "/q"
"""Likewise of a quarter of an hour; of snapshots it holds the newest one."""

QUARTER = 15

ROLL_UPS: Mapping[str, int] = {QUARTERLY: QUARTER, HOURLY: 60}
"""Minutes of the rows of each ending; counts are added to them as to their minute."""

ALL = ""
"""Stands for the whole product where a group's name would be."""

fleet_counts = Table(
    "fleet_counts",
    metadata,
    Column("product_id", Integer, primary_key=True, autoincrement=False),
    Column("metric", String(20), primary_key=True),
    Column("device_group", Text, primary_key=True),
    Column("minute", Integer, primary_key=True, autoincrement=False, index=True),
    Column("firmware", Integer, primary_key=True, autoincrement=False),
    Column("system", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

_C = fleet_counts.c

_ADD = text(
    """
    INSERT INTO fleet_counts (product_id, metric, device_group, minute, firmware, system, count)
    VALUES (:product_id, :metric, :device_group, :minute, :firmware, :system, :count)
    ON CONFLICT (product_id, metric, device_group, minute, firmware, system)
    DO UPDATE SET count = fleet_counts.count + excluded.count
    """
)


_PUT = text(
    """
    INSERT INTO fleet_counts (product_id, metric, device_group, minute, firmware, system, count)
    VALUES (:product_id, :metric, :device_group, :minute, :firmware, :system, :count)
    ON CONFLICT (product_id, metric, device_group, minute, firmware, system)
    DO UPDATE SET count = excluded.count
    """
)


@dataclass(frozen=True, slots=True)
class CountRow:
    """What is added to one row."""

    product_id: int
    metric: str
    device_group: str
    minute: int
    firmware: int
    system: str
    count: int


class DeviceFacts(NamedTuple):
    """By what a device is filtered."""

    system: str
    groups: tuple[str, ...]


def add_counts(conn: Connection, rows: Sequence[CountRow]) -> None:
    """Adds to rows, which are made where they are missing; the row writer of the journal."""
    conn.execute(_ADD, [asdict(row) for row in rows])


def put_counts(conn: Connection, rows: Sequence[CountRow]) -> None:
    """Sets rows, as a snapshot says; the row writer of the journal."""
    conn.execute(_PUT, [asdict(row) for row in rows])


def facts_of(conn: Connection, device_ids: Sequence[str]) -> dict[str, DeviceFacts]:
    """The facts of those of these devices that are known."""
    known = select(devices.c.id, devices.c.system_version).where(devices.c.id.in_(device_ids))
    systems = {row.id: row.system_version for row in conn.execute(known)}
    members, groups = device_group_members.c, device_groups.c
    named: dict[str, list[str]] = {}
    for device_id, name in conn.execute(
        select(members.device_id, groups.name)
        .join(device_groups, groups.id == members.group_id)
        .where(members.device_id.in_(device_ids), groups.name.is_not(None))
    ):
        named.setdefault(device_id, []).append(name)
    return {
        device_id: DeviceFacts(release_name(number) or "", tuple(named.get(device_id, ())))
        for device_id, number in systems.items()
    }


def list_online(conn: Connection) -> Iterable[tuple[str, int, int]]:
    """(device id, product, firmware version) of the devices of products that are online."""
    query = (
        select(devices.c.id, devices.c.product_id, devices.c.firmware_version)
        .join(device_presence, device_presence.c.device_id == devices.c.id)
        .where(device_presence.c.online, devices.c.product_id.is_not(None))
    )
    return [(one, product_id, firmware) for one, product_id, firmware in conn.execute(query)]


def list_counts(
    conn: Connection,
    product_id: int,
    metrics: Sequence[Metric],
    window: Window,
    wanted: FleetFilter,
    *,
    snapshots: bool,
) -> list[tuple[str, int, int]]:
    """(metric, minute at which its point begins, count) of the points that have any.

    Args:
        conn: a unit of work.
        product_id: whose.
        metrics: what was counted.
        window: from when to when, in which points.
        wanted: which devices count.
        snapshots: each minute says a state of its own, and the last one of a point counts.
    """
    ending, step = _coarsest(window.width, snapshots=snapshots)
    names = [f"{one}{ending}" for one in metrics]
    first = window.first - window.first % step
    point = _C.minute - _C.minute % window.width
    condition: list[ColumnElement[bool]] = [
        _C.product_id == product_id,
        _C.metric.in_(names),
        _C.device_group == (wanted.group or ALL),
        _C.minute >= first,
        _C.minute < window.last,
    ]
    if snapshots:
        newest = (window.last - 1) // step * step if window.last % window.width else -1
        last = window.width - step
        condition.append((_C.minute % window.width == last) | (_C.minute == newest))
    if wanted.firmware is not None:
        condition.append(_C.firmware == wanted.firmware)
    if wanted.system is not None:
        condition.append(_C.system == wanted.system)
    query = select(_C.metric, point, func.sum(_C.count)).where(*condition)
    rows = conn.execute(query.group_by(_C.metric, point))
    return [(name.removesuffix(ending), minute, int(number)) for name, minute, number in rows]


def _coarsest(width: int, *, snapshots: bool) -> tuple[str, int]:
    """Ending and minutes of the longest rows of which points of this width are made."""
    if width % 60 == 0 and not snapshots:
        return HOURLY, 60
    return (QUARTERLY, QUARTER) if width % QUARTER == 0 else ("", 1)


def delete_old_counts(conn: Connection, now: datetime) -> int:
    """Deletes some rows that are older than ``KEPT_DAYS``; gives how many."""
    oldest = to_ms(now - timedelta(days=KEPT_DAYS)) // MINUTE_MS
    key = (_C.product_id, _C.metric, _C.device_group, _C.minute, _C.firmware, _C.system)
    rows = [
        tuple(row) for row in conn.execute(select(*key).where(_C.minute < oldest).limit(STEP_ROWS))
    ]
    if rows:
        conn.execute(delete(fleet_counts).where(tuple_(*key).in_(rows)))
    return len(rows)
