"""Firmware versions, releases, assignments.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "firmware_versions",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("blob_key", sa.Text(), nullable=False),
        sa.Column("application_bytes", sa.BigInteger(), nullable=False),
        sa.Column("application_sha256", sa.String(length=64), nullable=False),
        sa.Column("application_key", sa.Text(), nullable=False),
        sa.Column("module_sha256", sa.String(length=64), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("dependencies", Json(), nullable=False),
        sa.Column("assets", Json(), nullable=False),
        sa.Column("uploaded_at", UtcTimestamp(), nullable=False),
        sa.Column("uploaded_by", sa.String(length=24), nullable=True),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.Column("released_at", UtcTimestamp(), nullable=True),
        sa.Column("proven_at", UtcTimestamp(), nullable=True),
        sa.Column("proven_by", sa.String(length=24), nullable=True),
        _of_a_product("firmware_versions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firmware_versions")),
        sa.UniqueConstraint(
            "product_id", "version", name=op.f("uq_firmware_versions_product_id_version")
        ),
    )
    op.create_table(
        "firmware_version_counts",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("device_count", sa.Integer(), nullable=False),
        _of_a_product("firmware_version_counts"),
        sa.PrimaryKeyConstraint("product_id", "version", name=op.f("pk_firmware_version_counts")),
    )
    op.create_table(
        "firmware_targets",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.String(length=24), nullable=False),
        _of_a_product("firmware_targets"),
        sa.PrimaryKeyConstraint("product_id", "group_id", name=op.f("pk_firmware_targets")),
    )
    op.create_table(
        "firmware_releases",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("groups", Json(), nullable=True),
        sa.Column("product_default", sa.Boolean(), nullable=True),
        sa.Column("intelligent", sa.Boolean(), nullable=False),
        sa.Column("released_by", sa.String(length=24), nullable=True),
        sa.Column("released_at", UtcTimestamp(), nullable=False),
        sa.Column("override_reason", sa.Text(), nullable=True),
        _of_a_product("firmware_releases"),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_firmware_releases")),
        sa.UniqueConstraint("id", name=op.f("uq_firmware_releases_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_firmware_releases_of_product", "firmware_releases", ["product_id", "sequence"]
    )
    op.create_table(
        "firmware_assignments",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rollout_id", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("assigned_at", UtcTimestamp(), nullable=False),
        _of_a_product("firmware_assignments"),
        sa.PrimaryKeyConstraint("product_id", "device_id", name=op.f("pk_firmware_assignments")),
    )
    op.create_index(
        "ix_firmware_assignments_of_rollout", "firmware_assignments", ["rollout_id", "device_id"]
    )


def _of_a_product(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_product_id")
    return sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=name)
