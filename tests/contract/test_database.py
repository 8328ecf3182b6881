"""What every engine promises for units of work."""

import asyncio
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Database
from roadstead.storage.opening import open_database
from roadstead.storage.outbox import append, outbox_rows


def add(key: str):
    return lambda conn: append(conn, "test", key, {"n": 1})


def keys(conn: Connection) -> list[str]:
    return list(conn.execute(sa.select(outbox_rows.c.key).order_by(outbox_rows.c.id)).scalars())


async def test_a_write_is_seen_by_a_later_read(database: Database) -> None:
    await database.write(add("a"))
    assert await database.read(keys) == ["a"]


async def test_a_failing_unit_rolls_back_alone(database: Database) -> None:
    def fail(conn: Connection) -> None:
        append(conn, "test", "half done")
        raise LookupError("on purpose")

    outcomes = await asyncio.gather(
        *(database.write(add(f"good {n}")) for n in range(20)),
        database.write(fail),
        *(database.write(add(f"more {n}")) for n in range(20)),
        return_exceptions=True,
    )
    assert [type(o) for o in outcomes if isinstance(o, BaseException)] == [LookupError]
    stored = await database.read(keys)
    assert len(stored) == 40
    assert "half done" not in stored


async def test_a_unit_that_breaks_a_constraint_leaves_the_others(database: Database) -> None:
    def twice(conn: Connection) -> None:
        for _ in range(2):
            conn.execute(outbox_rows.insert().values(id=7, at_s=0, topic="t", key="dup"))

    outcomes = await asyncio.gather(
        database.write(add("a")),
        database.write(twice),
        database.write(add("b")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], sa.exc.IntegrityError)
    assert sorted(await database.read(keys)) == ["a", "b"]


async def test_the_result_of_the_work_is_given_back(database: Database) -> None:
    assert await database.write(lambda conn: conn.execute(sa.select(sa.literal(5))).scalar()) == 5


async def test_a_durable_write_is_a_write(database: Database) -> None:
    await database.write(add("a"), durable=True)
    await database.write(add("b"))
    assert await database.read(keys) == ["a", "b"]


async def test_a_cancelled_caller_hurts_nobody(database: Database) -> None:
    tasks = [asyncio.create_task(database.write(add(str(n)))) for n in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(await database.read(keys)) >= {str(n) for n in range(10) if n != 3}


async def test_a_read_may_run_while_a_write_is_under_way(database: Database) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(conn: Connection) -> None:
        append(conn, "test", "slow")
        loop.call_soon_threadsafe(started.set)

    writing = asyncio.create_task(database.write(slow))
    await asyncio.wait_for(started.wait(), 5)
    go_on.set()
    assert await asyncio.wait_for(database.read(keys), 5) in ([], ["slow"])
    await writing


async def test_a_reader_may_not_write_on_postgresql(database: Database) -> None:
    if database.dialect != "postgresql":
        await database.read(keys)
        return
    with pytest.raises(sa.exc.DBAPIError):
        await database.read(add("a"))


async def test_a_unit_with_a_wrong_statement_fails_alone_and_with_its_own_error(
    database: Database,
) -> None:
    outcomes = await asyncio.gather(
        *(database.write(add(f"good {n}")) for n in range(5)),
        database.write(lambda conn: conn.execute(sa.text("SELECT * FROM no_such_table"))),
        *(database.write(add(f"more {n}")) for n in range(5)),
        return_exceptions=True,
    )
    (failure,) = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(failure, sa.exc.DBAPIError)
    assert "no_such_table" in str(failure)
    assert len(await database.read(keys)) == 10


async def test_a_wrong_statement_in_a_read_is_not_called_an_outage(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="no_such_table"):
        await database.read(lambda conn: conn.execute(sa.text("SELECT * FROM no_such_table")))


async def test_a_read_that_writes_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        await database.read(add("a"))
    await database.write(add("b"))
    assert await database.read(keys) == ["b"]


async def test_a_failed_read_leaves_the_next_ones_whole_and_up_to_date(database: Database) -> None:
    def fail(conn: Connection) -> None:
        conn.execute(sa.select(outbox_rows.c.key)).first()
        raise LookupError("on purpose")

    outcomes = await asyncio.gather(
        *(database.read(fail) for _ in range(12)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {LookupError}
    for number in range(6):
        await database.write(add(f"key {number}"))
        found = await asyncio.gather(*(database.read(keys) for _ in range(6)))
        assert {len(one) for one in found} == {number + 1}


async def test_a_kept_error_of_a_half_read_result_does_not_keep_its_moment(
    database: Database,
) -> None:
    for n in range(100):
        await database.write(add(f"{n}"))

    def stop_half_way(conn: Connection) -> None:
        rows = conn.execute(sa.select(outbox_rows))
        raise LookupError(rows.fetchone())

    # The errors hold the frames that hold the results; as many as there are readers and more.
    kept = [
        await asyncio.gather(database.read(stop_half_way), return_exceptions=True)
        for _ in range(20)
    ]
    await database.write(add("new"))
    for _ in range(20):
        assert "new" in await database.read(keys)
    assert all(isinstance(error, LookupError) for (error,) in kept)


async def test_all_statements_of_a_read_see_one_moment(database: Database) -> None:
    looked, written = threading.Event(), threading.Event()

    def look_twice(conn: Connection) -> tuple[list[str], list[str]]:
        before = keys(conn)
        looked.set()
        written.wait(10)
        return before, keys(conn)

    if database.dialect == "postgresql":
        pytest.skip("a unit of work runs on the event loop there and cannot wait in it")
    reading = asyncio.create_task(database.read(look_twice))
    await asyncio.to_thread(looked.wait, 10)
    await database.write(add("a"))
    written.set()
    assert await reading == ([], [])


async def test_an_error_does_not_carry_the_parameters_into_the_log(database: Database) -> None:
    wrong = sa.text("INSERT INTO no_such_table VALUES (:value)").bindparams(value="a secret")
    with pytest.raises(sa.exc.DBAPIError) as caught:
        await database.write(lambda conn: conn.execute(wrong))
    assert "no_such_table" in str(caught.value)
    assert "a secret" not in str(caught.value)


async def test_a_closed_database_says_that_it_is_unavailable(database_url: str) -> None:
    database = await open_database(database_url)
    await database.close()
    with pytest.raises(Unavailable):
        await database.write(add("a"))
    with pytest.raises(Unavailable):
        await database.read(keys)
