"""Releases that the gate, or a person, has paused.

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("firmware_targets", sa.Column("paused_by", sa.String(24)))
