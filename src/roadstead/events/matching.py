"""Does this reader get this event? Pure."""

from dataclasses import dataclass

from roadstead.events.model import Event
from roadstead.events.visibility import visible_to


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a reader asked for, within what its account may see.

    Attributes:
        owner_id: user id of the account that reads; never widened by the other fields.
        device_ids: only events from or about these devices (24-hex ids); None for all events of
            the account, those that it published by the API included.
        prefix: beginning of the names asked for, case-sensitive; empty for all.
    """

    owner_id: str
    device_ids: frozenset[str] | None = None
    prefix: str = ""


def matches(event: Event, wanted: EventFilter) -> bool:
    """Whether the reader with this filter gets this event."""
    if not visible_to(event, wanted.owner_id):
        return False
    if wanted.device_ids is not None and event.device_id not in wanted.device_ids:
        return False
    return event.name.startswith(wanted.prefix)
