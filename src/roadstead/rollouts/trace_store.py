"""The tables ``device_traces`` and ``device_pasts``: what devices are compared with.

Both are written behind, in batches, by the one process that a device is connected to. A trace
changes often and is short; the past grows by some slices a day and holds the last nine days.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Column, Connection, Integer, LargeBinary, String, Table, select, text

from roadstead.rollouts.signals import Slice
from roadstead.rollouts.trace import Trace
from roadstead.storage.columns import metadata

PAST_S: Final = 9 * 86_400
"""Seven days of the past, the day that runs, and one to spare."""

BATCH_IDS: Final = 500
"""Ids in one statement; both engines bound the number of parameters."""

device_traces = Table(
    "device_traces",
    metadata,
    Column("device_id", String(24), primary_key=True),
    Column("product_id", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

device_pasts = Table(
    "device_pasts",
    metadata,
    Column("device_id", String(24), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

_encode = msgspec.msgpack.Encoder().encode
_decode_trace = msgspec.msgpack.Decoder(Trace).decode
_decode_past = msgspec.msgpack.Decoder(list[Slice]).decode

_PUT_TRACE = text(
    """
    INSERT INTO device_traces (device_id, product_id, body) VALUES (:device_id, :product_id, :body)
    ON CONFLICT (device_id) DO UPDATE SET product_id = excluded.product_id, body = excluded.body
    """
)
_PUT_PAST = text(
    """
    INSERT INTO device_pasts (device_id, body) VALUES (:device_id, :body)
    ON CONFLICT (device_id) DO UPDATE SET body = excluded.body
    """
)


class TraceRow(NamedTuple):
    """A trace as it shall be stored, with the slices that go to its past."""

    device_id: str
    product_id: int
    body: bytes
    closed: tuple[Slice, ...]


def to_row(device_id: str, trace: Trace) -> TraceRow:
    """What to store of a trace; its closed slices move from it to the row."""
    closed, trace.closed = tuple(trace.closed), []
    return TraceRow(device_id, trace.product_id, _encode(trace), closed)


def write_traces(conn: Connection, rows: Sequence[TraceRow]) -> None:
    """Stores many traces; the row writer of the journal."""
    newest = {row.device_id: row for row in rows}
    conn.execute(
        _PUT_TRACE,
        [
            {"device_id": row.device_id, "product_id": row.product_id, "body": row.body}
            for row in newest.values()
        ],
    )
    closed: dict[str, list[Slice]] = {}
    for row in rows:
        if row.closed:
            closed.setdefault(row.device_id, []).extend(row.closed)
    if closed:
        _append_pasts(conn, closed)


def _append_pasts(conn: Connection, closed: dict[str, list[Slice]]) -> None:
    before = find_pasts(conn, list(closed))
    values = []
    for device_id, slices in closed.items():
        oldest_s = slices[-1].start_s - PAST_S
        past = [one for one in before.get(device_id, ()) if one.start_s >= oldest_s] + slices
        values.append({"device_id": device_id, "body": _encode(past)})
    conn.execute(_PUT_PAST, values)


def find_traces(conn: Connection, device_ids: Sequence[str]) -> dict[str, Trace]:
    """The traces of devices; those without are missing."""
    found: dict[str, Trace] = {}
    for some in _batches(device_ids):
        query = select(device_traces.c.device_id, device_traces.c.body)
        for device_id, body in conn.execute(query.where(device_traces.c.device_id.in_(some))):
            found[device_id] = _decode_trace(body)
    return found


def find_pasts(conn: Connection, device_ids: Sequence[str]) -> dict[str, list[Slice]]:
    """The closed slices of devices, the oldest first; those without are missing."""
    found: dict[str, list[Slice]] = {}
    for some in _batches(device_ids):
        query = select(device_pasts.c.device_id, device_pasts.c.body)
        for device_id, body in conn.execute(query.where(device_pasts.c.device_id.in_(some))):
            found[device_id] = _decode_past(body)
    return found


def forget_devices(conn: Connection, device_ids: Sequence[str]) -> None:
    """Removes what was remembered of devices that left their product."""
    for some in _batches(device_ids):
        for table in (device_traces, device_pasts):
            conn.execute(table.delete().where(table.c.device_id.in_(some)))


def _batches(device_ids: Sequence[str]) -> list[Sequence[str]]:
    return [device_ids[i : i + BATCH_IDS] for i in range(0, len(device_ids), BATCH_IDS)]
