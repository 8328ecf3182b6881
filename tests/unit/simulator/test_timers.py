from collections.abc import Callable

from roadstead.simulator.timers import TimerHeap


class Handle:
    def __init__(self, loop: "HandMovedLoop", when: float, callback: Callable[[], None]) -> None:
        self.loop, self.when, self.callback = loop, when, callback

    def cancel(self) -> None:
        self.loop.handles.discard(self)


class HandMovedLoop:
    """An event loop whose time is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.handles: set[Handle] = set()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:
        handle = Handle(self, when, callback)
        self.handles.add(handle)
        return handle

    def move_to(self, now: float) -> None:
        while due := [handle for handle in self.handles if handle.when <= now]:
            first = min(due, key=lambda handle: handle.when)
            self.now = max(self.now, first.when)
            self.handles.discard(first)
            first.callback()
        self.now = now


def make() -> tuple[HandMovedLoop, TimerHeap, list[str]]:
    loop = HandMovedLoop()
    return loop, TimerHeap(loop), []


def test_callbacks_come_in_the_order_of_their_times():
    loop, timers, seen = make()
    for when in (103, 101, 102):
        timers.call_at(when, lambda when=when: seen.append(f"{when}@{loop.now:.0f}"))
    loop.move_to(110)
    assert seen == ["101@101", "102@102", "103@103"]


def test_equal_times_come_in_the_order_of_their_making():
    loop, timers, seen = make()
    for name in "abc":
        timers.call_at(101, lambda name=name: seen.append(name))
    loop.move_to(101)
    assert seen == ["a", "b", "c"]


def test_one_real_timer_carries_them_all():
    loop, timers, _ = make()
    for number in range(1000):
        timers.call_after(number % 17, lambda: None)
    assert len(loop.handles) == 1


def test_a_callback_may_add_others():
    loop, timers, seen = make()

    def again() -> None:
        seen.append("tick")
        if len(seen) < 4:
            timers.call_after(1, again)

    timers.call_after(1, again)
    timers.call_after(100, lambda: seen.append("late"))
    loop.move_to(150)
    assert seen == ["tick"] * 4
    loop.move_to(200)
    assert seen[-1] == "late"


def test_nothing_comes_after_the_end():
    loop, timers, seen = make()
    timers.call_after(1, lambda: seen.append("x"))
    timers.close()
    loop.move_to(200)
    assert not seen
    assert not loop.handles


def test_a_failing_callback_does_not_stop_the_others():
    loop, timers, seen = make()
    timers.call_at(101, lambda: 1 / 0)
    timers.call_at(102, lambda: seen.append("next"))
    try:
        loop.move_to(101)
    except ZeroDivisionError:
        seen.append("failed")
    loop.move_to(102)
    assert seen == ["failed", "next"]
