"""The table ``firmware_versions`` and its queries: the same on both engines.

Every query takes the product first and never finds another's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)

from roadstead.firmware.assignment_store import firmware_assignments
from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.model import Asset, FirmwareVersion
from roadstead.firmware.target_rules import VersionFacts
from roadstead.products.membership_store import product_devices
from roadstead.products.store import products
from roadstead.storage.columns import Json, UtcTimestamp, metadata

firmware_versions = Table(
    "firmware_versions",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("product_id", Integer, ForeignKey(products.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("mandatory", Boolean, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("blob_key", Text, nullable=False),
    Column("application_bytes", BigInteger, nullable=False),
    Column("application_sha256", String(64), nullable=False),
    Column("application_key", Text, nullable=False),
    Column("module_sha256", String(64), nullable=False),
    Column("crc32", BigInteger, nullable=False),
    Column("platform_id", Integer, nullable=False),
    Column("dependencies", Json, nullable=False),
    Column("assets", Json, nullable=False),
    Column("uploaded_at", UtcTimestamp, nullable=False),
    Column("uploaded_by", String(24)),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("released_at", UtcTimestamp),
    Column("proven_at", UtcTimestamp),
    Column("proven_by", String(24)),
    UniqueConstraint("product_id", "version"),
)

_V = firmware_versions.c
_FIELDS = tuple(field.name for field in fields(FirmwareVersion))


def insert_version(conn: Connection, version: FirmwareVersion) -> None:
    """Adds a version; a number that the product has violates a constraint."""
    values: dict[str, Any] = {name: getattr(version, name) for name in _FIELDS}
    values["dependencies"] = [msgspec.structs.astuple(one) for one in version.dependencies]
    values["assets"] = msgspec.to_builtins(version.assets)
    conn.execute(insert(firmware_versions).values(**values))


def find_version(conn: Connection, product_id: int, version: int) -> FirmwareVersion | None:
    """The product's version with this number."""
    row = conn.execute(
        select(firmware_versions).where(_V.product_id == product_id, _V.version == version)
    ).first()
    return None if row is None else _to_version(row)


def list_versions(conn: Connection, product_id: int) -> list[FirmwareVersion]:
    """All versions of the product, the newest number first."""
    query = select(firmware_versions).where(_V.product_id == product_id)
    return [_to_version(row) for row in conn.execute(query.order_by(_V.version.desc()))]


def count_versions(conn: Connection, product_id: int) -> int:
    """How many versions the product has."""
    query = select(func.count()).select_from(firmware_versions)
    return int(conn.execute(query.where(_V.product_id == product_id)).scalar_one())


def count_wanting(conn: Connection, product_id: int, version: int) -> int:
    """How many devices of the product are locked or assigned to this version."""
    locks, assigned = product_devices, firmware_assignments
    wanting = (
        (locks, locks.c.desired_firmware_version),
        (assigned, assigned.c.version),
    )
    return sum(
        int(
            conn.execute(
                select(func.count())
                .select_from(table)
                .where(table.c.product_id == product_id, wanted == version)
            ).scalar_one()
        )
        for table, wanted in wanting
    )


def find_facts(
    conn: Connection, product_id: int, numbers: Iterable[int]
) -> dict[int, VersionFacts]:
    """What the target decision looks at, of those of these versions that there are."""
    rows = conn.execute(
        select(_V.version, _V.application_bytes, _V.platform_id, _V.dependencies, _V.assets).where(
            _V.product_id == product_id, _V.version.in_(sorted(set(numbers)))
        )
    )
    return {
        number: VersionFacts(size, platform_id, _to_dependencies(needs), len(assets))
        for number, size, platform_id, needs, assets in rows
    }


def describe_version(
    conn: Connection, product_id: int, version: int, values: dict[str, Any], at: datetime
) -> None:
    """Writes ``title``, ``description`` or ``mandatory``."""
    conn.execute(
        update(firmware_versions)
        .where(_V.product_id == product_id, _V.version == version)
        .values(**values, updated_at=at)
    )


def mark_released(conn: Connection, product_id: int, version: int, at: datetime) -> None:
    """Notes the first release of a version; a later one changes nothing."""
    conn.execute(
        update(firmware_versions)
        .where(_V.product_id == product_id, _V.version == version, _V.released_at.is_(None))
        .values(released_at=at)
    )


def mark_proven(
    conn: Connection, product_id: int, version: int, device_id: str | None, at: datetime
) -> bool:
    """Notes the first device that said hello with a version; True when it is the first."""
    changed = conn.execute(
        update(firmware_versions)
        .where(_V.product_id == product_id, _V.version == version, _V.proven_at.is_(None))
        .values(proven_at=at, proven_by=device_id)
    )
    return changed.rowcount == 1


def delete_unreleased(conn: Connection, product_id: int, version: int) -> bool:
    """Removes a version that was never released; False when there is none such."""
    gone = conn.execute(
        delete(firmware_versions).where(
            _V.product_id == product_id, _V.version == version, _V.released_at.is_(None)
        )
    )
    return gone.rowcount == 1


def delete_all(conn: Connection, product_id: int) -> list[str]:
    """Removes all versions of a product that is deleted; gives the keys of their files."""
    found = list_versions(conn, product_id)
    conn.execute(delete(firmware_versions).where(_V.product_id == product_id))
    return [key for version in found for key in keys_of(version)]


def keys_of(version: FirmwareVersion) -> list[str]:
    """Where all files of a version are kept."""
    keys = [version.blob_key, version.application_key, *(one.blob_key for one in version.assets)]
    return list(dict.fromkeys(keys))


def forget_person(conn: Connection, user_id: str) -> None:
    """Takes a person whose account is deleted out of what they uploaded."""
    conn.execute(
        update(firmware_versions).where(_V.uploaded_by == user_id).values(uploaded_by=None)
    )


def _to_version(row: Row[Any]) -> FirmwareVersion:
    values = dict(row._mapping)
    values["dependencies"] = _to_dependencies(row.dependencies)
    values["assets"] = msgspec.convert(row.assets, tuple[Asset, ...])
    return FirmwareVersion(**values)


def _to_dependencies(rows: Sequence[Sequence[int]]) -> tuple[Dependency, ...]:
    return tuple(Dependency(*row) for row in rows)
