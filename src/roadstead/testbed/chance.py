"""Draws from the distributions that the models are made of."""

from math import exp, sqrt
from random import Random


def poisson(random: Random, mean: float) -> int:
    """A count with this mean; by the normal approximation where it is large."""
    if mean <= 0:
        return 0
    if mean > 40:
        return max(0, round(random.gauss(mean, sqrt(mean))))
    limit, count, product = exp(-mean), 0, random.random()
    while product > limit:
        count += 1
        product *= random.random()
    return count


def binomial(random: Random, n: int, share: float) -> int:
    """How many of ``n`` happen with this share each."""
    if n <= 0 or share <= 0:
        return 0
    if share >= 1:
        return n
    if n * share < 12:
        return min(n, poisson(random, n * share))
    spread = sqrt(n * share * (1 - share))
    return min(n, max(0, round(random.gauss(n * share, spread))))


def unit_gamma(random: Random, shape: float) -> float:
    """A factor with mean 1; the smaller the shape, the more unlike."""
    return random.gammavariate(shape, 1 / shape)


def student4(random: Random) -> float:
    """Student's t with four degrees of freedom: now and then far off."""
    chi2 = random.gammavariate(2.0, 2.0)
    return random.gauss(0.0, 1.0) / sqrt(chi2 / 4)
