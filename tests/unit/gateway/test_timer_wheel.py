"""The wheel that tells which devices to look at."""

from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.gateway.timer_wheel import NOT_SCHEDULED, TimerWheel


class Item:
    def __init__(self) -> None:
        self.wheel_tick = NOT_SCHEDULED


def test_an_item_is_due_after_its_deadline_and_at_most_one_tick_late() -> None:
    wheel: TimerWheel[Item] = TimerWheel(100.0)
    item = Item()
    wheel.schedule(item, 160.5)
    assert wheel.take_due(160.4, 10) == []
    assert wheel.take_due(161.5, 10) == [item]
    assert item.wheel_tick == NOT_SCHEDULED
    assert len(wheel) == 0


def test_a_moved_item_leaves_nothing_behind() -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    item = Item()
    for deadline in (10.0, 1000.0, 20.0):
        wheel.schedule(item, deadline)
    assert len(wheel) == 1
    assert wheel.take_due(15.0, 10) == []
    assert wheel.take_due(30.0, 10) == [item]
    assert wheel.take_due(5000.0, 10) == []


def test_an_earlier_deadline_stands_where_one_is_enough() -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    item = Item()
    wheel.schedule_early(item, 10.0)
    wheel.schedule_early(item, 1000.0)
    assert wheel.take_due(12.0, 10) == [item]
    wheel.schedule_early(item, 1000.0)
    wheel.schedule_early(item, 20.0)
    assert len(wheel) == 1
    assert wheel.take_due(22.0, 10) == [item]


def test_a_cancelled_item_never_comes_due() -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    item = Item()
    wheel.schedule(item, 5.0)
    wheel.cancel(item)
    wheel.cancel(item)
    assert wheel.take_due(100.0, 10) == []


def test_a_deadline_in_the_past_is_due_with_the_next_tick() -> None:
    wheel: TimerWheel[Item] = TimerWheel(50.0)
    item = Item()
    wheel.schedule(item, 3.0)
    assert wheel.take_due(51.0, 10) == [item]


def test_many_deadlines_at_once_come_in_portions_and_all_of_them() -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    items = [Item() for _ in range(25)]
    for item in items:
        wheel.schedule(item, 7.0)
    taken: list[Item] = []
    while portion := wheel.take_due(9.0, 10):
        assert len(portion) <= 10
        taken += portion
    assert set(taken) == set(items)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.floats(0, 400), st.floats(0, 30)), min_size=1, max_size=60
    )
)
def test_nothing_is_early_nothing_is_lost_nothing_is_more_than_a_tick_late(steps) -> None:
    wheel: TimerWheel[Item] = TimerWheel(0.0)
    items = [Item() for _ in range(9)]
    deadline: dict[Item, float] = {}
    now = 0.0
    for index, delay, pause in steps:
        wheel.schedule(items[index], now + delay)
        deadline[items[index]] = now + delay
        now += pause
        for item in wheel.take_due(now, 100):
            assert deadline.pop(item) <= now
        assert all(at > now - 2.0 for at in deadline.values())
    assert set(wheel.take_due(now + 500, 100)) == set(deadline)
