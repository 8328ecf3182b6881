"""Products that are being deleted.

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "product_endings",
        sa.Column("product_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", Json(), nullable=False),
        sa.Column("asked_at", UtcTimestamp(), nullable=False),
        sa.Column("total_devices", sa.Integer(), nullable=False),
        sa.Column("removed_devices", sa.Integer(), nullable=False),
        sa.Column("files", Json(), nullable=True),
        sa.Column("lease_owner", sa.String(length=24), nullable=True),
        sa.Column("lease_until", UtcTimestamp(), nullable=True),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_endings")),
    )
