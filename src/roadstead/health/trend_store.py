"""The tables ``fleet_gauges`` and ``fleet_trends``: how a fleet is, and what happened in each hour.

A gauge holds how many devices stand under a heading now. A trend holds what was added in an hour:
happenings, or by how much a gauge changed; what a gauge was at some time is what it is now less
what was added since. So nothing has to look at a fleet to draw its past.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

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

from roadstead.health.condition import ALL, HOUR_MS, Heading
from roadstead.health.fleet_series import FleetFilter
from roadstead.health.trend_rules import Gauge, Hours
from roadstead.kit.clock import to_ms
from roadstead.storage.columns import metadata

KEPT_DAYS: Final = 92
"""A quarter of a year: the adoption of a version takes months in a fleet that sleeps."""

STEP_ROWS: Final = 500

DAILY: Final = "/d"
"""Ends the measure of rows that hold a whole day (UTC): a twenty-fourth of the rows."""

DAY_HOURS: Final = 24

TRENDED: Final = frozenset({"devices", "state", "reason"})
"""Gauges whose past is kept."""

fleet_gauges = Table(
    "fleet_gauges",
    metadata,
    Column("product_id", Integer, primary_key=True, autoincrement=False),
    Column("device_group", Text, primary_key=True),
    Column("measure", String(20), primary_key=True),
    Column("firmware", Integer, primary_key=True, autoincrement=False),
    Column("system", Text, primary_key=True),
    Column("label", String(40), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

fleet_trends = Table(
    "fleet_trends",
    metadata,
    Column("product_id", Integer, primary_key=True, autoincrement=False),
    Column("measure", String(20), primary_key=True),
    Column("device_group", Text, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False, index=True),
    Column("firmware", Integer, primary_key=True, autoincrement=False),
    Column("system", Text, primary_key=True),
    Column("label", String(40), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

_G = fleet_gauges.c
_T = fleet_trends.c

_ADD_GAUGE = text(
    """
    INSERT INTO fleet_gauges (product_id, device_group, measure, firmware, system, label, count)
    VALUES (:product_id, :device_group, :measure, :firmware, :system, :label, :by)
    ON CONFLICT (product_id, device_group, measure, firmware, system, label)
    DO UPDATE SET count = fleet_gauges.count + excluded.count
    """
)

_ADD_TREND = text(
    """
    INSERT INTO fleet_trends (product_id, measure, device_group, hour, firmware, system, label,
        count)
    VALUES (:product_id, :measure, :device_group, :hour, :firmware, :system, :label, :by)
    ON CONFLICT (product_id, measure, device_group, hour, firmware, system, label)
    DO UPDATE SET count = fleet_trends.count + excluded.count
    """
)


def add(
    conn: Connection,
    gauges: Mapping[tuple[int, Heading], int],
    happenings: Mapping[tuple[int, Heading], int],
) -> None:
    """Adds to sums.

    Args:
        conn: a unit of work.
        gauges: by how much gauges change, by the hour in which they do and their heading.
        happenings: how often something happened, likewise.
    """
    now: dict[Heading, int] = {}
    trends = dict(happenings)
    for (hour, heading), by in gauges.items():
        now[heading] = now.get(heading, 0) + by
        if heading.measure in TRENDED:
            trends[hour, heading] = trends.get((hour, heading), 0) + by
    for (hour, heading), by in list(trends.items()):
        day = hour - hour % DAY_HOURS
        daily = heading._replace(measure=heading.measure + DAILY)
        trends[day, daily] = trends.get((day, daily), 0) + by
    # In one order, so that no two processes wait for each other's rows in a circle.
    rows = [{**heading._asdict(), "by": by} for heading, by in sorted(now.items()) if by]
    if rows:
        conn.execute(_ADD_GAUGE, rows)
    rows = [
        {**heading._asdict(), "hour": hour, "by": by}
        for (hour, heading), by in sorted(trends.items())
        if by
    ]
    if rows:
        conn.execute(_ADD_TREND, rows)


def list_gauges(
    conn: Connection,
    product_id: int,
    wanted: FleetFilter,
    measures: Collection[str] | None = None,
    *,
    all_groups: bool = False,
) -> list[Gauge]:
    """The sums of a product that are not 0; as many as it has groups times versions.

    Args:
        conn: a unit of work.
        product_id: whose.
        wanted: which devices count.
        measures: which; None for all.
        all_groups: those of each group, too, whatever group is wanted.
    """
    condition: list[ColumnElement[bool]] = [_G.product_id == product_id, _G.count != 0]
    if not all_groups:
        condition.append(_G.device_group == (wanted.group or ALL))
    if measures is not None:
        condition.append(_G.measure.in_(measures))
    if wanted.firmware is not None:
        condition.append(_G.firmware == wanted.firmware)
    if wanted.system is not None:
        condition.append(_G.system == wanted.system)
    columns = (_G.device_group, _G.measure, _G.firmware, _G.system, _G.label, _G.count)
    return [Gauge(*row) for row in conn.execute(select(*columns).where(*condition))]


def list_trend(
    conn: Connection,
    product_id: int,
    measure: str,
    hours: Hours,
    wanted: FleetFilter,
    *,
    by_firmware: bool = False,
    to_now: bool = False,
) -> list[tuple[int, str, int]]:
    """(hour at which its point begins, label, what was added) of the points that have any.

    Args:
        conn: a unit of work.
        product_id: whose.
        measure: what.
        hours: from when to when, in which points.
        wanted: which devices count.
        by_firmware: the label is the firmware version.
        to_now: go on to the last hour there is, past the end of ``hours``.
    """
    point = (_T.hour - _T.hour % hours.width).label("point")
    label = _T.firmware if by_firmware else _T.label
    ending = DAILY if hours.width % DAY_HOURS == 0 else ""
    condition: list[ColumnElement[bool]] = [
        _T.product_id == product_id,
        _T.measure == measure + ending,
        _T.device_group == (wanted.group or ALL),
        _T.hour >= hours.points[0],
    ]
    if not to_now:
        condition.append(_T.hour < hours.last)
    if wanted.firmware is not None:
        condition.append(_T.firmware == wanted.firmware)
    if wanted.system is not None:
        condition.append(_T.system == wanted.system)
    query = select(point, label, func.sum(_T.count)).where(*condition).group_by(point, label)
    return [(int(hour), str(name), int(count)) for hour, name, count in conn.execute(query)]


def list_totals(
    conn: Connection, product_id: int, measures: Collection[str], first: int, wanted: FleetFilter
) -> list[tuple[str, int, str, int]]:
    """(measure, firmware version, label, how often) since the day (UTC) of the hour ``first``."""
    condition: list[ColumnElement[bool]] = [
        _T.product_id == product_id,
        _T.measure.in_([one + DAILY for one in measures]),
        _T.device_group == (wanted.group or ALL),
        _T.hour >= first - first % DAY_HOURS,
    ]
    if wanted.firmware is not None:
        condition.append(_T.firmware == wanted.firmware)
    if wanted.system is not None:
        condition.append(_T.system == wanted.system)
    key = (_T.measure, _T.firmware, _T.label)
    query = select(*key, func.sum(_T.count)).where(*condition).group_by(*key)
    return [
        (name.removesuffix(DAILY), version, label, int(count))
        for name, version, label, count in conn.execute(query)
    ]


def delete_old_trends(conn: Connection, now: datetime) -> int:
    """Deletes some rows that are older than ``KEPT_DAYS``; gives how many."""
    oldest = to_ms(now - timedelta(days=KEPT_DAYS)) // HOUR_MS
    key = (_T.product_id, _T.measure, _T.device_group, _T.hour, _T.firmware, _T.system, _T.label)
    query = select(*key).where(_T.hour < oldest).limit(STEP_ROWS)
    rows: Sequence[tuple[object, ...]] = [tuple(row) for row in conn.execute(query)]
    if rows:
        conn.execute(delete(fleet_trends).where(tuple_(*key).in_(rows)))
    return len(rows)


def delete_sums(conn: Connection, product_id: int) -> None:
    """Forgets a product that is deleted."""
    conn.execute(delete(fleet_gauges).where(_G.product_id == product_id))
    conn.execute(delete(fleet_trends).where(_T.product_id == product_id))
