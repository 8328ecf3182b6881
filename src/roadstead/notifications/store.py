"""Preferences, notices, and the ways that each goes: the same on both engines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    LABEL_STYLE_TABLENAME_PLUS_COL,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from roadstead.notifications.model import Notice, NoticeOwner, Preferences, Sending
from roadstead.storage.columns import Json, UtcTimestamp, metadata
from roadstead.storage.secret_box import SecretBox

notice_preferences = Table(
    "notice_preferences",
    metadata,
    Column("owner_kind", String(12), primary_key=True),
    Column("owner_id", String(24), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("owner_kind", String(12), nullable=False),
    Column("owner_id", String(24), nullable=False),
    Column("once_key", Text),
    Column("kind", Text, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("facts", Json, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False, index=True),
    UniqueConstraint("owner_kind", "owner_id", "once_key"),
    Index(None, "owner_kind", "owner_id", "id"),
)

_waits = text("state = 'waiting'")

notice_sendings = Table(
    "notice_sendings",
    metadata,
    Column("id", String(24), primary_key=True),
    Column(
        "notice_id", String(24), ForeignKey("notices.id", ondelete="CASCADE"), nullable=False,
        index=True,
    ),
    Column("channel", String(8), nullable=False),
    Column("target", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTimestamp, nullable=False),
    Column("error", Text),
    Column("sealed_url", LargeBinary),
    Index("ix_notice_sendings_due", "due_at", sqlite_where=_waits, postgresql_where=_waits),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an owner's preferences.

    Attributes:
        key: signs requests to the owner's webhook.
    """

    preferences: Preferences
    key: bytes


class _Sealed(msgspec.Struct, frozen=True):
    preferences: Preferences
    key: bytes


def find_preferences(conn: Connection, box: SecretBox, owner: NoticeOwner) -> Kept | None:
    """What an owner has set; None while they have set nothing."""
    query = select(notice_preferences.c.sealed).where(_is(notice_preferences, owner))
    sealed = conn.execute(query).scalar()
    if sealed is None:
        return None
    read = msgspec.msgpack.decode(box.open(bytes(sealed), _context(owner)), type=_Sealed)
    return Kept(read.preferences, read.key)


def put_preferences(
    conn: Connection, box: SecretBox, owner: NoticeOwner, kept: Kept, at: datetime
) -> None:
    """Keeps what an owner has set."""
    content = msgspec.msgpack.encode(_Sealed(kept.preferences, kept.key))
    conn.execute(delete(notice_preferences).where(_is(notice_preferences, owner)))
    conn.execute(
        insert(notice_preferences).values(
            owner_kind=owner.kind,
            owner_id=owner.id,
            sealed=box.seal(content, _context(owner)),
            updated_at=at,
        )
    )


def was_told(conn: Connection, owner: NoticeOwner, once_key: str) -> bool:
    """Whether there is a notice with this key."""
    query = select(notices.c.id).where(_is(notices, owner), notices.c.once_key == once_key)
    return conn.execute(query).first() is not None


def insert_notice(
    conn: Connection, notice: Notice, once_key: str | None, sendings: Sequence[Sending]
) -> None:
    """Adds a notice and its ways."""
    conn.execute(
        insert(notices).values(
            id=notice.id,
            owner_kind=notice.owner.kind,
            owner_id=notice.owner.id,
            once_key=once_key,
            kind=notice.kind,
            severity=notice.severity,
            facts=notice.facts,
            created_at=notice.created_at,
        )
    )
    for one in sendings:
        conn.execute(
            insert(notice_sendings).values(
                id=one.id,
                notice_id=notice.id,
                channel=one.channel,
                target=one.target,
                state=one.state,
                attempts=one.attempts,
                due_at=one.due_at,
                sealed_url=one.sealed_url,
            )
        )


