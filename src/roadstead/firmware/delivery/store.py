"""The tables of deliveries and their queries: the same on both engines.

``firmware_deliveries`` is queue and history in one: a device has at most one open row, which a
unique index holds whatever two requests do at once. What the history of a device shows is found by
its id alone; whoever asks has checked before whose device it is.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    insert,
    or_,
    select,
    text,
    update,
)

from roadstead.firmware.delivery.model import BackOff, Delivery
from roadstead.kit.clock import to_ms
from roadstead.storage.columns import metadata
from roadstead.storage.sweeping import STEP_ROWS

IDS_IN_QUERY: Final = 500

_OPEN = text("is_open")

firmware_deliveries = Table(
    "firmware_deliveries",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("device_id", String(24), nullable=False),
    Column("product_id", Integer),
    Column("version", Integer, nullable=False),
    Column("from_version", Integer, nullable=False),
    Column("file_key", Text, nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("file_bytes", BigInteger, nullable=False),
    Column("cause", String(10), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("asked_by", String(24)),
    Column("state", String(10), nullable=False),
    Column("requested_at_ms", BigInteger, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False),
    Column("begins", Integer, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("announced", Boolean, nullable=False),
    Column("done_bytes", BigInteger, nullable=False),
    Column("sent_bytes", BigInteger, nullable=False),
    Column("started_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("owner", String(24), nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("result", String(24), nullable=False),
    Column("error_code", Integer, nullable=False),
    Column("text", Text, nullable=False),
    # The state in one bit, for the indexes below.
    Column("is_open", Boolean, nullable=False),
    Index(
        "ix_firmware_deliveries_open",
        "device_id",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(None, "device_id", "id"),
    Index(None, "product_id", "ended_at_ms"),
)

firmware_back_offs = Table(
    "firmware_back_offs",
    metadata,
    Column("device_id", String(24), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retry_at_ms", BigInteger, nullable=False),
    Column("reason", String(24), nullable=False),
)

firmware_forced = Table(
    "firmware_forced", metadata, Column("device_id", String(24), primary_key=True)
)

_D = firmware_deliveries.c
_FIELDS = Delivery.__struct_fields__
_SELECT = select(*(_D[name] for name in _FIELDS))
_CHANGING = (
    "state",
    "deadline_ms",
    "begins",
    "accepted",
    "announced",
    "done_bytes",
    "sent_bytes",
    "started_at_ms",
    "ended_at_ms",
    "owner",
    "lease_until_ms",
    "result",
    "error_code",
    "text",
    "is_open",
)
_UPDATE = (
    update(firmware_deliveries)
    .where(_D.id == bindparam("the_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)


def insert_open(conn: Connection, deliveries: Sequence[Delivery]) -> list[str]:
    """Adds open rows, but for devices that have one; gives the ids of the devices added."""
    taken: set[str] = set()
    ids = [one.device_id for one in deliveries]
    for start in range(0, len(ids), IDS_IN_QUERY):
        some = ids[start : start + IDS_IN_QUERY]
        query = select(_D.device_id).where(_OPEN, _D.device_id.in_(some))
        taken |= set(conn.execute(query).scalars())
    rows = [
        msgspec.structs.asdict(one) | {"is_open": True}
        for one in deliveries
        if one.device_id not in taken
    ]
    if rows:
        conn.execute(insert(firmware_deliveries), rows)
    return [row["device_id"] for row in rows]


def write_deliveries(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Writes what changes of deliveries (rows of ``changes_of``); a later row wins."""
    latest = {row["the_id"]: row for row in rows}
    conn.execute(_UPDATE, list(latest.values()))


def changes_of(delivery: Delivery) -> dict[str, Any]:
    """The row that ``write_deliveries`` takes, as the delivery is now."""
    values = {f"new_{name}": getattr(delivery, name) for name in _CHANGING[:-1]}
    return values | {"the_id": delivery.id, "new_is_open": delivery.open}


def renew_leases(conn: Connection, owner: str, until_ms: int) -> None:
    """Keeps what this process sends from being taken by another."""
    conn.execute(
        update(firmware_deliveries).where(_OPEN, _D.owner == owner).values(lease_until_ms=until_ms)
    )


def list_open(conn: Connection) -> list[Delivery]:
    """Every open delivery, oldest first."""
    return [_to_delivery(row) for row in conn.execute(_SELECT.where(_OPEN).order_by(_D.id))]


def list_file_keys(conn: Connection, keys: Sequence[str]) -> set[str]:
    """Those of these files that open deliveries need."""
    return set(conn.scalars(select(_D.file_key).where(_OPEN, _D.file_key.in_(keys))))


