"""The audit row of a change to an account."""

from datetime import datetime

from sqlalchemy import Connection

from roadstead.audit import trail
from roadstead.identity.model import Actor, User

Facts = dict[str, object] | None

ACCESS_CHANGED = "access.changed"
"""Outbox topic: what a user may reach has changed; keyed by user id, empty for everybody."""


def record(
    conn: Connection,
    actor: Actor,
    action: str,
    user_id: str,
    before: Facts,
    after: Facts,
    *,
    at: datetime,
) -> None:
    """Writes the row in the transaction of the change; before its outbox rows."""
    trail.record(
        conn,
        actor_id=actor.user_id,
        actor_name=actor.username,
        address=actor.address,
        action=action,
        target=f"user/{user_id}",
        before=before,
        after=after,
        at=at,
    )


def actor_of(user: User, address: str) -> Actor:
    """An account whose holder proved to be this user by something else than an access token."""
    return Actor(
        user_id=user.id,
        username=user.email,
        is_admin=user.is_admin,
        address=address,
        kind=user.kind,
        product_id=user.product_id,
        organization_id=user.organization_id,
    )
