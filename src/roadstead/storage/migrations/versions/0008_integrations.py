"""Integrations and their deliveries.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the two tables."""
    op.create_table(
        "integrations",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("created_by", sa.String(length=24), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations")),
    )
    op.create_index(
        op.f("ix_integrations_owner_kind_owner_id_id"),
        "integrations",
        ["owner_kind", "owner_id", "id"],
    )
    op.create_table(
        "deliveries",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("hook_id", sa.String(length=24), nullable=False),
        sa.Column("event_name", sa.Text(), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=True),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("taken_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("request", Json(), nullable=True),
        sa.Column("response", Json(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("log", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    waits = sa.text("state = 'waiting'")
    for name, columns in (
        ("ix_deliveries_waiting_due", ["hook_id", "next_at_ms"]),
        ("ix_deliveries_waiting_order", ["hook_id", "id"]),
    ):
        op.create_index(name, "deliveries", columns, sqlite_where=waits, postgresql_where=waits)
    dead = sa.text("outcome IN ('failed', 'rejected', 'expired')")
    op.create_index(
        "ix_deliveries_dead",
        "deliveries",
        ["hook_id", "id"],
        sqlite_where=dead,
        postgresql_where=dead,
    )
    op.create_index(op.f("ix_deliveries_hook_id_id"), "deliveries", ["hook_id", "id"])
    op.create_index(op.f("ix_deliveries_device_id_id"), "deliveries", ["device_id", "id"])
