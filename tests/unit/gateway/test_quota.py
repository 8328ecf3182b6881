from roadstead.gateway.quota import WINDOW_S, MessageQuota


def test_each_device_has_its_own_quota_for_each_second() -> None:
    quota: MessageQuota[str] = MessageQuota(3, now=10.0)
    assert [quota.take("a", 10.0 + n / 10) for n in range(5)] == [True, True, True, False, False]
    assert quota.take("b", 10.5)
    assert not quota.take("a", 10.0 + WINDOW_S - 0.001)
    assert quota.take("a", 10.0 + WINDOW_S)
    assert [quota.take("a", 11.1) for _ in range(3)] == [True, True, False]
