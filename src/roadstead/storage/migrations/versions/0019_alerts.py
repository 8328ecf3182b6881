"""Alerts: rules, what they watch, who is offline, and webhooks of single notices.

Revision: 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json, UtcTimestamp

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_LIVE = sa.text("state <> 'resolved'")


def upgrade() -> None:
    """Makes the tables; devices of products that are offline now are taken over."""
    _make_rules()
    _make_alerts()
    op.create_table(
        "alert_watches",
        sa.Column("rule_id", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bad", sa.Boolean(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("times", Json(), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "subject", name=op.f("pk_alert_watches")),
    )
    op.create_index("ix_alert_watches_since_ms", "alert_watches", ["since_ms"])
    _make_due_index("alert_watches", "due_ms")
    op.create_table(
        "offline_devices",
        sa.Column("device_id", sa.String(24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_offline_devices")),
    )
    key = ["product_id", "since_ms", "device_id"]
    op.create_index("ix_offline_devices_product_id_since_ms_device_id", "offline_devices", key)
    op.execute(
        "INSERT INTO offline_devices (device_id, product_id, since_ms) "
        "SELECT d.id, d.product_id, p.last_heard_ms FROM device_presence p "
        "JOIN devices d ON d.id = p.device_id "
        "WHERE NOT p.online AND d.product_id IS NOT NULL AND p.last_heard_ms IS NOT NULL"
    )
    op.add_column("notice_sendings", sa.Column("sealed_url", sa.LargeBinary()))


def _make_rules() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("draft", Json(), nullable=False),
        sa.Column("recipients", sa.LargeBinary()),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTimestamp(), nullable=False),
        sa.Column("updated_at", UtcTimestamp(), nullable=False),
        sa.Column("tested_at", UtcTimestamp()),
        sa.Column("tested_notice", sa.String(24)),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("opened", "told", "resolved", "told_resolved")
        ),
        sa.Column("cursor_ms", sa.BigInteger(), nullable=False),
        sa.Column("cursor_device", sa.String(24), nullable=False),
        sa.Column("check_due_ms", sa.BigInteger()),
        sa.Column("tell_due_ms", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_alert_rules_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    op.create_index("ix_alert_rules_product_id", "alert_rules", ["product_id"])
    _make_due_index("alert_rules", "check_due_ms")
    _make_due_index("alert_rules", "tell_due_ms")


def _make_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.String(24), nullable=False),
        sa.Column("rule_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("opened_at", UtcTimestamp(), nullable=False),
        sa.Column("acknowledged_at", UtcTimestamp()),
        sa.Column("acknowledged_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("resolved_at", UtcTimestamp()),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    for name, columns, unique in (
        ("ix_alerts_live", ["rule_id", "subject"], True),
        ("ix_alerts_live_subject", ["subject"], False),
        ("ix_alerts_live_product", ["product_id", "state", "id"], False),
    ):
        op.create_index(
            name, "alerts", columns, unique=unique, sqlite_where=_LIVE, postgresql_where=_LIVE
        )
    op.create_index("ix_alerts_resolved_at", "alerts", ["resolved_at"])
    op.create_index("ix_alerts_product_id_id", "alerts", ["product_id", "id"])
    op.create_index("ix_alerts_product_id_subject_id", "alerts", ["product_id", "subject", "id"])
    op.create_index("ix_alerts_rule_id_number", "alerts", ["rule_id", "number"])


def _make_due_index(table: str, column: str) -> None:
    where = sa.text(f"{column} IS NOT NULL")
    op.create_index(
        f"ix_{table}_{column}", table, [column], sqlite_where=where, postgresql_where=where
    )
