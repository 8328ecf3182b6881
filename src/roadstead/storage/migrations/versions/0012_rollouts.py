"""Rollouts with their devices and looks; what devices are compared with.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "rollouts",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("previous_version", sa.Integer(), nullable=True),
        sa.Column("groups", Json(), nullable=False),
        sa.Column("filter_text", sa.Text(), nullable=False),
        sa.Column("policy", Json(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("totals", Json(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("offered", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.String(length=48), nullable=False),
        sa.Column("stage_cursor", sa.String(length=48), nullable=False),
        sa.Column("stage_opened_at", UtcTimestamp(), nullable=True),
        sa.Column("soaking_since", UtcTimestamp(), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("last_look_at", UtcTimestamp(), nullable=True),
        sa.Column("extended_at", UtcTimestamp(), nullable=True),
        sa.Column("paused_at", UtcTimestamp(), nullable=True),
        sa.Column("odd", Json(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("last_offer_at", UtcTimestamp(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcTimestamp(), nullable=True),
        sa.Column("created_by", sa.String(length=24), nullable=False),
        sa.Column("created_by_name", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("approved_by", sa.String(length=24), nullable=True),
        sa.Column("started_at", UtcTimestamp(), nullable=True),
        sa.Column("ended_at", UtcTimestamp(), nullable=True),
        sa.Column("intelligent", sa.Boolean(), nullable=False),
        sa.Column("rollback_of", sa.String(length=24), nullable=True),
        sa.Column("replaced", Json(), nullable=False),
        sa.Column("leased_by", sa.String(length=32), nullable=True),
        sa.Column("leased_until", UtcTimestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_rollouts_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
    )
    op.create_index("ix_rollouts_due", "rollouts", ["due_at"])
    op.create_index("ix_rollouts_of_product", "rollouts", ["product_id", "created_at"])
    op.create_table(
        "rollout_members",
        sa.Column("rollout_id", sa.String(length=24), nullable=False),
        sa.Column("order", sa.String(length=48), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("assigned", sa.Boolean(), nullable=False),
        sa.Column("previous_version", sa.Integer(), nullable=True),
        sa.Column("offered_at", UtcTimestamp(), nullable=True),
        sa.Column("ended_at", UtcTimestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_members_rollout_id")
        ),
        sa.PrimaryKeyConstraint("rollout_id", "order", name=op.f("pk_rollout_members")),
        sa.UniqueConstraint(
            "rollout_id", "device_id", name=op.f("uq_rollout_members_rollout_id_device_id")
        ),
    )
    op.create_index(
        "ix_rollout_members_by_state", "rollout_members", ["rollout_id", "state", "zone", "order"]
    )
    op.create_index("ix_rollout_members_of_device", "rollout_members", ["device_id"])
    op.create_table(
        "rollout_looks",
        sa.Column("rollout_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("at", UtcTimestamp(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", Json(), nullable=False),
        sa.Column("verdict", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_looks_rollout_id")
        ),
        sa.PrimaryKeyConstraint("rollout_id", "number", name=op.f("pk_rollout_looks")),
    )
    op.create_table(
        "rollout_baselines",
        sa.Column("rollout_id", sa.String(length=24), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("rates", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout_id"], ["rollouts.id"], name=op.f("fk_rollout_baselines_rollout_id")
        ),
        sa.PrimaryKeyConstraint("rollout_id", "device_id", name=op.f("pk_rollout_baselines")),
    )
    op.create_table(
        "device_traces",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_traces")),
    )
    op.create_table(
        "device_pasts",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_pasts")),
    )
