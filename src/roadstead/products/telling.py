"""How a change of a product is told: to the audit trail, and to the caches of all processes.

As for devices, all rows of the audit trail come before all rows of the outbox.
"""

from datetime import datetime

from sqlalchemy import Connection

from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.storage import outbox

PRODUCT_CHANGED = "product.changed"
"""Outbox topic, keyed by product id: name, slug, owner or settings changed, or it is gone."""

Facts = dict[str, object] | None


def record(
    conn: Connection,
    actor: Actor,
    action: str,
    product_id: int,
    before: Facts,
    after: Facts,
    at: datetime,
) -> None:
    """Writes the audit row of a change that a person made."""
    record_change(
        conn,
        actor,
        action,
        f"product/{product_id}",
        before,
        after,
        at=at,
    )


def announce(conn: Connection, product_id: int) -> None:
    """Writes the outbox row of a change; afterwards no audit row in this transaction."""
    outbox.append(conn, PRODUCT_CHANGED, str(product_id))
