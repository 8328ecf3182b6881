"""The next step of a rollout, by cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from roadstead.rollouts.evidence import Outcome, Verdict
from roadstead.rollouts.progress import (
    Advance,
    Finish,
    Halt,
    Hold,
    Pause,
    ProgressFacts,
    Schedule,
    Wait,
    next_step,
)

OPENED = datetime(2026, 3, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SOAKED = Schedule(DAY, OPENED, OPENED, looks=2, last_look_at=OPENED + 12 * HOUR)
FACTS = ProgressFacts(
    now=OPENED + DAY, phase="running", stage=0, stages=3, schedule=SOAKED, all_offered=True
)


def said(outcome: Outcome, **more: object) -> Verdict:
    return Verdict(outcome, "a_rule", "Because.", **more)  # type: ignore[arg-type]


def test_looks_come_after_a_quarter_half_and_all_of_the_soak():
    fresh = Schedule(DAY, OPENED, OPENED)
    assert fresh.next_look_at() == OPENED + 6 * HOUR
    assert replace(fresh, looks=1).next_look_at() == OPENED + 12 * HOUR
    assert SOAKED.next_look_at() == OPENED + DAY


def test_the_last_look_waits_for_a_whole_soak_after_the_last_offer():
    offering = Schedule(DAY, OPENED, None, looks=2, last_look_at=OPENED + 12 * HOUR)
    assert offering.next_look_at() is None
    late = replace(offering, soaking_since=OPENED + 2 * DAY)
    assert late.next_look_at() == OPENED + 3 * DAY
    assert not late.is_soak_over(OPENED + 2 * DAY)


def test_a_look_that_could_not_conclude_is_repeated():
    once = replace(SOAKED, looks=3, last_look_at=OPENED + DAY)
    assert once.next_look_at() == OPENED + DAY + 6 * HOUR


def test_a_second_soak_ends_with_one_look():
    extended = replace(SOAKED, looks=3, last_look_at=OPENED + DAY, extended_at=OPENED + DAY)
    assert extended.next_look_at() == OPENED + 2 * DAY
    assert extended.extension(OPENED + DAY + HOUR) == "running"
    assert extended.extension(OPENED + 2 * DAY) == "over"


@pytest.mark.parametrize(
    ("facts", "verdict", "step"),
    [
        ({}, None, Wait(OPENED + DAY, "The stage soaks.")),
        ({}, said(Outcome.ADVANCE), Advance(1, "Because.")),
        ({}, said(Outcome.HALT), Halt("a_rule", "Because.")),
        ({}, said(Outcome.HOLD), Hold("a_rule", "Because.")),
        ({}, said(Outcome.PAUSE), Pause(OPENED + DAY + 6 * HOUR, "a_rule", "Because.")),
        ({}, said(Outcome.WAIT), Wait(OPENED + DAY + 6 * HOUR, "Because.")),
        (
            {},
            said(Outcome.WAIT, extend=True),
            Wait(OPENED + 2 * DAY, "Because.", extend=True),
        ),
        (
            {"phase": "paused"},
            said(Outcome.ADVANCE),
            Wait(OPENED + DAY + 6 * HOUR, "Because.", resume=True),
        ),
        ({"all_offered": False}, said(Outcome.ADVANCE), Wait(OPENED + DAY + 6 * HOUR, "Because.")),
        ({"released": True}, None, Advance(1, "A person has released the stage.")),
        (
            {"released": True, "all_offered": False},
            None,
            Wait(None, "The stage still offers to its devices."),
        ),
        (
            {"stage": 3, "all_offered": False},
            None,
            Wait(None, "The last devices get their offers."),
        ),
        ({"gated": False, "stage": 0}, None, Advance(1, "This rollout is not judged.")),
    ],
)
def test_the_step(facts, verdict, step):
    assert next_step(replace(FACTS, verdict=verdict, **facts)) == step


def test_the_last_devices_end_the_rollout():
    assert isinstance(next_step(replace(FACTS, stage=3)), Finish)


def test_a_small_fleet_waits_for_a_person():
    step = next_step(replace(FACTS, assisted=True, verdict=said(Outcome.ADVANCE)))
    assert isinstance(step, Hold)
    assert step.rule == "assisted"
    halted = next_step(replace(FACTS, assisted=True, verdict=said(Outcome.HALT)))
    assert isinstance(halted, Halt)
