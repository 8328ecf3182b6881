"""The gate: one case for each row of its table, and what must hold for all evidence."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.rollouts.evidence import Evidence, GateRules, Outcome
from roadstead.rollouts.gate import judge
from roadstead.rollouts.permutation import Pair
from roadstead.rollouts.signals import SIGNAL_NAMES

RULES = GateRules(stages=4)
GOOD = Evidence(soak_over=True, offered=100, judged=100, control=900, control_judged=900)


def hist(**by_mark: int) -> tuple[int, ...]:
    return tuple(by_mark.get(f"m{mark}", 0) for mark in range(15))


EVEN = Pair(tuple([2] * 15), tuple([30] * 15))
BAD = Pair(hist(m14=25, m12=5), tuple([30] * 15))
ODD = Pair(hist(m0=2, m2=2, m4=2, m6=3, m8=4, m10=4, m12=5, m14=8), tuple([30] * 15))
LAST = Evidence(
    soak_over=True,
    offered=1400,
    judged=1400,
    failed=30,
    failed_now=30,
    control=100,
    control_judged=100,
)
SMALL = Evidence(soak_over=True, offered=20, judged=20, control=180, control_judged=180)

CASES = [
    ("all is well", GOOD, "advance", "quiet"),
    ("early and all is well", replace(GOOD, soak_over=False), "wait", "soaking"),
    ("no data", replace(GOOD, missing="no event came for an hour"), "wait", "input_missing"),
    (
        "groups differ in how many can be judged",
        replace(GOOD, judged=60, waited_enough=True),
        "wait",
        "uneven_groups",
    ),
    (
        "failed installations",
        replace(GOOD, installs=80, install_errors=9),
        "halt",
        "install_errors",
    ),
    ("few failed installations", replace(GOOD, installs=80, install_errors=7), "advance", "quiet"),
    ("two failed installations", replace(GOOD, installs=2, install_errors=2), "advance", "quiet"),
    (
        "failures far above the control",
        replace(GOOD, failed=8, failed_now=8),
        "halt",
        "failed_devices",
    ),
    (
        "failures far above the control, early",
        replace(GOOD, soak_over=False, failed=8, failed_now=8),
        "halt",
        "failed_devices",
    ),
    ("failures that healed still halt", replace(GOOD, failed=8), "halt", "failed_devices"),
    (
        "failures above history, the control is too small to confirm",
        LAST,
        "pause",
        "failures_unusual",
    ),
    (
        "the same, still so after a soak",
        replace(LAST, paused_for_soak=True),
        "hold",
        "failures_persist",
    ),
    (
        "the same, but usual",
        replace(LAST, historic_share=0.02),
        "advance",
        "quiet",
    ),
    (
        "a signal far above the control",
        replace(GOOD, marks={"battery": [BAD]}),
        "halt",
        "signal_battery",
    ),
    (
        "signals as ever",
        replace(GOOD, marks={"battery": [EVEN], "resets": [EVEN]}),
        "advance",
        "quiet",
    ),
    ("an odd signal", replace(GOOD, marks={"resets": [ODD]}), "wait", "odd_signal"),
    (
        "odd again",
        replace(GOOD, marks={"resets": [ODD]}, extension="over", odd_before=frozenset({"resets"})),
        "hold",
        "odd_twice",
    ),
    (
        "another is odd",
        replace(GOOD, marks={"resets": [ODD]}, extension="over", odd_before=frozenset({"errors"})),
        "advance",
        "quiet",
    ),
    ("a canary with one failed", replace(SMALL, failed=1, failed_now=1), "wait", "one_failed"),
    (
        "a canary with one failed, after its second soak",
        replace(SMALL, failed=1, failed_now=1, extension="over"),
        "advance",
        "quiet",
    ),
    (
        "a canary with one failed, as the control",
        replace(SMALL, failed=1, control_failed=9),
        "advance",
        "quiet",
    ),
    (
        "sleepers",
        replace(GOOD, judged=85, control_judged=765),
        "wait",
        "sleepers",
    ),
    (
        "sleepers that had their time",
        replace(GOOD, judged=85, control_judged=765, waited_enough=True),
        "advance",
        "quiet",
    ),
    ("too few", replace(GOOD, offered=3, judged=3), "hold", "too_few"),
    ("a small control by plan", replace(GOOD, control=4, control_judged=4), "advance", "quiet"),
    ("no control by plan", replace(GOOD, control=0, control_judged=0), "advance", "quiet"),
]


@pytest.mark.parametrize(("name", "evidence", "outcome", "rule"), CASES, ids=[c[0] for c in CASES])
def test_the_table(name, evidence, outcome, rule):
    verdict = judge(evidence, RULES)
    assert (verdict.outcome, verdict.rule) == (outcome, rule)
    assert verdict.text.endswith(".")


def test_the_budget_is_divided_beforehand():
    eight = GateRules(stages=4, signals=SIGNAL_NAMES[:8])
    assert eight.failure_level == pytest.approx(3.3e-4, rel=0.02)
    assert eight.graded_level == pytest.approx(4.7e-5, rel=0.01)
    for rules in (eight, RULES):
        spent = 4 * (3 * rules.failure_level + len(rules.signals) * 4 * rules.graded_level)
        assert spent == pytest.approx(rules.alpha)


def test_an_extension_is_asked_for_once():
    odd = replace(GOOD, marks={"resets": [ODD]})
    assert judge(odd, RULES).extend
    assert not judge(replace(odd, extension="over"), RULES).extend


def test_an_ignored_signal_does_not_count():
    rules = GateRules(stages=4, signals=("resets",))
    assert judge(replace(GOOD, marks={"battery": [BAD]}), rules).rule == "quiet"


def test_without_a_control_a_signal_never_halts():
    alone = replace(
        GOOD, control=0, control_judged=0, marks={"battery": [Pair(BAD.updated, hist())]}
    )
    assert judge(alone, RULES).rule == "odd_signal"
    again = replace(alone, extension="over", odd_before=frozenset({"battery"}))
    assert judge(again, RULES).outcome is Outcome.HOLD


def test_an_advance_says_what_could_not_have_been_seen():
    assert "3.0% of devices" in judge(GOOD, RULES).unseen
    assert "15.0% of devices" in judge(SMALL, RULES).unseen


def test_an_effect_too_small_to_matter_does_not_halt():
    many = Pair(tuple([4000] * 14 + [5200]), tuple([4000] * 15))
    large = replace(GOOD, offered=60_000, judged=60_000, control=60_000, control_judged=60_000)
    verdict = judge(replace(large, marks={"memory": [many]}), RULES)
    assert verdict.findings[0].chance < RULES.graded_level
    assert verdict.outcome is not Outcome.HALT


counts = st.integers(0, 60)


@settings(deadline=None)
@given(
    judged=counts,
    failed=counts,
    control=counts,
    control_failed=counts,
    missing=st.sampled_from(["", "no clock"]),
)
def test_nothing_advances_without_data_or_with_a_proven_failure(
    judged, failed, control, control_failed, missing
):
    failed, control_failed = min(failed, judged), min(control_failed, control)
    evidence = Evidence(
        soak_over=True,
        offered=60,
        judged=judged,
        failed=failed,
        failed_now=failed,
        control=60,
        control_judged=control,
        control_failed=control_failed,
        waited_enough=True,
        missing=missing,
    )
    verdict = judge(evidence, RULES)
    if verdict.outcome is Outcome.ADVANCE:
        assert not missing
        assert judged >= 5
        assert verdict.chance_failures > RULES.failure_level
        assert verdict.chance_history > RULES.failure_level
    assert judge(evidence, RULES) == verdict
