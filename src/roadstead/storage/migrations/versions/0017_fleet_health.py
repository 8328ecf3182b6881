"""The health of devices and fleets; charts by quarters of an hour.

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

from roadstead.storage.columns import Json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, and the quarters of what was counted so far."""
    op.create_table(
        "health_thresholds",
        sa.Column("product_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("thresholds", Json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_health_thresholds_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_health_thresholds")),
    )
    op.create_table(
        "device_health",
        sa.Column("device_id", sa.String(length=24), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("judged_ms", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_health")),
    )
    op.create_index("ix_device_health_worst", "device_health", ["product_id", "score", "device_id"])
    op.create_table(
        "fleet_gauges",
        sa.Column("product_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device_group", sa.Text(), nullable=False),
        sa.Column("measure", sa.String(length=20), nullable=False),
        sa.Column("firmware", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            *("product_id", "device_group", "measure", "firmware", "system", "label"),
            name=op.f("pk_fleet_gauges"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fleet_trends",
        # In the order of the key: of tables without row ids that have another one, some releases
        # of SQLite say that they are damaged.
        sa.Column("product_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measure", sa.String(length=20), nullable=False),
        sa.Column("device_group", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("firmware", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            *("product_id", "measure", "device_group", "hour", "firmware", "system", "label"),
            name=op.f("pk_fleet_trends"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_fleet_trends_hour"), "fleet_trends", ["hour"])
    op.execute(_ADDED)
    op.execute(_SNAPSHOTS)


_ADDED = """
    INSERT INTO fleet_counts (product_id, metric, device_group, minute, firmware, system, count)
    SELECT product_id, metric || '/q', device_group, minute - minute % 15, firmware, system,
        SUM(count)
    FROM fleet_counts WHERE metric <> 'online' AND metric NOT LIKE '%/%'
    GROUP BY product_id, metric, device_group, minute - minute % 15, firmware, system
"""

_SNAPSHOTS = """
    INSERT INTO fleet_counts (product_id, metric, device_group, minute, firmware, system, count)
    SELECT product_id, 'online/q', device_group, minute - minute % 15, firmware, system, count
    FROM fleet_counts AS snapshot
    WHERE metric = 'online' AND minute = (
        SELECT MAX(minute) FROM fleet_counts AS later
        WHERE later.product_id = snapshot.product_id AND later.metric = 'online'
            AND later.device_group = '' AND later.minute >= snapshot.minute - snapshot.minute % 15
            AND later.minute < snapshot.minute - snapshot.minute % 15 + 15
    )
"""