def list_notices(
    conn: Connection, owner: NoticeOwner, *, below_id: str | None, limit: int
) -> list[tuple[Notice, list[Sending]]]:
    """The newest notices of an owner with their ways, newest first."""
    query = select(notices).where(_is(notices, owner))
    if below_id is not None:
        query = query.where(notices.c.id < below_id)
    rows = conn.execute(query.order_by(notices.c.id.desc()).limit(limit)).all()
    found = {row.id: _to_notice(row) for row in rows}
    ways: dict[str, list[Sending]] = {notice_id: [] for notice_id in found}
    query = select(notice_sendings).where(notice_sendings.c.notice_id.in_(list(found)))
    for row in conn.execute(query.order_by(notice_sendings.c.id)):
        ways[row.notice_id].append(_to_sending(row, found[row.notice_id]))
    return [(notice, ways[notice_id]) for notice_id, notice in found.items()]


def count_since(conn: Connection, owner: NoticeOwner, since: datetime) -> int:
    """How many notices an owner got since a time."""
    query = select(func.count()).select_from(notices)
    return int(
        conn.execute(query.where(_is(notices, owner), notices.c.created_at >= since)).scalar_one()
    )


def take_due(
    conn: Connection, now: datetime, until: datetime, limit: int
) -> tuple[list[Sending], datetime | None]:
    """Takes ways that are due, for this process alone until a time.

    Returns:
        The ways, and when the next of the others is due.
    """
    table = notice_sendings.c
    rows = conn.execute(
        select(notice_sendings, notices)
        .join(notices, notices.c.id == table.notice_id)
        .where(table.state == "waiting", table.due_at <= now)
        .order_by(table.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=notice_sendings)
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    ).all()
    found = []
    for row in rows:
        fields = row._mapping
        sending = _Prefixed(fields, "notice_sendings_")
        found.append(_to_sending(sending, _to_notice(_Prefixed(fields, "notices_"))))
    if found:
        ids = [one.id for one in found]
        conn.execute(update(notice_sendings).where(table.id.in_(ids)).values(due_at=until))
    query = select(func.min(table.due_at)).where(table.state == "waiting")
    return found, conn.execute(query).scalar()


def settle(
    conn: Connection, sending_id: str, *, state: str, due_at: datetime, error: str | None
) -> None:
    """Writes what an attempt came to."""
    table = notice_sendings.c
    conn.execute(
        update(notice_sendings)
        .where(table.id == sending_id)
        .values(state=state, attempts=table.attempts + 1, due_at=due_at, error=error)
    )


def delete_owner(conn: Connection, owner: NoticeOwner) -> int:
    """Forgets an owner that ends; gives the number of rows."""
    tables = (notices, notice_preferences)
    return sum(conn.execute(delete(table).where(_is(table, owner))).rowcount for table in tables)


class _Prefixed:
    """Columns of one table in a row of two."""

    def __init__(self, fields: Any, prefix: str) -> None:
        self._fields, self._prefix = fields, prefix

    def __getattr__(self, name: str) -> Any:
        return self._fields[self._prefix + name]


def _is(table: Table, owner: NoticeOwner) -> Any:
    return (table.c.owner_kind == owner.kind) & (table.c.owner_id == owner.id)


def _to_notice(row: Any) -> Notice:
    owner = NoticeOwner(row.owner_kind, row.owner_id)
    return Notice(row.id, owner, row.kind, row.severity, row.facts, row.created_at)


def _to_sending(row: Any, notice: Notice) -> Sending:
    return Sending(
        row.id,
        notice,
        row.channel,
        row.target,
        row.state,
        row.attempts,
        row.due_at,
        row.error,
        None if row.sealed_url is None else bytes(row.sealed_url),
    )


def url_context(notice_id: str) -> bytes:
    """Under which the URL of a notice's own webhook is sealed."""
    return f"notice_url:{notice_id}".encode()


def _context(owner: NoticeOwner) -> bytes:
    return f"notices:{owner.kind}:{owner.id}".encode()
