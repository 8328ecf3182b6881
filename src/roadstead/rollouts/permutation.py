"""Whether the updated devices' average mark is higher than a draw by lot would make it.

Under "the release changes nothing for any device" all marks are fixed and only the draw of the
updated devices is random, so the chance of an average this high can be counted: the number of ways
to draw n of the M devices with a sum of at least S, over all ways. It holds for any distribution of
the marks. Devices of several kinds are drawn within their kind.

The counting is exact. The number of draws with each sum is a coefficient of the polynomial
``prod_v (1 + x y^v)^(h_v)``; its values on circles in x and y give the coefficients by a discrete
Fourier sum. The circles go through the point where the observed sum is the usual one, so that
nothing cancels, and tables make each factor a look-up: a tenth of a second for 100 devices.
"""

from cmath import exp as cexp
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil, exp, gcd, log, pi, sqrt
from operator import mul
from typing import Final

from roadstead.rollouts.exact import log_choose, normal_upper

EXACT_BELOW: Final = 0.03
"""The normal approximation is trusted above this chance; it is wrong in the tails only."""

EXACT_LIMIT: Final = 300
"""Devices of the smaller group up to which the draws are counted; above, twice the normal chance
is taken, which is then on the safe side."""

_SPREADS: Final = 12.0
"""Standard deviations of the tilted number of devices that a circle in x must tell apart; what is
beyond has a weight under 1e-30."""

_MAX_TILT: Final = 12.0
"""Largest logarithm of the circle in y: a sum at the very top has no finite best circle."""

