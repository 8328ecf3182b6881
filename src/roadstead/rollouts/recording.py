"""How a change of a rollout is told: to the audit trail, and to all processes.

Audit rows come before outbox rows in a transaction: each has a lock on PostgreSQL, and one order
excludes a deadlock.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from roadstead.identity.model import Actor
from roadstead.identity.recording import record_change
from roadstead.rollouts.model import Policy, Rollout
from roadstead.storage import outbox

CHANGED: Final = "rollout.changed"
"""Outbox topic, keyed by rollout id: its state or its stage is another; payload: product, state."""

ASSIGNED: Final = "firmware.assigned"
"""Outbox topic, keyed by product id: assignments were written; payload: the devices."""

WITHDRAWN: Final = "firmware.withdrawn"
"""Outbox topic, keyed by rollout id: its assignments are gone; ``cut``: what it sends must stop;
``released``: a version whose release is gone, too."""

ENGINE: Final = Actor("", "rollouts", address="")
"""Who changes a rollout when no person does."""


def record(
    conn: Connection,
    actor: Actor,
    action: str,
    rollout: Rollout,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    at: datetime,
) -> None:
    """Writes the audit row of a change."""
    record_change(
        conn,
        actor,
        f"rollout.{action}",
        f"product/{rollout.product_id}/rollout/{rollout.id}",
        before,
        after,
        at=at,
    )


def record_policy(
    conn: Connection,
    actor: Actor,
    product_id: int,
    before: Policy | None,
    after: Policy | None,
    at: datetime,
) -> None:
    """Writes the audit row of a change of a product's policy."""
    record_change(
        conn,
        actor,
        "rollout_policy.set",
        f"product/{product_id}",
        None if before is None else msgspec.to_builtins(before),
        None if after is None else msgspec.to_builtins(after),
        at=at,
    )


def tell_changed(conn: Connection, rollout: Rollout) -> None:
    """Tells all processes; afterwards no audit row in this transaction."""
    payload = {"product": rollout.product_id, "state": rollout.state, "stage": rollout.stage}
    outbox.append(conn, CHANGED, rollout.id, payload)


def tell_assigned(conn: Connection, rollout: Rollout, device_ids: Sequence[str]) -> None:
    """Asks the deliveries to look at devices."""
    if device_ids:
        payload = {"devices": list(device_ids), "force": rollout.policy.consent == "force"}
        outbox.append(conn, ASSIGNED, str(rollout.product_id), payload)


def tell_withdrawn(conn: Connection, rollout: Rollout, *, cut: bool) -> None:
    """Tells the deliveries to send nothing more for this rollout, and to end what is under way."""
    payload: dict[str, object] = {"product": rollout.product_id, "cut": cut}
    if rollout.is_watch:
        payload["released"] = rollout.version
    outbox.append(conn, WITHDRAWN, rollout.id, payload)
