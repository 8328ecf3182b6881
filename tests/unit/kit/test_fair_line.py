"""Turns between owners."""

import pytest

from roadstead.kit.fair_line import FairLine


def make_line(**counts: int) -> FairLine[str, str]:
    line: FairLine[str, str] = FairLine()
    for owner, count in counts.items():
        for number in range(count):
            line.append(owner, f"{owner}{number}")
    return line


def test_owners_take_turns_and_each_is_served_in_its_order() -> None:
    line = make_line(a=4, b=1, c=2)
    assert [line.pop() for _ in range(7)] == ["a0", "b0", "c0", "a1", "c1", "a2", "a3"]
    assert len(line) == 0
    with pytest.raises(IndexError):
        line.pop()


def test_one_item_waits_for_one_of_each_other_owner_at_most() -> None:
    line = make_line(a=100_000)
    line.append("b", "b0")
    assert [line.pop(), line.pop()] == ["a0", "b0"]


def test_an_owner_that_may_not_keeps_its_turn() -> None:
    line = make_line(a=2, b=2)
    assert line.pop_if(lambda owner: owner == "b") == "b0"
    assert line.pop() == "a0"
    assert line.pop_if(lambda owner: owner == "c") is None
    assert len(line) == 2


def test_an_item_is_taken_out() -> None:
    line = make_line(a=2, b=1)
    line.remove("a", "a0")
    line.remove("b", "b0")
    assert [line.pop(), len(line)] == ["a1", 0]
    for owner in ("a", "b"):
        with pytest.raises(ValueError, match="not in"):
            line.remove(owner, "a0")
