"""Releases that the gate, or a person, has paused.

Revision: 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("firmware_targets", sa.Column("paused_by", sa.String(24)))
