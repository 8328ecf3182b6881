import pytest

from roadstead.http.callers import Caller
from roadstead.http.rate_limits import REQUESTS_PER_WINDOW, RateLimits
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import TooMany


def caller(address: str, *, is_local: bool = False) -> Caller:
    return Caller(address, is_local, "http", "cloud.test")


def test_the_general_limit_counts_all_requests_of_one_address_together():
    clock = ManualClock()
    limits = RateLimits(clock, enabled=True)
    for number in range(REQUESTS_PER_WINDOW):
        limits.admit(caller("198.51.100.7"), [f"operation {number}"], streams=False)
    with pytest.raises(TooMany) as refused:
        limits.admit(caller("198.51.100.7"), ["get_user"], streams=False)
    assert refused.value.detail["retry_after_s"] == 301
    limits.admit(caller("198.51.100.8"), ["get_user"], streams=False)
    clock.advance(300)
    limits.admit(caller("198.51.100.7"), ["get_user"], streams=False)


def test_the_general_limit_spares_this_machine():
    limits = RateLimits(ManualClock(), enabled=True)
    for _ in range(REQUESTS_PER_WINDOW + 1):
        limits.admit(caller("127.0.0.1", is_local=True), ["stream_events"], streams=True)


def test_event_streams_have_a_limit_of_their_own():
    limits = RateLimits(ManualClock(), enabled=True)
    for _ in range(100):
        limits.admit(caller("198.51.100.7"), ["stream_events"], streams=True)
    with pytest.raises(TooMany):
        limits.admit(caller("198.51.100.7"), ["stream_my_events"], streams=True)
    limits.admit(caller("198.51.100.7"), ["get_user"], streams=False)


def test_what_guesses_is_counted_for_this_machine_too():
    limits = RateLimits(ManualClock(), enabled=True)
    local = caller("127.0.0.1", is_local=True)
    for _ in range(100):
        limits.admit(local, ["create_token"], streams=False)
    with pytest.raises(TooMany):
        limits.admit(local, ["create_token"], streams=False)
    limits.admit(local, ["create_user"], streams=False)
