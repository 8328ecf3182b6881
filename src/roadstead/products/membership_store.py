"""The table ``product_devices``: which devices belong to a product, and what they are in it.

That a device belongs to at most one product is kept by ``devices.product_id``, which is set where
it is null and nowhere else; a row here with the standing ``member`` goes with it. What a list of a
product's devices is sorted by stands in this table too, so that each order is one index, at a
million devices as at ten.
"""

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
    select,
    text,
)

from roadstead.kit.clock import from_ms
from roadstead.products.model import ProductDevice
from roadstead.products.store import products
from roadstead.storage.columns import UtcTimestamp, metadata

NEVER_MS = 0
"""Stands for a handshake that never was: sorts last on both engines, as null would not."""

product_devices = Table(
    "product_devices",
    metadata,
    Column("product_id", Integer, ForeignKey(products.c.id), primary_key=True),
    Column("device_id", String(24), primary_key=True),
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


def find_in_product(conn: Connection, product_id: int, device_id: str) -> ProductDevice | None:
    """What this device is in this product, whatever its standing."""
    query = select(product_devices).where(_D.product_id == product_id, _D.device_id == device_id)
    row = conn.execute(query).first()
    return None if row is None else to_product_device(row)


def insert_in_product(conn: Connection, entry: ProductDevice, name_key: str) -> None:
    """Adds a row; one that is there violates the primary key."""
    conn.execute(product_devices.insert().values(**_values(entry), name_key=name_key))


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
        "last_handshake_ms": NEVER_MS if moment is None else int(moment.timestamp() * 1000),
        "firmware_version": entry.firmware_version,
        "updated_at": entry.updated_at,
    }


def _moment(milliseconds: int) -> datetime | None:
    return None if milliseconds == NEVER_MS else from_ms(milliseconds)
