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

SCOPE_KINDS = ("organization/", "product/")
"""Beginnings of targets that have a trail of their own."""

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
    scope: str | None = None,
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
        scope: whose trail it belongs to, as kind and id: ``product/30301`` or an organization; None
            to take it from a target that is one of these, or a part of one.
    """
    if scope is None and target.startswith(SCOPE_KINDS):
        scope = "/".join(target.split("/")[:2])
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
        "scope": scope,
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
    scope: str | None = None


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


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows of a trail are wanted; None leaves a field open.

    Attributes:
        scopes: the trails, as kind and id.
        actor: e-mail address or user id of who made the change.
        action: an action, or its noun (``team``) for all of these.
        target: kind and id of what was changed.
        since, until: from this time on; before this time.
    """

    scopes: tuple[str, ...]
    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_scope(
    conn: Connection, wanted: AuditFilter, *, before_id: int | None = None, limit: int
) -> list[AuditRow]:
    """Rows of these trails, newest first; ``before_id``: only older ones than that row."""
    query = _scoped(audit_rows.select(), wanted)
    if before_id is not None:
        query = query.where(audit_rows.c.id < before_id)
    rows = conn.execute(query.order_by(audit_rows.c.id.desc()).limit(limit))
    return [_to_row(row) for row in rows]


def page_scope(
    conn: Connection, wanted: AuditFilter, *, offset: int, limit: int
) -> tuple[list[AuditRow], int]:
    """A part of these trails, newest first, and how many rows there are."""
    count = _scoped(sa.select(sa.func.count()).select_from(audit_rows), wanted)
    query = _scoped(audit_rows.select(), wanted).order_by(audit_rows.c.id.desc())
    rows = conn.execute(query.offset(offset).limit(limit))
    return [_to_row(row) for row in rows], int(conn.execute(count).scalar_one())


def _scoped(query: sa.Select[Any], wanted: AuditFilter) -> sa.Select[Any]:
    column = audit_rows.c
    query = query.where(column.scope.in_(wanted.scopes))
    if wanted.actor is not None:
        is_actor = sa.or_(column.actor_name == wanted.actor, column.actor_id == wanted.actor)
        query = query.where(is_actor)
    if wanted.action is not None:
        noun = column.action.startswith(f"{wanted.action}.", autoescape=True)
        query = query.where(sa.or_(column.action == wanted.action, noun))
    if wanted.target is not None:
        query = query.where(column.target == wanted.target)
    if wanted.since is not None:
        query = query.where(column.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(column.at < wanted.until)
    return query


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
        scope=row.scope,
    )


def _as_stored(facts: dict[str, Any] | None) -> Any:
    """The facts as they read back, so that the same hash comes out of them then."""
    return msgspec.json.decode(msgspec.json.encode(facts))


_FIELDS = ("actor_id", "actor_name", "address", "action", "target", "before", "after")


def _digest(previous: bytes, row: Any) -> bytes:
    content = [previous.hex(), to_ms(row["at"]), *(row[name] for name in _FIELDS)]
    if row["scope"] is not None:
        # Rows of earlier versions have none, and their hashes were made without it.
        content.append(row["scope"])
    return hashlib.sha256(_encode(content)).digest()
