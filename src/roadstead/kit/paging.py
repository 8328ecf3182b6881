"""A page of results."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a longer list.

    Attributes:
        items: the rows of this page, in order.
        page: number of this page, from 1.
        per_page: largest number of rows in a page.
        total: rows in the whole list.
    """

    items: list[Item]
    page: int
    per_page: int
    total: int

    @property
    def total_pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // self.per_page))
