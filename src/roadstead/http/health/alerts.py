"""Alerts of a product: list, count, acknowledge, resolve. Ours."""

import re
from typing import Any, Literal

import msgspec

from roadstead.health.alerting.model import ALERT_STATES, Alert, AlertState, RuleKind
from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid
from roadstead.notifications.model import Severity

_TAG = "Alerts"

DEFAULT_LIMIT, MAX_LIMIT = 25, 200

_ID = re.compile(r"[0-9a-f]{24}")


class AlertDocument(msgspec.Struct, kw_only=True):
    """An alert. ``device_id`` is null when it is about something else than one device.

    ``reason`` says why it ended: ``ended`` by itself, by a ``person``, ``rule_changed``,
    ``rule_off``, ``rule_deleted``, or ``left`` (the device left the product).
    """

    id: str
    rule_id: str
    rule_name: str
    kind: RuleKind
    severity: Severity
    subject: str
    device_id: str | None
    name: str
    text: str
    state: AlertState
    opened_at: str
    acknowledged_at: str | None
    acknowledged_by: str
    note: str
    resolved_at: str | None
    resolved_by: str
    reason: str


class AlertsAnswer(msgspec.Struct):
    """Alerts, newest first; ``next_cursor`` is null on the last page."""

    alerts: list[AlertDocument]
    next_cursor: str | None


class AlertAnswer(msgspec.Struct):
    """One alert."""

    alert: AlertDocument


class AlertCounts(msgspec.Struct):
    """How many alerts are not resolved."""

    open: int
    acknowledged: int


class ProductAlertCounts(msgspec.Struct):
    """How many alerts of a product are not resolved."""

    product_id: int
    open: int
    acknowledged: int


class AllAlertCounts(msgspec.Struct):
    """The products of the caller that have alerts which are not resolved."""

    products: list[ProductAlertCounts]


class AlertActionBody(msgspec.Struct, kw_only=True):
    """What to do with an alert, and why."""

    action: Literal["acknowledge", "resolve"]
    note: str = ""


class RuleAlertsBody(msgspec.Struct, kw_only=True):
    """What to do with all alerts of a rule that are not resolved."""

    rule_id: str
    action: Literal["acknowledge", "resolve"]
    note: str = ""


class ChangedAlertsAnswer(msgspec.Struct):
    """How many alerts were changed."""

    changed: int
    ok: bool = True


async def list_alerts(call: Call) -> AlertsAnswer:
    """The newest alerts."""
    query = call.query
    states = [one for one in query.get("state", "").split(",") if one]
    if any(one not in ALERT_STATES for one in states):
        raise Invalid("invalid_request", f"'state' takes {', '.join(ALERT_STATES)}.")
    text = query.get("limit") or str(DEFAULT_LIMIT)
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text[:6]) <= MAX_LIMIT:
        raise Invalid("invalid_request", f"'limit' must be a number from 1 to {MAX_LIMIT}.")
    cursor = query.get("cursor") or None
    if cursor is not None and not _ID.fullmatch(cursor):
        raise Invalid("invalid_request", "'cursor' must be the next_cursor of an answer.")
    limit = int(text)
    found = await call.parts.alerts.list_alerts(
        call.product,
        states=states,
        rule_id=query.get("rule") or None,
        subject=(query.get("device") or "").lower() or None,
        below_id=cursor,
        limit=limit + 1,
    )
    shown = [_document(one) for one in found[:limit]]
    return AlertsAnswer(shown, shown[-1].id if len(found) > limit else None)


async def count_alerts(call: Call) -> AlertCounts:
    """How many alerts are not resolved."""
    counts = (await call.parts.alerts.count([call.product.id])).get(call.product.id, {})
    return AlertCounts(counts.get("open", 0), counts.get("acknowledged", 0))


