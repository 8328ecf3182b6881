"""The table ``device_vitals``: the last vitals of each device."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, String, Table, bindparam, select, text

from roadstead.storage.columns import Json, UtcTimestamp, metadata

device_vitals = Table(
    "device_vitals",
    metadata,
    Column("device_id", String(24), primary_key=True),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("payload", Json, nullable=False),
)

_V = device_vitals.c

_UPSERT = text(
    """
    INSERT INTO device_vitals (device_id, updated_at, payload)
    VALUES (:device_id, :updated_at, :payload)
    ON CONFLICT (device_id) DO UPDATE SET
        updated_at = excluded.updated_at, payload = excluded.payload
    """
).bindparams(bindparam("updated_at", type_=UtcTimestamp), bindparam("payload", type_=Json))


def put_many(conn: Connection, rows: Sequence[tuple[str, dict[str, Any], datetime]]) -> None:
    """Stores the last vitals of devices (id, document, time) in the place of the ones before."""
    conn.execute(
        _UPSERT,
        [{"device_id": one, "updated_at": at, "payload": payload} for one, payload, at in rows],
    )


def find_vitals(conn: Connection, device_id: str) -> tuple[datetime, dict[str, Any]] | None:
    """When the device gave its last vitals, and the document."""
    row = conn.execute(select(_V.updated_at, _V.payload).where(_V.device_id == device_id)).first()
    return None if row is None else (row.updated_at, row.payload)
