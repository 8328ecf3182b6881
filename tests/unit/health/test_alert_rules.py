"""The pure rules of alerts: levels, hysteresis, counting, words, and what a rule may be."""

from datetime import UTC, datetime

import msgspec
import pytest

from roadstead.events.model import Event
from roadstead.health.alerting.checking import check_draft
from roadstead.health.alerting.hysteresis import judge_level, next_watch
from roadstead.health.alerting.model import (
    AlertCondition,
    AlertRecipients,
    AlertRule,
    AlertScope,
    RuleDraft,
    Watch,
)
from roadstead.health.alerting.reading import evidence_of, presence_of
from roadstead.health.alerting.vital_paths import METRICS, is_metric, value_of
from roadstead.health.alerting.wording import describe_rule, duration
from roadstead.kit.errors import Invalid
from roadstead.notifications.model import QuietTime

AT = datetime(2026, 1, 1, tzinfo=UTC)

DOCUMENT = {
    "device": {
        "network": {"signal": {"strength": 12.5, "strengthv": -101, "quality": {"err": -210}}},
        "system": {"memory": {"used": 90, "total": 120}, "uptime": 9},
        "power": {"battery": {"charge": 18.0, "state": "discharging"}},
        "other": {"temp": 71.5},
    },
    "service": {"coap": {"round_trip": 228}},
}


def rule(kind="vital", clear_after_s=0, **condition) -> AlertRule:
    draft = RuleDraft(
        name="r", kind=kind, condition=AlertCondition(**condition), clear_after_s=clear_after_s
    )
    return AlertRule("f" * 24, 7, draft, "jo", AT, AT)


def event(name: str, payload: bytes, source="system", **more) -> Event:
    return Event(
        id=1, name=name, payload=payload, published_at_ms=5000, source=source,
        device_id="a" * 24, product_id=7, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "level", "verdict"),
    [
        (81, {"above": 80}, "bad"),
        (80, {"above": 80}, "good"),
        (75, {"above": 80, "clear_level": 70}, "between"),
        (70, {"above": 80, "clear_level": 70}, "good"),
        (19, {"below": 20}, "bad"),
        (20, {"below": 20}, "good"),
        (25, {"below": 20, "clear_level": 30}, "between"),
        (30, {"below": 20, "clear_level": 30}, "good"),
    ],
)
def test_levels(value, level, verdict):
    wanted = {"above": None, "below": None, "clear_level": None} | level
    assert judge_level(value, **wanted) == verdict


def test_a_value_must_be_bad_for_long_enough_and_good_again_for_long_enough():
    one = rule(metric="battery_charge", below=20.0, for_s=60, clear_after_s=30)

    def hear(watch, verdict, at_ms, is_open=False):
        return next_watch(one, watch, is_open=is_open, verdict=verdict, at_ms=at_ms, text="t")

    first = hear(None, "bad", 1000)
    assert first == Watch(True, 1000, 61_000, "t")
    # Once more as bad: it is due when it was.
    assert hear(first, "bad", 50_000) == Watch(True, 1000, 61_000, "t")
    # Not bad in between: at rest, whether or not it is good.
    assert hear(first, "good", 50_000) is None
    assert hear(first, "between", 50_000) is None
    # Open: only good begins the end, and anything else stops it.
    ending = hear(None, "good", 100_000, is_open=True)
    assert ending == Watch(False, 100_000, 130_000, "t")
    assert hear(ending, "good", 110_000, is_open=True) == ending
    assert hear(ending, "between", 110_000, is_open=True) is None
    assert hear(ending, "bad", 110_000, is_open=True) is None
    assert hear(None, "bad", 110_000, is_open=True) is None


def test_what_happens_is_counted_within_the_time():
    one = rule("resets", count=3, within_s=100, clear_after_s=5)

    def hear(watch, at_s, is_open=False):
        return next_watch(
            one, watch, is_open=is_open, verdict="happened", at_ms=at_s * 1000, text="t"
        )

    first = hear(None, 10)
    assert first.due_ms is None
    second = hear(first, 60)
    # The first is too old by now, so it is two again.
    assert hear(second, 111).due_ms is None
    third = hear(second, 100)
    assert (third.bad, third.due_ms, third.times) == (True, 100_000, (10_000, 60_000, 100_000))
    # One more while it is open: it ends when nothing happens for the whole time.
    more = hear(third, 120, is_open=True)
    assert (more.bad, more.due_ms) == (False, 220_000)
    assert len(more.times) == 3


