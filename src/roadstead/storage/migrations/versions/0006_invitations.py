"""The name of the team that an invitation is to.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    name = sa.Column("team_name", sa.Text(), nullable=False, server_default="")
    op.add_column("team_invitations", name)
