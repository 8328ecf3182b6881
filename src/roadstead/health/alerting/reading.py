"""What an event says to the rules of its product. Pure."""

from collections.abc import Sequence

import msgspec

from roadstead.events.model import Event
from roadstead.health.alerting.evidence_words import (
    FLASH_EVENT,
    INTENDED_RESETS,
    LAST_VERSION_OF,
    RESET_EVENT,
    STATUS_EVENT,
    VITALS_EVENT,
)
from roadstead.health.alerting.hysteresis import judge_level
from roadstead.health.alerting.model import AlertRule, Evidence, PresenceChange
from roadstead.health.alerting.vital_paths import value_of
from roadstead.health.alerting.wording import describe_value


def presence_of(event: Event) -> PresenceChange | None:
    """Whether the event tells that a device of a product came or went."""
    if event.name != STATUS_EVENT or event.source != "system":
        return None
    if event.device_id is None or event.product_id is None:
        return None
    if event.payload not in (b"online", b"offline"):
        return None
    online = event.payload == b"online"
    return PresenceChange(event.device_id, event.product_id, online, event.published_at_ms)


def evidence_of(event: Event, rules: Sequence[AlertRule]) -> list[Evidence]:
    """What the event says to these rules, all of its product."""
    device_id = event.device_id
    if device_id is None or event.source == "api":
        return []
    payload = event.payload or b""
    if event.name == VITALS_EVENT and event.source == "system":
        return _of_vitals(device_id, event, payload, rules)
    if event.name == RESET_EVENT:
        reason = payload.decode("utf-8", "replace").strip().lower()[:60]
        if reason.split(",")[0].split(" ")[0] in INTENDED_RESETS:
            return []
        seen = f"reset: {reason}" if reason else "reset"
        return [
            _happened(one, device_id, event, seen) for one in rules if one.draft.kind == "resets"
        ]
    if event.name == FLASH_EVENT and payload.startswith(b"failed"):
        return [
            _happened(one, device_id, event, "an update failed")
            if one.draft.condition.by == "device"
            else _happened(one, f"{LAST_VERSION_OF}{device_id}", event, "an update failed")
            for one in rules
            if one.draft.kind == "update_failures"
        ]
    return []


def _of_vitals(
    device_id: str, event: Event, payload: bytes, rules: Sequence[AlertRule]
) -> list[Evidence]:
    wanted = [one for one in rules if one.draft.kind == "vital"]
    if not wanted:
        return []
    try:
        document = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return []
    found = []
    for rule in wanted:
        condition = rule.draft.condition
        value = value_of(document, condition.metric)
        if value is None:
            continue  # the device did not say: nothing begins by it, and nothing ends
        verdict = judge_level(
            value,
            above=condition.above,
            below=condition.below,
            clear_level=condition.clear_level,
        )
        text = describe_value(rule, value)
        found.append(Evidence(rule, device_id, "", verdict, event.published_at_ms, text))
    return found


def _happened(rule: AlertRule, subject: str, event: Event, text: str) -> Evidence:
    return Evidence(rule, subject, "", "happened", event.published_at_ms, text)
