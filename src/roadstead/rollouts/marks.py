"""A device's mark: how many of its last seven days were better than today.

Each device is compared with itself, so that neither a busy device nor a quiet one, neither a good
place nor a bad one, counts more than another. Marks are kept doubled, 0 to 14, for ties count half.
Spec: rollout gate §4.
"""

from array import array
from collections.abc import Iterable, Sequence
from math import isnan, nan
from typing import Final

from roadstead.rollouts.permutation import Pair
from roadstead.rollouts.signals import BASELINE_DAYS, QUARTER_S, SIGNALS, Slice

LEAST_BASELINE_DAYS: Final = 4
"""Days of its own past that a device must have to be graded."""

LEAST_COVERED: Final = 0.5
"""Share of a window in which a device must have been watched to be graded at this look."""

MARKS: Final = 15
"""Marks go from 0 to 14."""

_QUARTERS: Final = 4
_DAY_S: Final = 86_400
_SLOTS: Final = BASELINE_DAYS * _QUARTERS

Baseline = array
"""Rates of a device by signal, day and quarter of the day, ``nan`` where it has none. It is frozen
when the rollout starts, for all devices and stages, and never holds the new version."""


def freeze_baseline(past: Iterable[Slice], before_s: int) -> "Baseline[float]":
    """The rates of the seven days that end with the last whole quarter before ``before_s``.

    Args:
        past: the device's slices in any order; those of other days are passed over.
        before_s: Unix seconds when the rollout started.
    """
    end = before_s // QUARTER_S * QUARTER_S
    amounts = [0.0] * (len(SIGNALS) * _SLOTS)
    overs = [0.0] * (len(SIGNALS) * _SLOTS)
    for one in past:
        day = (end - 1 - one.start_s) // _DAY_S
        if one.start_s >= end or day >= BASELINE_DAYS:
            continue
        slot = day * _QUARTERS + one.start_s // QUARTER_S % _QUARTERS
        for index, signal in enumerate(SIGNALS):
            amount, over = signal.value(one)
            amounts[index * _SLOTS + slot] += amount
            overs[index * _SLOTS + slot] += over
    return array(
        "d",
        [amount / over if over > 0 else nan for amount, over in zip(amounts, overs, strict=True)],
    )


def mark_all(window: Sequence[Slice], baseline: "Baseline[float]") -> list[int | None]:
    """The marks of one device by signal; None where today or the past is too little.

    Today's rate is compared with that of each of the seven days over the same quarters, each
    weighted as it is covered today. With four to six usable days the mark is scaled up.

    Args:
        window: slices since the device's clock started.
        baseline: its own past.
    """
    marks: list[int | None] = []
    for index, signal in enumerate(SIGNALS):
        weights = [0.0] * _QUARTERS
        amount_sum = 0.0
        for one in window:
            amount, over = signal.value(one)
            amount_sum += amount
            weights[one.start_s // QUARTER_S % _QUARTERS] += over
        over_sum = sum(weights)
        if over_sum <= 0:
            marks.append(None)
            continue
        covered = [(quarter, weight) for quarter, weight in enumerate(weights) if weight > 0]
        first = index * _SLOTS
        past = _same_hours(baseline, first, covered, over_sum)
        marks.append(_mark(amount_sum / over_sum, past, signal.step))
    return marks


def _same_hours(
    baseline: "Baseline[float]", first: int, covered: list[tuple[int, float]], over_sum: float
) -> list[float]:
    """The rate of each usable day over the quarters of today, weighted alike."""
    rates: list[float] = []
    for day in range(first, first + _SLOTS, _QUARTERS):
        rate = 0.0
        for quarter, weight in covered:
            rate += weight * baseline[day + quarter]
        if not isnan(rate):
            rates.append(rate / over_sum)
    return rates


def _mark(rate: float, past: list[float], step: float) -> int | None:
    if len(past) < LEAST_BASELINE_DAYS:
        return None
    score = 0
    for earlier in past:
        difference = rate - earlier
        # A hair beside the step: rates that are equal by arithmetic must be equal here.
        if abs(difference) <= step + 1e-9 * abs(rate):
            score += 1
        elif difference > 0:
            score += 2
    return round(score * BASELINE_DAYS / len(past))


class MarkTable:
    """Counts marks by signal, kind of device and arm: all that the gate needs of graded signals."""

    def __init__(self) -> None:
        self._counts: dict[tuple[int, str], tuple[list[int], list[int]]] = {}

    def add(self, kind: str, updated: bool, marks: Sequence[int | None]) -> None:
        """Counts one device."""
        for index, mark in enumerate(marks):
            if mark is not None:
                arms = self._counts.setdefault((index, kind), ([0] * MARKS, [0] * MARKS))
                arms[0 if updated else 1][mark] += 1

    def pairs(self) -> dict[str, list[Pair]]:
        """The histograms by signal, one pair for each kind of device."""
        pairs: dict[str, list[Pair]] = {}
        for (index, _), (updated, control) in sorted(self._counts.items()):
            pair = Pair(tuple(updated), tuple(control))
            pairs.setdefault(SIGNALS[index].name, []).append(pair)
        return pairs