Histogram = Sequence[int]
"""Devices by mark: a mark is 0 to 14, in halves of days."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The marks of one kind of device: updated and control, devices by mark 0 … 14."""

    updated: tuple[int, ...]
    control: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the marks of one signal say.

    Attributes:
        n, m: devices updated, and in the control.
        chance: of an average this high if the release changed nothing.
        effect_marks: difference of the averages, in days (half marks divided by two).
        z: the same difference in standard deviations of the draw.
        worst_share: share of the updated whose day was worse than all days before.
        spread: standard deviation of all marks, in half marks.
    """

    n: int
    m: int
    chance: float
    effect_marks: float
    z: float
    worst_share: float
    spread: float


def compare(pairs: Sequence[Pair], *, exact_limit: int = EXACT_LIMIT) -> Comparison:
    """Compares the marks of the updated with those of the control, within each kind."""
    usable = [one for one in pairs if sum(one.updated) and sum(one.control)]
    n = sum(sum(one.updated) for one in usable)
    m = sum(sum(one.control) for one in usable)
    if not usable:
        return Comparison(n, m, 1.0, 0.0, 0.0, 0.0, 0.0)
    excess, variance, spread_sum = 0.0, 0.0, 0.0
    for one in usable:
        kind_excess, kind_variance, kind_spread2 = _moments(one)
        excess += kind_excess
        variance += kind_variance
        spread_sum += kind_spread2 * (sum(one.updated) + sum(one.control))
    z = excess / sqrt(variance) if variance > 0 else 0.0
    chance = normal_upper(z) if variance > 0 else 1.0
    if variance > 0 and chance <= EXACT_BELOW:
        smaller = sum(min(sum(one.updated), sum(one.control)) for one in usable)
        chance = exact_upper(usable) if smaller <= exact_limit else min(1.0, 2.0 * chance)
    top = sum(one.updated[-1] for one in usable)
    return Comparison(
        n, m, chance, _effect_marks(usable, n), z, top / n, sqrt(spread_sum / (n + m))
    )


def _effect_marks(pairs: Sequence[Pair], n: int) -> float:
    """Difference of averages in days, kinds weighted by their updated devices."""
    total = 0.0
    for one in pairs:
        updated, control = sum(one.updated), sum(one.control)
        difference = _sum(one.updated) / updated - _sum(one.control) / control
        total += difference * updated
    return total / n / 2.0


def _sum(histogram: Histogram) -> int:
    return sum(mark * count for mark, count in enumerate(histogram))


def _moments(pair: Pair) -> tuple[float, float, float]:
    """Sum of the updated above its mean under the draw, its variance, and s² of all marks."""
    n, m = sum(pair.updated), sum(pair.control)
    both = [a + b for a, b in zip(pair.updated, pair.control, strict=True)]
    total = n + m
    mean = _sum(both) / total
    spread2 = sum(count * (mark - mean) ** 2 for mark, count in enumerate(both)) / (total - 1)
    return _sum(pair.updated) - n * mean, spread2 * n * m / total, spread2


@dataclass(frozen=True, slots=True)
class _Urn:
    """Marks to draw from, after turning the question to the smaller group.

    Attributes:
        values: the distinct marks, counted from the lowest.
        counts: devices of each.
        drawn: devices drawn.
        low: least sum that a draw can have.
        high: largest.
    """

    values: tuple[int, ...]
    counts: tuple[int, ...]
    drawn: int
    low: int
    high: int


def exact_upper(pairs: Sequence[Pair]) -> float:
    """Chance that a draw by lot within each kind has a sum at least as high as the observed one."""
    urns: list[_Urn] = []
    observed = 0
    for pair in pairs:
        urn, drawn_sum = _urn(pair)
        urns.append(urn)
        observed += drawn_sum
    step = reduce(gcd, (value for urn in urns for value in urn.values), 0)
    if step == 0:  # all devices of each kind have one mark
        return 1.0
    urns = [
        _Urn(
            tuple(value // step for value in urn.values),
            urn.counts,
            urn.drawn,
            urn.low // step,
            urn.high // step,
        )
        for urn in urns
    ]
    return _tail(urns, observed // step)


def _urn(pair: Pair) -> tuple[_Urn, int]:
    """The urn of one kind, and the observed sum of what is drawn from it."""
    drawn, rest = pair.updated, pair.control
    if sum(drawn) > sum(rest):
        # The updated have a high sum where the control, seen from above, has one.
        drawn, rest = tuple(reversed(pair.control)), tuple(reversed(pair.updated))
    both = [a + b for a, b in zip(drawn, rest, strict=True)]
    lowest = next(mark for mark, count in enumerate(both) if count)
    marks = [mark for mark, count in enumerate(both) if count]
    values = tuple(mark - lowest for mark in marks)
    counts = tuple(both[mark] for mark in marks)
    n = sum(drawn)
    urn = _Urn(values, counts, n, _extreme(values, counts, n), _extreme_high(values, counts, n))
    return urn, _sum(drawn) - n * lowest


def _extreme(values: Sequence[int], counts: Sequence[int], n: int) -> int:
    total, left = 0, n
    for value, count in zip(values, counts, strict=True):
        taken = min(left, count)
        total += taken * value
        left -= taken
    return total


def _extreme_high(values: Sequence[int], counts: Sequence[int], n: int) -> int:
    return _extreme(tuple(reversed(values)), tuple(reversed(counts)), n)


def _tail(urns: Sequence[_Urn], observed: int) -> float:
    low = sum(urn.low for urn in urns)
    high = sum(urn.high for urn in urns)
    if observed <= low:
        return 1.0
    tilt = _find_tilt(urns, observed)
    circles = [_Circle(urn, tilt) for urn in urns]
    # One grid for all: the number of angles in y tells all sums apart, and that in x divides it.
    angles_x = max(circle.angles_needed for circle in circles)
    angles = angles_x * ceil((high - low + 1) / angles_x)
    for circle in circles:
        circle.fill(angles, angles // angles_x)
    # Sum over j = observed … high of coefficient(j): geometric in the angle of y.
    length = high - observed + 1
    total = 0.0
    for k in range(angles // 2 + 1):
        value = complex(1.0)
        for circle in circles:
            value *= circle.at(k)
        theta = 2.0 * pi * k / angles
        ratio = cexp(complex(-tilt, -theta))
        weight = length if abs(1 - ratio) < 1e-14 else (1 - ratio**length) / (1 - ratio)
        part = (value * cexp(complex(0.0, -theta * observed)) * weight).real
        mirrored = 0 < k < angles - k
        total += part * (2 if mirrored else 1)
    log_scale = sum(circle.log_scale for circle in circles) - tilt * observed
    return min(1.0, max(0.0, total / angles) * exp(log_scale))


def _find_tilt(urns: Sequence[_Urn], observed: int) -> float:
    """The logarithm of the circle in y on which ``observed`` is the usual sum; 0 below the mean."""
    below, above = 0.0, _MAX_TILT
    for _ in range(60):
        middle = (below + above) / 2
        if sum(_tilted_mean(urn, middle) for urn in urns) < observed:
            below = middle
        else:
            above = middle
    return (below + above) / 2


def _tilted_mean(urn: _Urn, tilt: float) -> float:
    log_x = _find_log_x(urn, tilt)
    return sum(
        count * value * _share(log_x + tilt * value)
        for value, count in zip(urn.values, urn.counts, strict=True)
    )


def _find_log_x(urn: _Urn, tilt: float) -> float:
    """The logarithm of the circle in x on which the urn's number drawn is the usual one."""
    reach = abs(tilt) * max(urn.values) + log(sum(urn.counts)) + 40.0
    below, above = -reach, reach
    for _ in range(80):
        middle = (below + above) / 2
        drawn = sum(
            count * _share(middle + tilt * value)
            for value, count in zip(urn.values, urn.counts, strict=True)
        )
        if drawn < urn.drawn:
            below = middle
        else:
            above = middle
    return (below + above) / 2


