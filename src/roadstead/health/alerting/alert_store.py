"""The table ``alerts``: the same on both engines.

At most one alert of a rule and a subject is not resolved; an index of the database keeps that,
whatever two processes do at once. Ids begin with the time, so that pages by id are pages by time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from roadstead.health.alerting.model import Alert, RuleKind
from roadstead.storage.columns import UtcTimestamp, metadata

KEYS_AT_ONCE = 400
"""Pairs in one question; both engines bound the number of parameters."""

_live = text("state <> 'resolved'")

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("product_id", Integer, nullable=False),
    Column("rule_id", String(24), nullable=False),
    Column("rule_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("severity", String(8), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("opened_at", UtcTimestamp, nullable=False),
    Column("acknowledged_at", UtcTimestamp),
    Column("acknowledged_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("resolved_at", UtcTimestamp, index=True),
    Column("resolved_by", Text, nullable=False),
    Column("reason", String(16), nullable=False),
    Index(
        "ix_alerts_live",
        "rule_id",
        "subject",
        unique=True,
        sqlite_where=_live,
        postgresql_where=_live,
    ),
    Index("ix_alerts_live_subject", "subject", sqlite_where=_live, postgresql_where=_live),
    Index(
        "ix_alerts_live_product",
        "product_id",
        "state",
        "id",
        sqlite_where=_live,
        postgresql_where=_live,
    ),
    Index(None, "product_id", "id"),
    Index(None, "product_id", "subject", "id"),
    Index(None, "rule_id", "number"),
)

_A = alerts.c
_FIELDS = tuple(field.name for field in fields(Alert))
_LIVE = _A.state != "resolved"


def insert_alerts(conn: Connection, opened: Sequence[Alert]) -> None:
    """Adds alerts; a second live one of a rule and subject violates a constraint."""
    if opened:
        conn.execute(insert(alerts), [asdict(one) for one in opened])


def find_alert(
    conn: Connection, product_id: int, alert_id: str, *, lock: bool = False
) -> Alert | None:
    """An alert of this product; ``lock`` holds it until the transaction ends."""
    query = select(alerts).where(_A.id == alert_id, _A.product_id == product_id)
    row = conn.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _to_alert(row)


def list_alerts(
    conn: Connection,
    product_id: int,
    *,
    states: Sequence[str] = (),
    rule_id: str | None = None,
    subject: str | None = None,
    below_id: str | None = None,
    limit: int,
) -> list[Alert]:
    """The newest alerts of a product, newest first; of some states, a rule, a subject only."""
    query = select(alerts).where(_A.product_id == product_id)
    if states:
        query = query.where(_A.state.in_(list(states)))
        if "resolved" not in states:
            query = query.where(_LIVE)
    if rule_id is not None:
        query = query.where(_A.rule_id == rule_id)
    if subject is not None:
        query = query.where(_A.subject == subject)
    if below_id is not None:
        query = query.where(_A.id < below_id)
    return [_to_alert(row) for row in conn.execute(query.order_by(_A.id.desc()).limit(limit))]


def count_live(conn: Connection, product_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many alerts are not resolved, by product and state; zeros are missing."""
    found: dict[int, dict[str, int]] = {}
    query = (
        select(_A.product_id, _A.state, func.count())
        .where(_A.product_id.in_(list(product_ids)), _LIVE)
        .group_by(_A.product_id, _A.state)
    )
    for product_id, state, count in conn.execute(query):
        found.setdefault(product_id, {})[state] = count
    return found


def count_live_by_rule(conn: Connection, product_id: int) -> dict[str, int]:
    """How many alerts of each rule are not resolved; zeros are missing."""
    query = select(_A.rule_id, func.count()).where(_A.product_id == product_id, _LIVE)
    return {row.rule_id: row[1] for row in conn.execute(query.group_by(_A.rule_id))}


def find_live(conn: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Alert]:
    """The live alerts of these rules and subjects, by both."""
    found: dict[tuple[str, str], Alert] = {}
    wanted = list(keys)
    for begin in range(0, len(wanted), KEYS_AT_ONCE):
        some = wanted[begin : begin + KEYS_AT_ONCE]
        query = select(alerts).where(tuple_(_A.rule_id, _A.subject).in_(some), _LIVE)
        found |= {(row.rule_id, row.subject): _to_alert(row) for row in conn.execute(query)}
    return found


