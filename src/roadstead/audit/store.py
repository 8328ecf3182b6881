"""Tables of the audit trail."""

import sqlalchemy as sa

from roadstead.storage.columns import Json, UtcTimestamp, metadata

audit_rows = sa.Table(
    "audit_rows",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", UtcTimestamp, nullable=False, index=True),
    sa.Column("actor_id", sa.Text, nullable=False, index=True),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False, index=True),
    sa.Column("before", Json, nullable=True),
    sa.Column("after", Json, nullable=True),
    sa.Column("previous_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("scope", sa.Text, nullable=True, index=True),
)