def test_numbers_of_vitals():
    found = {name: value_of(DOCUMENT, name) for name in METRICS}
    assert found["signal_strength"] == 12.5
    assert found["signal_strength_value"] == -101
    assert found["signal_quality"] is None  # the device gave an error
    assert found["memory_used_percent"] == 75
    assert value_of(DOCUMENT, "device.other.temp") == 71.5
    assert value_of(DOCUMENT, "service.coap.round_trip") == 228
    assert value_of(DOCUMENT, "device.power.battery.state") is None
    assert value_of(DOCUMENT, "device.power.battery.charge.more") is None
    assert is_metric("device.other.temp")
    assert not is_metric("temp")
    assert not is_metric("device")


def test_events_that_say_nothing_to_a_rule():
    rules = [
        rule("resets", count=2, within_s=60),
        rule(metric="battery_charge", below=20.0),
        rule("update_failures", count=1, within_s=60),
        rule("update_failures", count=1, within_s=60, by="version"),
    ]
    vitals = msgspec.json.encode(DOCUMENT)
    name = "spark/device/diagnostics/update"
    (battery,) = evidence_of(event(name, vitals), rules)
    assert (battery.verdict, battery.text) == ("bad", "Battery charge 18 %")
    assert evidence_of(event(name, b"{"), rules) == []
    assert evidence_of(event(name, b"{}"), rules) == []
    assert evidence_of(event(name, vitals, "api"), rules) == []
    reset = "spark/device/last_reset"
    (panic,) = evidence_of(event(reset, b"panic, hard_fault", "device"), rules)
    assert (panic.verdict, panic.text) == ("happened", "reset: panic, hard_fault")
    for meant in (b"update", b"user", b"power_management"):
        assert evidence_of(event(reset, meant, "device"), rules) == []
    failed = evidence_of(event("spark/flash/status", b"failed "), rules)
    assert [one.subject for one in failed] == ["a" * 24, "version-of:" + "a" * 24]
    assert evidence_of(event("spark/flash/status", b"success "), rules) == []


def test_who_came_and_who_went():
    assert presence_of(event("spark/status", b"online")).online
    assert not presence_of(event("spark/status", b"offline")).online
    assert presence_of(event("spark/status", b"auto-update")) is None
    assert presence_of(event("spark/status", b"offline", "api")) is None


def draft(kind="offline", **what) -> RuleDraft:
    condition = what.pop("condition", {"for_s": 600})
    return RuleDraft(name="r", kind=kind, condition=AlertCondition(**condition), **what)


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        (draft(condition={"for_s": 59}), "for_s"),
        (draft(condition={"for_s": 600, "count": 3}), "count"),
        (draft(clear_after_s=-1), "clear_after_s"),
        (draft(group_window_s=3601), "group_window_s"),
        (draft("vital", condition={"metric": "x", "above": 1.0}), "metric"),
        (draft("vital", condition={"metric": "uptime"}), "above"),
        (
            draft("vital", condition={"metric": "uptime", "above": 1.0, "clear_level": 2.0}),
            "clear_level",
        ),
        (draft("resets", condition={"count": 0, "within_s": 60}), "count"),
        (draft("resets", condition={"count": 3, "within_s": 1}), "within_s"),
        (draft("fleet_online", condition={"below": 101.0}), "below"),
        (
            draft(
                "fleet_online",
                condition={"below": 50.0},
                scope=AlertScope(groups=("a", "b")),
            ),
            "group",
        ),
        (
            draft(
                "webhook",
                condition={"count": 3, "within_s": 60},
                scope=AlertScope(groups=("a",)),
            ),
            "scope",
        ),
        (draft(scope=AlertScope(firmware_version=-1)), "firmware_version"),
        (draft(recipients=AlertRecipients()), "recipients"),
        (draft(recipients=AlertRecipients(webhook_url="ftp://x")), "webhook_url"),
        (
            draft(
                recipients=AlertRecipients(
                    mail=("a@x",), quiet=QuietTime(begin="25:00", end="07:00")
                )
            ),
            "quiet",
        ),
    ],
)
def test_rules_that_cannot_be_meant(wanted, word):
    with pytest.raises(Invalid) as refused:
        check_draft(wanted)
    assert refused.value.code == "bad_rule"
    assert word in refused.value.message


def test_rules_in_words():
    assert describe_rule(draft()) == "offline for 10 min"
    vital = draft("vital", condition={"metric": "battery_charge", "below": 20.0, "for_s": 3600})
    assert describe_rule(vital) == "Battery charge below 20 % for 1 h"
    hooks = draft("webhook", condition={"count": 5, "within_s": 3600})
    assert describe_rule(hooks).endswith("or an integration is paused")
    assert [duration(one) for one in (90, 86_400, 172_800)] == ["90 s", "1 day", "2 days"]