def list_live_of_subjects(
    conn: Connection, subjects: Sequence[str], kind: RuleKind | None = None
) -> list[Alert]:
    """The live alerts about these subjects, of one kind or all."""
    found: list[Alert] = []
    for begin in range(0, len(subjects), KEYS_AT_ONCE):
        some = list(subjects[begin : begin + KEYS_AT_ONCE])
        query = select(alerts).where(_A.subject.in_(some), _LIVE)
        if kind is not None:
            query = query.where(_A.kind == kind)
        found += [_to_alert(row) for row in conn.execute(query)]
    return found


def list_untold(conn: Connection, rule_id: str, told: int, limit: int) -> list[Alert]:
    """The first live alerts of a rule of which nobody was told."""
    query = (
        select(alerts)
        .where(_A.rule_id == rule_id, _A.number > told, _LIVE)
        .order_by(_A.number)
        .limit(limit)
    )
    return [_to_alert(row) for row in conn.execute(query)]


def count_untold(conn: Connection, rule_id: str, told: int) -> int:
    """How many of those there are."""
    query = select(func.count()).select_from(alerts)
    found = conn.execute(query.where(_A.rule_id == rule_id, _A.number > told, _LIVE))
    return int(found.scalar_one())


def list_ended(conn: Connection, rule_id: str, told: int, limit: int) -> list[Alert]:
    """Alerts of a rule that people know of and that ended by themselves, the last ones first."""
    query = (
        select(alerts)
        .where(_A.rule_id == rule_id, _A.number <= told, _A.reason == "ended")
        .order_by(_A.resolved_at.desc())
        .limit(limit)
    )
    return [_to_alert(row) for row in conn.execute(query)]


def acknowledge(conn: Connection, alert_id: str, by: str, note: str, at: datetime) -> None:
    """Somebody looks after it."""
    values = {"state": "acknowledged", "acknowledged_at": at, "acknowledged_by": by, "note": note}
    conn.execute(update(alerts).where(_A.id == alert_id).values(**values))


def acknowledge_of_rule(conn: Connection, rule_id: str, by: str, note: str, at: datetime) -> int:
    """Somebody looks after all open alerts of a rule; gives how many."""
    values = {"state": "acknowledged", "acknowledged_at": at, "acknowledged_by": by, "note": note}
    kept = update(alerts).where(_A.rule_id == rule_id, _A.state == "open", _LIVE)
    return int(conn.execute(kept.values(**values)).rowcount)


def resolve(
    conn: Connection, alert_ids: Sequence[str], *, by: str, reason: str, at: datetime
) -> None:
    """These alerts have ended."""
    values = {"state": "resolved", "resolved_at": at, "resolved_by": by, "reason": reason}
    for begin in range(0, len(alert_ids), KEYS_AT_ONCE):
        some = list(alert_ids[begin : begin + KEYS_AT_ONCE])
        conn.execute(update(alerts).where(_A.id.in_(some), _LIVE).values(**values))


def resolve_of_rule(conn: Connection, rule_id: str, *, by: str, reason: str, at: datetime) -> int:
    """All live alerts of a rule have ended; gives how many."""
    values = {"state": "resolved", "resolved_at": at, "resolved_by": by, "reason": reason}
    kept = update(alerts).where(_A.rule_id == rule_id, _LIVE).values(**values)
    return int(conn.execute(kept).rowcount)


def set_note(conn: Connection, alert_id: str, note: str) -> None:
    """What somebody wrote when it was resolved."""
    conn.execute(update(alerts).where(_A.id == alert_id).values(note=note))


def delete_of_product(conn: Connection, product_id: int) -> None:
    """Deletes all alerts of a product that is deleted."""
    conn.execute(delete(alerts).where(_A.product_id == product_id))


def _to_alert(row: Any) -> Alert:
    columns: Mapping[str, Any] = row._mapping
    return Alert(**{name: columns[name] for name in _FIELDS})
