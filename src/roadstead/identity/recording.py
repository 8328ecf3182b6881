"""The audit row of a change that somebody made, to an account or to anything else."""

from datetime import datetime

from sqlalchemy import Connection

from roadstead.audit import trail
from roadstead.identity.model import Actor, User

Facts = dict[str, object] | None

ACCESS_CHANGED = "access.changed"
"""Outbox topic: what a user may reach has changed; keyed by user id, empty for everybody."""


def record_change(
    conn: Connection,
    actor: Actor,
    action: str,
    target: str,
    before: Facts,
    after: Facts,
    *,
    at: datetime,
    scope: str | None = None,
) -> None:
    """Writes the row in the transaction of the change; before its outbox rows.

    The arguments are those of ``audit.trail.record``, of which the actor gives three.
    """
    trail.record(
        conn,
        actor_id=actor.user_id,
        actor_name=actor.username,
        address=actor.address,
        action=action,
        target=target,
        before=before,
        after=after,
        at=at,
        scope=scope,
    )


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
    """The row of a change to an account."""
    record_change(conn, actor, action, f"user/{user_id}", before, after, at=at)


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