def list_history(
    conn: Connection, device_id: str, *, limit: int, before_id: str | None = None
) -> list[Delivery]:
    """Deliveries to a device, newest first; those before ``before_id`` when it is given."""
    query = _SELECT.where(_D.device_id == device_id)
    if before_id is not None:
        query = query.where(_D.id < before_id)
    return [_to_delivery(row) for row in conn.execute(query.order_by(_D.id.desc()).limit(limit))]


def list_in_product(
    conn: Connection,
    product_id: int,
    device_id: str,
    *,
    since_ms: int,
    before_id: str = "",
    limit: int,
) -> list[Delivery]:
    """Deliveries to a device that concern this product, newest first.

    Args:
        conn: the unit of work.
        product_id: whose versions; what another product sent to the device is not this one's.
        device_id: to which device.
        since_ms: when the device came into the product: files for it alone count from then on.
        before_id: go on behind this one; empty for the newest.
        limit: at most so many.
    """
    ours = or_(
        _D.product_id == product_id,
        and_(_D.product_id.is_(None), _D.requested_at_ms >= since_ms),
    )
    query = _SELECT.where(_D.device_id == device_id, ours)
    if before_id:
        query = query.where(_D.id < before_id)
    return [_to_delivery(row) for row in conn.execute(query.order_by(_D.id.desc()).limit(limit))]


def list_ended(conn: Connection, product_id: int, since_ms: int, limit: int) -> list[Delivery]:
    """Deliveries of a product that ended at this time or later, in that order."""
    query = _SELECT.where(_D.product_id == product_id, _D.ended_at_ms >= since_ms)
    rows = conn.execute(query.order_by(_D.ended_at_ms).limit(limit))
    return [_to_delivery(row) for row in rows]


def forget_person(conn: Connection, user_id: str) -> None:
    """Takes a person whose account is deleted out of what they asked for."""
    conn.execute(update(firmware_deliveries).where(_D.asked_by == user_id).values(asked_by=None))


def write_back_offs(conn: Connection, rows: Sequence[BackOff]) -> None:
    """Writes pauses; a later row of a device wins."""
    latest = {row.device_id: row for row in rows}
    delete_back_offs(conn, list(latest))
    conn.execute(
        insert(firmware_back_offs),
        [
            {
                "device_id": one.device_id,
                "version": one.version,
                "failures": one.failures,
                "retry_at_ms": one.retry_at_ms,
                "reason": one.reason,
            }
            for one in latest.values()
        ],
    )


def delete_some_of(conn: Connection, product_id: int, limit: int = IDS_IN_QUERY) -> int:
    """Deletes ended rows of a product, at most ``limit``; gives their number.

    Open ones are the engine's, which ends them in their time.
    """
    some = select(_D.id).where(_D.product_id == product_id, _D.ended_at_ms.is_not(None))
    gone = delete(firmware_deliveries).where(_D.id.in_(some.limit(limit)))
    return conn.execute(gone).rowcount


def delete_old_deliveries(days: int, conn: Connection, now: datetime) -> int:
    """Deletes some of what ended and was asked for so many days ago; gives the number of rows."""
    before_ms = to_ms(now - timedelta(days=days))
    # Ids begin with the time, so the oldest rows are found by the primary key.
    oldest = select(_D.id).where(_D.id < f"{before_ms:012x}", _D.ended_at_ms.is_not(None))
    ids = list(conn.scalars(oldest.order_by(_D.id).limit(STEP_ROWS)))
    if ids:
        conn.execute(delete(firmware_deliveries).where(_D.id.in_(ids)))
    return len(ids)


def delete_back_offs(conn: Connection, device_ids: Sequence[str]) -> None:
    """Forgets pauses."""
    for start in range(0, len(device_ids), IDS_IN_QUERY):
        some = device_ids[start : start + IDS_IN_QUERY]
        conn.execute(delete(firmware_back_offs).where(firmware_back_offs.c.device_id.in_(some)))


def list_back_offs(conn: Connection) -> list[BackOff]:
    """Every device that has a pause."""
    return [BackOff(*row) for row in conn.execute(select(firmware_back_offs))]


def set_forced(conn: Connection, device_ids: Iterable[str], forced: bool) -> None:
    """Notes which devices shall take updates without their consent."""
    ids = list(dict.fromkeys(device_ids))
    for start in range(0, len(ids), IDS_IN_QUERY):
        some = ids[start : start + IDS_IN_QUERY]
        conn.execute(delete(firmware_forced).where(firmware_forced.c.device_id.in_(some)))
        if forced:
            conn.execute(insert(firmware_forced), [{"device_id": one} for one in some])


def list_forced(conn: Connection) -> set[str]:
    """Devices that shall take updates without their consent."""
    return set(conn.execute(select(firmware_forced.c.device_id)).scalars())


def _to_delivery(row: Any) -> Delivery:
    return Delivery(**row._mapping)
