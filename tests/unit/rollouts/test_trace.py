"""What is remembered of a device: time, gaps, clocks, resets, vitals."""

import pytest

from roadstead.rollouts.signals import QUARTER_S
from roadstead.rollouts.trace import (
    UNKNOWN_GAP_S,
    Opening,
    Trace,
    account,
    note_contact,
    note_offline,
    note_online,
    note_published,
    note_reset,
    note_vitals,
    since_clock,
    usual_gap_s,
)

DAY = 86_400
T = 20_000 * DAY + 1000
NONE: dict[str, Opening] = {}
STAGE = {"r": Opening("r", T + 500, 1800, 3600)}


def test_time_is_cut_at_quarters_of_a_day():
    trace = Trace(1)
    note_online(trace, T, NONE)
    account(trace, T + 2 * QUARTER_S)
    assert [one.start_s for one in trace.closed] == [T, 20_000 * DAY + QUARTER_S]
    assert [one.watched_s for one in trace.closed] == [QUARTER_S - 1000, QUARTER_S]
    assert trace.current is not None
    assert (trace.current.start_s, trace.current.watched_s) == (20_000 * DAY + 2 * QUARTER_S, 1000)
    assert trace.closed[0].reconnects == 1


def test_time_that_stands_or_goes_back_changes_nothing():
    trace = Trace(1)
    note_online(trace, T, NONE)
    account(trace, T - 50)
    assert (trace.seen_s, trace.closed) == (T, [])


def test_offline_time_is_counted():
    trace = Trace(1)
    note_online(trace, T, NONE)
    note_offline(trace, T + 100)
    note_online(trace, T + 160, NONE)
    current = account(trace, T + 200)
    assert (current.watched_s, current.offline_s, current.reconnects) == (200, 60, 2)


def test_a_device_that_was_away_for_months_gets_few_slices():
    trace = Trace(1)
    note_online(trace, T, NONE)
    note_offline(trace, T + 10)
    note_online(trace, T + 200 * DAY, NONE)
    assert len(trace.closed) < 5


def test_a_clock_starts_at_the_first_contact_after_the_opening():
    trace = Trace(1)
    note_contact(trace, T, NONE)
    current = note_contact(trace, T + 900, STAGE)
    clock = trace.clocks["r"]
    assert (clock.opened_s, clock.start_s, clock.settled_s) == (T + 500, T + 900, T + 2700)
    assert current.start_s == T + 900
    note_contact(trace, T + 3000, STAGE)
    assert trace.clocks["r"] == clock
    assert trace.current is not None
    assert trace.current.start_s == T + 2700


def test_a_new_stage_starts_it_anew_and_an_ended_one_forgets_it():
    trace = Trace(1)
    note_contact(trace, T + 900, STAGE)
    note_contact(trace, T + DAY, {"r": Opening("r", T + DAY - 5, 1800, 3600)})
    assert trace.clocks["r"].start_s == T + DAY
    note_contact(trace, T + DAY + 5, NONE)
    assert trace.clocks == {}


def test_a_connected_device_is_back_when_its_installation_had_its_time():
    trace = Trace(1)
    note_online(trace, T, NONE)
    note_contact(trace, T + 900, STAGE)
    assert since_clock(trace, "r").back_at_s is None
    account(trace, T + 900 + 7200)
    assert since_clock(trace, "r").back_at_s == T + 900 + 3600


def test_a_device_that_left_is_not_back():
    trace = Trace(1)
    note_online(trace, T, NONE)
    note_contact(trace, T + 900, STAGE)
    note_offline(trace, T + 1500)
    account(trace, T + DAY)
    assert since_clock(trace, "r").back_at_s is None
    assert since_clock(trace, "r").last_contact_s == T + 1500
    note_online(trace, T + DAY, STAGE)
    assert since_clock(trace, "r").back_at_s == T + DAY


@pytest.mark.parametrize("gap", [300, 3600, DAY])
def test_the_usual_gap_is_that_of_its_pattern(gap):
    trace = Trace(1)
    assert usual_gap_s(trace) == UNKNOWN_GAP_S
    for wake in range(30):
        note_contact(trace, T + wake * gap, NONE)
        note_contact(trace, T + wake * gap + 5, NONE)
        trace.gaps[0] = 0.0
    assert gap <= usual_gap_s(trace) <= 1.5 * gap


