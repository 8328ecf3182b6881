"""The first schema.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes all tables of the first version."""
    op.create_table(
        "audit_rows",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcTimestamp(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("before", Json(), nullable=True),
        sa.Column("after", Json(), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_rows")),
    )
    op.create_index(op.f("ix_audit_rows_actor_id"), "audit_rows", ["actor_id"], unique=False)
    op.create_index(op.f("ix_audit_rows_at"), "audit_rows", ["at"], unique=False)
    op.create_index(op.f("ix_audit_rows_target"), "audit_rows", ["target"], unique=False)
    op.create_table(
        "device_presence",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("last_heard_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_handshake_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_ip_address", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_presence")),
    )
    op.create_index(
        "ix_device_presence_online",
        "device_presence",
        ["device_id"],
        unique=False,
        sqlite_where=sa.text("online"),
        postgresql_where=sa.text("online"),
    )
    op.create_table(
        "device_sessions",
        sa.Column("session_key", sa.LargeBinary(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("tx_limit", sa.BigInteger(), nullable=False),
        sa.Column("rx_highest", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("hello", sa.Text(), nullable=True),
        sa.Column("subscriptions", sa.Text(), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_key", name=op.f("pk_device_sessions")),
    )
    op.create_index(
        "ix_device_sessions_shard_heard_ms", "device_sessions", ["shard", "heard_ms"], unique=False
    )
    op.create_table(
        "device_vitals",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.Column("payload", Json(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_vitals")),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner_id", sa.String(length=24), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("platform_id", sa.Integer(), nullable=True),
        sa.Column("serial_number", sa.Text(), nullable=True),
        sa.Column("imei", sa.Text(), nullable=True),
        sa.Column("iccid", sa.Text(), nullable=True),
        sa.Column("firmware_product_id", sa.Integer(), nullable=True),
        sa.Column("firmware_version", sa.Integer(), nullable=False),
        sa.Column("system_version", sa.Integer(), nullable=False),
        sa.Column("hello_flags", sa.Integer(), nullable=False),
        sa.Column("max_message_bytes", sa.Integer(), nullable=True),
        sa.Column("max_binary_bytes", sa.BigInteger(), nullable=True),
        sa.Column("ota_chunk_bytes", sa.Integer(), nullable=True),
        sa.Column("functions", Json(), nullable=True),
        sa.Column("variables", Json(), nullable=True),
        sa.Column("system_description", Json(), nullable=True),
        sa.Column("safe_mode", sa.Boolean(), nullable=False),
        sa.Column("updates_enabled", sa.Boolean(), nullable=True),
        sa.Column("updates_forced", sa.Boolean(), nullable=True),
        sa.Column("quarantined", sa.Boolean(), nullable=False),
        sa.Column("registered_by", sa.String(length=24), nullable=True),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("claimed_at", UtcTimestamp(), nullable=True),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("owner_id", "name_key", name=op.f("uq_devices_owner_id_name_key")),
    )
    op.create_index(op.f("ix_devices_owner_id"), "devices", ["owner_id"], unique=False)
    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("content_format", sa.Integer(), nullable=True),
        sa.Column("ttl_s", sa.BigInteger(), nullable=False),
        sa.Column("published_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("device_id", sa.String(length=24), nullable=True),
        sa.Column("owner_id", sa.String(length=24), nullable=True),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("firmware_version", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_device_id_id"), "events", ["device_id", "id"], unique=False)
    op.create_index(op.f("ix_events_owner_id_id"), "events", ["owner_id", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payload", Json(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_at_s"), "outbox", ["at_s"], unique=False)
    op.create_table(
        "plans",
        sa.Column("owner_id", sa.String(length=24), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTimestamp(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_plans")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("password_version", sa.Integer(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("account_info", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("expires_at", UtcTimestamp(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_access_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_tokens")),
    )
    op.create_index(op.f("ix_access_tokens_user_id"), "access_tokens", ["user_id"], unique=False)
    op.create_table(
        "device_keys",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("algorithm", sa.String(length=3), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=False),
        sa.Column("spki_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_device_keys_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "algorithm", name=op.f("pk_device_keys")),
        sa.UniqueConstraint("spki_digest", name=op.f("uq_device_keys_spki_digest")),
    )
