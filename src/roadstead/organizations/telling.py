"""How a change of a team or an organization is told: to the trail, and to whoever is concerned.

All rows of the audit trail come before all rows of the outbox: each has a lock on PostgreSQL, and
one order excludes a deadlock.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity.model import Actor
from roadstead.identity.recording import ACCESS_CHANGED, record_change
from roadstead.storage import outbox

Facts = dict[str, object] | None


def record(
    conn: Connection,
    actor: Actor,
    action: str,
    team: str,
    before: Facts,
    after: Facts,
    at: datetime,
) -> None:
    """Writes the audit row of a change that was made to a team, which its key names."""
    record_change(
        conn,
        actor,
        action,
        team,
        before,
        after,
        at=at,
    )


def announce(conn: Connection, user_ids: Iterable[str]) -> None:
    """Tells that these people reach other things than before; afterwards no audit row."""
    for user_id in user_ids:
        outbox.append(conn, ACCESS_CHANGED, user_id)
