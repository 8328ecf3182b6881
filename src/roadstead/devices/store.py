"""The tables ``devices`` and ``device_keys`` and their queries: the same on both engines.

A query about somebody's devices takes the owner first and never finds another's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from sys import intern
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from roadstead.devices.membership import product_of_events
from roadstead.devices.model import Device, DeviceIdentity, DeviceKey, SelfDescription
from roadstead.devices.naming import name_key
from roadstead.storage.columns import Json, UtcTimestamp, metadata

devices = Table(
    "devices",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("owner_id", String(24)),
    Column("name", Text),
    # The name as it is compared; the constraint holds whatever two requests do at once.
    Column("name_key", Text),
    Column("notes", Text),
    Column("product_id", Integer),
    Column("platform_id", Integer),
    Column("serial_number", Text),
    Column("imei", Text),
    Column("iccid", Text),
    Column("firmware_product_id", Integer),
    Column("firmware_version", Integer, nullable=False),
    Column("system_version", Integer, nullable=False),
    Column("hello_flags", Integer, nullable=False),
    Column("max_message_bytes", Integer),
    Column("max_binary_bytes", BigInteger),
    Column("ota_chunk_bytes", Integer),
    Column("functions", Json),
    Column("variables", Json),
    Column("system_description", Json),
    Column("safe_mode", Boolean, nullable=False),
    Column("updates_enabled", Boolean),
    Column("updates_forced", Boolean),
    Column("quarantined", Boolean, nullable=False),
    Column("registered_by", String(24)),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("claimed_at", UtcTimestamp),
    Column("updated_at", UtcTimestamp, nullable=False),
    UniqueConstraint("owner_id", "name_key"),
    Index(None, "owner_id"),
    Index(
        "ix_devices_unclaimed",
        "registered_by",
        sqlite_where=text("owner_id IS NULL"),
        postgresql_where=text("owner_id IS NULL"),
    ),
    *(
        Index(
            f"ix_devices_{number}",
            number,
            sqlite_where=text(f"{number} IS NOT NULL"),
            postgresql_where=text(f"{number} IS NOT NULL"),
        )
        for number in ("serial_number", "imei", "iccid")
    ),
)

device_keys = Table(
    "device_keys",
    metadata,
    Column(
        "device_id",
        String(24),
        ForeignKey(devices.c.id, ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("algorithm", String(3), primary_key=True),
    Column("spki", LargeBinary, nullable=False),
    Column("spki_digest", LargeBinary(32), nullable=False, unique=True),
    Column("created_at", UtcTimestamp, nullable=False),
)

_D = devices.c
_K = device_keys.c
_FIELDS = tuple(field.name for field in fields(Device))
_SELECT = select(*(_D[name] for name in _FIELDS))
# Built once, because building a statement anew costs as much as running it.
_OF_OWNER = _SELECT.where(_D.owner_id == bindparam("owner"))
_OWNED = _OF_OWNER.where(_D.id == bindparam("device"))
_OWNED_BY_NAME = _OF_OWNER.where(_D.name_key == bindparam("key"))
_IDENTITY: Select[Any] = select(
    _D.id,
    _K.spki_digest,
    _D.platform_id,
    _D.owner_id,
    _D.name,
    _D.product_id,
    _D.firmware_product_id,
    _D.quarantined,
    _D.claimed_at,
).join_from(devices, device_keys, _K.device_id == _D.id, isouter=True)
_IDENTITY_BY_KEY = _IDENTITY.where(_K.spki_digest == bindparam("digest"))
_IDENTITY_BY_ID = _IDENTITY.where(_D.id == bindparam("device")).order_by(_K.algorithm)


def insert_device(conn: Connection, device: Device) -> None:
    """Adds a device; a known id violates the primary key."""
    values = {name: getattr(device, name) for name in _FIELDS}
    conn.execute(insert(devices).values(**values, name_key=_key_of(device.name)))


def find_device(conn: Connection, device_id: str) -> Device | None:
    """The device with this id, whoever owns it; for claiming, keys and what devices report."""
    row = conn.execute(_SELECT.where(_D.id == device_id)).first()
    return None if row is None else _to_device(row)


def find_owned(conn: Connection, owner_id: str, device_id: str) -> Device | None:
    """The owner's device with this id."""
    row = conn.execute(_OWNED, {"owner": owner_id, "device": device_id}).first()
    return None if row is None else _to_device(row)


def find_owned_by_name(conn: Connection, owner_id: str, key: str) -> Device | None:
    """The owner's device whose name has this key (``naming.name_key``)."""
    row = conn.execute(_OWNED_BY_NAME, {"owner": owner_id, "key": key}).first()
    return None if row is None else _to_device(row)


