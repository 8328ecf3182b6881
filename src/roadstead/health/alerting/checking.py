"""Refuses rules that cannot be meant. Pure."""

from urllib.parse import urlsplit

from roadstead.health.alerting.model import AlertCondition, AlertRecipients, RuleDraft
from roadstead.health.alerting.vital_paths import METRICS, is_metric
from roadstead.kit.errors import Invalid
from roadstead.notifications.quiet import check_quiet

MAX_NAME_CHARS = 100
MAX_RULES = 50
"""Rules of one product."""

LEAST_OFFLINE_S, MOST_OFFLINE_S = 60, 30 * 86_400
"""A device counts as online until two of its intervals were missed, so less says nothing."""

MAX_HOLD_S = 86_400
"""Longest time for which a value must be bad, or good again."""

LEAST_WITHIN_S, MOST_WITHIN_S = 60, 7 * 86_400
MAX_COUNT = 100
MAX_GROUP_WINDOW_S = 3600
MAX_GROUPS = 20
MAX_RECIPIENTS = 20
MAX_URL_CHARS = 2048

_FIELDS = {
    "offline": {"for_s"},
    "vital": {"for_s", "metric", "above", "below", "clear_level"},
    "resets": {"count", "within_s"},
    "update_failures": {"count", "within_s", "by"},
    "fleet_online": {"for_s", "below", "clear_level"},
    "webhook": {"count", "within_s", "breaker"},
}
"""Which fields of a condition each kind has."""

_USUAL = AlertCondition()


def check_draft(draft: RuleDraft) -> None:
    """Refuses a rule that cannot be meant.

    Raises:
        Invalid: ``bad_rule``; the sentence names the field.
    """
    if not draft.name.strip() or len(draft.name) > MAX_NAME_CHARS:
        raise _bad(f"name must have 1 to {MAX_NAME_CHARS} characters.")
    condition = draft.condition
    for name in condition.__struct_fields__:
        if name not in _FIELDS[draft.kind] and getattr(condition, name) != getattr(_USUAL, name):
            raise _bad(f"condition.{name} has no meaning for a rule of the kind {draft.kind}.")
    if draft.kind == "offline":
        _within("condition.for_s", condition.for_s, LEAST_OFFLINE_S, MOST_OFFLINE_S)
    elif draft.kind in ("vital", "fleet_online"):
        _within("condition.for_s", condition.for_s, 0, MAX_HOLD_S)
        _check_level(draft)
    else:
        _within("condition.count", condition.count, 1, MAX_COUNT)
        _within("condition.within_s", condition.within_s, LEAST_WITHIN_S, MOST_WITHIN_S)
    _within("clear_after_s", draft.clear_after_s, 0, MAX_HOLD_S)
    _within("group_window_s", draft.group_window_s, 0, MAX_GROUP_WINDOW_S)
    _check_scope(draft)
    if draft.recipients is not None:
        _check_recipients(draft.recipients)


def _check_level(draft: RuleDraft) -> None:
    condition = draft.condition
    if draft.kind == "vital":
        if not is_metric(condition.metric):
            known = ", ".join(METRICS)
            raise _bad(
                f"condition.metric must be one of {known}, or the path of a number in the vitals "
                "like device.other.temp."
            )
        if (condition.above is None) == (condition.below is None):
            raise _bad("condition takes exactly one of above and below.")
    elif condition.below is None or not 0 < condition.below <= 100:
        raise _bad("condition.below must be a percentage above 0 and up to 100.")
    level, clear = condition.above, condition.clear_level
    if clear is None:
        return
    if level is not None and clear > level:
        raise _bad("condition.clear_level must not be above the level at which it opens.")
    if condition.below is not None and clear < condition.below:
        raise _bad("condition.clear_level must not be below the level at which it opens.")


def _check_scope(draft: RuleDraft) -> None:
    scope = draft.scope
    if len(scope.groups) > MAX_GROUPS or any(not 0 < len(one) <= 64 for one in scope.groups):
        raise _bad(f"scope.groups takes up to {MAX_GROUPS} names of groups.")
    narrowed = bool(scope.groups) or scope.firmware_version is not None or scope.development
    if draft.kind == "webhook" and narrowed:
        raise _bad("A rule about integrations applies to the whole product: leave scope out.")
    if draft.condition.by == "version" and narrowed:
        raise _bad("A rule about versions applies to the whole product: leave scope out.")
    if draft.kind == "fleet_online":
        if len(scope.groups) > 1:
            raise _bad("A rule about the fleet takes one group at most.")
        if scope.firmware_version is not None or scope.development:
            raise _bad("A rule about the fleet is narrowed by a group only.")
    version = scope.firmware_version
    if version is not None and not 0 <= version < 65_536:
        raise _bad("scope.firmware_version must be a number from 0 to 65535.")


def _check_recipients(recipients: AlertRecipients) -> None:
    if not recipients.mail and recipients.webhook_url is None:
        raise _bad("recipients must name somebody: mail, webhook_url, or both.")
    if len(recipients.mail) > MAX_RECIPIENTS:
        raise _bad(f"recipients.mail takes up to {MAX_RECIPIENTS} addresses.")
    if any(not one or len(one) > 254 for one in recipients.mail):
        raise _bad("recipients.mail takes e-mail addresses.")
    if recipients.quiet is not None:
        try:
            check_quiet(recipients.quiet)
        except Invalid as error:
            raise _bad(f"recipients.{error.message}") from None
    url = recipients.webhook_url
    if url is None:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good or len(url) > MAX_URL_CHARS:
        raise _bad("recipients.webhook_url must be an http or https URL.")


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _bad(f"{name} must be a number from {least} to {most}.")


def _bad(sentence: str) -> Invalid:
    return Invalid("bad_rule", sentence)
