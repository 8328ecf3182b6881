"""Exact chances: failures of two groups, failures against a known share, averages of marks.

Pure arithmetic on integers and floats. A chance is the probability, if the release changed nothing,
of seeing at least what was seen.
"""

from collections.abc import Callable
from math import erfc, exp, lgamma, log, log1p, sqrt
from typing import Final

TERMS: Final = 10_000
"""Most terms of a sum; what comes after is far below any figure that is shown."""

NEGLIGIBLE: Final = 1e-17
"""A term this small beside the sum does not change it any more."""


def log_choose(n: int, k: int) -> float:
    """Natural logarithm of the number of ways to draw ``k`` of ``n``."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def normal_upper(z: float) -> float:
    """Chance that a standard normal number is at least ``z``."""
    return 0.5 * erfc(z / sqrt(2.0))


def fisher_upper(x: int, n: int, b: int, m: int) -> float:
    """Chance that at least ``x`` of all ``x + b`` failures fall on ``n`` of the ``n + m`` devices.

    Fisher's exact test, one-sided: hypergeometric, exact for any draw by lot.

    Args:
        x: failed among the updated.
        n: updated.
        b: failed in the control.
        m: control.
    """
    failed, total = x + b, n + m
    if not 0 <= x <= n or not 0 <= b <= m:
        raise ValueError("failures must be a part of their group")
    if x <= max(0, failed - m):
        return 1.0
    log_all = log_choose(total, n)

    def term(k: int) -> float:
        return exp(log_choose(failed, k) + log_choose(total - failed, n - k) - log_all)

    last = min(failed, n)
    if x * total > failed * n:  # above the mean: the terms fall from here on
        return min(1.0, _sum_falling(term, x, last))
    return max(0.0, 1.0 - _sum_below(term, max(0, failed - m), x))


def binomial_upper(x: int, n: int, share: float) -> float:
    """Chance of at least ``x`` failures among ``n`` when each fails with chance ``share``."""
    if not 0 <= x <= n or not 0.0 <= share <= 1.0:
        raise ValueError("x must be within n, and share within 0 and 1")
    if x == 0 or share == 1.0:
        return 1.0
    if share == 0.0:
        return 0.0
    log_share, log_rest = log(share), log1p(-share)

    def term(k: int) -> float:
        return exp(log_choose(n, k) + k * log_share + (n - k) * log_rest)

    if x > n * share:
        return min(1.0, _sum_falling(term, x, n))
    return max(0.0, 1.0 - _sum_below(term, 0, x))


def _sum_falling(term: Callable[[int], float], first: int, last: int) -> float:
    total = 0.0
    for k in range(first, min(last, first + TERMS) + 1):
        value = term(k)
        total += value
        if value < total * NEGLIGIBLE:
            break
    return total


def _sum_below(term: Callable[[int], float], first: int, end: int) -> float:
    """Sum from ``first`` up to and without ``end``, from the largest terms down."""
    total = 0.0
    for k in range(end - 1, first - 1, -1):
        value = term(k)
        total += value
        if value < total * NEGLIGIBLE:
            break
    return total
