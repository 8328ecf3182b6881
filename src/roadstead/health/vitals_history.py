"""The table ``vitals_history``: every vitals document of the last month.

The key begins with the day, so that rows are appended where the day's others are, a device's month
is some thirty looks, and old days leave from the table's beginning.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    select,
    text,
    tuple_,
)

from roadstead.health.store import put_many
from roadstead.kit.clock import from_ms, iso_ms, to_ms
from roadstead.storage.columns import Json, metadata

KEPT_DAYS = 30
"""Days for which vitals are kept. Source: particle cloud notes §3.7.1."""

MAX_RECORDS = 10_000
"""Documents given at once: 10 MB, and one every five minutes for a month."""

STEP_ROWS = 500
"""Rows deleted in one transaction."""

DAY_MS = 86_400_000

vitals_history = Table(
    "vitals_history",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("device_id", String(24), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("product_id", Integer),
    Column("payload", Json, nullable=False),
    sqlite_with_rowid=False,
)

_H = vitals_history.c


_PUT = text(
    """
    INSERT INTO vitals_history (day, device_id, at_ms, product_id, payload)
    VALUES (:day, :device_id, :at_ms, :product_id, :payload)
    ON CONFLICT (day, device_id, at_ms) DO UPDATE SET payload = excluded.payload
    """
).bindparams(bindparam("payload", type_=Json), bindparam("product_id", type_=Integer))


class VitalsRow(NamedTuple):
    """One document on its way to the tables.

    Attributes:
        device_id: 24 hex digits.
        at_ms: Unix milliseconds when it came.
        product_id: product that the device was in.
    """

    device_id: str
    at_ms: int
    product_id: int | None
    payload: dict[str, Any]


class VitalsRecord(NamedTuple):
    """One document of the history."""

    at: datetime
    payload: dict[str, Any]


def write_vitals(conn: Connection, rows: Sequence[VitalsRow]) -> None:
    """Keeps documents, as the last ones and in the history; the row writer of the journal."""
    newest = {row.device_id: row for row in sorted(rows, key=lambda row: row.at_ms)}
    put_many(conn, [(row.device_id, row.payload, from_ms(row.at_ms)) for row in newest.values()])
    kept = {(row.device_id, row.at_ms): row for row in rows}
    conn.execute(
        _PUT,
        [
            {
                "day": row.at_ms // DAY_MS,
                "device_id": row.device_id,
                "at_ms": row.at_ms,
                "product_id": row.product_id,
                "payload": row.payload,
            }
            for row in kept.values()
        ],
    )


def list_vitals(
    conn: Connection,
    device_id: str,
    start: datetime,
    end: datetime,
    *,
    product_id: int | None = None,
    limit: int = MAX_RECORDS,
) -> list[VitalsRecord]:
    """A device's documents from ``start`` (inclusive) to ``end`` (exclusive), oldest first.

    Args:
        conn: a unit of work.
        device_id: whose.
        start: first moment.
        end: moment after the last, at most a month later.
        product_id: only those of the time in this product; None for all.
        limit: most documents.
    """
    first_ms, last_ms = to_ms(start), to_ms(end) - 1
    days = list(range(first_ms // DAY_MS, last_ms // DAY_MS + 1))
    query = (
        select(_H.at_ms, _H.payload)
        .where(_H.day.in_(days), _H.device_id == device_id)
        .where(_H.at_ms.between(first_ms, last_ms))
        .order_by(_H.at_ms)
        .limit(limit)
    )
    if product_id is not None:
        query = query.where(_H.product_id == product_id)
    return [VitalsRecord(from_ms(at_ms), payload) for at_ms, payload in conn.execute(query)]


def delete_old_vitals(conn: Connection, now: datetime) -> int:
    """Deletes some documents of days that are over for good; gives how many."""
    first_kept = to_ms(now - timedelta(days=KEPT_DAYS + 1)) // DAY_MS
    key = (_H.day, _H.device_id, _H.at_ms)
    old = select(*key).where(_H.day < first_kept).order_by(*key).limit(STEP_ROWS)
    rows = [tuple(row) for row in conn.execute(old)]
    if rows:
        conn.execute(delete(vitals_history).where(tuple_(*key).in_(rows)))
    return len(rows)


def to_csv(device_id: str, records: Sequence[VitalsRecord]) -> str:
    """The documents as a table: a column for each value that any of them has."""
    flat = [(record.at, dict(_flatten("", record.payload))) for record in records]
    names = sorted({name for _, values in flat for name in values})
    lines = [",".join(map(_cell, ["updated_at", "deviceID", *names]))]
    for at, values in flat:
        cells = [iso_ms(at), device_id, *(values.get(name, "") for name in names)]
        lines.append(",".join(map(_cell, cells)))
    return "\r\n".join(lines) + "\r\n"


def _flatten(prefix: str, document: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in document.items():
        path = f"{prefix}.{name}" if prefix else name
        found += _flatten(path, value) if isinstance(value, dict) else [(path, value)]
    return found


def _cell(value: object) -> str:
    """One cell. Spec: RFC 4180 §2; text that a spreadsheet would take for a formula is quoted."""
    if value is None or isinstance(value, bool | int | float):
        return "" if value is None else msgspec.json.encode(value).decode()
    shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if shown[:1] in ("=", "+", "-", "@"):
        shown = "'" + shown
    if any(mark in shown for mark in ',"\r\n'):
        return '"' + shown.replace('"', '""') + '"'
    return shown
