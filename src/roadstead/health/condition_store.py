"""The table ``device_health``: what is remembered of each device of a product.

A note changes one row and a handful of sums, in one transaction: whatever is killed, the sums are
those of the rows. The worst devices are read from the end of an index.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    select,
    text,
)

from roadstead.devices.releases import release_name
from roadstead.devices.store import devices
from roadstead.health import trend_store
from roadstead.health.condition import HOUR_MS, Condition, Heading, Note, difference, take
from roadstead.health.fleet_series import FleetFilter
from roadstead.health.threshold_store import delete_thresholds, thresholds_of
from roadstead.products.group_store import device_group_members, device_groups
from roadstead.storage.columns import metadata

MAX_IDS: Final = 500
"""Ids in one query; both engines bound the number of parameters."""

LOOKED_THROUGH: Final = 1_000
"""Of the worst devices of a product, those among which a filter looks."""

device_health = Table(
    "device_health",
    metadata,
    Column("device_id", String(24), primary_key=True),
    Column("product_id", Integer, nullable=False),
    Column("score", Integer, nullable=False),
    Column("judged_ms", BigInteger, nullable=False),
    Column("condition", LargeBinary, nullable=False),
    Index("ix_device_health_worst", "product_id", "score", "device_id"),
)

_D = device_health.c

_PUT = text(
    """
    INSERT INTO device_health (device_id, product_id, score, judged_ms, condition)
    VALUES (:device_id, :product_id, :score, :judged_ms, :condition)
    ON CONFLICT (device_id) DO UPDATE SET product_id = excluded.product_id,
        score = excluded.score, judged_ms = excluded.judged_ms, condition = excluded.condition
    """
).bindparams(bindparam("condition", type_=LargeBinary))

_HOLD_PLACE = text(
    """
    INSERT INTO device_health (device_id, product_id, score, judged_ms, condition)
    VALUES (:device_id, 0, 0, 0, :nothing) ON CONFLICT (device_id) DO NOTHING
    """
).bindparams(bindparam("nothing", value=b"", type_=LargeBinary))

_decode = msgspec.msgpack.Decoder(Condition).decode
_encode = msgspec.msgpack.Encoder().encode


class _Standing(NamedTuple):
    """Where a device stands now: in its product, of this release, in these groups."""

    product_id: int
    system: str
    groups: list[str]


class WorstDevice(NamedTuple):
    """One of the devices that need somebody most."""

    device_id: str
    name: str | None
    condition: Condition


def write_notes(conn: Connection, notes: Sequence[Note]) -> None:
    """Takes notes of devices; the row writer of the journal.

    Notes of devices that are not in the product any more are dropped.
    """
    by_device = sorted(notes, key=lambda note: (note.device_id, note.at_ms))
    groups = [(one, list(found)) for one, found in groupby(by_device, lambda note: note.device_id)]
    for begin in range(0, len(groups), MAX_IDS):
        _write_some(conn, dict(groups[begin : begin + MAX_IDS]))


def _write_some(conn: Connection, notes: Mapping[str, Sequence[Note]]) -> None:
    ids = list(notes)
    standing = _standing_of(conn, ids)
    before = _find(conn, ids)
    unknown = [one for one in standing if one not in before]
    if unknown:
        # Two processes that hear of a device for the first time must not both count it as new:
        # with a row there is something to lock.
        conn.execute(_HOLD_PLACE, [{"device_id": one} for one in sorted(unknown)])
        before |= _find(conn, unknown)
    limits = thresholds_of(conn, {one.product_id for one in standing.values()})
    gauges: dict[tuple[int, Heading], int] = {}
    happenings: dict[tuple[int, Heading], int] = {}
    rows: list[dict[str, Any]] = []
    for device_id, told in notes.items():
        now = standing.get(device_id)
        if now is None or now.product_id != told[-1].product_id:
            continue
        old = before.get(device_id)
        new = _decode(_encode(old)) if old and old.product_id == now.product_id else None
        condition = new or Condition(now.product_id, told[0].firmware)
        condition.system, condition.groups = now.system, now.groups
        for note in told:
            if note.kind in ("online", "vitals"):
                condition.firmware = note.firmware
            for one in take(condition, note, limits[now.product_id]):
                key = (one.hour, one.heading)
                happenings[key] = happenings.get(key, 0) + 1
        hour = told[-1].at_ms // HOUR_MS
        for heading, by in difference(old, condition).items():
            gauges[hour, heading] = gauges.get((hour, heading), 0) + by
        rows.append(_row(device_id, condition))
    if rows:
        conn.execute(_PUT, rows)
    trend_store.add(conn, gauges, happenings)


def _row(device_id: str, condition: Condition) -> dict[str, Any]:
    return {
        "device_id": device_id,
        "product_id": condition.product_id,
        "score": condition.score,
        "judged_ms": condition.judged_ms,
        "condition": _encode(condition),
    }


def _find(conn: Connection, ids: Sequence[str]) -> dict[str, Condition]:
    """What is remembered of these devices; on PostgreSQL their rows stay locked meanwhile."""
    query = (
        select(_D.device_id, _D.condition)
        .where(_D.device_id.in_(ids))
        .order_by(_D.device_id)
        .with_for_update()
    )
    rows = conn.execute(query)
    return {row.device_id: _decode(row.condition) for row in rows if row.condition}


def find_condition(conn: Connection, device_id: str) -> Condition | None:
    """What is remembered of a device."""
    query = select(_D.condition).where(_D.device_id == device_id)
    found = conn.execute(query).scalar()
    return _decode(found) if found else None


def _standing_of(conn: Connection, ids: Sequence[str]) -> dict[str, _Standing]:
    members, groups = device_group_members.c, device_groups.c
    named: dict[str, list[str]] = {}
    for device_id, name in conn.execute(
        select(members.device_id, groups.name)
        .join(device_groups, groups.id == members.group_id)
        .where(members.device_id.in_(ids), groups.name.is_not(None))
    ):
        named.setdefault(device_id, []).append(name)
    query = select(devices.c.id, devices.c.product_id, devices.c.system_version).where(
        devices.c.id.in_(ids), devices.c.product_id.is_not(None)
    )
    return {
        row.id: _Standing(
            row.product_id, release_name(row.system_version) or "", sorted(named.get(row.id, ()))
        )
        for row in conn.execute(query)
    }


def list_worst(
    conn: Connection, product_id: int, wanted: FleetFilter, limit: int
) -> list[WorstDevice]:
    """The devices with the most trouble, the worst first; healthy ones are not among them.

    A filter looks among the ``LOOKED_THROUGH`` worst of the product, so that a question costs the
    same whatever the size of the fleet.
    """
    narrowed = wanted != FleetFilter()
    query = (
        select(_D.device_id, devices.c.name, _D.condition)
        .join(devices, devices.c.id == _D.device_id)
        .where(_D.product_id == product_id, _D.score > 0)
        .order_by(_D.score.desc(), _D.device_id.desc())
        .limit(LOOKED_THROUGH if narrowed else limit)
    )
    found = [WorstDevice(row[0], row[1], _decode(row[2])) for row in conn.execute(query)]
    return [one for one in found if _matches(one.condition, wanted)][:limit]


def _matches(condition: Condition, wanted: FleetFilter) -> bool:
    return (
        (wanted.group is None or wanted.group in condition.groups)
        and wanted.firmware in (None, condition.firmware)
        and wanted.system in (None, condition.system)
    )


def members_gone(conn: Connection, product_id: int, device_ids: Sequence[str], hour: int) -> None:
    """Forgets devices that left a product, and takes them out of its sums.

    Args:
        conn: a unit of work.
        product_id: which they left.
        device_ids: who.
        hour: hours since 1970.
    """
    for begin in range(0, len(device_ids), MAX_IDS):
        found = {
            one: condition
            for one, condition in _find(conn, device_ids[begin : begin + MAX_IDS]).items()
            if condition.product_id == product_id
        }
        gauges: dict[tuple[int, Heading], int] = {}
        for condition in found.values():
            for heading, by in difference(condition, None).items():
                gauges[hour, heading] = gauges.get((hour, heading), 0) + by
        trend_store.add(conn, gauges, {})
        conn.execute(delete(device_health).where(_D.device_id.in_(list(found))))


def product_gone(conn: Connection, product_id: int) -> None:
    """Forgets a product that is deleted."""
    conn.execute(delete(device_health).where(_D.product_id == product_id))
    trend_store.delete_sums(conn, product_id)
    delete_thresholds(conn, product_id)
