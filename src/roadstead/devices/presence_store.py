"""The table ``device_presence``: what was last known of each device's connection.

It is apart from ``devices`` because it changes with nearly every message while the rest of a
device, with its long descriptions, hardly ever does.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Row,
    String,
    Table,
    Text,
    bindparam,
    select,
    text,
    true,
)

from roadstead.devices.model import Presence
from roadstead.kit.clock import from_ms
from roadstead.storage.columns import metadata

device_presence = Table(
    "device_presence",
    metadata,
    Column("device_id", String(24), primary_key=True),
    Column("online", Boolean, nullable=False),
    Column("last_heard_ms", BigInteger),
    Column("last_handshake_ms", BigInteger),
    Column("last_ip_address", Text),
    # Almost all devices of a large fleet may sleep; at a start only the others are read.
    Index(
        "ix_device_presence_online",
        "device_id",
        sqlite_where=text("online"),
        postgresql_where=text("online"),
    ),
)

_P = device_presence.c


class PresenceRow(msgspec.Struct, frozen=True, gc=False):
    """One row; times in Unix milliseconds. None keeps what the row has."""

    device_id: str
    online: bool
    last_heard_ms: int | None
    last_handshake_ms: int | None
    last_ip_address: str | None


_OF_DEVICES = select(device_presence).where(_P.device_id.in_(bindparam("devices", expanding=True)))
_OF_DEVICE = select(device_presence).where(_P.device_id == bindparam("device"))

_UPSERT = text(
    """
    INSERT INTO device_presence
        (device_id, online, last_heard_ms, last_handshake_ms, last_ip_address)
    VALUES (:device_id, :online, :last_heard_ms, :last_handshake_ms, :last_ip_address)
    ON CONFLICT (device_id) DO UPDATE SET
        online = excluded.online,
        last_heard_ms = COALESCE(excluded.last_heard_ms, device_presence.last_heard_ms),
        last_handshake_ms = COALESCE(excluded.last_handshake_ms, device_presence.last_handshake_ms),
        last_ip_address = COALESCE(excluded.last_ip_address, device_presence.last_ip_address)
    """
)


def write_presence(conn: Connection, rows: Sequence[PresenceRow]) -> None:
    """Writes many rows in one statement; the row writer of the journal."""
    conn.execute(_UPSERT, [msgspec.structs.asdict(row) for row in rows])


def list_online(conn: Connection) -> list[PresenceRow]:
    """The devices that were online when somebody last looked."""
    rows = conn.execute(select(device_presence).where(_P.online == true()))
    return [PresenceRow(*row) for row in rows]


def find_presence(conn: Connection, device_ids: Sequence[str]) -> dict[str, Presence]:
    """What was last known, by device id; devices never seen are missing."""
    found: dict[str, Presence] = {}
    for start in range(0, len(device_ids), _MAX_IDS):
        some = device_ids[start : start + _MAX_IDS]
        rows = conn.execute(_OF_DEVICES, {"devices": some})
        found.update((row.device_id, _to_presence(row)) for row in rows)
    return found


def find_presence_of(conn: Connection, device_id: str) -> Presence | None:
    """What was last known of one device."""
    row = conn.execute(_OF_DEVICE, {"device": device_id}).first()
    return None if row is None else _to_presence(row)


_MAX_IDS = 500
"""Ids in one query; both engines bound the number of parameters."""


def to_presence(row: PresenceRow) -> Presence:
    """The row as others see it."""
    return _to_presence(row)


def _to_presence(row: Row[Any] | PresenceRow) -> Presence:
    heard, handshake = row.last_heard_ms, row.last_handshake_ms
    return Presence(
        row.online,
        None if heard is None else from_ms(heard),
        None if handshake is None else from_ms(handshake),
        row.last_ip_address,
    )
