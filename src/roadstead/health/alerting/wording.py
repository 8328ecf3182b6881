"""Rules, and what was seen, in words for people. Pure."""

from roadstead.health.alerting.model import AlertRule, RuleDraft
from roadstead.health.alerting.vital_paths import describe_metric


def describe_rule(draft: RuleDraft) -> str:
    """When the rule holds, as one clause."""
    condition = draft.condition
    held = f" for {duration(condition.for_s)}" if condition.for_s else ""
    if draft.kind == "offline":
        return f"offline for {duration(condition.for_s)}"
    if draft.kind == "vital":
        label, unit = describe_metric(condition.metric)
        word, level = ("above", condition.above)
        if level is None:
            word, level = "below", condition.below
        return f"{label} {word} {number(level or 0)} {unit}".rstrip() + held
    if draft.kind == "fleet_online":
        return f"less than {number(condition.below or 0)} % online{held}"
    often = f"{condition.count} in {duration(condition.within_s)}"
    if draft.kind == "resets":
        return f"unexpected resets: {often}"
    if draft.kind == "update_failures":
        return f"failed updates of one {condition.by}: {often}"
    paused = ", or an integration is paused" if condition.breaker else ""
    return f"events not delivered: {often}{paused}"


def describe_value(rule: AlertRule, value: float) -> str:
    """A number that was seen."""
    label, unit = describe_metric(rule.draft.condition.metric)
    return f"{label} {number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """At most two digits behind the point, and none that say nothing."""
    rounded = round(value, 2)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


def duration(seconds: int) -> str:
    """As people say it: ``90 s``, ``5 min``, ``2 h``, ``3 days``."""
    for size, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {'day' if word == 'days' and count == 1 else word}"
    return f"{seconds} s"
