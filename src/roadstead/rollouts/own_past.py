"""Marks without a control group: the updated devices against their own past alone.

Anything that hits everybody (an outage, a cold week) looks like a bad release then; what is found
here may therefore make a rollout wait or ask a person, and never halts it.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Final

from roadstead.rollouts.exact import normal_upper
from roadstead.rollouts.permutation import Comparison, Pair

USUAL_MARK: Final = 7.0
"""Average of a device whose days are all alike, in half marks."""

USUAL_VARIANCE: Final = 21.0
"""Of a mark that is any of 0, 2, … 14 alike: (8² - 1) / 12 days², in half marks."""


def compare_with_own_past(pairs: Sequence[Pair]) -> Comparison:
    """The average mark of the updated against the usual one."""
    n = sum(sum(one.updated) for one in pairs)
    if n == 0:
        return Comparison(0, 0, 1.0, 0.0, 0.0, 0.0, 0.0)
    total = sum(mark * count for one in pairs for mark, count in enumerate(one.updated))
    excess = total / n - USUAL_MARK
    z = excess / sqrt(USUAL_VARIANCE / n)
    top = sum(one.updated[-1] for one in pairs)
    return Comparison(n, 0, normal_upper(z), excess / 2, z, top / n, sqrt(USUAL_VARIANCE))
