"""Opens and resolves alerts, each step in one transaction.

What is due is taken, decided and written in the same transaction, so that a process that dies has
done all of it or nothing, and another one finds it due again. The rule's row is locked first:
two processes never open the same alert, and its numbers have no gap.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from roadstead.health.alerting import alert_store, evidence_store, rule_store
from roadstead.health.alerting.evidence_store import Key
from roadstead.health.alerting.hysteresis import clear_when_quiet, judge_level
from roadstead.health.alerting.model import (
    COUNTING,
    FLEET,
    Alert,
    AlertRule,
    Evidence,
    Watch,
)
from roadstead.health.alerting.scoping import fitting
from roadstead.health.alerting.wording import number
from roadstead.health.fleet_series import MINUTE_MS, FleetFilter, Window
from roadstead.health.fleet_store import list_counts
from roadstead.kit.clock import from_ms, iso_ms, to_ms
from roadstead.products.group_store import find_group
from roadstead.products.store import find_product
from roadstead.storage.secret_box import SecretBox

PAGE: Final = 500
"""Subjects decided in one transaction: some ten milliseconds."""

RULES_AT_ONCE: Final = 20

LEAST_PAUSE_MS: Final = 1000
FLEET_EVERY_MS: Final = 60_000
"""Counts of a fleet are by the minute."""


def is_due(conn: Connection, now: datetime) -> bool:
    """Whether there is anything to do now: three looks at the ends of small indexes."""
    now_ms = to_ms(now)
    return (
        evidence_store.is_watch_due(conn, now_ms)
        or rule_store.is_due(conn, "check_due_ms", now_ms)
        or rule_store.is_due(conn, "tell_due_ms", now_ms)
    )


def settle_watches(conn: Connection, box: SecretBox, now: datetime) -> int:
    """Opens and resolves what is due, up to a page; gives how many watches were looked at."""
    due = evidence_store.take_due_watches(conn, to_ms(now), PAGE)
    if not due:
        return 0
    rules = rule_store.lock_rules(conn, box, sorted({key[0] for key, _, _ in due}))
    live = alert_store.find_live(conn, [key for key, _, _ in due])
    by_rule: dict[str, list[tuple[Key, str, Watch]]] = {}
    for one in due:
        by_rule.setdefault(one[0][0], []).append(one)
    for rule_id, of_rule in by_rule.items():
        evidence_store.delete_watches(conn, [key for key, _, _ in of_rule])
        rule = rules.get(rule_id)
        if rule is None or not rule.draft.enabled:
            continue
        wanted = [
            (key[1], name, watch) for key, name, watch in of_rule if watch.bad and key not in live
        ]
        opened = open_alerts(conn, rule, [(s, n, w.text) for s, n, w in wanted], now)
        _watch_on(conn, rule, [one for one in wanted if one[0] in opened])
        ended = [live[key] for key, _, watch in of_rule if not watch.bad and key in live]
        resolve_alerts(conn, rule, ended, now)
    return len(due)


def check_rules(conn: Connection, box: SecretBox, now: datetime, *, settled: bool) -> int:
    """Rules of ``offline`` and ``fleet_online`` look again, as far as they are due.

    Args:
        conn: the unit of work.
        box: opens rules.
        now: the time.
        settled: the counts of fleets are complete: the server runs for some minutes.

    Returns:
        How many rules looked.
    """
    due = rule_store.take_due(conn, box, "check_due_ms", to_ms(now), RULES_AT_ONCE)
    for rule in due:
        if rule.draft.kind == "offline":
            _check_offline(conn, rule, now)
        else:
            _check_fleet(conn, rule, now, settled=settled)
    return len(due)


def open_alerts(
    conn: Connection, rule: AlertRule, wanted: Sequence[tuple[str, str, str]], now: datetime
) -> set[str]:
    """Opens alerts of a rule that is locked, for subjects to which it applies.

    Args:
        conn: the unit of work.
        rule: the rule.
        wanted: subject, name and text of each; none of them has a live alert.
        now: the time.

    Returns:
        The subjects.
    """
    if not wanted:
        return set()
    draft = rule.draft
    devices = [subject for subject, _, _ in wanted if _is_device(subject)]
    fit = fitting(conn, rule.product_id, draft.scope, devices) if devices else {}
    kept = [one for one in wanted if not _is_device(one[0]) or one[0] in fit]
    alerts = [
        Alert(
            id=f"{to_ms(now):012x}{secrets.token_hex(6)}",
            product_id=rule.product_id,
            rule_id=rule.id,
            rule_name=draft.name,
            kind=draft.kind,
            severity=draft.severity,
            subject=subject,
            name=fit.get(subject) or name or subject,
            text=text,
            number=rule.opened + position,
            state="open",
            opened_at=now,
        )
        for position, (subject, name, text) in enumerate(kept, 1)
    ]
    alert_store.insert_alerts(conn, alerts)
    if alerts:
        tell_by_ms = to_ms(now) + draft.group_window_s * 1000
        rule_store.count_changes(conn, rule.id, opened=len(alerts), tell_by_ms=tell_by_ms)
    return {one.subject for one in alerts}


def resolve_alerts(
    conn: Connection, rule: AlertRule, ended: Sequence[Alert], now: datetime
) -> None:
    """Resolves alerts of a rule that is locked, because what they told of has ended."""
    if not ended:
        return
    alert_store.resolve(conn, [one.id for one in ended], by="", reason="ended", at=now)
    known = sum(one.number <= rule.told for one in ended)
    if known and rule.draft.tell_resolved:
        tell_by_ms = to_ms(now) + rule.draft.group_window_s * 1000
        rule_store.count_changes(conn, rule.id, resolved=known, tell_by_ms=tell_by_ms)


def _watch_on(conn: Connection, rule: AlertRule, opened: Sequence[tuple[str, str, Watch]]) -> None:
    """What is counted ends when nothing more happens for a time."""
    if rule.draft.kind not in COUNTING:
        return
    counted = [(subject, name, watch) for subject, name, watch in opened if watch.times]
    evidence_store.put_watches(
        conn,
        {
            (rule.id, subject): Watch(
                False,
                watch.since_ms,
                clear_when_quiet(rule, watch.since_ms),
                watch.text,
                watch.times,
            )
            for subject, _, watch in counted
        },
        {(rule.id, subject): name for subject, name, _ in counted},
    )


def _check_offline(conn: Connection, rule: AlertRule, now: datetime) -> None:
    now_ms, for_ms = to_ms(now), rule.draft.condition.for_s * 1000
    page = evidence_store.list_offline(conn, rule.product_id, rule.cursor, now_ms - for_ms, PAGE)
    live = alert_store.find_live(conn, [(rule.id, device_id) for device_id, _ in page])
    wanted = [
        (device_id, "", f"offline since {iso_ms(from_ms(since_ms))}")
        for device_id, since_ms in page
        if (rule.id, device_id) not in live
    ]
    open_alerts(conn, rule, wanted, now)
    cursor = (page[-1][1], page[-1][0]) if page else rule.cursor
    if len(page) == PAGE:
        rule_store.set_check(conn, rule.id, now_ms, cursor)
        return
    # Nobody who goes offline from now on is due before this; so no device has to wake the rule.
    due_ms = now_ms + for_ms
    first_ms = evidence_store.next_offline_ms(conn, rule.product_id, now_ms - for_ms)
    if first_ms is not None:
        due_ms = min(due_ms, first_ms + for_ms)
    rule_store.set_check(conn, rule.id, max(due_ms, now_ms + LEAST_PAUSE_MS), cursor)


def _check_fleet(conn: Connection, rule: AlertRule, now: datetime, *, settled: bool) -> None:
    now_ms, condition = to_ms(now), rule.draft.condition
    rule_store.set_check(conn, rule.id, now_ms + FLEET_EVERY_MS)
    measured = fleet_online(conn, rule, now)
    if measured is None or (not measured[0] and not settled):
        return
    online, total = measured
    percent = 100 * online / total
    verdict = judge_level(
        percent, above=None, below=condition.below, clear_level=condition.clear_level
    )
    text = f"{online} of {total} devices online ({number(percent)} %)"
    named = " and ".join(rule.draft.scope.groups) or "all devices"
    evidence = Evidence(rule, FLEET, named, verdict, now_ms, text)
    evidence_store.write_evidence(conn, [evidence])


def fleet_online(conn: Connection, rule: AlertRule, now: datetime) -> tuple[int, int] | None:
    """Devices online in the last whole minute, and devices in all; None without any."""
    product = find_product(conn, rule.product_id)
    if product is None:
        return None
    total, group = product.device_count, None
    if rule.draft.scope.groups:
        group = rule.draft.scope.groups[0]
        found = find_group(conn, product.id, group)
        total = found.device_count if found else 0
    if total <= 0:
        return None
    minute = to_ms(now) // MINUTE_MS - 1
    window = Window(minute, minute + 1, 1)
    wanted = FleetFilter(group=group)
    rows = list_counts(conn, product.id, ["online"], window, wanted, snapshots=True)
    return min(total, sum(count for _, _, count in rows)), total


def _is_device(subject: str) -> bool:
    return ":" not in subject and subject != FLEET
