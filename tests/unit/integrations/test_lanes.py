"""Deliveries of one hook in memory: a lane against everything that may happen to it."""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.builders.events import make_event
from tests.builders.hooks import make_hook

from roadstead.integrations.lanes import CONCURRENCY, Lane
from roadstead.integrations.model import Batch, Delivery

DEVICES = ["a" * 24, "b" * 24]


def make_delivery(number: int, at_ms: int = 0, device: str = DEVICES[0]) -> Delivery:
    return Delivery(number, "h", make_event(device_id=device), at_ms, at_ms)


def filled(count: int, hook=None, capacity: int = 500) -> Lane:
    lane = Lane(hook or make_hook(), capacity=capacity)
    for number in range(count):
        here = lane.reserve(number)
        lane.commit(make_delivery(number), here=here)
    return lane


def test_as_many_as_may_be_under_way():
    lane = filled(100)
    taken = []
    while batch := lane.take(0):
        taken += batch
    assert [one.id for one in taken] == list(range(CONCURRENCY))
    lane.finish([taken[0]])
    assert [one.id for one in lane.take(0)] == [CONCURRENCY]


def test_what_does_not_fit_spills_and_so_does_what_comes_after():
    lane = filled(10, capacity=8)
    assert lane.spilled
    assert not lane.wants_load(0)
    for _ in range(8):
        lane.finish(lane.take(0))
    assert not lane.reserve(10)  # it would overtake 8 and 9
    lane.commit(make_delivery(10), here=False)
    assert lane.wants_load(0)
    token = lane.begin_load()
    lane.end_load(token, map(make_delivery, (8, 9, 10)), whole=True, next_at_ms=None)
    assert not lane.spilled
    assert lane.reserve(11)


def test_a_load_that_may_have_missed_something_is_repeated():
    lane = filled(10, capacity=8)
    for _ in range(8):
        lane.finish(lane.take(0))
    assert not lane.reserve(10)  # not committed yet: the load cannot find it
    token = lane.begin_load()
    lane.end_load(token, map(make_delivery, (8, 9)), whole=True, next_at_ms=None)
    assert lane.spilled
    lane.commit(make_delivery(10), here=False)
    token = lane.begin_load()
    assert not lane.reserve(11)  # spilled during the load
    lane.commit(make_delivery(11), here=False)
    lane.end_load(token, [make_delivery(10)], whole=True, next_at_ms=None)
    assert lane.spilled


def test_what_is_due_during_a_load_is_not_forgotten():
    lane = filled(0)
    lane.note_due(5)
    token = lane.begin_load()
    lane.note_due(7)
    lane.end_load(token, [], whole=True, next_at_ms=50)
    assert lane.load_at_ms == 7


def test_batches_wait_for_company_but_not_for_long():
    lane = filled(3, make_hook(batch=Batch(max_events=5, max_wait_ms=1000)))
    assert lane.take(999) == []
    assert lane.wake_at_ms(999) == 1000
    assert len(lane.take(1000)) == 3
    lane = filled(7, make_hook(batch=Batch(max_events=5, max_wait_ms=1000)))
    assert len(lane.take(0)) == 5
    assert lane.take(0) == []


def test_a_held_lane_starts_nothing():
    lane = filled(3)
    lane.hold(500, "host_asleep")
    assert lane.take(499) == []
    assert lane.wake_at_ms(0) == 500
    assert lane.take(500)
    lane.hold(900, "host_asleep")
    lane.let_go()
    assert lane.take(500)


def test_in_order_one_at_a_time_per_device():
    lane = Lane(make_hook(ordered=True))
    for number in range(4):
        lane.reserve(number)
        lane.commit(make_delivery(number, device=DEVICES[number % 2]), here=True)
    first, second = lane.take(0), lane.take(0)
    assert [first[0].id, second[0].id] == [0, 1]
    assert lane.take(0) == []
    first[0].next_at_ms = 100
    lane.put_back(first)
    assert lane.take(50) == []
    assert lane.wake_at_ms(50) == 100
    lane.finish(second)
    assert lane.take(50)[0].id == 3
    assert lane.take(100)[0].id == 0


def test_a_changed_hook_reads_anew():
    lane = filled(5)
    under_way = lane.take(0)
    lane.reshape(make_hook(ordered=True))
    assert (lane.waiting, lane.known, lane.spilled) == (0, {0}, True)
    lane.finish(under_way)
    assert lane.known == set()


class OrderedLane(RuleBasedStateMachine):
    """Any mix of commits, loads, failures and successes keeps each device's order."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane(make_hook(ordered=True), capacity=6)
        self.number = 0
        self.uncommitted: list[tuple[Delivery, bool]] = []
        self.stored: dict[int, Delivery] = {}
        self.under_way: list[list[Delivery]] = []
        self.done: dict[str, list[int]] = {device: [] for device in DEVICES}
        self.load: tuple[int, list[Delivery], bool] | None = None

    @rule(device=st.sampled_from(DEVICES))
    def accept(self, device: str) -> None:
        delivery = make_delivery(self.number, device=device)
        self.number += 1
        self.uncommitted.append((delivery, self.lane.reserve(delivery.id)))

    @rule()
    def commit(self) -> None:
        if self.uncommitted:
            delivery, here = self.uncommitted.pop(0)
            self.stored[delivery.id] = delivery
            self.lane.commit(delivery, here=here)

    @rule()
    def start(self) -> None:
        if batch := self.lane.take(0):
            self.under_way.append(batch)

    @rule(which=st.integers(0, 9), ok=st.booleans())
    def end(self, which: int, ok: bool) -> None:
        if not self.under_way:
            return
        batch = self.under_way.pop(which % len(self.under_way))
        if ok:
            self.lane.finish(batch)
            self.done[batch[0].device_key].append(batch[0].id)
            del self.stored[batch[0].id]
        else:
            self.lane.put_back(batch)

    @rule()
    def begin_load(self) -> None:
        if self.load is None and self.lane.wants_load(0):
            token = self.lane.begin_load()
            limit = self.lane.capacity - len(self.lane.known)
            free = [one for number, one in sorted(self.stored.items())]
            taken = [one for one in free if one.id not in self.lane.known]
            self.load = token, taken[:limit], len(taken) <= limit

    @rule()
    def end_load(self) -> None:
        if self.load is not None:
            token, found, whole = self.load
            self.load = None
            self.lane.end_load(token, found, whole=whole, next_at_ms=None)

    @invariant()
    def in_order(self) -> None:
        for numbers in self.done.values():
            assert numbers == sorted(numbers)

    def teardown(self) -> None:
        for _ in range(20 + 6 * self.number):
            self.commit()
            self.begin_load()
            self.end_load()
            self.start()
            self.end(0, ok=True)
        assert not self.stored
        assert sum(map(len, self.done.values())) == self.number


TestOrderedLane = OrderedLane.TestCase
TestOrderedLane.settings = hypothesis_settings(max_examples=60, stateful_step_count=60)
