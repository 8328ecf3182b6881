"""Writes and verifies the audit trail.

Each row carries the SHA-256 of its content and of the row before it, so that a row that is changed
or taken out later breaks the chain at that place.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from roadstead.audit.store import audit_rows
from roadstead.kit.clock import to_ms

FIRST_HASH = bytes(32)
"""What the first row names as the hash before it."""

_CHAIN_LOCK = 0x41756474
"""Key of the PostgreSQL advisory lock that lets one writer at a time extend the chain."""

VERIFY_PAGE_ROWS = 1000

_encode = msgspec.json.Encoder(order="deterministic").encode


def record(
    conn: Connection,
    *,
    actor_id: str,
    actor_name: str,
    address: str,
    action: str,
    target: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    at: datetime,
) -> None:
    """Adds a row in the transaction of the change that it tells of.

    Args:
        conn: the unit of work that makes the change.
        actor_id: user id, empty for the operator at the command line.
        actor_name: e-mail address, or ``operator``.
        address: where the request came from.
        action: noun and verb, for example ``device.claim``.
        target: kind and id, for example ``device/0123…``.
        before: what was changed, without secrets; None when there was nothing.
        after: what it was changed to, without secrets; None when nothing is left.
        at: when.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    newest = sa.select(audit_rows.c.hash).order_by(audit_rows.c.id.desc()).limit(1)
    previous = conn.execute(newest).scalar() or FIRST_HASH
    content: dict[str, Any] = {
        "at": at,
        "actor_id": actor_id,
        "actor_name": actor_name,
        "address": address,
        "action": action,
        "target": target,
        "before": _as_stored(before),
        "after": _as_stored(after),
    }
    digest = _digest(previous, content)
    conn.execute(audit_rows.insert().values(**content, previous_hash=previous, hash=digest))


def verify(conn: Connection) -> int | None:
    """Walks the whole chain; the id of the first row that does not fit, or None if all do."""
    expected, last_id = FIRST_HASH, 0
    while True:
        query = audit_rows.select().where(audit_rows.c.id > last_id).order_by(audit_rows.c.id)
        rows = conn.execute(query.limit(VERIFY_PAGE_ROWS)).mappings().all()
        if not rows:
            return None
        for row in rows:
            if row["previous_hash"] != expected or row["hash"] != _digest(expected, row):
                return int(row["id"])
            expected, last_id = row["hash"], row["id"]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One change; ``record`` says what the fields are."""

    id: int
    at: datetime
    actor_id: str
    actor_name: str
    address: str
    action: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hash: bytes


def list_rows(conn: Connection, *, target: str | None = None, limit: int) -> list[AuditRow]:
    """The newest changes, newest first; only those of ``target`` if it is given."""
    query = audit_rows.select().order_by(audit_rows.c.id.desc()).limit(limit)
    if target is not None:
        query = query.where(audit_rows.c.target == target)
    return [_to_row(row) for row in conn.execute(query)]


def list_rows_about(conn: Connection, actor_id: str, target: str, *, limit: int) -> list[AuditRow]:
    """The newest changes that somebody made or that were made to ``target``, newest first."""
    concerned = sa.or_(audit_rows.c.actor_id == actor_id, audit_rows.c.target == target)
    query = audit_rows.select().where(concerned).order_by(audit_rows.c.id.desc()).limit(limit)
    return [_to_row(row) for row in conn.execute(query)]


def describe(conn: Connection) -> tuple[int, bytes]:
    """The number of rows and the newest hash; written down elsewhere, they show a cut-off end."""
    rows = conn.execute(sa.select(sa.func.count()).select_from(audit_rows)).scalar_one()
    newest = sa.select(audit_rows.c.hash).order_by(audit_rows.c.id.desc()).limit(1)
    return int(rows), conn.execute(newest).scalar() or FIRST_HASH


def _to_row(row: sa.Row[Any]) -> AuditRow:
    return AuditRow(
        id=row.id,
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        address=row.address,
        action=row.action,
        target=row.target,
        before=row.before,
        after=row.after,
        hash=bytes(row.hash),
    )


def _as_stored(facts: dict[str, Any] | None) -> Any:
    """The facts as they read back, so that the same hash comes out of them then."""
    return msgspec.json.decode(msgspec.json.encode(facts))


_FIELDS = ("actor_id", "actor_name", "address", "action", "target", "before", "after")


def _digest(previous: bytes, row: Any) -> bytes:
    content = [previous.hex(), to_ms(row["at"]), *(row[name] for name in _FIELDS)]
    return hashlib.sha256(_encode(content)).digest()
