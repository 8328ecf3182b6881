"""Exact chances: the published values, and slow counting as the judge."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.rollouts.exact import binomial_upper, fisher_upper, normal_upper
from roadstead.rollouts.permutation import Pair, compare, exact_upper


def marks(**by_mark: int) -> tuple[int, ...]:
    return tuple(by_mark.get(f"m{mark}", 0) for mark in range(15))


A = Pair(marks(m14=2, m9=1), marks(m9=2, m4=3, m1=2))
B = Pair(marks(m14=5, m7=14, m3=1), marks(m14=40, m7=900, m3=60))
C = Pair(marks(m14=5), marks(m0=9, m3=9, m6=9, m9=9, m12=9))


@pytest.mark.parametrize(
    ("pair", "z", "normal", "exact"),
    [(A, None, None, 0.0250), (B, 3.787, 7.6e-5, 9.8e-4), (C, 3.585, 1.7e-4, 4.7e-7)],
)
def test_the_published_marks_give_the_published_chances(pair, z, normal, exact):
    comparison = compare([pair])
    assert comparison.chance == pytest.approx(exact, rel=0.01)
    if z is not None:
        assert comparison.z == pytest.approx(z, abs=0.001)
        assert normal_upper(comparison.z) == pytest.approx(normal, rel=0.02)


def test_the_published_means():
    comparison = compare([B])
    assert comparison.effect_marks == pytest.approx(4.275 - 3.52)
    assert (comparison.n, comparison.m) == (20, 1000)
    assert comparison.worst_share == 0.25


@pytest.mark.parametrize(
    ("x", "n", "b", "m", "chance"),
    [(3, 5, 0, 195, 7.6e-6), (10, 400, 6, 1500, 3.6e-4), (2, 15, 1, 180, 0.016)],
)
def test_the_published_failures_against_a_control(x, n, b, m, chance):
    assert fisher_upper(x, n, b, m) == pytest.approx(chance, rel=0.02)


def test_the_published_failures_against_history():
    assert binomial_upper(2, 5, 0.005) == pytest.approx(2.5e-4, rel=0.02)


PAUSE_LEVEL = 0.4 * 0.01 / 12


@pytest.mark.parametrize(
    ("share", "judged", "cut"),
    [
        *[
            (0.005, n, x)
            for n, x in zip(
                (10, 40, 100, 150, 400, 1400, 4000), (3, 4, 5, 6, 9, 19, 38), strict=True
            )
        ],
        *[
            (0.01, n, x)
            for n, x in zip((100, 150, 400, 1400, 4000), (7, 8, 13, 29, 64), strict=True)
        ],
        *[
            (0.03, n, x)
            for n, x in zip((100, 150, 400, 1400, 4000), (11, 14, 26, 66, 159), strict=True)
        ],
    ],
)
def test_the_published_cuts_of_a_pause(share, judged, cut):
    assert binomial_upper(cut, judged, share) <= PAUSE_LEVEL
    assert binomial_upper(cut - 1, judged, share) > PAUSE_LEVEL


@given(st.integers(0, 12), st.integers(1, 12), st.integers(0, 20), st.integers(1, 20))
def test_failures_are_counted_as_by_hand(x, n, b, m):
    x, b = min(x, n), min(b, m)
    ways = sum(math.comb(x + b, k) * math.comb(n + m - x - b, n - k) for k in range(x, n + 1))
    assert fisher_upper(x, n, b, m) == pytest.approx(ways / math.comb(n + m, n), rel=1e-9)


@given(st.integers(0, 15), st.integers(1, 15), st.fractions(0, 1, max_denominator=50))
def test_the_binomial_is_counted_as_by_hand(x, n, share):
    x = min(x, n)
    exact = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(x, n + 1))
    assert binomial_upper(x, n, float(share)) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


def count_by_hand(pairs: list[Pair]) -> float:
    """All draws within each kind, counted one level of marks after the other."""
    total: dict[int, Fraction] = {0: Fraction(1)}
    observed = 0
    for pair in pairs:
        n = sum(pair.updated)
        both = [a + b for a, b in zip(pair.updated, pair.control, strict=True)]
        draws = {(0, 0): 1}
        for mark, count in enumerate(both):
            after: dict[tuple[int, int], int] = {}
            for (drawn, so_far), ways in draws.items():
                for taken in range(min(count, n - drawn) + 1):
                    key = (drawn + taken, so_far + taken * mark)
                    after[key] = after.get(key, 0) + ways * math.comb(count, taken)
            draws = after
        all_ways = math.comb(sum(both), n)
        mixed: dict[int, Fraction] = {}
        for (drawn, so_far), ways in draws.items():
            if drawn == n:
                for before, chance in total.items():
                    key = before + so_far
                    mixed[key] = mixed.get(key, Fraction(0)) + chance * Fraction(ways, all_ways)
        total = mixed
        observed += sum(mark * count for mark, count in enumerate(pair.updated))
    return float(sum(chance for key, chance in total.items() if key >= observed))


few = st.lists(st.integers(0, 3), min_size=15, max_size=15).map(tuple)
sparse = st.lists(st.sampled_from([0, 0, 0, 0, 1, 4]), min_size=15, max_size=15).map(tuple)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(Pair, few | sparse, few | sparse), min_size=1, max_size=2))
def test_draws_are_counted_as_by_hand(pairs):
    usable = [one for one in pairs if sum(one.updated) and sum(one.control)]
    if usable:
        assert exact_upper(usable) == pytest.approx(count_by_hand(usable), rel=1e-9)


def test_above_the_limit_twice_the_normal_chance_is_taken():
    pair = Pair(tuple(n + 8 for n in range(15)), tuple(14 - n + 8 for n in range(15)))
    near = compare([pair], exact_limit=1)
    assert near.chance == pytest.approx(2 * normal_upper(near.z))


def test_without_marks_on_one_side_nothing_is_said():
    comparison = compare([Pair(marks(m14=5), marks())])
    assert (comparison.n, comparison.chance) == (0, 1.0)


def test_equal_marks_say_nothing():
    assert compare([Pair(marks(m7=5), marks(m7=50))]).chance == 1.0
