"""What is remembered of a device, and how sums follow from it."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from roadstead.health.condition import (
    DAY_MS,
    Condition,
    Note,
    difference,
    duration_word,
    headings,
    take,
)
from roadstead.health.thresholds import SHIPPED
from roadstead.health.trend_rules import Hours, make_hours, to_levels, to_points

ID = "e00fce68" + "0" * 16
T0 = 1_800_000_000_000


def note(kind, at_ms=T0, firmware=3, **what):
    return Note(ID, 7, firmware, at_ms, kind, **what)


def low_battery(charge=5):
    return {"power": {"battery": {"charge": charge}}}


def words(happenings):
    return [(one.heading.measure, one.heading.label) for one in happenings]


def test_coming_and_going_measures_sessions_and_absences():
    device = Condition(7)
    assert words(take(device, note("online"), SHIPPED)) == [("connects", "")]
    gone = take(device, note("offline", T0 + 5 * 60_000), SHIPPED)
    assert words(gone) == [("sessions", "under_10m")]
    assert words(take(device, note("offline", T0 + 6 * 60_000), SHIPPED)) == []
    back = take(device, note("online", T0 + 5 * 60_000 + 2 * DAY_MS), SHIPPED)
    assert words(back) == [("offline", "over_1d"), ("connects", "")]
    again = take(device, note("online", T0 + 5 * 60_000 + 2 * DAY_MS + 1_000), SHIPPED)
    assert words(again) == [("sessions", "under_1m"), ("connects", "")]


def test_restarts_count_for_a_day_and_only_those_that_nobody_asked_for():
    device = Condition(7)
    told = take(device, note("reset", word="panic, hard_fault"), SHIPPED)
    assert words(told) == [("resets", "panic")]
    assert words(take(device, note("reset", word="nonsense"), SHIPPED)) == [("resets", "other")]
    assert device.state == "warning"
    for _ in range(30):
        take(device, note("reset", T0 + 1, word="watchdog"), SHIPPED)
    assert device.state == "unhealthy"
    assert len(device.restarts_ms) == 10
    take(device, note("online", T0 + DAY_MS + 2), SHIPPED)
    assert device.state == "healthy"


def test_vitals_replace_what_vitals_said():
    device = Condition(7)
    take(device, note("vitals", vitals=low_battery()), SHIPPED)
    assert (device.state, device.reasons, device.battery) == ("unhealthy", ["battery_percent"], 0)
    take(device, note("offline"), SHIPPED)
    assert device.state == "unhealthy"
    take(device, note("vitals", vitals=low_battery(100)), SHIPPED)
    assert (device.state, device.battery) == ("healthy", 90)
    take(device, note("vitals", vitals={}), SHIPPED)
    assert (device.state, device.battery) == ("unknown", None)


def test_an_update_counts_under_the_version_it_was_for():
    device = Condition(7, firmware=3, groups=["beta"])
    told = take(device, note("update", word="failed", version=4), SHIPPED)
    assert [(one.heading.device_group, one.heading.firmware) for one in told] == [
        ("", 4),
        ("beta", 4),
    ]
    assert device.firmware == 3


def test_the_words_for_times():
    seconds = (0, 59.9, 60, 3_599, 21_599, 86_399, 86_400)
    found = [duration_word(one) for one in seconds]
    assert found[:3] == ["under_1m", "under_1m", "under_10m"]
    assert found[3:] == ["under_1h", "under_6h", "under_1d", "over_1d"]


steps = st.lists(
    st.one_of(
        st.builds(low_battery, st.integers(0, 100)).map(lambda one: note("vitals", vitals=one)),
        st.integers(1, 4).map(lambda firmware: note("online", firmware=firmware)),
        st.sampled_from([note("offline"), note("reset", word="panic")]),
        st.lists(st.sampled_from(["a", "b"]), unique=True),
    ),
    max_size=20,
)


@given(steps)
def test_sums_of_differences_are_the_headings(steps):
    """Whatever happens, what was added and taken is what the device stands under at the end."""
    sums, before, device = Counter(), None, Condition(7)
    for step in steps:
        if isinstance(step, list):
            device.groups = step
        else:
            device.firmware = step.firmware
            take(device, step, SHIPPED)
        after = Condition(**{name: getattr(device, name) for name in Condition.__struct_fields__})
        after.groups, after.checks = list(device.groups), dict(device.checks)
        sums.update(difference(before, after))
        before = after
    sums.update(difference(before, None))
    assert not +sums and not -sums
    assert not difference(device, device)
    assert len(set(headings(device))) == len(headings(device))


def test_levels_go_back_from_now():
    hours = Hours(10, 16, 2)
    points = to_levels(
        hours, {"a": 5, "b": 1}, [(10, "a", 2), (14, "a", 1), (14, "b", 1), (16, "a", 1)]
    )
    assert points == [(10, {"a": 3}), (12, {"a": 3}), (14, {"a": 4, "b": 1})]
    later = to_levels(Hours(10, 12, 2), {"a": 5}, [(20, "a", 5)])
    assert later == [(10, {})]


def test_happenings_have_their_point():
    hours = make_hours(3_600_000, 4 * 3_600_000, 7_200)
    assert to_points(hours, [(2, "x", 3), (0, "x", 0)]) == [(0, {}), (2, {"x": 3})]
