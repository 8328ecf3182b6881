"""Alert rules of a product: create, change, delete, test, and what one would find now. Ours."""

from typing import Any

import msgspec

from roadstead.health.alerting.model import (
    AlertCondition,
    AlertRecipients,
    AlertScope,
    RuleDraft,
    RuleKind,
)
from roadstead.health.alerting.ruling import RuleState
from roadstead.health.alerting.vital_paths import METRICS
from roadstead.health.alerting.wording import describe_rule
from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.notifications.model import Severity

_TAG = "Alerts"

HIDDEN = "…"
"""Stands for the path of a webhook's URL, which may hold a secret."""


class ToldDocument(msgspec.Struct):
    """Who is told by a rule now."""

    mail: list[str]
    webhook: bool


class AlertRuleDocument(msgspec.Struct, kw_only=True):
    """A rule; ``live`` counts its alerts that are not resolved, ``text`` says when it holds."""

    id: str
    name: str
    kind: RuleKind
    condition: AlertCondition
    scope: AlertScope
    severity: Severity
    clear_after_s: int
    group_window_s: int
    tell_resolved: bool
    enabled: bool
    recipients: AlertRecipients | None
    text: str
    told: ToldDocument
    live: int
    created_by: str
    created_at: str
    updated_at: str
    tested_at: str | None
    tested_notice: str | None


class AlertRuleAnswer(msgspec.Struct):
    """One rule."""

    rule: AlertRuleDocument


class MetricDocument(msgspec.Struct):
    """A number that a rule can watch."""

    name: str
    label: str
    unit: str


class AlertRulesAnswer(msgspec.Struct):
    """All rules of the product, and the numbers that rules of the kind ``vital`` know by name."""

    rules: list[AlertRuleDocument]
    metrics: list[MetricDocument]


class AlertTestAnswer(msgspec.Struct):
    """The notice that was made; its ways in the product's notices tell whether it arrives."""

    notice_id: str
    ok: bool = True


class AlertExample(msgspec.Struct):
    """One that matches now."""

    device_id: str
    name: str
    text: str


class AlertPreviewAnswer(msgspec.Struct, kw_only=True):
    """What a rule would find now; ``matches`` is null where only the future can tell.

    Not ``complete``: there are more devices than were examined.
    """

    matches: int | None
    examined: int
    complete: bool
    examples: list[AlertExample]
    text: str


async def list_rules(call: Call) -> AlertRulesAnswer:
    """All rules."""
    found = await call.parts.alert_rules.list_rules(call.product)
    metrics = [MetricDocument(name, one.label, one.unit) for name, one in METRICS.items()]
    return AlertRulesAnswer([_document(call, one) for one in found], metrics)


async def get_rule(call: Call) -> AlertRuleAnswer:
    """One rule."""
    return _answer(call, await call.parts.alert_rules.get_rule(call.product, call.path["rule"]))


async def create_rule(call: Call) -> AlertRuleAnswer:
    """Makes a rule."""
    return _answer(
        call, await call.parts.alert_rules.create_rule(call.actor, call.product, call.body)
    )


async def change_rule(call: Call) -> AlertRuleAnswer:
    """Replaces a rule."""
    where = (call.actor, call.product, call.path["rule"])
    return _answer(call, await call.parts.alert_rules.change_rule(*where, call.body))


async def delete_rule(call: Call) -> dict[str, bool]:
    """Deletes a rule."""
    await call.parts.alert_rules.delete_rule(call.actor, call.product, call.path["rule"])
    return {"ok": True}


async def try_rule(call: Call) -> AlertTestAnswer:
    """Sends a test."""
    where = (call.actor, call.product, call.path["rule"])
    return AlertTestAnswer(await call.parts.alert_rules.test_rule(*where))


async def preview_rule(call: Call) -> AlertPreviewAnswer:
    """What a rule would find."""
    found = await call.parts.alert_rules.preview(call.product, call.body)
    return AlertPreviewAnswer(
        matches=found.matches,
        examined=found.examined,
        complete=found.complete,
        examples=[AlertExample(*one) for one in found.examples],
        text=found.text,
    )


def _answer(call: Call, state: RuleState) -> AlertRuleAnswer:
    return AlertRuleAnswer(_document(call, state))


def _document(call: Call, state: RuleState) -> AlertRuleDocument:
    rule, draft = state.rule, state.rule.draft
    recipients = draft.recipients
    may_change = Permission.ALERT_RULES_UPDATE in call.rights
    if recipients is not None and recipients.webhook_url and not may_change:
        shown = recipients.webhook_url.split("/")[:3]
        recipients = msgspec.structs.replace(recipients, webhook_url="/".join([*shown, HIDDEN]))
    return AlertRuleDocument(
        id=rule.id,
        name=draft.name,
        kind=draft.kind,
        condition=draft.condition,
        scope=draft.scope,
        severity=draft.severity,
        clear_after_s=draft.clear_after_s,
        group_window_s=draft.group_window_s,
        tell_resolved=draft.tell_resolved,
        enabled=draft.enabled,
        recipients=recipients,
        text=describe_rule(draft),
        told=ToldDocument(list(state.told.mail), state.told.webhook),
        live=state.live,
        created_by=rule.created_by,
        created_at=iso_ms(rule.created_at),
        updated_at=iso_ms(rule.updated_at),
        tested_at=None if rule.tested_at is None else iso_ms(rule.tested_at),
        tested_notice=rule.tested_notice,
    )


_RULES = "/v1/products/{product}/alert_rules"
_RULE = f"{_RULES}/{{rule}}"
_CHANGE: dict[str, Any] = {"tag": _TAG, "permission": Permission.ALERT_RULES_UPDATE}
_LOOK: dict[str, Any] = {"tag": _TAG, "permission": Permission.ALERTS_GET}

OPERATIONS = (
    Operation(
        "list_alert_rules", "GET", _RULES, summary="List the alert rules of a product",
        handler=list_rules, answer=AlertRulesAnswer, **_LOOK,
    ),
    Operation(
        "create_alert_rule", "POST", _RULES, summary="Create an alert rule",
        handler=create_rule, body=RuleDraft, answer=AlertRuleAnswer, status=201, **_CHANGE,
    ),
    Operation(
        "preview_alert_rule", "POST", f"{_RULES}/preview",
        summary="Count what would match an alert rule now", handler=preview_rule,
        body=RuleDraft, answer=AlertPreviewAnswer, **_CHANGE,
    ),
    Operation(
        "get_alert_rule", "GET", _RULE, summary="Get an alert rule", handler=get_rule,
        answer=AlertRuleAnswer, **_LOOK,
    ),
    Operation(
        "update_alert_rule", "PUT", _RULE, summary="Replace an alert rule",
        handler=change_rule, body=RuleDraft, answer=AlertRuleAnswer, **_CHANGE,
    ),
    Operation(
        "delete_alert_rule", "DELETE", _RULE, summary="Delete an alert rule; its alerts end",
        handler=delete_rule, answer=dict[str, bool], **_CHANGE,
    ),
    Operation(
        "test_alert_rule", "POST", f"{_RULE}/test",
        summary="Send a notice marked as a test to whom the rule tells", handler=try_rule,
        answer=AlertTestAnswer, **_CHANGE,
    ),
)  # fmt: skip
