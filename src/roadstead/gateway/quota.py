"""How many messages of one device are taken in a second.

One device that runs wild, or is made to, must not take the loop from all others. What is beyond the
quota is dropped unread: a device repeats what matters to it, at growing distances.
"""

from typing import Generic, TypeVar

Device = TypeVar("Device")

MESSAGES_PER_S = 1000
"""Far above what a device does: an application may publish once a second, and a fast update is
answered some hundred times. It is a thirtieth of what one core takes in."""

WINDOW_S = 1.0


class MessageQuota(Generic[Device]):
    """Counts the messages of each device in the present second.

    Args:
        limit: messages of one device in a window.
        now: monotonic seconds.
    """

    __slots__ = ("_counts", "_ends_at", "_limit")

    def __init__(self, limit: int, now: float) -> None:
        self._limit = limit
        self._counts: dict[Device, int] = {}
        self._ends_at = now + WINDOW_S

    def take(self, device: Device, now: float) -> bool:
        """Counts one message; False when it is beyond the quota."""
        if now >= self._ends_at:
            self._ends_at = now + WINDOW_S
            self._counts = {}
        count = self._counts.get(device, 0)
        if count >= self._limit:
            return False
        self._counts[device] = count + 1
        return True