def list_owned_in_product(
    conn: Connection, owner_ids: Sequence[str], product_id: int
) -> list[Device]:
    """The devices of a product that one of these accounts owns, by id."""
    query = _SELECT.where(_D.product_id == product_id, _D.owner_id.in_(owner_ids))
    return [_to_device(row) for row in conn.execute(query.order_by(_D.id))]


def find_in_product(conn: Connection, product_id: int, device_id: str) -> Device | None:
    """The device with this id that belongs to this product."""
    query = _SELECT.where(_D.id == device_id, _D.product_id == product_id)
    row = conn.execute(query).first()
    return None if row is None else _to_device(row)


def list_owned(conn: Connection, owner_id: str) -> list[Device]:
    """All devices of the owner, by id."""
    rows = conn.execute(_SELECT.where(_D.owner_id == owner_id).order_by(_D.id))
    return [_to_device(row) for row in rows]


def count_owned(conn: Connection, owner_id: str) -> dict[int | None, int]:
    """How many devices of each platform the owner has; None is an unknown platform."""
    rows = conn.execute(
        select(_D.platform_id, func.count()).where(_D.owner_id == owner_id).group_by(_D.platform_id)
    )
    return {row[0]: row[1] for row in rows}


def count_unclaimed(conn: Connection, registered_by: str, at_most: int) -> int:
    """How many devices that this person registered nobody owns; counts no further than told."""
    some = select(_D.id).where(_D.registered_by == registered_by, _D.owner_id.is_(None))
    return conn.scalar(select(func.count()).select_from(some.limit(at_most).subquery())) or 0


def claim_unowned(conn: Connection, device_id: str, owner_id: str, at: datetime) -> bool:
    """Gives a device without owner to this one; False when it has an owner or is unknown.

    The new owner finds it by the name that it may have, unless another of theirs has that name.
    """
    changed = conn.execute(
        update(devices)
        .where(_D.id == device_id, _D.owner_id.is_(None))
        .values(owner_id=owner_id, claimed_at=at, updated_at=at)
    )
    if changed.rowcount != 1:
        return False
    name = conn.scalar(select(_D.name).where(_D.id == device_id))
    if name is not None and find_owned_by_name(conn, owner_id, name_key(name)) is None:
        rename_device(conn, device_id, name, at)
    return True


def release_owned(conn: Connection, owner_id: str, device_id: str, at: datetime) -> bool:
    """Takes the owner away, and with it the name and notes, which were the owner's own words.

    Those of a product's device stay: its team knows it by them. It is not found by its name any
    more, because only a person's own devices are.
    """
    own = {"owner_id": None, "claimed_at": None, "name_key": None, "updated_at": at}
    mine = update(devices).where(_D.owner_id == owner_id, _D.id == device_id)
    outside = conn.execute(mine.where(_D.product_id.is_(None)).values(**own, name=None, notes=None))
    if outside.rowcount == 1:
        return True
    return conn.execute(mine.values(**own)).rowcount == 1


def rename_device(
    conn: Connection, device_id: str, name: str, at: datetime, *, findable: bool = True
) -> None:
    """Names a device; a name that another of the owner's has violates the constraint.

    Args:
        conn: the unit of work.
        device_id: which one.
        name: the new name.
        at: when.
        findable: its owner finds it by the name; False where another of theirs has it already.
    """
    key = _key_of(name) if findable else None
    conn.execute(
        update(devices).where(_D.id == device_id).values(name=name, name_key=key, updated_at=at)
    )


def note_device(conn: Connection, device_id: str, notes: str | None, at: datetime) -> None:
    """Sets the notes of a device."""
    conn.execute(update(devices).where(_D.id == device_id).values(notes=notes, updated_at=at))


def update_reported(
    conn: Connection,
    device_id: str,
    values: dict[str, Any],
    at: datetime,
    also: Sequence[str] = (),
) -> tuple[frozenset[str], dict[str, Any]] | None:
    """Writes those columns that a device reports and that differ.

    Returns:
        The names of the columns that differed, and what stood in all of them and in those named in
        ``also`` before; None for an unknown device.
    """
    columns = [_D[name] for name in (*values, *also)]
    row = conn.execute(select(*columns).where(_D.id == device_id)).first()
    if row is None:
        return None
    before = dict(row._mapping)
    changed = {name: value for name, value in values.items() if before[name] != value}
    if changed:
        conn.execute(update(devices).where(_D.id == device_id).values(**changed, updated_at=at))
    return frozenset(changed), before


