"""Deliveries of firmware, pauses after failures, pushes, devices that are forced.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "firmware_deliveries",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sa.String(length=24), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("deadline_ms", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("announced", sa.Boolean(), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sent_bytes", sa.BigInteger(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("lease_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(length=24), nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firmware_deliveries")),
    )
    op.create_index(
        "ix_firmware_deliveries_open",
        "firmware_deliveries",
        ["device_id"],
        unique=True,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        op.f("ix_firmware_deliveries_device_id_id"), "firmware_deliveries", ["device_id", "id"]
    )
    op.create_index(
        op.f("ix_firmware_deliveries_product_id_ended_at_ms"),
        "firmware_deliveries",
        ["product_id", "ended_at_ms"],
    )
    op.create_table(
        "firmware_back_offs",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_firmware_back_offs")),
    )
    op.create_table(
        "firmware_forced",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_firmware_forced")),
    )
    op.create_table(
        "firmware_pushes",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=24), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_device", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firmware_pushes")),
    )


def downgrade() -> None:
    """Drops the tables."""
    for table in (
        "firmware_pushes",
        "firmware_forced",
        "firmware_back_offs",
        "firmware_deliveries",
    ):
        op.drop_table(table)
