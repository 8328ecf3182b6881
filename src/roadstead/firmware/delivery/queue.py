"""The open deliveries of this process in memory, and the line of those that want their turn.

Products take turns: one that updates a hundred thousand devices does not hold up another's ten.
The rows are the truth; this is their working copy, loaded at the start.
"""

from collections.abc import Callable, Iterator

from roadstead.firmware.delivery.model import Delivery
from roadstead.kit.fair_line import FairLine


class DeliveryQueue:
    """Open deliveries by device; a device has one at most."""

    def __init__(self) -> None:
        self._open: dict[str, Delivery] = {}
        self._line: FairLine[int | None, str] = FairLine()
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
        """Puts a device at the end of its product's line, once."""
        if device_id not in self._in_line:
            delivery = self._open.get(device_id)
            self._in_line.add(device_id)
            self._line.append(None if delivery is None else delivery.product_id, device_id)

    def next_in_line(self, may: Callable[[int | None], bool] = lambda _: True) -> Delivery | None:
        """The next delivery that still wants a transfer, of a product that may; None for none."""
        while (device_id := self._line.pop_if(may)) is not None:
            self._in_line.discard(device_id)
            delivery = self._open.get(device_id)
            if delivery is not None and delivery.state == "queued":
                return delivery
        return None
