"""Counts of what fleets do.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "fleet_counts",
        sa.Column("product_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("metric", sa.String(length=20), nullable=False),
        sa.Column("device_group", sa.Text(), nullable=False),
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("firmware", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "product_id",
            "metric",
            "device_group",
            "minute",
            "firmware",
            "system",
            name=op.f("pk_fleet_counts"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_fleet_counts_minute"), "fleet_counts", ["minute"])
