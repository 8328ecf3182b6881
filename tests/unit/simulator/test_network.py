from random import Random

import pytest

from roadstead.simulator.network import NetworkConditions, UnreliableNetwork


def fates(conditions: NetworkConditions, count: int = 2000) -> list[list[float]]:
    network = UnreliableNetwork(conditions, Random(1))
    return [network.fate() for _ in range(count)]


def test_a_perfect_network_delivers_everything_once_and_at_once():
    assert NetworkConditions().perfect
    assert all(fate == [0.0] for fate in fates(NetworkConditions()))


def test_loss_takes_about_its_share_of_datagrams():
    lost = sum(not fate for fate in fates(NetworkConditions(loss=0.2)))
    assert 300 < lost < 500


def test_duplicates_arrive_twice_and_only_they():
    doubled = [len(fate) for fate in fates(NetworkConditions(duplicate=0.1))]
    assert set(doubled) == {1, 2}
    assert 130 < doubled.count(2) < 280


def test_reordered_datagrams_are_held_back_and_the_others_are_not():
    delays = [fate[0] for fate in fates(NetworkConditions(reorder=0.1))]
    held = [delay for delay in delays if delay]
    assert 130 < len(held) < 280
    assert min(held) >= 0.03
    assert max(held) <= 0.25


def test_delay_is_the_least_time_under_way():
    delays = [fate[0] for fate in fates(NetworkConditions(delay_ms=100))]
    assert min(delays) >= 0.1
    assert max(delays) <= 0.15


def test_the_same_seed_gives_the_same_network():
    bad = NetworkConditions(loss=0.1, duplicate=0.1, reorder=0.1, delay_ms=5)
    assert fates(bad) == fates(bad)


def test_the_counters_say_what_happened():
    network = UnreliableNetwork(NetworkConditions(loss=0.5, duplicate=0.5, reorder=0.5), Random(3))
    results = [network.fate() for _ in range(500)]
    assert network.lost == sum(not fate for fate in results)
    assert network.duplicated == sum(len(fate) == 2 for fate in results)
    assert network.reordered == sum(delay > 0 for fate in results for delay in fate)


@pytest.mark.parametrize("wrong", [{"loss": 1.1}, {"duplicate": -0.1}, {"reorder": 2}])
def test_probabilities_outside_zero_to_one_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NetworkConditions(**wrong)


def test_a_negative_delay_is_refused():
    with pytest.raises(ValueError, match="delay_ms"):
        NetworkConditions(delay_ms=-1)