def _share(log_odds: float) -> float:
    if log_odds >= 0:
        return 1.0 / (1.0 + exp(-log_odds))
    odds = exp(log_odds)
    return odds / (1.0 + odds)


class _Circle:
    """The polynomial of one urn on its circles.

    Attributes:
        angles_needed: angles in x that tell its numbers of devices apart.
        log_scale: logarithm of what the normed values must be multiplied by to give chances.
    """

    def __init__(self, urn: _Urn, tilt: float) -> None:
        self._urn = urn
        log_x = _find_log_x(urn, tilt)
        self._shares = [_share(log_x + tilt * value) for value in urn.values]
        pairs = list(zip(urn.counts, self._shares, strict=True))
        spread = sqrt(sum(count * share * (1 - share) for count, share in pairs))
        self.angles_needed = min(sum(urn.counts) + 1, ceil(2 * _SPREADS * max(spread, 1.0)) + 2)
        log_norm = sum(
            count * _log_one_plus(log_x + tilt * value)
            for value, count in zip(urn.values, urn.counts, strict=True)
        )
        self.log_scale = log_norm - log_x * urn.drawn - log_choose(sum(urn.counts), urn.drawn)
        self._tables: list[list[complex]] = []
        self._turns: list[complex] = []
        self._angles = self._stride = 1

    def fill(self, angles: int, stride: int) -> None:
        """Prepares the tables for a grid of ``angles`` in y, every ``stride``-th of them in x."""
        self._angles, self._stride = angles, stride
        circle = [cexp(complex(0.0, 2.0 * pi * index / angles)) for index in range(angles)]
        for count, share in zip(self._urn.counts, self._shares, strict=True):
            table = [(1.0 - share + share * point) ** count for point in circle]
            self._tables.append(table + table)
        drawn = self._urn.drawn
        self._turns = [circle[-index * drawn % angles] for index in range(0, angles, stride)]

    def at(self, k: int) -> complex:
        """The normed coefficient of x^drawn at the ``k``-th angle of y."""
        product: list[complex] = self._turns
        for value, table in zip(self._urn.values, self._tables, strict=True):
            start = k * value % self._angles
            product = list(map(mul, product, table[start : start + self._angles : self._stride]))
        return sum(product) / len(product)


def _log_one_plus(log_odds: float) -> float:
    """Logarithm of ``1 + exp(log_odds)``."""
    return max(log_odds, 0.0) + log(1.0 + exp(-abs(log_odds)))
