"""Whose streams and histories may show an event. Pure.

All events are private. An account sees those of the devices that it owned when the event was
accepted, and those that it published; a product, and through it its team, sees those of its devices
and those published into it. An event of a device that nobody owns and that is in no product is
shown to nobody.
Source: particle cloud notes §3.6.2.
"""

from roadstead.events.model import Event

NOBODY = "-"
"""Payer of events that nobody can see."""


def account_of(event: Event) -> str | None:
    """User id of the one account whose streams show this event; None when none does."""
    return event.owner_id or None


def visible_to(event: Event, account_id: str) -> bool:
    """Whether the streams of this account may show the event."""
    return bool(account_id) and account_of(event) == account_id


def account_scope(user_id: str) -> str:
    """The name of an account among those who keep and see events."""
    return f"u{user_id}"


def product_scope(product_id: int) -> str:
    """The name of a product likewise."""
    return f"p{product_id}"


def payer_of(owner_id: str | None, product_id: int | None) -> str:
    """The one scope to whose plan an event is kept: the product if there is one."""
    if product_id is not None:
        return product_scope(product_id)
    return account_scope(owner_id) if owner_id else NOBODY
