"""From what was just heard of a subject to what is watched next. Pure.

A subject at rest has no watch. One that turns bad is watched until it was bad for long enough, and
then an alert opens; one whose alert is open is watched once it is good again, and when it stayed
good for long enough the alert resolves. What lies between the two levels ends neither an open
alert nor begins one. Counting works alike: enough happened within the time, or nothing for a time.
"""

from roadstead.health.alerting.model import COUNTING, AlertRule, Verdict, Watch


def judge_level(
    value: float, *, above: float | None, below: float | None, clear_level: float | None
) -> Verdict:
    """What a number says to a rule with a level.

    Args:
        value: the number.
        above: the level that it must not exceed; exactly one of this and the next.
        below: the level that it must not fall below.
        clear_level: where it has ended; None for the level itself.
    """
    if above is not None:
        if value > above:
            return "bad"
        return "good" if clear_level is None or value <= clear_level else "between"
    assert below is not None
    if value < below:
        return "bad"
    return "good" if clear_level is None or value >= clear_level else "between"


def next_watch(
    rule: AlertRule, watch: Watch | None, *, is_open: bool, verdict: Verdict, at_ms: int, text: str
) -> Watch | None:
    """What is watched after something was heard; None when the subject is at rest.

    Args:
        rule: the rule.
        watch: what is watched now.
        is_open: an alert of this subject is open.
        verdict: what was heard.
        at_ms: Unix milliseconds when.
        text: what was seen.
    """
    if verdict == "happened":
        return _count(rule, watch, is_open=is_open, at_ms=at_ms, text=text)
    times = () if watch is None else watch.times
    if is_open:
        if verdict != "good":
            return Watch(True, at_ms, None, text, times) if times else None
        if watch is not None and not watch.bad and watch.due_ms is not None:
            return watch
        return Watch(False, at_ms, at_ms + rule.draft.clear_after_s * 1000, text, times)
    if verdict != "bad":
        return Watch(False, at_ms, None, text, times) if times else None
    if watch is not None and watch.bad and watch.due_ms is not None:
        return Watch(True, watch.since_ms, watch.due_ms, text, times)
    wait_s = 0 if rule.draft.kind in COUNTING else rule.draft.condition.for_s
    return Watch(True, at_ms, at_ms + wait_s * 1000, text, times)


def clear_when_quiet(rule: AlertRule, at_ms: int) -> int:
    """When an alert that counts resolves if nothing more happens (Unix milliseconds).

    It stays open for the time within which the rule counts, at least.
    """
    return at_ms + max(rule.draft.clear_after_s, rule.draft.condition.within_s) * 1000


def _count(rule: AlertRule, watch: Watch | None, *, is_open: bool, at_ms: int, text: str) -> Watch:
    condition = rule.draft.condition
    oldest = at_ms - condition.within_s * 1000
    former = () if watch is None else watch.times
    times = tuple(sorted(one for one in (*former, at_ms) if one > oldest))[-condition.count :]
    if is_open:
        return Watch(False, at_ms, clear_when_quiet(rule, at_ms), text, times)
    if len(times) >= condition.count:
        return Watch(True, at_ms, at_ms, text, times)
    return Watch(False, at_ms, None, text, times)
