"""A line in which nobody waits behind everybody of somebody else: turns between owners."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Owner = TypeVar("Owner", bound=Hashable)
Item = TypeVar("Item")


class FairLine(Generic[Owner, Item]):
    """Items in the order of their owners' turns; within an owner, first come, first served.

    An owner with a hundred thousand items and one with a single item each get every second turn
    while both have some. Each step is O(1), but for ``remove`` and for owners that may not.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[Owner, deque[Item]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        """Items in the line."""
        return self._size

    def append(self, owner: Owner, item: Item) -> None:
        """Puts an item behind the others of its owner."""
        line = self._lines.get(owner)
        if line is None:
            line = self._lines[owner] = deque()
        line.append(item)
        self._size += 1

    def pop(self) -> Item:
        """Takes the first item of the owner whose turn it is; that owner's next turn is the last.

        Raises:
            IndexError: the line is empty.
        """
        for owner in self._lines:
            return self._take(owner)
        raise IndexError("the line is empty")

    def pop_if(self, may: Callable[[Owner], bool]) -> Item | None:
        """The same for the first owner that may; the others keep their turns. None for none."""
        for owner in self._lines:
            if may(owner):
                return self._take(owner)
        return None

    def remove(self, owner: Owner, item: Item) -> None:
        """Takes an item out; O(n) in the items of its owner.

        Raises:
            ValueError: it is not there.
        """
        line = self._lines.get(owner)
        if line is None:
            raise ValueError("the item is not in the line")
        line.remove(item)
        self._size -= 1
        if not line:
            del self._lines[owner]

    def _take(self, owner: Owner) -> Item:
        line = self._lines[owner]
        item = line.popleft()
        self._size -= 1
        if line:
            self._lines.move_to_end(owner)
        else:
            del self._lines[owner]
        return item
