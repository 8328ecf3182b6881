"""Who holds how many of something scarce, so that whoever holds the most gives way first."""

from collections.abc import Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Shares(Generic[Item]):
    """Items by their holders; every question and change takes constant time.

    Attributes:
        most: number of items of the holder that has the most; 0 when there are none.
    """

    __slots__ = ("_by_number", "_of_holder", "most")

    def __init__(self) -> None:
        self._of_holder: dict[str, dict[Item, None]] = {}
        self._by_number: dict[int, dict[str, None]] = {}
        self.most = 0

    def count(self, holder: str) -> int:
        """Number of items that this holder has."""
        return len(self._of_holder.get(holder, ()))

    def heaviest(self) -> Iterable[Item]:
        """The items of a holder that has the most, the oldest first; empty when there are none."""
        for holder in self._by_number.get(self.most, ()):
            return self._of_holder[holder]
        return ()

    def add(self, holder: str, item: Item) -> None:
        """Gives a new item to a holder."""
        items = self._of_holder.setdefault(holder, {})
        items[item] = None
        self._recount(holder, len(items) - 1, len(items))

    def remove(self, holder: str, item: Item) -> None:
        """Takes an item that the holder has."""
        items = self._of_holder[holder]
        del items[item]
        self._recount(holder, len(items) + 1, len(items))
        if not items:
            del self._of_holder[holder]

    def _recount(self, holder: str, before: int, after: int) -> None:
        if before:
            of_number = self._by_number[before]
            del of_number[holder]
            if not of_number:
                del self._by_number[before]
        if after:
            self._by_number.setdefault(after, {})[holder] = None
        # It changes by one at a time: whoever had the most alone has one less now, or none.
        if after > self.most or self.most not in self._by_number:
            self.most = after