def test_three_resets_in_an_hour_are_a_boot_loop():
    trace = Trace(1)
    current = note_contact(trace, T, NONE)
    for at in (0, 4000, 5000):
        note_reset(trace, current, "panic, hard_fault", T + at)
    assert (trace.boot_loop_at_s, current.resets) == (0, 3)
    note_reset(trace, current, "watchdog", T + 6000)
    assert trace.boot_loop_at_s == T + 6000


@pytest.mark.parametrize("reason", ["update", "user", "pin_reset", "power_down", "", "safe_mode"])
def test_wanted_resets_do_not_count(reason):
    trace = Trace(1)
    current = note_contact(trace, T, NONE)
    note_reset(trace, current, reason, T)
    assert current.resets == 0


def test_publishing_daily_is_seen():
    trace = Trace(1)
    for day in range(4):
        note_published(trace, note_contact(trace, T + day * DAY, NONE), T + day * DAY)
    start = T + 3 * DAY + 100
    note_contact(trace, start, {"r": Opening("r", start - 1, 0, 0)})
    assert since_clock(trace, "r").published_daily
    trace.published_days = 0b1011
    assert not since_clock(trace, "r").published_daily


def vitals(used: int, charge: float, sent: int, lost: int) -> dict[str, object]:
    return {
        "system": {"memory": {"used": used, "total": 100_000}},
        "power": {"battery": {"charge": charge, "state": "discharging"}},
        "cloud": {"coap": {"transmit": sent, "unack": lost}},
        "network": {"signal": {"strength": 40.0}},
    }


def test_vitals_are_differences():
    trace = Trace(1)
    current = note_contact(trace, T, NONE)
    note_vitals(trace, current, vitals(20_000, 80.0, 100, 5), T)
    assert (current.memory_s, current.battery_s, current.transmitted) == (0, 0, 0)
    note_vitals(trace, current, vitals(21_000, 79.0, 150, 6), T + 600)
    assert (current.memory_lost_bytes, current.memory_s) == (1000, 600)
    assert (current.battery_lost, current.battery_s) == (1.0, 600)
    assert (current.transmitted, current.unacknowledged) == (50, 1)
    assert (current.strength_sum, current.strength_count) == (80.0, 2)


def test_counters_that_began_anew_count_from_zero():
    trace = Trace(1)
    current = note_contact(trace, T, NONE)
    note_vitals(trace, current, vitals(1, 80.0, 100, 5), T)
    note_vitals(trace, current, vitals(1, 80.0, 7, 1), T + 600)
    assert (current.transmitted, current.unacknowledged) == (7, 1)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"system": 5},
        {"system": {"memory": {"used": {"err": -210}, "total": 5}}},
        {"power": None},
    ],
)
def test_vitals_that_lack_values_are_passed_over(document):
    trace = Trace(1)
    current = note_contact(trace, T, NONE)
    note_vitals(trace, current, document, T)
    assert current.memory_s == 0


def test_the_restart_of_an_update_is_no_fault():
    trace = Trace(1)
    note_online(trace, T, NONE, 1)
    note_offline(trace, T + 100)
    note_online(trace, T + 160, NONE, 2)
    assert account(trace, T + 200).reconnects == 1
    note_offline(trace, T + 300)
    note_online(trace, T + 360, NONE, 2)
    assert account(trace, T + 400).reconnects == 2


@pytest.mark.parametrize("restart", ["update", "reset"])
def test_memory_before_a_restart_is_not_compared_with_memory_after_it(restart):
    trace = Trace(1)
    note_online(trace, T, NONE, 1)
    current = account(trace, T)
    note_vitals(trace, current, vitals(20_000, 80.0, 1, 0), T)
    if restart == "update":
        note_online(trace, T + 60, NONE, 2)
    else:
        note_reset(trace, current, "watchdog", T + 60)
    note_vitals(trace, current, vitals(50_000, 80.0, 2, 0), T + 120)
    assert (current.memory_lost_bytes, current.memory_s) == (0, 0)
    note_vitals(trace, current, vitals(50_500, 80.0, 3, 0), T + 180)
    assert (current.memory_lost_bytes, current.memory_s) == (500, 60)
