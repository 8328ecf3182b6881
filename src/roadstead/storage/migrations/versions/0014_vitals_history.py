"""The history of vitals.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "vitals_history",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("payload", Json(), nullable=False),
        sa.PrimaryKeyConstraint("day", "device_id", "at_ms", name=op.f("pk_vitals_history")),
        sqlite_with_rowid=False,
    )
