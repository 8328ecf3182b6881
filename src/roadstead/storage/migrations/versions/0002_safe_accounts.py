"""Second factors, password resets, refresh tokens, claim codes, transfer requests.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import UtcTimestamp

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, and tells more of each access token."""
    op.add_column("access_tokens", sa.Column("family", sa.String(length=24), nullable=True))
    op.add_column("access_tokens", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("access_tokens", sa.Column("last_used_at", UtcTimestamp(), nullable=True))
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        _of_a_user("second_factors"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        _of_a_user("recovery_codes"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])
    op.create_table(
        "password_resets",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("password_version", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=False),
        _of_a_user("password_resets"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_password_resets")),
    )
    op.create_index(op.f("ix_password_resets_user_id"), "password_resets", ["user_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("family", sa.String(length=24), nullable=False),
        sa.Column("lifetime_s", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=False),
        sa.Column("used_at", UtcTimestamp(), nullable=True),
        _of_a_user("refresh_tokens"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_user_id"), "refresh_tokens", ["user_id"])
    op.create_index(op.f("ix_refresh_tokens_family"), "refresh_tokens", ["family"])
    op.create_table(
        "claim_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_claim_codes")),
    )
    op.create_index(op.f("ix_claim_codes_user_id"), "claim_codes", ["user_id"])
    op.create_index(op.f("ix_claim_codes_expires_at"), "claim_codes", ["expires_at"])
    op.create_table(
        "transfer_requests",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("owner_id", sa.String(length=24), nullable=False),
        sa.Column("requester_id", sa.String(length=24), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_requests")),
        sa.UniqueConstraint(
            "device_id", "requester_id", name=op.f("uq_transfer_requests_device_id_requester_id")
        ),
    )
    op.create_index(op.f("ix_transfer_requests_owner_id"), "transfer_requests", ["owner_id"])
    op.create_index(
        op.f("ix_transfer_requests_requester_id"), "transfer_requests", ["requester_id"]
    )


def _of_a_user(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_user_id")
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")
