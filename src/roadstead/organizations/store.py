"""The table ``plans``: one row for each owner whose plan was decided."""

from datetime import datetime
from typing import cast

from sqlalchemy import Column, Connection, String, Table, Text, select
from sqlalchemy.dialects import postgresql, sqlite

from roadstead.organizations.model import PlanName
from roadstead.storage.columns import UtcTimestamp, metadata

plans = Table(
    "plans",
    metadata,
    Column("owner_id", String(24), primary_key=True),
    Column("plan", Text, nullable=False),
    Column("changed_at", UtcTimestamp, nullable=False),
)


def find_plan(conn: Connection, owner_id: str) -> PlanName | None:
    """The plan that was set for this owner."""
    plan = conn.scalar(select(plans.c.plan).where(plans.c.owner_id == owner_id))
    return cast(PlanName | None, plan)


def find_changed_at(conn: Connection, owner_id: str) -> datetime | None:
    """When the plan of this owner was set."""
    return conn.scalar(select(plans.c.changed_at).where(plans.c.owner_id == owner_id))


def put_plan(conn: Connection, owner_id: str, plan: PlanName, at: datetime) -> None:
    """Sets the plan of this owner, whether one was set or not."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    row = insert(plans).values(owner_id=owner_id, plan=plan, changed_at=at)
    changed = {"plan": plan, "changed_at": at}
    conn.execute(row.on_conflict_do_update(index_elements=[plans.c.owner_id], set_=changed))


def ensure_plan(conn: Connection, owner_id: str, plan: PlanName, at: datetime) -> None:
    """Gives an owner without a plan this one, so that there is a row to lock."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    row = insert(plans).values(owner_id=owner_id, plan=plan, changed_at=at)
    conn.execute(row.on_conflict_do_nothing(index_elements=[plans.c.owner_id]))
