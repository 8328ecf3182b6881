"""Products, the devices in them, and groups of devices.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "products",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("owner_user_id", sa.String(length=24), nullable=True),
        sa.Column("owner_organization_id", sa.String(length=24), nullable=True),
        sa.Column("settings", Json(), nullable=False),
        sa.Column("device_count", sa.Integer(), nullable=False),
        sa.Column("quarantined_count", sa.Integer(), nullable=False),
        sa.Column("denied_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.CheckConstraint(
            "(owner_user_id IS NULL) <> (owner_organization_id IS NULL)", name=op.f("one_owner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("slug", name=op.f("uq_products_slug")),
    )
    for owner in ("owner_user_id", "owner_organization_id"):
        op.create_index(
            f"ix_products_{owner}_name_key", "products", [owner, "name_key"], unique=True
        )
    op.create_table(
        "product_ids",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner_id", sa.String(length=24), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_ids")),
    )
    _create_product_devices()
    op.create_table(
        "device_groups",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("color", sa.String(length=7), nullable=False),
        sa.Column("device_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_device_groups_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_groups")),
        sa.UniqueConstraint("product_id", "name", name=op.f("uq_device_groups_product_id_name")),
    )
    op.create_table(
        "device_group_members",
        sa.Column("group_id", sa.String(length=24), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["device_groups.id"], name=op.f("fk_device_group_members_group_id")
        ),
        sa.PrimaryKeyConstraint("group_id", "device_id", name=op.f("pk_device_group_members")),
    )
    op.create_index(
        op.f("ix_device_group_members_device_id"), "device_group_members", ["device_id"]
    )


def _create_product_devices() -> None:
    op.create_table(
        "product_devices",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("standing", sa.String(length=11), nullable=False),
        sa.Column("development", sa.Boolean(), nullable=False),
        sa.Column("desired_firmware_version", sa.Integer(), nullable=True),
        sa.Column("imported_at", UtcTimestamp(), nullable=True),
        sa.Column("imported_by", sa.String(length=24), nullable=True),
        sa.Column("first_connected_at", UtcTimestamp(), nullable=True),
        sa.Column("last_handshake_ms", sa.BigInteger(), nullable=False),
        sa.Column("firmware_version", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_product_devices_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", "device_id", name=op.f("pk_product_devices")),
    )
    orders = {
        "by_handshake": ["last_handshake_ms"],
        "by_id": [],
        "by_version": ["firmware_version"],
        "by_name": ["name_key"],
    }
    for name, columns in orders.items():
        op.create_index(
            f"ix_product_devices_{name}",
            "product_devices",
            ["product_id", "standing", *columns, "device_id"],
        )
    op.create_index(
        "ix_product_devices_quarantined",
        "product_devices",
        ["device_id"],
        unique=True,
        sqlite_where=sa.text("standing = 'quarantined'"),
        postgresql_where=sa.text("standing = 'quarantined'"),
    )