async def count_all_alerts(call: Call) -> AllAlertCounts:
    """How many alerts are not resolved, in each product of the caller."""
    views = await call.parts.products.list_products(call.actor)
    counts = await call.parts.alerts.count([one.product.id for one in views])
    return AllAlertCounts(
        [
            ProductAlertCounts(product_id, of.get("open", 0), of.get("acknowledged", 0))
            for product_id, of in sorted(counts.items())
        ]
    )


async def get_alert(call: Call) -> AlertAnswer:
    """One alert."""
    return AlertAnswer(
        _document(await call.parts.alerts.get_alert(call.product, call.path["alert"]))
    )


async def change_alert(call: Call) -> AlertAnswer:
    """Acknowledges or resolves one."""
    service, body = call.parts.alerts, call.body
    act = service.acknowledge if body.action == "acknowledge" else service.resolve
    changed = await act(call.actor, call.product, call.path["alert"], body.note)
    return AlertAnswer(_document(changed))


async def change_alerts(call: Call) -> ChangedAlertsAnswer:
    """Acknowledges or resolves all of a rule."""
    body = call.body
    count = await call.parts.alerts.act_on_rule(
        call.actor, call.product, body.rule_id, body.action, body.note
    )
    return ChangedAlertsAnswer(count)


def _document(one: Alert) -> AlertDocument:
    return AlertDocument(
        id=one.id,
        rule_id=one.rule_id,
        rule_name=one.rule_name,
        kind=one.kind,
        severity=one.severity,
        subject=one.subject,
        device_id=one.subject if _ID.fullmatch(one.subject) else None,
        name=one.name,
        text=one.text,
        state=one.state,
        opened_at=iso_ms(one.opened_at),
        acknowledged_at=None if one.acknowledged_at is None else iso_ms(one.acknowledged_at),
        acknowledged_by=one.acknowledged_by,
        note=one.note,
        resolved_at=None if one.resolved_at is None else iso_ms(one.resolved_at),
        resolved_by=one.resolved_by,
        reason=one.reason,
    )


_ALERTS = "/v1/products/{product}/alerts"
_ALERT = f"{_ALERTS}/{{alert}}"
_LOOK: dict[str, Any] = {"tag": _TAG, "permission": Permission.ALERTS_GET}
_ACT: dict[str, Any] = {"tag": _TAG, "permission": Permission.ALERTS_UPDATE}

_QUERY = (
    QueryParameter("state", "Only in these states: open, acknowledged, resolved; by commas."),
    QueryParameter("rule", "Only of this rule."),
    QueryParameter("device", "Only about this device."),
    QueryParameter("cursor", "next_cursor of the page before."),
    QueryParameter("limit", f"At most so many, up to {MAX_LIMIT}; {DEFAULT_LIMIT} if not given."),
)

OPERATIONS = (
    Operation(
        "list_alerts", "GET", _ALERTS, summary="List the alerts of a product",
        handler=list_alerts, answer=AlertsAnswer, query=_QUERY, **_LOOK,
    ),
    Operation(
        "update_alerts", "PUT", _ALERTS, summary="Acknowledge or resolve all alerts of a rule",
        handler=change_alerts, body=RuleAlertsBody, answer=ChangedAlertsAnswer, **_ACT,
    ),
    Operation(
        "count_alerts", "GET", f"{_ALERTS}/counts",
        summary="Count the alerts that are not resolved",
        handler=count_alerts, answer=AlertCounts, **_LOOK,
    ),
    Operation(
        "count_all_alerts", "GET", "/v1/user/alerts",
        summary="Count the alerts that are not resolved, by product",
        handler=count_all_alerts, answer=AllAlertCounts, **_LOOK,
    ),
    Operation(
        "get_alert", "GET", _ALERT, summary="Get an alert", handler=get_alert,
        answer=AlertAnswer, **_LOOK,
    ),
    Operation(
        "update_alert", "PUT", _ALERT, summary="Acknowledge or resolve an alert",
        handler=change_alert, body=AlertActionBody, answer=AlertAnswer, **_ACT,
    ),
)  # fmt: skip
