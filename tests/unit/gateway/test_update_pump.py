"""Turns between transfers, and the rate of all of them."""

from dataclasses import dataclass

from roadstead.gateway.timer_wheel import NOT_SCHEDULED
from roadstead.gateway.update_pump import BURST_S, TICK_S, SendingLine


@dataclass(eq=False)
class Transfer:
    name: str
    wheel_tick: int = NOT_SCHEDULED
    in_line: bool = False
    share: int | None = None


def make_line(rate: float = 1_000_000.0, names: str = "abc"):
    line: SendingLine[Transfer] = SendingLine(0.0, rate)
    transfers = {name: Transfer(name) for name in names}
    for one in transfers.values():
        line.enter(one)
    return line, transfers


def test_each_sends_in_turn_and_goes_to_the_end() -> None:
    line, _ = make_line()
    order = ""
    for _ in range(7):
        sender = line.next_sender(0.0)
        assert sender is not None
        order += sender.name
        line.enter(sender)
        line.enter(sender)  # twice is once
    assert order == "abcabca"


def test_products_take_turns_however_many_transfers_each_has() -> None:
    line: SendingLine[Transfer] = SendingLine(0.0, 1_000_000.0)
    for number in range(100):
        line.enter(Transfer(f"big {number}", share=1))
    line.enter(Transfer("small", share=2))
    small = 0
    for _ in range(50):
        sender = line.next_sender(0.0)
        assert sender is not None
        small += sender.share == 2
        line.enter(sender)
    assert small == 25


def test_one_that_waits_for_its_time_comes_back_by_itself() -> None:
    line, transfers = make_line(names="a")
    assert line.next_sender(0.0) is transfers["a"]
    assert line.pause_s() is None
    line.rest(transfers["a"], 1.0)
    assert line.pause_s() == TICK_S
    assert line.next_sender(0.9) is None
    assert line.next_sender(1.0 + 2 * TICK_S) is transfers["a"]
    line.rest(transfers["a"], 9.0)
    line.enter(transfers["a"])  # its device said something meanwhile
    assert line.next_sender(1.1) is transfers["a"]
    line.rest(transfers["a"], 20.0)
    assert line.next_sender(9.0 + 2 * TICK_S) is transfers["a"]  # asked early, and no harm done
    line.leave(transfers["a"])
    assert line.next_sender(20.0 + 2 * TICK_S) is None


def test_one_that_left_never_comes() -> None:
    line, transfers = make_line()
    line.leave(transfers["a"])
    line.next_sender(0.0)
    line.rest(transfers["b"], 1.0)
    line.leave(transfers["b"])
    assert line.next_sender(5.0) is transfers["c"]
    assert line.next_sender(5.0) is None


def test_the_rate_holds_over_time_and_a_pause_saves_nothing_up() -> None:
    rate, sent, now = 100_000.0, 0, 0.0
    line, transfers = make_line(rate, "a")
    while now < 10.0:
        sender = line.next_sender(now)
        if sender is None:
            pause_s = line.pause_s()
            assert pause_s is not None
            assert pause_s > 0
            now += pause_s
            continue
        sent += 4000
        line.spend(4000)
        line.enter(sender)
    assert sent <= 10.0 * rate + rate * BURST_S + 4000
    assert sent >= 9.5 * rate
    burst = 0
    while line.next_sender(1000.0) is not None:
        line.spend(1000)
        burst += 1000
        line.enter(transfers["a"])
    assert burst <= rate * BURST_S + 1000
