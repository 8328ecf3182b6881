"""Does this reader get this event? Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from roadstead.events.model import Event
from roadstead.events.visibility import visible_to


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a reader asked for, within what it may see.

    Either ``owner_id`` or ``product_ids`` says whose events; the other fields never widen that.

    Attributes:
        owner_id: user id of the account that reads its own events.
        device_ids: only events from or about these devices (24-hex ids); None for all of them,
            those that were published by the API included.
        prefix: beginning of the names asked for, case-sensitive; empty for all.
        product_ids: the products whose events are read: one, or those of an organization.
    """

    owner_id: str | None = None
    device_ids: frozenset[str] | None = None
    prefix: str = ""
    product_ids: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if (self.owner_id is None) == (self.product_ids is None):
            raise ValueError("a filter is of an account or of products")


Filters = tuple[EventFilter, ...]
"""A reader gets what any of its filters lets through, each event once."""


def matches(event: Event, wanted: EventFilter) -> bool:
    """Whether the reader with this filter gets this event."""
    if wanted.owner_id is not None:
        if not visible_to(event, wanted.owner_id):
            return False
    elif event.product_id not in (wanted.product_ids or ()):
        return False
    if wanted.device_ids is not None and event.device_id not in wanted.device_ids:
        return False
    return event.name.startswith(wanted.prefix)


def matches_any(event: Event, wanted: Iterable[EventFilter]) -> bool:
    """Whether the reader with these filters gets this event."""
    return any(matches(event, one) for one in wanted)


def shows_product(event: Event, wanted: Iterable[EventFilter]) -> bool:
    """Whether the reader gets it as one of a product, with the fields of product streams."""
    return any(one.product_ids is not None and matches(event, one) for one in wanted)
