"""The open deliveries of this process in memory, and the line of those that want their turn.

The rows are the truth; this is their working copy, loaded at the start.
"""

from collections import deque
from collections.abc import Iterator

from roadstead.firmware.delivery.model import Delivery


class DeliveryQueue:
    """Open deliveries by device; a device has one at most."""

    def __init__(self) -> None:
        self._open: dict[str, Delivery] = {}
        self._line: deque[str] = deque()
        self._in_line: set[str] = set()

    def __len__(self) -> int:
        """Number of open deliveries."""
        return len(self._open)

    def __iter__(self) -> Iterator[Delivery]:
        """The open deliveries; they may be removed meanwhile."""
        return iter(tuple(self._open.values()))

    def find(self, device_id: str) -> Delivery | None:
        """The open delivery to a device."""
        return self._open.get(device_id)

    def add(self, delivery: Delivery) -> None:
        """Takes in an open delivery."""
        self._open[delivery.device_id] = delivery

    def remove(self, delivery: Delivery) -> None:
        """Forgets one that has ended."""
        if self._open.get(delivery.device_id) is delivery:
            del self._open[delivery.device_id]

    def line_up(self, device_id: str) -> None:
        """Puts a device at the end of the line, once."""
        if device_id not in self._in_line:
            self._in_line.add(device_id)
            self._line.append(device_id)

    def next_in_line(self) -> Delivery | None:
        """The next delivery that still wants a transfer; None when the line is empty."""
        while self._line:
            device_id = self._line.popleft()
            self._in_line.discard(device_id)
            delivery = self._open.get(device_id)
            if delivery is not None and delivery.state == "queued":
                return delivery
        return None
