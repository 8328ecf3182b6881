"""Tells people what opened and what ended, once, many alerts of a rule in one notice.

The notice is written in the transaction that counts its alerts as told: a process that dies has
done both or neither.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from roadstead.health.alerting import alert_store, rule_store
from roadstead.health.alerting.model import Alert, AlertRule
from roadstead.health.alerting.people import PeopleOf, recipients_of
from roadstead.health.alerting.wording import describe_rule
from roadstead.kit.clock import to_ms
from roadstead.notifications.model import NoticeOwner
from roadstead.notifications.service import Notices
from roadstead.products.store import find_product
from roadstead.storage.secret_box import SecretBox

NAMED: Final = 5
"""Subjects that a notice names; the others are counted."""

RULES_AT_ONCE: Final = 20


def tell_due(
    conn: Connection, box: SecretBox, notices: Notices, people_of: PeopleOf, now: datetime
) -> int:
    """Writes the notices that are due, of some rules; gives of how many."""
    due = rule_store.take_due(conn, box, "tell_due_ms", to_ms(now), RULES_AT_ONCE)
    for rule in due:
        _tell(conn, notices, people_of, rule)
        rule_store.note_told(conn, rule)
    return len(due)


def test_facts(conn: Connection, rule: AlertRule) -> dict[str, Any]:
    """The facts of a notice that only shows whether notices arrive."""
    return {**_facts(conn, rule), "test": True}


def _tell(conn: Connection, notices: Notices, people_of: PeopleOf, rule: AlertRule) -> None:
    owner = NoticeOwner("product", str(rule.product_id))
    to = recipients_of(conn, people_of, rule)
    opened = alert_store.list_untold(conn, rule.id, rule.told, NAMED)
    if opened:
        count = alert_store.count_untold(conn, rule.id, rule.told)
        facts = {**_facts(conn, rule), **_named(opened, count)}
        key = f"alert:{rule.id}:opened:{rule.opened}"
        severity = rule.draft.severity
        notices.notify_in(
            conn, owner, "alert.opened", facts, severity=severity, once_key=key, recipients=to
        )
    count = rule.resolved - rule.told_resolved
    if count:
        ended = alert_store.list_ended(conn, rule.id, rule.told, min(NAMED, count))
        facts = {**_facts(conn, rule), **_named(ended, count)}
        key = f"alert:{rule.id}:resolved:{rule.resolved}"
        severity = rule.draft.severity
        notices.notify_in(
            conn, owner, "alert.resolved", facts, severity=severity, once_key=key, recipients=to
        )


def _facts(conn: Connection, rule: AlertRule) -> dict[str, Any]:
    product = find_product(conn, rule.product_id)
    return {
        "product": product.name if product else str(rule.product_id),
        "rule": rule.draft.name,
        "condition": describe_rule(rule.draft),
        "rule_id": rule.id,
    }


def _named(alerts: Sequence[Alert], count: int) -> dict[str, Any]:
    names = ", ".join(one.name for one in alerts)
    if count > len(alerts):
        names += f" and {count - len(alerts):,} more"
    return {
        "count": count,
        "subjects": names,
        "seen": alerts[0].text if alerts else "",
        "alerts": [one.id for one in alerts],
    }
