"""Stages, order, windows, pace, audience, failed devices and marks: rules by cases."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.kit.errors import Invalid
from roadstead.rollouts.audience import Audience, DeviceFacts, parse_filter, why_not
from roadstead.rollouts.failing import DeviceTrace, check, is_eligible
from roadstead.rollouts.marks import MarkTable, freeze_baseline, mark_all
from roadstead.rollouts.ordering import in_order
from roadstead.rollouts.pace import BATCH, Pace, allow
from roadstead.rollouts.signals import QUARTER_S, SIGNAL_NAMES, Slice
from roadstead.rollouts.stages import default_stages, plan_stages
from roadstead.rollouts.windows import opens_at, parse_window, parse_zone, zone_of

HOUR = 3600
DAY = 86_400


@pytest.mark.parametrize(
    ("devices", "totals"),
    [
        (10, (2, 5, 9)),
        (50, (5, 20, 47)),
        (200, (5, 20, 60, 190)),
        (2000, (20, 100, 500, 1900)),
        (100_000, (1000, 5000, 25_000, 99_500)),
        (30, (3, 10, 27)),
        (1, (1,)),
        (3, (2, 3)),
        (0, ()),
    ],
)
def test_the_usual_stages(devices, totals):
    assert default_stages(devices).totals == totals


@given(st.integers(0, 2_000_000))
def test_stages_grow_and_hold_everybody(devices):
    plan = default_stages(devices)
    assert plan.devices == devices
    assert all(a < b for a, b in zip(plan.totals, plan.totals[1:], strict=False))
    assert sum(plan.size(stage) for stage in range(len(plan.totals))) + plan.holdback == devices


def test_stages_as_written():
    assert plan_stages(["5", "10%", "100%"], "10%", 200).totals == (5, 18, 180)
    assert plan_stages(["100%"], "0", 7).totals == (7,)
    assert plan_stages(["500"], "0", 7).totals == (7,)
    assert plan_stages(["5"], "0", 100).totals == (5, 100)


@pytest.mark.parametrize(
    "sizes", [[], ["10%", "5%"], ["x"], ["120%"], ["5", "5"], ["1%"] * 21, ["-1"]]
)
def test_stages_that_make_no_sense_are_refused(sizes):
    with pytest.raises(Invalid) as refusal:
        plan_stages(sizes, None, 100)
    assert refusal.value.code == "bad_stages"


def test_the_order_is_another_in_each_rollout_and_the_same_each_time():
    ids = [f"{n:024x}" for n in range(200)]
    first = in_order("a" * 24, ids)
    assert first == in_order("a" * 24, reversed(ids))
    assert sorted(first) == ids
    assert first != in_order("b" * 24, ids)


BERLIN = parse_zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("start", "end", "days", "now", "opens"),
    [
        ("02:00", "05:00", (), datetime(2026, 1, 10, 2, tzinfo=UTC), None),
        (
            "02:00",
            "05:00",
            (),
            datetime(2026, 1, 10, 4, tzinfo=UTC),
            datetime(2026, 1, 11, 1, tzinfo=UTC),
        ),
        ("02:00", "05:00", (), datetime(2026, 7, 10, 0, 30, tzinfo=UTC), None),
        ("22:00", "03:00", (), datetime(2026, 1, 10, 1, tzinfo=UTC), None),
        (
            "22:00",
            "03:00",
            (),
            datetime(2026, 1, 10, 2, tzinfo=UTC),
            datetime(2026, 1, 10, 21, tzinfo=UTC),
        ),
        (
            "10:00",
            "12:00",
            ("sun",),
            datetime(2026, 1, 10, 10, tzinfo=UTC),
            datetime(2026, 1, 11, 9, tzinfo=UTC),
        ),
        ("22:00", "03:00", ("fri",), datetime(2026, 1, 10, 1, tzinfo=UTC), None),
        (
            "00:00",
            "24:00",
            ("mon",),
            datetime(2026, 1, 13, 12, tzinfo=UTC),
            datetime(2026, 1, 18, 23, tzinfo=UTC),
        ),
        # The night of the change to summer time: 02:30 does not exist, the window still opens.
        ("01:00", "04:00", (), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None),
    ],
)
def test_windows_are_local(start, end, days, now, opens):
    assert opens_at(parse_window(start, end, days), BERLIN, now) == opens


@pytest.mark.parametrize(
    ("start", "end"), [("2:00", "5:00"), ("25:00", "26:00"), ("02:00", "02:00")]
)
def test_windows_that_make_no_sense_are_refused(start, end):
    with pytest.raises(Invalid):
        parse_window(start, end)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "/etc/localtime"])
def test_unknown_zones_are_refused(name):
    with pytest.raises(Invalid):
        parse_zone(name)


def test_a_zone_goes_by_group():
    zones = {"east": "America/New_York"}
    assert zone_of(["beta", "east"], zones, "UTC") == "America/New_York"
    assert zone_of(["beta"], zones, "UTC") == "UTC"


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def offers(pace: Pace, left: int = 1000, under_way: int = 0, ago_s: float | None = 60.0) -> int:
    last = None if ago_s is None else NOW - timedelta(seconds=ago_s)
    given = allow(
        pace, size_bytes=1000, left=left, under_way=under_way, last_offer_at=last, now=NOW
    )
    assert given.offers > 0 or given.wait_s > 0 or left == 0
    return given.offers


def test_pace():
    assert offers(Pace()) == BATCH
    assert offers(Pace(), left=3) == 3
    assert offers(Pace(devices_per_minute=30)) == 30
    assert offers(Pace(devices_per_minute=30), ago_s=10) == 5
    assert offers(Pace(devices_per_minute=30), ago_s=1) == 0
    assert offers(Pace(devices_per_minute=30), ago_s=86_400) == 30
    assert offers(Pace(devices_per_minute=1), ago_s=None) == 1
    assert offers(Pace(bytes_per_minute=5000)) == 5
    assert offers(Pace(bytes_per_minute=500), ago_s=60) == 0
    assert offers(Pace(concurrent=10), under_way=4) == 6
    assert offers(Pace(concurrent=10), under_way=12) == 0


DEVICE = DeviceFacts(
    "a" * 24, frozenset({"beta", "cold"}), 4, 6201, "argon", name="fridge 1", online=True
)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("group = beta", True),
        ("group != beta", False),
        ("group = alpha or firmware < 5", True),
        ("group = beta and firmware >= 5", False),
        ("not (group = alpha or platform = photon)", True),
        ('name = "fridge 1"', True),
        ("name = fridge", False),
        ("device_os > 6000 and online = yes", True),
        ("NOT firmware = 4", False),
        (f"id={'a' * 24}", True),
    ],
)
def test_filters(text, passes):
    assert parse_filter(text)(DEVICE) is passes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "group",
        "group =",
        "group = beta and",
        "(group = beta",
        "colour = red",
        "firmware = new",
        "group < beta",
        "group = beta group = cold",
        ")",
        '"',
        "not " * 50 + "group = a",
        "a" * 2000,
        "(" * 5000,
    ],
)
def test_filters_that_are_wrong_say_so(text):
    with pytest.raises(Invalid) as refusal:
        parse_filter(text)
    assert refusal.value.code == "bad_filter"


@given(st.text(alphabet='()=<>! "ab1nogrupandfirmwe', max_size=60))
def test_no_filter_breaks_the_parser(text):
    with contextlib.suppress(Invalid):
        parse_filter(text)(DEVICE)


def test_a_filter_on_an_unknown_version_passes_no_device_that_never_said():
    assert not parse_filter("firmware < 5")(DeviceFacts("b" * 24))


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (DEVICE, None),
        (DeviceFacts("b" * 24, member=False), "not_a_member"),
        (DeviceFacts("b" * 24, development=True), "development"),
        (DeviceFacts("b" * 24, locked=True), "locked"),
        (DeviceFacts("b" * 24, firmware=5), "up_to_date"),
        (DeviceFacts("b" * 24), "other_group"),
        (DeviceFacts("b" * 24, frozenset({"beta"}), 9), "filtered_out"),
    ],
)
def test_who_is_in_the_audience(device, reason):
    audience = Audience(5, frozenset({"beta"}), "firmware < 5")
    assert why_not(audience, device) == reason


T = 1_000_000_000


@pytest.mark.parametrize(
    ("trace", "now", "condition", "failure", "present"),
    [
        (DeviceTrace(None, 60, T), T + DAY, "pending", None, "pending"),
        (DeviceTrace(T, 60, T), T + HOUR, "pending", None, "pending"),
        (DeviceTrace(T, 60, T + 2 * DAY, T + HOUR), T + 2 * DAY, "fine", None, "fine"),
        (DeviceTrace(T, 60, T + 300), T + 2 * HOUR, "failed", "not_back", "failed"),
        (DeviceTrace(T, 60, T + DAY, T + 9 * HOUR), T + DAY, "failed", "not_back", "fine"),
        (DeviceTrace(T, DAY, T), T + 2 * DAY, "pending", None, "pending"),
        (DeviceTrace(T, DAY, T), T + 4 * DAY, "failed", "not_back", "failed"),
        (DeviceTrace(T, 60, T + 5 * HOUR, T + HOUR), T + DAY, "failed", "vanished", "failed"),
        (DeviceTrace(T, 60, T + 900, None, T + 900), T + 1800, "failed", "boot_loop", "failed"),
        (DeviceTrace(T, 60, T + DAY, T + HOUR, T + 900), T + DAY, "failed", "boot_loop", "fine"),
        (DeviceTrace(T, 60, T + DAY, T + HOUR, T - 900), T + DAY, "fine", None, "fine"),
        (
            DeviceTrace(T, 60, T + DAY, T + HOUR, None, T - 60, published_daily=True),
            T + 23 * HOUR,
            "failed",
            "silent_application",
            "failed",
        ),
        (
            DeviceTrace(T, DAY, T + DAY, T + HOUR, None, T - 60, published_daily=True),
            T + 23 * HOUR,
            "fine",
            None,
            "fine",
        ),
        (
            DeviceTrace(T, 60, T + DAY, T + HOUR, None, T, published_daily=True),
            T + 24 * HOUR,
            "fine",
            None,
            "fine",
        ),
        (
            DeviceTrace(T, 60, T + 2 * DAY, T + HOUR, None, T, published_daily=True),
            T + 25 * HOUR,
            "failed",
            "silent_application",
            "failed",
        ),
    ],
)
def test_failed_devices(trace, now, condition, failure, present):
    health = check(trace, now)
    assert (health.condition, health.failure, health.present) == (condition, failure, present)


def test_a_dormant_device_is_not_eligible():
    assert is_eligible(T, 60, T + 20 * 60)
    assert not is_eligible(T, 60, T + HOUR)
    assert is_eligible(T, DAY, T + 2 * DAY)


START = 20_000 * DAY + 12 * HOUR


def week(resets_per_day: list[int]) -> list[Slice]:
    """Whole days before START, the newest first."""
    return [
        Slice(
            start_s=START - (day + 1) * DAY + quarter * QUARTER_S, watched_s=QUARTER_S, resets=count
        )
        for day, count in enumerate(resets_per_day)
        for quarter in range(4)
    ]


def mark_of(today: list[Slice], past: list[Slice], signal: str = "resets") -> int | None:
    return mark_all(today, freeze_baseline(past, START))[SIGNAL_NAMES.index(signal)]


def test_marks():
    def today(resets: int) -> list[Slice]:
        return [Slice(start_s=START, watched_s=QUARTER_S, resets=resets)]

    past = week([0, 1, 2, 3, 4, 5, 6])
    assert mark_of(today(9), past) == 14
    assert mark_of(today(3), past) == 7
    assert mark_of(today(0), past) == 1
    assert mark_of(today(0), week([1] * 7)) == 0
    assert mark_of(today(0), week([0] * 7)) == 7
    assert mark_of(today(9), week([0, 1, 2, 3])) == 14
    assert mark_of(today(9), week([0, 1, 2])) is None
    assert mark_of([], past) is None
    assert mark_of(today(9), past, "memory") is None


def test_only_the_same_hours_are_compared():
    past = week([0] * 7)
    for one in past:
        one.resets = 9 if one.start_s // QUARTER_S % 4 == 0 else 0
    night = [Slice(start_s=START + 2 * QUARTER_S, watched_s=HOUR, resets=1)]
    noon = [Slice(start_s=START, watched_s=HOUR, resets=1)]
    assert mark_of(night, past) == 0
    assert mark_of(noon, past) == 14


def test_what_came_after_the_start_is_no_past():
    late = [Slice(start_s=START + n * QUARTER_S, watched_s=QUARTER_S, resets=99) for n in range(8)]
    noon = [Slice(start_s=START, watched_s=HOUR, resets=1)]
    assert mark_of(noon, week([0] * 7) + late) == 14


def test_silence_is_a_quarter_without_any_event():
    talking, quiet = week([0] * 7), week([0] * 7)
    for one in talking:
        one.published = 3
    silent = [Slice(start_s=START, watched_s=QUARTER_S)]
    said_once = [Slice(start_s=START, watched_s=QUARTER_S, published=1)]
    short = [Slice(start_s=START, watched_s=HOUR)]
    assert mark_of(silent, talking, "silence") == 14
    assert mark_of(said_once, talking, "silence") == 7
    assert mark_of(silent, quiet, "silence") == 7
    assert mark_of(said_once, quiet, "silence") == 0
    assert mark_of(short, talking, "silence") is None


def test_a_step_of_the_instrument_is_no_difference():
    past = week([0] * 7)
    for one in past:
        one.offline_s = 100
    slightly = [Slice(start_s=START, watched_s=QUARTER_S, offline_s=200)]
    clearly = [Slice(start_s=START, watched_s=QUARTER_S, offline_s=400)]
    assert mark_of(slightly, past, "offline") == 7
    assert mark_of(clearly, past, "offline") == 14


def test_the_table_counts_by_kind_and_arm():
    table = MarkTable()
    table.add("argon", True, [14, *[None] * 7])
    table.add("argon", False, [3, *[None] * 7])
    table.add("boron", False, [3, *[None] * 7])
    first, second = table.pairs()["resets"]
    assert first.updated[14] == first.control[3] == second.control[3] == 1
    assert "memory" not in table.pairs()
