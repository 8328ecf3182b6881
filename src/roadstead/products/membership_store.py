"""The table ``product_devices``: which devices belong to a product, and what they are in it.

That a device belongs to at most one product is kept by ``devices.product_id``, which is set where
it is null and nowhere else; a row here with the standing ``member`` goes with it. What a list of a
product's devices is sorted by stands in this table too, so that each order is one index, at a
million devices as at ten.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from roadstead.kit.clock import from_ms, to_ms
from roadstead.products.model import ProductDevice, Standing
from roadstead.products.store import products
from roadstead.storage.columns import UtcTimestamp, metadata

NEVER_MS = 0
"""Stands for a handshake that never was: sorts last on both engines, as null would not."""

product_devices = Table(
    "product_devices",
    metadata,
    # The device first: what it is to products is looked for by its id.
    Column("device_id", String(24), primary_key=True),
    Column("product_id", Integer, ForeignKey(products.c.id), primary_key=True),
    Column("standing", String(11), nullable=False),
    Column("development", Boolean, nullable=False),
    Column("desired_firmware_version", Integer),
    Column("imported_at", UtcTimestamp),
    Column("imported_by", String(24)),
    Column("first_connected_at", UtcTimestamp),
    Column("last_handshake_ms", BigInteger, nullable=False),
    Column("firmware_version", Integer, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Index(
        "ix_product_devices_by_handshake",
        "product_id",
        "standing",
        "last_handshake_ms",
        "device_id",
    ),
    Index("ix_product_devices_by_id", "product_id", "standing", "device_id"),
    Index(
        "ix_product_devices_by_version", "product_id", "standing", "firmware_version", "device_id"
    ),
    Index("ix_product_devices_by_name", "product_id", "standing", "name_key", "device_id"),
    # A device waits in the quarantine of one product at most, and is looked for there by its id.
    Index(
        "ix_product_devices_quarantined",
        "device_id",
        unique=True,
        sqlite_where=text("standing = 'quarantined'"),
        postgresql_where=text("standing = 'quarantined'"),
    ),
)

_D = product_devices.c


_KEY = (_D.device_id == bindparam("device"), _D.product_id == bindparam("product"))
_FIND = select(product_devices).where(*_KEY)
_NOTE_HELLO = (
    update(product_devices)
    .where(*_KEY)
    .values(
        firmware_version=bindparam("version"),
        first_connected_at=func.coalesce(
            _D.first_connected_at, bindparam("at_ms", type_=BigInteger)
        ),
    )
)
_NOTE_HANDSHAKE = _NOTE_HELLO.values(last_handshake_ms=bindparam("at_ms", type_=BigInteger))
_NOTE_CONNECTED = text(
    """
    UPDATE product_devices SET first_connected_at = :at_ms
    WHERE device_id = :device AND first_connected_at IS NULL AND standing = 'member'
      AND product_id = (SELECT product_id FROM devices WHERE id = :device)
    """
)


def find_in_product(conn: Connection, product_id: int, device_id: str) -> ProductDevice | None:
    """What this device is in this product, whatever its standing."""
    row = conn.execute(_FIND, {"product": product_id, "device": device_id}).first()
    return None if row is None else to_product_device(row)


def find_many(
    conn: Connection, product_id: int, device_ids: Sequence[str]
) -> dict[str, ProductDevice]:
    """What these devices are in this product, by id; at most some hundred ids at a time."""
    query = select(product_devices).where(
        _D.device_id.in_(list(device_ids)), _D.product_id == product_id
    )
    return {row.device_id: to_product_device(row) for row in conn.execute(query)}


def list_some(conn: Connection, product_id: int, limit: int) -> list[ProductDevice]:
    """Some devices of the product, whatever their standing."""
    query = select(product_devices).where(_D.product_id == product_id).limit(limit)
    return [to_product_device(row) for row in conn.execute(query)]


def insert_entries(
    conn: Connection, entries: Sequence[ProductDevice], name_keys: Mapping[str, str]
) -> None:
    """Adds rows; one that is there violates the primary key.

    Args:
        conn: the unit of work.
        entries: the rows.
        name_keys: names of devices that have one, as they are sorted, by id.
    """
    if entries:
        rows = [_values(one) | {"name_key": name_keys.get(one.device_id, "")} for one in entries]
        conn.execute(insert(product_devices), rows)


def insert_in_product(conn: Connection, entry: ProductDevice, name_key: str) -> None:
    """Adds one row; likewise."""
    insert_entries(conn, [entry], {entry.device_id: name_key})


def delete_entries(
    conn: Connection, product_id: int, device_ids: Sequence[str], standing: Standing
) -> list[str]:
    """Removes the rows of those of these devices that have this standing; gives their ids."""
    kept = (
        _D.device_id.in_(list(device_ids)),
        _D.product_id == product_id,
        _D.standing == standing,
    )
    found = list(conn.scalars(select(_D.device_id).where(*kept)))
    if found:
        conn.execute(delete(product_devices).where(*kept))
    return found


def find_quarantines(conn: Connection, device_ids: Sequence[str]) -> dict[str, int]:
    """The product in whose quarantine each of these devices waits; others are missing."""
    # The word itself and no parameter: the planner must see that the partial index covers it.
    waits = text("standing = 'quarantined'")
    query = select(_D.device_id, _D.product_id).where(_D.device_id.in_(list(device_ids)), waits)
    return {row.device_id: row.product_id for row in conn.execute(query)}


def update_entry(
    conn: Connection, product_id: int, device_id: str, values: Mapping[str, Any], at: datetime
) -> None:
    """Changes columns of a row, in the words of ProductDevice."""
    keyed = (_D.device_id == device_id, _D.product_id == product_id)
    conn.execute(update(product_devices).where(*keyed).values(**values, updated_at=at))


def update_entries(
    conn: Connection,
    product_id: int,
    device_ids: Sequence[str],
    values: Mapping[str, Any],
    at: datetime,
) -> list[str]:
    """Changes columns of members; gives the ids of those that are members."""
    kept = (
        _D.device_id.in_(list(device_ids)),
        _D.product_id == product_id,
        _D.standing == "member",
    )
    found = list(conn.scalars(select(_D.device_id).where(*kept)))
    if found:
        conn.execute(update(product_devices).where(*kept).values(**values, updated_at=at))
    return found


def note_hello(
    conn: Connection,
    product_id: int,
    device_id: str,
    *,
    version: int,
    at: datetime,
    handshake: bool,
) -> None:
    """A member said Hello; at its first one its service begins."""
    values = {"product": product_id, "device": device_id, "version": version, "at_ms": to_ms(at)}
    conn.execute(_NOTE_HANDSHAKE if handshake else _NOTE_HELLO, values)


def write_first_connections(conn: Connection, rows: Sequence[tuple[str, int]]) -> None:
    """Rows of (device id, Unix milliseconds) of devices that came online; a journal's row writer.

    The service of those begins that are members and had not been connected before.
    """
    conn.execute(_NOTE_CONNECTED, [{"device": device, "at_ms": at_ms} for device, at_ms in rows])


def set_name_key(conn: Connection, product_id: int, device_id: str, name_key: str) -> None:
    """The name by which a list is sorted."""
    keyed = (_D.device_id == device_id, _D.product_id == product_id)
    conn.execute(update(product_devices).where(*keyed).values(name_key=name_key))


def to_product_device(row: Row[Any]) -> ProductDevice:
    """The row as others see it."""
    return ProductDevice(
        product_id=row.product_id,
        device_id=row.device_id,
        standing=row.standing,
        development=row.development,
        desired_firmware_version=row.desired_firmware_version,
        imported_at=row.imported_at,
        imported_by=row.imported_by,
        first_connected_at=row.first_connected_at,
        last_handshake_at=_moment(row.last_handshake_ms),
        firmware_version=row.firmware_version,
        updated_at=row.updated_at,
    )


def _values(entry: ProductDevice) -> dict[str, Any]:
    moment = entry.last_handshake_at
    return {
        "product_id": entry.product_id,
        "device_id": entry.device_id,
        "standing": entry.standing,
        "development": entry.development,
        "desired_firmware_version": entry.desired_firmware_version,
        "imported_at": entry.imported_at,
        "imported_by": entry.imported_by,
        "first_connected_at": entry.first_connected_at,
        "last_handshake_ms": NEVER_MS if moment is None else to_ms(moment),
        "firmware_version": entry.firmware_version,
        "updated_at": entry.updated_at,
    }


def _moment(milliseconds: int) -> datetime | None:
    return None if milliseconds == NEVER_MS else from_ms(milliseconds)
