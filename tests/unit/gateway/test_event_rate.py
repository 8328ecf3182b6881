from roadstead.gateway.event_rate import SYSTEM_BURST, EventRate


def test_a_device_has_bursts_of_four_and_then_one_a_second():
    rate = EventRate(1.0)
    assert [rate.take("a", "temp", 10.0) for _ in range(5)] == [True] * 4 + [False]
    assert not rate.take("a", "temp", 10.9)
    assert rate.take("a", "temp", 11.0)
    assert not rate.take("a", "temp", 11.5)
    assert [rate.take("a", "temp", 100.0) for _ in range(5)] == [True] * 4 + [False]


def test_devices_and_the_systems_own_events_have_allowances_of_their_own():
    rate = EventRate(1.0)
    assert all(rate.take("a", "temp", 0.0) for _ in range(4))
    assert rate.take("b", "temp", 0.0)
    taken = [rate.take("a", "spark/status", 0.0) for _ in range(SYSTEM_BURST + 1)]
    assert taken == [True] * SYSTEM_BURST + [False]


def test_a_rate_below_a_quarter_still_lets_one_event_through():
    rate = EventRate(0.1)
    assert rate.take("a", "temp", 0.0)
    assert not rate.take("a", "temp", 9.0)
    assert rate.take("a", "temp", 10.0)
