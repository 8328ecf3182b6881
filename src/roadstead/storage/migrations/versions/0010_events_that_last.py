"""Events without indexes; segments of the history, and named subscriptions.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drops the indexes of events; segments of what is there are written by the server."""
    op.drop_index(op.f("ix_events_device_id_id"), "events")
    op.drop_index(op.f("ix_events_owner_id_id"), "events")
    op.create_table(
        "event_segments",
        sa.Column(
            "first_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("first_id", name=op.f("pk_event_segments")),
    )
    op.create_table(
        "event_places",
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=25), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("segment_id", "place", name=op.f("pk_event_places")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_volumes",
        sa.Column("payer", sa.String(length=25), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("payer", "segment_id", name=op.f("pk_event_volumes")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_event_volumes_segment_id"), "event_volumes", ["segment_id"])
    op.create_table(
        "event_subscriptions",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner_id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("wanted", Json(), nullable=False),
        sa.Column("ack", sa.String(length=8), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("used_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_subscriptions")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_event_subscriptions_owner_id_name")),
    )
    op.create_index(op.f("ix_event_subscriptions_used_at"), "event_subscriptions", ["used_at"])
