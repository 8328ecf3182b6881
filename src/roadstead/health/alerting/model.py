"""The values of this room: rules, alerts, what is watched. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, get_args

import msgspec

from roadstead.notifications.model import QuietTime, Severity

RuleKind = Literal["offline", "vital", "resets", "update_failures", "fleet_online", "webhook"]

RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)

COUNTING: frozenset[RuleKind] = frozenset({"resets", "update_failures", "webhook"})
"""Kinds that count what happens within a time."""

AlertState = Literal["open", "acknowledged", "resolved"]

ALERT_STATES: tuple[AlertState, ...] = get_args(AlertState)

FLEET = "fleet"
"""Subject of alerts about a whole product."""


class AlertCondition(msgspec.Struct, frozen=True, kw_only=True):
    """When a rule holds. Which fields count depends on the kind of the rule; the others stay away.

    Attributes:
        for_s: seconds: how long a device is offline, or how long a value must be as bad.
        metric: which number of the vitals (``vital``).
        above, below: the level; of ``fleet_online``, ``below`` is a percentage.
        clear_level: the value at which it has ended; the level itself if not given.
        count, within_s: so often within so many seconds (``resets``, ``update_failures``,
            ``webhook``).
        by: whose update failures are counted together: those of a device, or of a version.
        breaker: an integration that is paused because its receiver fails counts too (``webhook``).
    """

    for_s: int = 0
    metric: str = ""
    above: float | None = None
    below: float | None = None
    clear_level: float | None = None
    count: int = 0
    within_s: int = 0
    by: Literal["device", "version"] = "device"
    breaker: bool = True


class AlertScope(msgspec.Struct, frozen=True, kw_only=True):
    """To which devices a rule applies.

    Attributes:
        groups: names; devices of any of them. Empty for all devices.
        firmware_version: only devices that run it.
        development: development devices count, too.
    """

    groups: tuple[str, ...] = ()
    firmware_version: int | None = None
    development: bool = False


class AlertRecipients(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told, in the place of those whom the product's preferences name.

    Attributes:
        mail: e-mail addresses of people who may see the product.
        webhook_url: where a signed request goes; None for nowhere.
        quiet: when letters wait; requests to a program never do.
    """

    mail: tuple[str, ...] = ()
    webhook_url: str | None = None
    quiet: QuietTime | None = None


class RuleDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as people write it.

    Attributes:
        clear_after_s: seconds for which the condition must have ended before an alert resolves.
        group_window_s: seconds for which a notice waits for further alerts of the rule.
        tell_resolved: people are told of the end, too.
        recipients: None for those of the product's preferences.
    """

    name: str
    kind: RuleKind
    condition: AlertCondition
    scope: AlertScope = AlertScope()
    severity: Severity = "warning"
    clear_after_s: int = 0
    group_window_s: int = 60
    tell_resolved: bool = True
    enabled: bool = True
    recipients: AlertRecipients | None = None


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule.

    Attributes:
        opened, resolved: alerts that it has opened, and that ended by themselves, so far.
        told, told_resolved: how many of these people were told of.
        cursor: how far ``offline`` has looked: (milliseconds since which, device).
        tested_at: when a test was sent last.
    """

    id: str
    product_id: int
    draft: RuleDraft
    created_by: str
    created_at: datetime
    updated_at: datetime
    tested_at: datetime | None = None
    tested_notice: str | None = None
    opened: int = 0
    told: int = 0
    resolved: int = 0
    told_resolved: int = 0
    cursor: tuple[int, str] = (0, "")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert.

    Attributes:
        subject: a device's id, ``version:7``, ``hook:`` and an id, or ``fleet``.
        name: the subject in words.
        text: what was seen, in a few words.
        number: counts the alerts of its rule, from 1.
        resolved_by: an e-mail address; empty when it ended by itself.
        reason: why it ended: ``ended``, ``person``, ``rule_changed``, ``rule_off``,
            ``rule_deleted``, ``left``.
    """

    id: str
    product_id: int
    rule_id: str
    rule_name: str
    kind: RuleKind
    severity: Severity
    subject: str
    name: str
    text: str
    number: int
    state: AlertState
    opened_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    note: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of a subject that is not at rest.

    Attributes:
        bad: what was heard last.
        since_ms: Unix milliseconds since when it was heard.
        due_ms: when an alert opens (bad) or resolves (not bad); None while it is only counted.
        text: what was seen.
        times: Unix milliseconds of what is counted, the newest last.
    """

    bad: bool
    since_ms: int
    due_ms: int | None
    text: str = ""
    times: tuple[int, ...] = ()


Verdict = Literal["bad", "good", "between", "happened"]
"""``between``: past the level at which it clears and not at the level at which it opens.
``happened``: one more of what is counted."""


class Evidence(NamedTuple):
    """What was just heard about a subject of a rule.

    Attributes:
        text: what was seen, in a few words.
    """

    rule: AlertRule
    subject: str
    name: str
    verdict: Verdict
    at_ms: int
    text: str


class PresenceChange(NamedTuple):
    """A device of a product came or went."""

    device_id: str
    product_id: int
    online: bool
    at_ms: int
