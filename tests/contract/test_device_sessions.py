"""Device sessions in the database, on both engines."""

import pytest
from sqlalchemy.exc import IntegrityError

from roadstead.gateway.session_store import (
    ReservationLost,
    SessionRow,
    delete_sessions,
    read_sessions,
    take_over_sessions,
    write_facts,
    write_hellos,
    write_limits,
    write_positions,
    write_sessions,
    write_subscriptions,
)
from roadstead.storage.database import Database

BLOCK = 4096


def make_row(key: bytes = b"\x07abcdefg", **changes: object) -> SessionRow:
    facts: dict[str, object] = {
        "session_key": key,
        "shard": 7,
        "device_id": "e00fce680000000000000001",
        "sealed": b"\x00\xff sealed",
        "tx_limit": 1024,
        "rx_highest": -1,
        "host": "192.0.2.1",
        "port": 40000,
        "hello": None,
        "subscriptions": "[]",
        "heard_ms": 1_700_000_000_000,
    }
    return SessionRow(**(facts | changes))


async def take_over(database: Database, shard: int = 7, since: int = 0) -> list[SessionRow]:
    keys = await database.write(
        lambda conn: take_over_sessions(conn, shard=shard, block=BLOCK, silent_since_ms=since),
        durable=True,
    )
    return await database.read(lambda conn: read_sessions(conn, keys))


async def store(database: Database, *rows: SessionRow) -> None:
    for row in rows:
        await database.write(lambda conn, row=row: write_sessions(conn, [row]), durable=True)


async def test_each_take_over_reserves_the_next_numbers(database: Database) -> None:
    await store(database, make_row())
    limits = [(await take_over(database))[0].tx_limit for _ in range(3)]
    assert limits == [1024 + BLOCK, 1024 + 2 * BLOCK, 1024 + 3 * BLOCK]


async def test_a_session_comes_back_as_it_was_stored(database: Database) -> None:
    row = make_row()
    await store(database, row)
    [taken] = await take_over(database)
    assert isinstance(taken.session_key, bytes)
    assert taken == make_row(tx_limit=1024 + BLOCK)


async def test_only_the_sessions_of_the_shard_are_taken_over(database: Database) -> None:
    await store(database, make_row(), make_row(b"\x08abcdefg", shard=8))
    assert [row.shard for row in await take_over(database, shard=8)] == [8]
    [other] = await take_over(database, shard=7)
    assert other.tx_limit == 1024 + BLOCK


async def test_sessions_are_given_with_the_one_heard_last_first(database: Database) -> None:
    times = {b"\x07aaaaaaa": 2000, b"\x07bbbbbbb": 3000, b"\x07ccccccc": 1000}
    await store(database, *(make_row(key, heard_ms=ms) for key, ms in times.items()))
    assert [row.heard_ms for row in await take_over(database)] == [3000, 2000, 1000]


async def test_long_silent_sessions_are_deleted_at_take_over(database: Database) -> None:
    await store(database, make_row(heard_ms=999), make_row(b"\x07bbbbbbb", heard_ms=1000))
    assert [row.heard_ms for row in await take_over(database, since=1000)] == [1000]
    assert len(await take_over(database, since=0)) == 1


async def test_reservations_follow_one_another(database: Database) -> None:
    await store(database, make_row())
    key = make_row().session_key
    rows = [(key, 1024, 8000), (key, 8000, 9000)]
    await database.write(lambda conn: write_limits(conn, rows))
    assert (await take_over(database))[0].tx_limit == 9000 + BLOCK


async def test_whoever_lost_a_session_to_another_process_reserves_nothing(
    database: Database,
) -> None:
    await store(database, make_row())
    key = make_row().session_key
    await take_over(database)
    with pytest.raises(ReservationLost):
        await database.write(lambda conn: write_limits(conn, [(key, 1024, 1024 + BLOCK)]))
    assert (await take_over(database))[0].tx_limit == 1024 + 2 * BLOCK


async def test_what_changes_is_written_for_many_sessions_at_once(database: Database) -> None:
    first, second = make_row(), make_row(b"\x07bbbbbbb", device_id="")
    await store(database, first, second)
    a, b = first.session_key, second.session_key

    def work(conn):
        write_subscriptions(conn, [(a, '["x"]'), (b, '["y"]')])
        write_hellos(conn, [(b, "ab" * 12, '{"b":1}')])
        write_positions(conn, [(a, 17, "2001:db8::1", 5, 7), (b, 18, "192.0.2.9", 6, 8)])
        write_facts(conn, [(a, '{"a":2}')])

    await database.write(work)
    taken = {row.session_key: row for row in await take_over(database)}
    limit = 1024 + BLOCK
    assert taken[a] == make_row(
        hello='{"a":2}',
        subscriptions='["x"]',
        rx_highest=17,
        host="2001:db8::1",
        port=5,
        heard_ms=7,
        tx_limit=limit,
    )
    assert taken[b].device_id == "ab" * 12
    assert taken[b].subscriptions == "[]"
    assert (taken[b].rx_highest, taken[b].port, taken[b].heard_ms) == (18, 6, 8)


async def test_deleted_and_unknown_sessions_are_passed_over(database: Database) -> None:
    row = make_row()
    await store(database, row)

    def work(conn):
        delete_sessions(conn, [row.session_key, b"unknown"])
        write_positions(conn, [(row.session_key, 1, "h", 1, 1)])
        write_limits(conn, [])

    await database.write(work)
    assert await take_over(database) == []


async def test_a_key_is_taken_once(database: Database) -> None:
    await store(database, make_row())
    with pytest.raises(IntegrityError):
        await store(database, make_row())
