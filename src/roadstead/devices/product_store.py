"""What the table ``devices`` has of products: which one a device belongs to, and new devices of it.

``devices.product_id`` decides: it is set where it is null and nowhere else, so that a device is in
one product at most, whatever two requests do at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, false, insert, or_, select, update

from roadstead.devices.presence_store import device_presence
from roadstead.devices.store import device_keys, devices

_D = devices.c
_P = device_presence.c
_K = device_keys.c


@dataclass(frozen=True, slots=True)
class DeviceStanding:
    """What a product wants to know of a device that is to join it.

    Attributes:
        has_key: it is registered by a key.
        last_handshake_ms: Unix milliseconds; None for never.
    """

    id: str
    owner_id: str | None
    product_id: int | None
    platform_id: int | None
    name: str | None
    firmware_version: int
    firmware_product_id: int | None
    registered_by: str | None
    quarantined: bool
    has_key: bool
    online: bool
    last_handshake_ms: int | None


_STANDING: Final[Select[Any]] = select(
    _D.id,
    _D.owner_id,
    _D.product_id,
    _D.platform_id,
    _D.name,
    _D.firmware_version,
    _D.firmware_product_id,
    _D.registered_by,
    _D.quarantined,
    select(_K.device_id).where(_K.device_id == _D.id).exists().label("has_key"),
    _P.online,
    _P.last_handshake_ms,
).join_from(devices, device_presence, _P.device_id == _D.id, isouter=True)
_STANDING_OF: Final = _STANDING.where(_D.id.in_(bindparam("ids", expanding=True)))
_BY_NUMBER: Final = select(_D.id, _D.serial_number, _D.imei, _D.iccid).where(
    or_(
        _D.serial_number.in_(bindparam("serials", expanding=True)),
        _D.imei.in_(bindparam("imeis", expanding=True)),
        _D.iccid.in_(bindparam("iccids", expanding=True)),
    )
)
_IDS: Final[Any] = bindparam("ids", expanding=True)
_JOIN: Final = (
    update(devices)
    .where(_D.id.in_(_IDS), _D.product_id.is_(None))
    .values(product_id=bindparam("product"), quarantined=False, updated_at=bindparam("at"))
)
_LEAVE: Final = (
    update(devices)
    .where(_D.id.in_(_IDS), _D.product_id == bindparam("product"))
    .values(product_id=None, updated_at=bindparam("at"))
)


def find_standings(conn: Connection, device_ids: Sequence[str]) -> dict[str, DeviceStanding]:
    """Those of these devices that are known, by id; at most some hundred ids at a time."""
    rows = conn.execute(_STANDING_OF, {"ids": list(device_ids)})
    return {row.id: _to_standing(row) for row in rows}


def _to_standing(row: Row[Any]) -> DeviceStanding:
    values: dict[str, Any] = dict(row._mapping)
    return DeviceStanding(**values | {"online": bool(row.online)})


def find_by_numbers(conn: Connection, numbers: Sequence[str]) -> dict[str, list[str]]:
    """Ids of the devices that have these serial numbers, IMEIs or ICCIDs, by number.

    Several devices may have told the same number; which of them is meant is not decided here.
    """
    wanted = list(numbers)
    found: dict[str, list[str]] = {}
    rows = conn.execute(_BY_NUMBER, {"serials": wanted, "imeis": wanted, "iccids": wanted})
    known = set(wanted)
    for device_id, *told in rows:
        for number in {number for number in told if number in known}:
            found.setdefault(number, []).append(device_id)
    return found


def insert_product_devices(
    conn: Connection,
    device_ids: Sequence[str],
    *,
    product_id: int,
    platform_id: int,
    at: datetime,
) -> None:
    """Adds devices that nobody has seen yet to a product; a known id violates the primary key."""
    if not device_ids:
        return
    common = {
        "product_id": product_id,
        "platform_id": platform_id,
        "firmware_version": 0,
        "system_version": 0,
        "hello_flags": 0,
        "safe_mode": False,
        "quarantined": False,
        "created_at": at,
        "updated_at": at,
    }
    conn.execute(insert(devices), [{"id": device_id, **common} for device_id in device_ids])


def join_product(
    conn: Connection, device_ids: Sequence[str], product_id: int, at: datetime
) -> bool:
    """Puts known devices that are in no product into one; False when one of them was not free."""
    if not device_ids:
        return True
    values = {"ids": list(device_ids), "product": product_id, "at": at}
    return conn.execute(_JOIN, values).rowcount == len(device_ids)


def leave_product(
    conn: Connection, device_ids: Sequence[str], product_id: int, at: datetime
) -> bool:
    """Takes devices out of a product; False when one of them was not in it."""
    if not device_ids:
        return True
    values = {"ids": list(device_ids), "product": product_id, "at": at}
    return conn.execute(_LEAVE, values).rowcount == len(device_ids)


def set_platform(conn: Connection, device_ids: Sequence[str], platform_id: int) -> None:
    """Tells the platform of devices of which it is not known yet."""
    if device_ids:
        where = _D.id.in_(list(device_ids)) & _D.platform_id.is_(None)
        conn.execute(update(devices).where(where).values(platform_id=platform_id))


def claim_many(conn: Connection, device_ids: Sequence[str], owner_id: str, at: datetime) -> None:
    """Gives those of these devices that nobody owns to a person; names stay without a key."""
    if device_ids:
        free = update(devices).where(_D.id.in_(list(device_ids)), _D.owner_id.is_(None))
        conn.execute(free.values(owner_id=owner_id, claimed_at=at, updated_at=at))


def set_quarantined(conn: Connection, device_id: str, quarantined: bool) -> None:
    """Whether the device's events go to nobody."""
    conn.execute(update(devices).where(_D.id == device_id).values(quarantined=quarantined))


def release_quarantined(conn: Connection, device_ids: Sequence[str]) -> None:
    """Lets the events of devices go to their owners again."""
    if device_ids:
        kept = update(devices).where(_D.id.in_(list(device_ids)), _D.quarantined != false())
        conn.execute(kept.values(quarantined=False))
