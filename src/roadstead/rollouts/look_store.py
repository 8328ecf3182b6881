"""The tables of looks and of frozen pasts: what the gate saw, and what it compares with."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    insert,
    select,
)

from roadstead.rollouts.model import Look
from roadstead.rollouts.store import rollouts
from roadstead.storage.columns import Json, UtcTimestamp, metadata

rollout_looks = Table(
    "rollout_looks",
    metadata,
    Column("rollout_id", String(24), ForeignKey(rollouts.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("stage", Integer, nullable=False),
    Column("at", UtcTimestamp, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("rule", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("verdict", Json, nullable=False),
)

rollout_baselines = Table(
    "rollout_baselines",
    metadata,
    Column("rollout_id", String(24), ForeignKey(rollouts.c.id), primary_key=True),
    Column("device_id", String(24), primary_key=True),
    Column("rates", LargeBinary, nullable=False),
)

_R = rollouts.c
_L = rollout_looks.c
_B = rollout_baselines.c


def insert_look(conn: Connection, look: Look) -> None:
    """Writes a look down."""
    conn.execute(
        insert(rollout_looks).values(
            **{name: getattr(look, name) for name in Look.__dataclass_fields__}
        )
    )


def list_looks(conn: Connection, rollout_id: str) -> list[Look]:
    """All looks, the first one first."""
    query = select(rollout_looks).where(_L.rollout_id == rollout_id).order_by(_L.number)
    return [Look(**row._mapping) for row in conn.execute(query)]


def control_failures_since(conn: Connection, product_id: int, since: datetime) -> tuple[int, int]:
    """Failed and judged devices of the control groups of this product's ended soaks."""
    query = (
        select(_L.evidence)
        .join_from(rollout_looks, rollouts, _L.rollout_id == _R.id)
        .where(_R.product_id == product_id, _L.at >= since, _L.outcome == "advance")
    )
    failed = judged = 0
    for evidence in conn.scalars(query):
        failed += evidence.get("control_failed", 0)
        judged += evidence.get("control_judged", 0)
    return failed, judged


def put_baselines(conn: Connection, rollout_id: str, rates: Mapping[str, bytes]) -> None:
    """Freezes the past of devices."""
    rows = [
        {"rollout_id": rollout_id, "device_id": device_id, "rates": one}
        for device_id, one in rates.items()
    ]
    if rows:
        conn.execute(insert(rollout_baselines), rows)


def find_baselines(
    conn: Connection, rollout_id: str, device_ids: Sequence[str]
) -> dict[str, bytes]:
    """The frozen past of devices; those without are missing."""
    found: dict[str, bytes] = {}
    for start in range(0, len(device_ids), 500):
        query = select(_B.device_id, _B.rates).where(
            _B.rollout_id == rollout_id, _B.device_id.in_(device_ids[start : start + 500])
        )
        found.update((device_id, bytes(rates)) for device_id, rates in conn.execute(query))
    return found


def delete_baselines(conn: Connection, rollout_id: str) -> None:
    """Forgets what was frozen for a rollout that is over."""
    conn.execute(rollout_baselines.delete().where(_B.rollout_id == rollout_id))


def delete_all(conn: Connection, product_id: int) -> None:
    """Removes the looks and pasts of all rollouts of a product that is deleted."""
    own = select(_R.id).where(_R.product_id == product_id)
    for table in (rollout_looks, rollout_baselines):
        conn.execute(table.delete().where(table.c.rollout_id.in_(own)))
