"""The table ``alert_rules``: the same on both engines.

When a rule looks next, and when people are told next, stand in columns with an index that holds
only those that wait, so that finding what is due costs the same with ten rules and with thousands.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from roadstead.health.alerting.model import AlertRecipients, AlertRule, RuleDraft
from roadstead.products.store import products
from roadstead.storage.columns import Json, UtcTimestamp, metadata
from roadstead.storage.secret_box import SecretBox

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("product_id", Integer, ForeignKey(products.c.id), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    # The draft without its recipients, which are sealed: the URL of a webhook may hold a secret.
    Column("draft", Json, nullable=False),
    Column("recipients", LargeBinary),
    Column("created_by", Text, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("tested_at", UtcTimestamp),
    Column("tested_notice", String(24)),
    Column("opened", Integer, nullable=False),
    Column("told", Integer, nullable=False),
    Column("resolved", Integer, nullable=False),
    Column("told_resolved", Integer, nullable=False),
    Column("cursor_ms", BigInteger, nullable=False),
    Column("cursor_device", String(24), nullable=False),
    Column("check_due_ms", BigInteger),
    Column("tell_due_ms", BigInteger),
    *(
        Index(
            f"ix_alert_rules_{name}",
            name,
            sqlite_where=text(f"{name} IS NOT NULL"),
            postgresql_where=text(f"{name} IS NOT NULL"),
        )
        for name in ("check_due_ms", "tell_due_ms")
    ),
)

_R = alert_rules.c


def insert_rule(
    conn: Connection, box: SecretBox, rule: AlertRule, check_due_ms: int | None
) -> None:
    """Adds a rule."""
    conn.execute(
        insert(alert_rules).values(
            id=rule.id,
            product_id=rule.product_id,
            created_by=rule.created_by,
            created_at=rule.created_at,
            opened=0,
            told=0,
            resolved=0,
            told_resolved=0,
            **_of_draft(box, rule, check_due_ms),
        )
    )


def replace_rule(
    conn: Connection, box: SecretBox, rule: AlertRule, check_due_ms: int | None
) -> None:
    """Changes a rule; it looks again from the beginning."""
    values = _of_draft(box, rule, check_due_ms)
    conn.execute(update(alert_rules).where(_R.id == rule.id).values(**values))


def delete_rule(conn: Connection, rule_id: str) -> None:
    """Deletes a rule; its alerts stay."""
    conn.execute(delete(alert_rules).where(_R.id == rule_id))


def count_rules(conn: Connection, product_id: int) -> int:
    """Number of a product's rules."""
    query = select(func.count()).select_from(alert_rules).where(_R.product_id == product_id)
    return int(conn.execute(query).scalar_one())


def list_rules(conn: Connection, box: SecretBox, product_id: int) -> list[AlertRule]:
    """All rules of a product, oldest first."""
    query = select(alert_rules).where(_R.product_id == product_id)
    return [_to_rule(box, row) for row in conn.execute(query.order_by(_R.created_at, _R.id))]


def list_enabled(conn: Connection, box: SecretBox) -> list[AlertRule]:
    """The rules of all products that are on."""
    query = select(alert_rules).where(_R.enabled)
    return [_to_rule(box, row) for row in conn.execute(query)]


def find_rule(conn: Connection, box: SecretBox, product_id: int, rule_id: str) -> AlertRule | None:
    """A rule of this product."""
    query = select(alert_rules).where(_R.id == rule_id, _R.product_id == product_id)
    row = conn.execute(query).first()
    return None if row is None else _to_rule(box, row)


def lock_rules(conn: Connection, box: SecretBox, rule_ids: Sequence[str]) -> dict[str, AlertRule]:
    """Rules by id, locked until the transaction ends; those that are gone are missing.

    In the order of ids, so that two transactions never wait for each other.
    """
    query = select(alert_rules).where(_R.id.in_(list(rule_ids))).order_by(_R.id)
    return {row.id: _to_rule(box, row) for row in conn.execute(query.with_for_update())}


