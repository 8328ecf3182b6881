"""Which version a device should run, and whether now: the table, each reason, the explanation."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.target_rules import CHOOSING, HOLDING, TargetFacts, VersionFacts
from roadstead.firmware.targeting import Hold, Offer, decide, explain

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BORON = 13
PLAIN = VersionFacts(100_000, BORON)
RELEASES = {"beta": 7, "old": 3}


def make_facts(*groups: str, **changes: Any) -> TargetFacts:
    """A Boron that runs 4; default 5, group beta on 7, group old on 3."""
    facts = TargetFacts(
        now=NOW,
        group_releases={name: RELEASES[name] for name in groups if name in RELEASES},
        default_version=5,
        versions=dict.fromkeys(range(10), PLAIN),
        running_version=4,
        platform_id=BORON,
        modules={(4, 1): 6200, (2, 0): 2400},
    )
    return dataclasses.replace(facts, **changes)


@pytest.mark.parametrize(
    ("facts", "version", "reason"),
    [
        (make_facts(), 5, "product_default"),
        (make_facts("beta"), 7, "group_release"),
        (make_facts("old"), 3, "group_release"),
        (make_facts("beta", "old"), 7, "group_release"),
        (make_facts("beta", locked_version=2), 2, "lock"),
        (make_facts("silent"), 5, "product_default"),
        (make_facts("beta", assigned_version=6), 6, "rollout"),
        (make_facts("beta", assigned_version=6, locked_version=2), 2, "lock"),
    ],
)
def test_the_table_of_offers(facts: TargetFacts, version: int, reason: str) -> None:
    decision = decide(facts)
    assert isinstance(decision, Offer)
    assert (decision.version, decision.reason) == (version, reason)


@pytest.mark.parametrize(
    ("facts", "target", "reason"),
    [
        (make_facts("beta", locked_version=4), 4, "up_to_date"),
        (make_facts("beta", locked_version=2, development=True), None, "development"),
        (make_facts(membership="quarantined"), None, "quarantined"),
        (make_facts(default_version=None), None, "no_release"),
        (make_facts("beta", running_version=7), 7, "up_to_date"),
        (make_facts(membership="denied"), None, "denied"),
        (make_facts(membership="none"), None, "not_a_member"),
        (make_facts(membership="other_firmware"), None, "other_firmware"),
        (make_facts(assigned_version=6, development=True), None, "development"),
        (make_facts(membership="quarantined", development=True), None, "quarantined"),
    ],
)
def test_the_table_of_devices_that_are_left_alone(
    facts: TargetFacts, target: int | None, reason: str
) -> None:
    decision = decide(facts)
    assert isinstance(decision, Hold)
    assert (decision.target, decision.reason) == (target, reason)


NEEDS_7 = VersionFacts(100_000, BORON, (Dependency(4, 1, 7000),))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"versions": {}}, "version_missing"),
        ({"platform_id": 32}, "wrong_platform"),
        ({"max_binary_bytes": 99_999}, "too_large"),
        ({"versions": {5: NEEDS_7}}, "needs_newer_device_os"),
        ({"versions": {5: NEEDS_7}, "modules": {}}, "needs_newer_device_os"),
        ({"versions": {5: NEEDS_7}, "modules": None}, "modules_unknown"),
        ({"versions": {5: NEEDS_7}, "modules": None, "online": False}, "offline"),
        (
            {"versions": {5: VersionFacts(1, BORON, (Dependency(2, 0, 2401),))}},
            "missing_modules",
        ),
        ({"transfer_running": True}, "transfer_running"),
        ({"retry_at": NOW + timedelta(hours=1), "failures": 3}, "back_off"),
        ({"online": False}, "offline"),
        ({"updates_enabled": False}, "updates_disabled"),
        ({"occasion": "none"}, "awaits_handshake"),
    ],
)
def test_each_thing_that_can_hold_a_version_back_has_its_reason(
    changes: dict[str, Any], reason: str
) -> None:
    decision = decide(make_facts(**changes))
    assert isinstance(decision, Hold)
    assert decision.reason == reason
    assert (decision.target, decision.target_reason) == (5, "product_default")
    (holding,) = [one for one in decision.rules if one.verdict == "holds"]
    assert holding.text


@pytest.mark.parametrize(
    "changes",
    [
        {"updates_enabled": False, "updates_forced": True},
        {"max_binary_bytes": 100_000},
        {"retry_at": NOW, "failures": 3},
        {"occasion": "asked"},
        {"versions": {5: VersionFacts(1, BORON, (Dependency(4, 1, 6200),))}},
        {"running_version": None},
        {"platform_id": None},
    ],
)
def test_what_does_not_hold_a_version_back(changes: dict[str, Any]) -> None:
    assert isinstance(decide(make_facts(**changes)), Offer)


def test_only_a_back_off_is_solved_by_time_alone() -> None:
    until = NOW + timedelta(minutes=10)
    decision = decide(make_facts(retry_at=until, failures=1))
    assert isinstance(decision, Hold) and decision.until == until
    assert decide(make_facts(online=False)).until is None  # type: ignore[union-attr]


def test_what_a_version_needs_and_the_device_lacks_is_named() -> None:
    decision = decide(make_facts(versions={5: NEEDS_7}))
    texts = [one.text for one in decision.rules if one.verdict == "holds"]
    assert texts == ["Version 5 needs system 1 in version 7000 or newer (the device has 6200)."]


def test_a_device_in_safe_mode_gets_its_version_again_when_it_can_run() -> None:
    broken = make_facts(safe_mode=True, running_version=5, versions={5: NEEDS_7})
    decision = decide(broken)
    assert isinstance(decision, Hold) and decision.reason == "needs_newer_device_os"
    cured = dataclasses.replace(broken, modules={(4, 1): 7000})
    assert isinstance(decide(cured), Offer)


def test_what_people_must_solve_is_told_before_what_time_solves() -> None:
    facts = make_facts(
        versions={5: NEEDS_7}, online=False, updates_enabled=False, retry_at=NOW + timedelta(days=1)
    )
    decision = decide(facts)
    assert isinstance(decision, Hold) and decision.reason == "needs_newer_device_os"


def test_an_explanation_has_the_published_form() -> None:
    facts = make_facts("beta", online=False)
    document = explain(facts, decide(facts))
    assert list(document) == ["running", "target", "reason", "hold", "rules"]
    assert document["running"] == 4
    assert document["target"] == 7
    assert document["reason"] == "group_release"
    assert document["hold"] == {"reason": "offline", "until": None}
    by_rule = {one["rule"]: one for one in document["rules"]}
    assert by_rule["group_release"] == {
        "rule": "group_release",
        "verdict": "decides",
        "text": "Version 7 is released to beta.",
    }
    assert by_rule["lock"]["verdict"] == "passes"
    assert by_rule["product_default"]["verdict"] == "not_reached"
    assert by_rule["online"]["verdict"] == "holds"
    assert by_rule["consent"]["verdict"] == "not_reached"


def test_an_offer_is_explained_without_a_hold() -> None:
    facts = make_facts()
    assert explain(facts, decide(facts))["hold"] is None


def test_a_back_off_is_explained_with_its_end() -> None:
    facts = make_facts(retry_at=NOW + timedelta(hours=1), failures=2)
    hold = explain(facts, decide(facts))["hold"]
    assert hold == {"reason": "back_off", "until": "2026-03-01T13:00:00+00:00"}


VERSIONS = st.integers(0, 4)
FACTS = st.builds(
    TargetFacts,
    now=st.just(NOW),
    membership=st.sampled_from(["member", "member", "quarantined", "denied", "none"]),
    development=st.booleans(),
    locked_version=st.none() | VERSIONS,
    group_releases=st.dictionaries(st.sampled_from("abc"), VERSIONS),
    default_version=st.none() | VERSIONS,
    versions=st.dictionaries(VERSIONS, st.sampled_from([PLAIN, NEEDS_7])),
    running_version=st.none() | VERSIONS,
    safe_mode=st.booleans(),
    platform_id=st.sampled_from([None, BORON, 32]),
    modules=st.none() | st.dictionaries(st.just((4, 1)), st.sampled_from([6200, 7000])),
    online=st.booleans(),
    updates_enabled=st.booleans(),
    updates_forced=st.booleans(),
    transfer_running=st.booleans(),
    retry_at=st.none() | st.just(NOW + timedelta(hours=1)),
    occasion=st.sampled_from(["handshake", "asked", "none"]),
)


@given(FACTS)
def test_every_decision_is_explained_by_exactly_its_rules(facts: TargetFacts) -> None:
    decision = decide(facts)
    names = [one.rule for one in decision.rules if one.rule != "nothing_released"]
    assert names == [name for name, _ in (*CHOOSING, *HOLDING)]
    verdicts = [one.verdict for one in decision.rules]
    assert verdicts.count("decides") == 1
    holds = isinstance(decision, Hold) and decision.target is not None
    assert verdicts.count("holds") == holds
    assert all(bool(one.text) == (one.verdict in ("decides", "holds")) for one in decision.rules)


@given(FACTS)
def test_nothing_is_ever_offered_that_must_not_be(facts: TargetFacts) -> None:
    decision = decide(facts)
    if isinstance(decision, Offer):
        assert facts.membership == "member"
        assert not facts.development
        assert facts.online
        assert not facts.transfer_running
        assert facts.updates_enabled or facts.updates_forced
        assert facts.locked_version in (None, decision.version)
        assert decision.version in facts.versions
        assert facts.safe_mode or decision.version != facts.running_version
        assert facts.occasion != "none"
