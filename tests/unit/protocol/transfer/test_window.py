"""Which chunk goes out next: bounds, losses, timers."""

from hypothesis import given, settings
from hypothesis import strategies as st

from roadstead.protocol.transfer.window import Pacing, SendWindow


def take(window: SendWindow, now: float) -> list[int]:
    taken: list[int] = []
    while indices := window.next_chunks(now, 5):
        taken += indices
    return taken


def test_the_first_flight_is_as_large_as_told_and_grows_with_reports() -> None:
    window = SendWindow(1000, 256, Pacing(flight_first=8, flight_max=16))
    assert take(window, 0.0) == list(range(1, 9))
    assert window.acknowledge(8, (), 0.1) == 8
    assert len(take(window, 0.1)) == 16


def test_no_chunk_goes_beyond_what_the_device_takes() -> None:
    window = SendWindow(1000, 4, Pacing(flight_first=8))
    assert take(window, 0.0) == [1, 2, 3, 4]
    window.acknowledge(1, (3,), 0.1)
    assert take(window, 0.1) == [5]


def test_a_chunk_that_two_others_overtook_is_not_lost_and_with_three_it_is() -> None:
    window = SendWindow(1000, 256, Pacing(flight_first=8))
    take(window, 0.0)
    window.acknowledge(0, (2, 3), 0.1)
    assert window.in_flight == 6
    window.acknowledge(0, (2, 3, 4), 0.1)
    assert window.in_flight == 4
    assert take(window, 0.1) == [1]


def test_a_loss_halves_the_flight_once() -> None:
    window = SendWindow(1000, 256, Pacing(flight_first=16, flight_max=16))
    take(window, 0.0)
    window.acknowledge(0, (10,), 0.1)
    assert window.in_flight == 16 - 1 - 7
    assert take(window, 0.1) == []
    window.acknowledge(0, (10, 11, 12), 0.1)
    # Eight may be under way: what was lost in the same flight does not halve it again.
    assert len(take(window, 0.1)) + window.in_flight >= 8
    assert window.in_flight == 8


def test_without_a_report_everything_is_sent_again_ever_more_slowly() -> None:
    window = SendWindow(4, 256, Pacing(rto_min_s=1.0, rto_max_s=4.0))
    assert take(window, 0.0) == [1, 2, 3, 4]
    now, pauses = 0.0, []
    for _ in range(5):
        due = window.next_timeout()
        assert due is not None
        window.handle_timeout(due - 0.01)
        assert take(window, due - 0.01) == []
        pauses.append(due - now)
        now = due
        window.handle_timeout(now)
        assert take(window, now)[0] == 1
    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0]


def test_a_slow_network_gets_more_patience() -> None:
    window = SendWindow(100, 256, Pacing(flight_first=4, rto_min_s=1.0))
    take(window, 0.0)
    window.acknowledge(4, (), 3.0)
    take(window, 3.0)
    due = window.next_timeout()
    assert due is not None and due >= 3.0 + 3.0


def test_chunks_keep_their_distance() -> None:
    window = SendWindow(10, 256, Pacing(interval_s=0.5))
    assert take(window, 0.0) == [1]
    assert window.next_timeout() == 0.5
    assert take(window, 0.4) == []
    assert take(window, 0.5) == [2]


def test_reports_that_go_back_or_ahead_change_nothing() -> None:
    window = SendWindow(100, 256, Pacing(flight_first=8))
    take(window, 0.0)
    assert window.acknowledge(9, (), 0.1) == 0
    assert window.acknowledge(4, (7, 50), 0.1) == 5
    assert window.acknowledge(3, (), 0.1) == 0
    assert window.acknowledge(4, (7,), 0.1) == 0
    assert window.confirmed == 5


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(1, 256),
    st.lists(
        st.tuples(st.integers(0, 70), st.lists(st.integers(0, 300), max_size=5), st.floats(0, 5)),
        max_size=30,
    ),
)
def test_bounds_hold_whatever_is_reported(
    count: int, device_window: int, reports: list[tuple[int, list[int], float]]
) -> None:
    pacing = Pacing(flight_first=8, flight_max=20)
    window = SendWindow(count, device_window, pacing)
    now, in_sequence = 0.0, 0
    for reported, beyond, pause_s in reports:
        sent = take(window, now)
        assert all(1 <= index <= min(count, in_sequence + device_window) for index in sent)
        assert window.in_flight <= pacing.flight_max
        now += pause_s
        window.handle_timeout(now)
        ahead = tuple(sorted({index for index in beyond if index > reported + 1}))
        if window.acknowledge(reported, ahead, now) and reported > in_sequence:
            in_sequence = reported
        assert window.confirmed <= count
        assert window.complete <= (window.confirmed == count)
