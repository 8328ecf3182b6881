"""The table ``firmware_version_counts``: how many members of a product run each version.

Changed in the transaction in which a device reports a version, joins or leaves: nothing counts
rows of devices. Version 0 stands for devices that reported none.
"""

from collections.abc import Mapping

from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, delete, select, text

from roadstead.products.store import products
from roadstead.storage.columns import metadata

firmware_version_counts = Table(
    "firmware_version_counts",
    metadata,
    Column("product_id", Integer, ForeignKey(products.c.id), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("device_count", Integer, nullable=False),
)

_C = firmware_version_counts.c

_SHIFT = text(
    """
    INSERT INTO firmware_version_counts (product_id, version, device_count)
    VALUES (:product_id, :version, :by)
    ON CONFLICT (product_id, version) DO UPDATE
    SET device_count = firmware_version_counts.device_count + excluded.device_count
    """
)


def shift_counts(conn: Connection, product_id: int, changes: Mapping[int, int]) -> None:
    """Adds to the counts by version; in the order of versions, so that no two wait in a circle."""
    rows = [
        {"product_id": product_id, "version": version, "by": by}
        for version, by in sorted(changes.items())
        if by
    ]
    if rows:
        conn.execute(_SHIFT, rows)


def find_counts(conn: Connection, product_id: int) -> dict[int, int]:
    """Devices by version; versions that none runs are missing."""
    query = select(_C.version, _C.device_count).where(
        _C.product_id == product_id, _C.device_count != 0
    )
    return {row.version: row.device_count for row in conn.execute(query)}


def delete_all(conn: Connection, product_id: int) -> None:
    """Removes everything of a product that is deleted."""
    conn.execute(delete(firmware_version_counts).where(_C.product_id == product_id))
