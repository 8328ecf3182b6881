"""The tables ``firmware_targets`` (what is released now) and ``firmware_releases`` (each release).

A target is of a group, by its id, or of the whole product, under an empty id; a group that has no
row has no release.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

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
    delete,
    func,
    insert,
    select,
    update,
)

from roadstead.firmware.model import InForce, Release
from roadstead.products.store import products
from roadstead.storage.columns import Json, UtcTimestamp, metadata

DEFAULT: Final = ""
"""Stands for the group in the row of a product's default."""

firmware_targets = Table(
    "firmware_targets",
    metadata,
    Column("product_id", Integer, ForeignKey(products.c.id), primary_key=True),
    Column("group_id", String(24), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("release_id", String(24), nullable=False),
    Column("paused_by", String(24)),
)

firmware_releases = Table(
    "firmware_releases",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(24), nullable=False, unique=True),
    Column("product_id", Integer, ForeignKey(products.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("groups", Json),
    Column("product_default", Boolean),
    Column("intelligent", Boolean, nullable=False),
    Column("released_by", String(24)),
    Column("released_at", UtcTimestamp, nullable=False),
    Column("override_reason", Text),
    Index("ix_firmware_releases_of_product", "product_id", "sequence"),
    sqlite_autoincrement=True,
)

_T = firmware_targets.c
_R = firmware_releases.c

_RELEASE_LOCK: Final = 0x52656C00000000
"""With the product id, the key of the PostgreSQL advisory lock that serialises its releases."""


def lock_releases(conn: Connection, product_id: int) -> None:
    """Lets one release of the product at a time read and change what is in force."""
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_RELEASE_LOCK + product_id)))


def find_in_force(conn: Connection, product_id: int) -> InForce:
    """What is released in the product now."""
    query = select(_T.group_id, _T.version, _T.paused_by).where(_T.product_id == product_id)
    rows = conn.execute(query).all()
    versions = {row.group_id: row.version for row in rows}
    default = versions.pop(DEFAULT, None)
    paused = frozenset(row.group_id for row in rows if row.paused_by is not None)
    return InForce(default=default, groups=versions, paused=paused)


def put_targets(
    conn: Connection, product_id: int, release_id: str, changes: Mapping[str, int | None]
) -> None:
    """Writes what is released by group id (``DEFAULT`` for all); None withdraws."""
    conn.execute(
        delete(firmware_targets).where(
            _T.product_id == product_id, _T.group_id.in_(sorted(changes))
        )
    )
    rows = [
        {"product_id": product_id, "group_id": key, "version": number, "release_id": release_id}
        for key, number in changes.items()
        if number is not None
    ]
    if rows:
        conn.execute(insert(firmware_targets), rows)


def set_paused(
    conn: Connection, product_id: int, version: int, group_ids: Iterable[str], by: str | None
) -> None:
    """Lets nothing more be sent of releases of this version, or again; by which rollout.

    A group to which something else is released by now is left as it is.
    """
    where = (
        _T.product_id == product_id,
        _T.version == version,
        _T.group_id.in_(sorted(group_ids)),
    )
    conn.execute(update(firmware_targets).where(*where).values(paused_by=by))


def drop_groups(conn: Connection, product_id: int, group_ids: Iterable[str]) -> None:
    """Withdraws what is released to groups that are deleted."""
    ids = [group_id for group_id in group_ids if group_id != DEFAULT]
    conn.execute(delete(firmware_targets).where(_T.product_id == product_id, _T.group_id.in_(ids)))


def insert_release(conn: Connection, release: Release) -> None:
    """Writes a release down."""
    conn.execute(
        insert(firmware_releases).values(
            id=release.id,
            product_id=release.product_id,
            version=release.version,
            groups=None if release.groups is None else list(release.groups),
            product_default=release.product_default,
            intelligent=release.intelligent,
            released_by=release.released_by,
            released_at=release.released_at,
            override_reason=release.override_reason,
        )
    )


def list_releases(conn: Connection, product_id: int, *, limit: int) -> list[Release]:
    """The newest releases of the product, newest first."""
    query = select(firmware_releases).where(_R.product_id == product_id)
    rows = conn.execute(query.order_by(_R.sequence.desc()).limit(limit))
    return [_to_release(row) for row in rows]


def find_intelligent(conn: Connection, product_id: int) -> set[int]:
    """Versions that were ever released to be delivered at once."""
    query = select(_R.version).where(_R.product_id == product_id, _R.intelligent).distinct()
    return set(conn.scalars(query))


def forget_person(conn: Connection, user_id: str) -> None:
    """Takes a person whose account is deleted out of what they released."""
    conn.execute(
        update(firmware_releases).where(_R.released_by == user_id).values(released_by=None)
    )


def delete_all(conn: Connection, product_id: int) -> None:
    """Removes everything of a product that is deleted."""
    for table in (firmware_targets, firmware_releases):
        conn.execute(delete(table).where(table.c.product_id == product_id))


def _to_release(row: Row[Any]) -> Release:
    return Release(
        id=row.id,
        product_id=row.product_id,
        version=row.version,
        groups=None if row.groups is None else tuple(row.groups),
        product_default=row.product_default,
        intelligent=row.intelligent,
        released_by=row.released_by,
        released_at=row.released_at,
        override_reason=row.override_reason,
    )
