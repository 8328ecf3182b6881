from hypothesis import given
from hypothesis import strategies as st

from roadstead.protocol.dtls.replay import ALL_SEEN, is_repeat, note


def test_nothing_was_seen_at_first() -> None:
    assert not is_repeat(-1, 0, 0)
    assert note(-1, 0, 0) == (0, 1)


def test_a_number_counts_once_within_64() -> None:
    highest, window = note(-1, 0, 100)
    assert is_repeat(highest, window, 100)
    assert not is_repeat(highest, window, 37)
    assert is_repeat(highest, window, 36)
    highest, window = note(highest, window, 37)
    assert highest == 100
    assert is_repeat(highest, window, 37)


def test_a_full_window_accepts_nothing_but_newer_numbers() -> None:
    assert all(is_repeat(100, ALL_SEEN, number) for number in range(101))
    assert not is_repeat(100, ALL_SEEN, 101)


@given(st.lists(st.one_of(st.integers(0, 200), st.integers(0, 2**48 - 1)), max_size=60))
def test_the_window_agrees_with_a_set_of_all_numbers(numbers: list[int]) -> None:
    highest, window = -1, 0
    seen: set[int] = set()
    for number in numbers:
        expected = number in seen or (number <= highest - 64)
        assert is_repeat(highest, window, number) == expected
        if not expected:
            highest, window = note(highest, window, number)
            seen.add(number)
            assert highest == max(seen)
            assert 0 < window <= ALL_SEEN
