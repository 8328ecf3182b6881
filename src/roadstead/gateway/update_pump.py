"""When which transfer may send: turns between devices, and bytes per second for all of them.

Chunks leave in short turns, so that what other devices said is answered in between; within a turn
each transfer gets a few chunks and then goes to the end of its product's line. Products take turns,
so that what one may send per second does not depend on how many devices another updates.
"""

from typing import Generic, Protocol, TypeVar

from roadstead.gateway.timer_wheel import TimerWheel
from roadstead.kit.fair_line import FairLine

TICK_S = 0.005
"""Width of a tick of the transfers' timers. The classic transfer sends a chunk each 20 ms."""

TURN_CHUNKS = 256
"""Chunks of all devices in one turn of the event loop: about 2 ms of work, the longest that the
acknowledgement of another device's event waits behind updates."""

SHARE_CHUNKS = 16
"""Chunks of one device before the next gets its share; they leave in one call to the kernel."""

DUE_LIMIT = 1000
"""Timers looked at in one turn."""

BURST_S = 0.05
"""Seconds of the permitted rate that may be sent at once after a pause."""


class Sender(Protocol):
    """A transfer in the line.

    Attributes:
        wheel_tick: its place in the wheel.
        in_line: whether it stands in the line.
        share: with whom it shares its turns: the product of its device; it never changes.
    """

    wheel_tick: int
    in_line: bool
    share: int | None


Item = TypeVar("Item", bound=Sender)


class SendingLine(Generic[Item]):
    """Who sends next.

    Args:
        now: monotonic seconds.
        bytes_per_s: content of all transfers together.
    """

    def __init__(self, now: float, bytes_per_s: float) -> None:
        self._rate = bytes_per_s
        self._allowed = bytes_per_s * BURST_S
        self._filled_at = now
        self._line: FairLine[int | None, Item] = FairLine()
        self._wheel: TimerWheel[Item] = TimerWheel(now, tick_s=TICK_S)

    def enter(self, item: Item) -> None:
        """Puts a transfer that may have something to send at the end of the line."""
        if not item.in_line:
            item.in_line = True
            self._line.append(item.share, item)

    def rest(self, item: Item, until: float) -> None:
        """Lets a transfer wait until a moment; it may be asked earlier."""
        if not item.in_line:
            self._wheel.schedule_early(item, until)

    def leave(self, item: Item) -> None:
        """Takes a transfer out."""
        self._wheel.cancel(item)
        if item.in_line:
            item.in_line = False
            self._line.remove(item.share, item)

    def next_sender(self, now: float) -> Item | None:
        """Who may send now; None when nobody wants to, or the rate is used up."""
        for item in self._wheel.take_due(now, DUE_LIMIT):
            self.enter(item)
        self._fill(now)
        if not len(self._line) or self._allowed <= 0:
            return None
        item = self._line.pop()
        item.in_line = False
        return item

    def spend(self, sent_bytes: int) -> None:
        """Counts what was sent against the rate."""
        self._allowed -= sent_bytes

    def pause_s(self) -> float | None:
        """Seconds until somebody may send; 0 for at once, None when nobody waits."""
        if len(self._line):
            return 0.0 if self._allowed > 0 else max(-self._allowed / self._rate, TICK_S)
        return TICK_S if len(self._wheel) else None

    def _fill(self, now: float) -> None:
        gained = (now - self._filled_at) * self._rate
        self._filled_at = now
        self._allowed = min(self._rate * BURST_S, self._allowed + gained)
