"""The policy of each product's rollouts.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "rollout_policies",
        sa.Column("product_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_rollout_policies_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_rollout_policies")),
    )
