"""One coarse timer for every device: a deadline is a bucket of whole ticks.

A device's deadline moves with each of its messages. The wheel is therefore not told of messages:
when a bucket is due, its owner looks at when the device was last heard and puts it back. Adding,
moving and removing cost one dictionary operation each, whatever the number of devices.
"""

from typing import Generic, Protocol, TypeVar

NOT_SCHEDULED = -1
"""Value of ``wheel_tick`` for an item that is in no bucket."""


class Scheduled(Protocol):
    """What the wheel needs of an item: hashable by identity, and a place to note its bucket."""

    wheel_tick: int


Item = TypeVar("Item", bound=Scheduled)


class TimerWheel(Generic[Item]):
    """Deadlines of many items, rounded up to whole ticks.

    Args:
        now: monotonic seconds at the start.
        tick_s: width of a bucket in seconds; an item is due at most this much late.
    """

    def __init__(self, now: float, *, tick_s: float = 1.0) -> None:
        self._tick_s = tick_s
        self._done = int(now / tick_s)
        self._buckets: dict[int, dict[Item, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Number of items that wait."""
        return self._count

    def schedule(self, item: Item, at: float) -> None:
        """Makes ``item`` due at ``at`` (monotonic seconds), instead of any earlier deadline."""
        self.cancel(item)
        tick = max(int(at / self._tick_s) + 1, self._done + 1)
        item.wheel_tick = tick
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = {}
        bucket[item] = None
        self._count += 1

    def schedule_early(self, item: Item, at: float) -> None:
        """Makes ``item`` due by ``at``; an earlier deadline stands, and is to be looked at then.

        For deadlines that mostly move away: moving them each time would cost more than a look.
        """
        if item.wheel_tick == NOT_SCHEDULED or item.wheel_tick > int(at / self._tick_s) + 1:
            self.schedule(item, at)

    def cancel(self, item: Item) -> None:
        """Takes ``item`` out; nothing happens if it is not in."""
        if item.wheel_tick == NOT_SCHEDULED:
            return
        bucket = self._buckets[item.wheel_tick]
        del bucket[item]
        if not bucket:
            del self._buckets[item.wheel_tick]
        item.wheel_tick = NOT_SCHEDULED
        self._count -= 1

    def take_due(self, now: float, limit: int) -> list[Item]:
        """Takes out the items that are due, at most ``limit`` of them, in order of their ticks.

        Those left over come with the next call: a thousand deadlines at once never hold the loop.
        """
        due: list[Item] = []
        current = int(now / self._tick_s)
        while self._done < current:
            bucket = self._buckets.get(self._done + 1)
            while bucket and len(due) < limit:
                item, _ = bucket.popitem()
                item.wheel_tick = NOT_SCHEDULED
                self._count -= 1
                due.append(item)
            if bucket:
                return due
            self._buckets.pop(self._done + 1, None)
            self._done += 1
        return due
