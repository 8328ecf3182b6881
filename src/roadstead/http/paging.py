"""Pages of a list: the two spellings that clients use, and their limits.

Source: particle cloud notes §2.0.
"""

from collections.abc import Mapping

from roadstead.http.operation import QueryParameter
from roadstead.kit.errors import Invalid

DEFAULT_PER_PAGE = 25
"""Source: particle cloud notes §2.0."""

MAX_PER_PAGE = 1000
MAX_PAGE = 1_000_000

PAGE_PARAMETERS = (
    QueryParameter("page", "Number of the page, from 1."),
    QueryParameter("per_page", f"Rows of a page, up to {MAX_PER_PAGE}; perPage is read too."),
)


def page_of(query: Mapping[str, str]) -> tuple[int, int]:
    """The number of the wanted page, and how many rows it has.

    Raises:
        Invalid: ``invalid_request``.
    """
    per_page = query.get("per_page", query.get("perPage", ""))
    return (
        _number("page", query.get("page", ""), 1, MAX_PAGE),
        _number("per_page", per_page, DEFAULT_PER_PAGE, MAX_PER_PAGE),
    )


def _number(name: str, text: str, default: int, highest: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:10]) <= highest:
        raise Invalid("invalid_request", f"{name} must be a number from 1 to {highest}.")
    return int(text)