def update_registered(
    conn: Connection, device_id: str, values: dict[str, Any], at: datetime
) -> None:
    """Writes columns that a registration says."""
    conn.execute(update(devices).where(_D.id == device_id).values(**values, updated_at=at))


def find_description(conn: Connection, device_id: str) -> SelfDescription | None:
    """What a device last said of itself."""
    row = conn.execute(
        select(
            _D.functions,
            _D.variables,
            _D.system_description,
            _D.safe_mode,
            _D.updates_enabled,
            _D.updates_forced,
        ).where(_D.id == device_id)
    ).first()
    return None if row is None else SelfDescription(*row)


def find_key(conn: Connection, device_id: str, algorithm: str) -> DeviceKey | None:
    """The device's key of this algorithm."""
    row = conn.execute(
        select(device_keys).where(_K.device_id == device_id, _K.algorithm == algorithm)
    ).first()
    return None if row is None else _to_key(row)


def find_key_holder(conn: Connection, spki_digest: bytes) -> str | None:
    """Id of the device whose key this is."""
    found = conn.scalar(select(_K.device_id).where(_K.spki_digest == spki_digest))
    return None if found is None else str(found)


def put_key(conn: Connection, key: DeviceKey, at: datetime) -> None:
    """Stores a key in the place of the device's older one of the same algorithm."""
    conn.execute(
        delete(device_keys).where(_K.device_id == key.device_id, _K.algorithm == key.algorithm)
    )
    conn.execute(
        insert(device_keys).values(
            device_id=key.device_id,
            algorithm=key.algorithm,
            spki=key.spki,
            spki_digest=key.spki_digest,
            created_at=at,
        )
    )


def find_identity_by_key(conn: Connection, spki_digest: bytes) -> DeviceIdentity | None:
    """The device whose key has this SHA-256."""
    row = conn.execute(_IDENTITY_BY_KEY, {"digest": spki_digest}).first()
    return None if row is None else _to_identity(row)


def find_identity(conn: Connection, device_id: str) -> DeviceIdentity | None:
    """The device with this id; of two keys the elliptic one is named."""
    row = conn.execute(_IDENTITY_BY_ID, {"device": device_id}).first()
    return None if row is None else _to_identity(row)


def find_identities(conn: Connection, device_ids: Sequence[str]) -> dict[str, DeviceIdentity]:
    """Those of these devices that are known, by id; at most some hundred ids at a time."""
    rows = conn.execute(_IDENTITY.where(_D.id.in_(device_ids)).order_by(_K.algorithm.desc()))
    return {found.device_id: found for found in map(_to_identity, rows)}


def find_devices(conn: Connection, device_ids: Sequence[str]) -> dict[str, Device]:
    """Those of these devices that are known, by id; at most some hundred ids at a time."""
    rows = conn.execute(_SELECT.where(_D.id.in_(device_ids)))
    return {row.id: _to_device(row) for row in rows}


def find_keys(conn: Connection, device_ids: Iterable[str]) -> dict[tuple[str, str], DeviceKey]:
    """The keys of these devices by (device id, algorithm)."""
    rows = conn.execute(select(device_keys).where(_K.device_id.in_(list(device_ids))))
    return {(row.device_id, row.algorithm): _to_key(row) for row in rows}


def find_key_holders(conn: Connection, digests: Iterable[bytes]) -> dict[bytes, str]:
    """Device ids by the digests of their keys, for those digests that are known."""
    rows = conn.execute(
        select(_K.spki_digest, _K.device_id).where(_K.spki_digest.in_(list(digests)))
    )
    return {bytes(digest): device_id for digest, device_id in rows}


def _to_identity(row: Row[Any]) -> DeviceIdentity:
    device_id, digest, platform_id, owner_id, name, product_id, named, quarantined, claimed_at = (
        tuple(row)
    )
    return DeviceIdentity(
        device_id=device_id,
        spki_digest=None if digest is None else bytes(digest),
        platform_id=platform_id,
        # The devices of one owner share the text, of which a process holds one for each of them.
        owner_id=None if owner_id is None else intern(owner_id),
        name=name,
        product_id=product_of_events(product_id, named, platform_id),
        quarantined=quarantined,
        claimed_at=claimed_at,
    )


def _to_device(row: Row[Any]) -> Device:
    return Device(**row._mapping)


def _to_key(row: Row[Any]) -> DeviceKey:
    return DeviceKey(row.device_id, row.algorithm, bytes(row.spki), bytes(row.spki_digest))


def _key_of(name: str | None) -> str | None:
    return None if name is None else name_key(name)
