"""Whose account may see an event. Pure.

All events are private: they belong to the account that owned the device when the event was
accepted, or that published it. An event of a device that nobody owns is in nobody's stream.
Source: particle cloud notes §3.6.2.
"""

from roadstead.events.model import Event


def account_of(event: Event) -> str | None:
    """User id of the one account whose streams show this event; None when none does."""
    return event.owner_id or None


def visible_to(event: Event, account_id: str) -> bool:
    """Whether the streams of this account may show the event."""
    return bool(account_id) and account_of(event) == account_id