def is_due(conn: Connection, column: str, now_ms: int) -> bool:
    """Whether ``check_due_ms`` or ``tell_due_ms`` of any rule has come."""
    query = select(_R.id).where(_R[column] <= now_ms).limit(1)
    return conn.execute(query).first() is not None


def take_due(
    conn: Connection, box: SecretBox, column: str, now_ms: int, limit: int
) -> list[AlertRule]:
    """Rules of which ``check_due_ms`` or ``tell_due_ms`` has come, locked; others pass over them.

    They are due until the transaction that holds them changes that and commits.
    """
    due = _R[column]
    query = select(alert_rules).where(due <= now_ms).order_by(due).limit(limit)
    return [_to_rule(box, row) for row in conn.execute(query.with_for_update(skip_locked=True))]


def set_check(
    conn: Connection, rule_id: str, due_ms: int | None, cursor: tuple[int, str] | None = None
) -> None:
    """When the rule looks again, and how far it has looked."""
    values: dict[str, Any] = {"check_due_ms": due_ms}
    if cursor is not None:
        values |= {"cursor_ms": cursor[0], "cursor_device": cursor[1]}
    conn.execute(update(alert_rules).where(_R.id == rule_id).values(**values))


def count_changes(
    conn: Connection, rule_id: str, *, opened: int = 0, resolved: int = 0, tell_by_ms: int | None
) -> None:
    """Counts alerts; people are told at ``tell_by_ms``, or earlier if that was decided before."""
    values: dict[str, Any] = {"opened": _R.opened + opened, "resolved": _R.resolved + resolved}
    if tell_by_ms is not None:
        values["tell_due_ms"] = func.coalesce(_R.tell_due_ms, tell_by_ms)
    conn.execute(update(alert_rules).where(_R.id == rule_id).values(**values))


def note_told(conn: Connection, rule: AlertRule) -> None:
    """People were told of everything that the rule has counted."""
    values = {"told": rule.opened, "told_resolved": rule.resolved, "tell_due_ms": None}
    conn.execute(update(alert_rules).where(_R.id == rule.id).values(**values))


def note_tested(conn: Connection, rule_id: str, at: datetime, notice_id: str) -> None:
    """A test was sent."""
    values = {"tested_at": at, "tested_notice": notice_id}
    conn.execute(update(alert_rules).where(_R.id == rule_id).values(**values))


def delete_of_product(conn: Connection, product_id: int) -> None:
    """Deletes all rules of a product that is deleted."""
    conn.execute(delete(alert_rules).where(_R.product_id == product_id))


def _of_draft(box: SecretBox, rule: AlertRule, check_due_ms: int | None) -> dict[str, Any]:
    draft, recipients = rule.draft, rule.draft.recipients
    kept = msgspec.to_builtins(msgspec.structs.replace(draft, recipients=None))
    sealed = None
    if recipients is not None:
        sealed = box.seal(msgspec.json.encode(recipients), _context(rule.id))
    return {
        "kind": draft.kind,
        "enabled": draft.enabled,
        "draft": kept,
        "recipients": sealed,
        "updated_at": rule.updated_at,
        "cursor_ms": 0,
        "cursor_device": "",
        "check_due_ms": check_due_ms if draft.enabled else None,
    }


def _to_rule(box: SecretBox, row: Any) -> AlertRule:
    draft = msgspec.convert(row.draft, RuleDraft)
    if row.recipients is not None:
        opened = box.open(bytes(row.recipients), _context(row.id))
        told = msgspec.json.decode(opened, type=AlertRecipients)
        draft = msgspec.structs.replace(draft, recipients=told)
    return AlertRule(
        id=row.id,
        product_id=row.product_id,
        draft=draft,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
        tested_at=row.tested_at,
        tested_notice=row.tested_notice,
        opened=row.opened,
        told=row.told,
        resolved=row.resolved,
        told_resolved=row.told_resolved,
        cursor=(row.cursor_ms, row.cursor_device),
    )


def _context(rule_id: str) -> bytes:
    return f"alert_rule:{rule_id}".encode()
