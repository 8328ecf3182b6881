from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from roadstead.kit.clock import ManualClock, from_ms, iso_ms, to_ms
from roadstead.kit.ids import EventIds, new_access_token, new_object_id, parse_device_id
from roadstead.kit.paging import Page


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_survive_the_way_through_a_datetime(ms: int) -> None:
    assert to_ms(from_ms(ms)) == ms


def test_times_are_written_in_utc_with_milliseconds() -> None:
    there = datetime(2026, 1, 2, 3, 4, 5, 6_789, tzinfo=timezone(timedelta(hours=2)))
    assert iso_ms(there) == "2026-01-02T01:04:05.006Z"


def test_a_manual_clock_moves_both_readings() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    before = clock.monotonic()
    clock.advance(90)
    assert clock.now() == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)
    assert clock.monotonic() == before + 90


def test_ids_have_their_shapes() -> None:
    assert parse_device_id(new_object_id()) is not None
    assert len(new_access_token()) == 40
    assert new_access_token() != new_access_token()


def test_device_ids_are_read_in_any_case_and_nothing_else() -> None:
    assert parse_device_id("E00FCE68" + "0" * 16) == "e00fce68" + "0" * 16
    for wrong in ("", "e00fce68", "g" * 24, "0" * 25, "０" * 24, "0" * 24 + "\n"):
        assert parse_device_id(wrong) is None


@given(st.lists(st.integers(0, 2**41), min_size=1, max_size=50))
def test_event_ids_grow_even_when_the_clock_steps_back(clock_readings: list[int]) -> None:
    ids = EventIds()
    made = [ids.next(ms) for ms in clock_readings]
    assert made == sorted(set(made))
    assert made[-1] < 2**63


def test_an_empty_list_is_one_page() -> None:
    assert Page([], 1, 25, 0).total_pages == 1
    assert Page([1], 1, 25, 26).total_pages == 2
