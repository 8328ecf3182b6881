"""Devices of products by their ids; the numbers by which lists name devices; imports as jobs.

Revision: 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ORDERS = {
    "by_handshake": ["last_handshake_ms"],
    "by_id": [],
    "by_version": ["firmware_version"],
    "by_name": ["name_key"],
}


def upgrade() -> None:
    """Gives ``product_devices`` a key that begins with the device, and indexes the numbers."""
    _drop_indexes()
    op.rename_table("product_devices", "product_devices_before")
    if op.get_context().dialect.name == "postgresql":
        # A renamed table keeps the names of its constraints, which the new one is to have.
        for name in ("pk_product_devices", "fk_product_devices_product_id"):
            op.drop_constraint(name, "product_devices_before")
    _create_table()
    op.execute(
        f"INSERT INTO product_devices ({_COLUMNS}) SELECT {_COLUMNS} FROM "  # noqa: S608
        "product_devices_before"
    )
    op.drop_table("product_devices_before")
    _create_indexes()
    for number in ("serial_number", "imei", "iccid"):
        told = sa.text(f"{number} IS NOT NULL")
        op.create_index(
            f"ix_devices_{number}",
            "devices",
            [number],
            sqlite_where=told,
            postgresql_where=told,
        )
    _create_imports()


def _create_imports() -> None:
    op.create_table(
        "device_imports",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("actor", Json(), nullable=False),
        sa.Column("wanted", Json(), nullable=False),
        sa.Column("total_lines", sa.Integer(), nullable=False),
        sa.Column("done_lines", sa.Integer(), nullable=False),
        sa.Column("counts", Json(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.String(length=24), nullable=True),
        sa.Column("lease_until", UtcTimestamp(), nullable=True),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("finished_at", UtcTimestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_device_imports_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_imports")),
    )
    op.create_index(
        op.f("ix_device_imports_product_id_created_at"),
        "device_imports",
        ["product_id", "created_at"],
    )
    op.create_index(op.f("ix_device_imports_finished_at"), "device_imports", ["finished_at"])
    op.create_table(
        "device_import_chunks",
        sa.Column("import_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lines", Json(), nullable=True),
        sa.Column("results", Json(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["device_imports.id"],
            name=op.f("fk_device_import_chunks_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_device_import_chunks")),
    )


_COLUMNS = (
    "product_id, device_id, standing, development, desired_firmware_version, imported_at, "
    "imported_by, first_connected_at, last_handshake_ms, firmware_version, name_key, updated_at"
)


def _drop_indexes() -> None:
    for name in (*_ORDERS, "quarantined"):
        op.drop_index(f"ix_product_devices_{name}", "product_devices")


def _create_table() -> None:
    op.create_table(
        "product_devices",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
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
        sa.PrimaryKeyConstraint("device_id", "product_id", name=op.f("pk_product_devices")),
    )


def _create_indexes() -> None:
    for name, columns in _ORDERS.items():
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
