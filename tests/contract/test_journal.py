"""The journal on both engines: order, batches, failures, fullness."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
from roadstead.storage.outbox import outbox_rows

SYNCHRONOUS_NORMAL, SYNCHRONOUS_FULL = 1, 2


def write_keys(conn: Connection, keys: Sequence[str]) -> None:
    conn.execute(outbox_rows.insert(), [{"at_s": 0, "topic": "t", "key": key} for key in keys])


def write_unless_poisoned(conn: Connection, keys: Sequence[str]) -> None:
    write_keys(conn, keys)
    if "poison" in keys:
        raise ValueError("poison")


def stored(conn: Connection) -> list[str]:
    return list(conn.execute(sa.select(outbox_rows.c.key).order_by(outbox_rows.c.id)).scalars())


@pytest.fixture
async def journal(database: Database) -> AsyncIterator[Journal]:
    made = Journal(database, max_pending=1000)
    running = asyncio.create_task(made.run())
    yield made
    await made.close()
    await running


async def test_rows_are_stored_in_the_order_they_came(database: Database, journal: Journal) -> None:
    for n in range(500):
        assert journal.append(write_keys, f"{n:04d}")
    await journal.flush()
    assert await database.read(stored) == [f"{n:04d}" for n in range(500)]
    assert journal.rows == 500
    assert journal.batches < 50


async def test_the_callback_comes_after_the_commit(database: Database, journal: Journal) -> None:
    seen: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    journal.append(write_keys, "a", seen.set_result)
    assert await asyncio.wait_for(seen, 5) is None
    assert await database.read(stored) == ["a"]


async def test_one_refused_row_costs_only_itself(database: Database, journal: Journal) -> None:
    outcomes: dict[str, Exception | None] = {}
    keys = [f"{n}" for n in range(20)] + ["poison"] + [f"{n}" for n in range(20, 40)]
    for key in keys:
        journal.append(
            write_unless_poisoned, key, lambda error, key=key: outcomes.update({key: error})
        )
    await journal.flush()
    assert [key for key, error in outcomes.items() if error] == ["poison"]
    assert len(await database.read(stored)) == 40


async def test_a_full_journal_takes_nothing_and_says_so(database: Database) -> None:
    journal = Journal(database, max_pending=3)
    assert [journal.append(write_keys, str(n)) for n in range(5)] == [True] * 3 + [False] * 2


async def test_close_writes_what_waits(database: Database) -> None:
    journal = Journal(database, delay_s=60)
    running = asyncio.create_task(journal.run())
    await asyncio.sleep(0)
    journal.append(write_keys, "late")
    await asyncio.wait_for(journal.close(), 5)
    assert not journal.append(write_keys, "too late")
    assert await database.read(stored) == ["late"]
    await asyncio.wait_for(running, 5)


async def test_a_callback_that_fails_does_not_stop_the_journal(
    database: Database, journal: Journal
) -> None:
    def fail(_error: Exception | None) -> None:
        raise RuntimeError("on purpose")

    journal.append(write_keys, "a", fail)
    await journal.flush()
    journal.append(write_keys, "b")
    await journal.flush()
    assert await database.read(stored) == ["a", "b"]


def mark(conn: Connection, values: Sequence[int]) -> None:
    for value in values:
        conn.execute(outbox_rows.update().values(at_s=value))


def clear_marks(conn: Connection, rows: Sequence[object]) -> None:
    conn.execute(outbox_rows.update().values(at_s=0))


async def test_writers_of_one_module_keep_their_order(database: Database, journal: Journal) -> None:
    journal.append(write_keys, "a")
    journal.append(clear_marks, None)
    journal.append(mark, 7)
    journal.append(clear_marks, None)
    await journal.flush()
    assert await database.read(lambda conn: conn.scalar(sa.select(outbox_rows.c.at_s))) == 0
    assert journal.batches == 1


async def test_a_cancelled_journal_answers_for_every_row(database: Database) -> None:
    journal = Journal(database, delay_s=0, max_batch=10)
    running = asyncio.create_task(journal.run())
    outcomes: dict[str, Exception | None] = {}
    for n in range(500):
        key = f"{n:03d}"
        journal.append(write_keys, key, lambda error, key=key: outcomes.update({key: error}))
    while not outcomes:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert len(outcomes) == 500
    kept = [key for key, error in outcomes.items() if error is None]
    assert await database.read(stored) == kept
    assert not journal.append(write_keys, "later")
    await asyncio.wait_for(journal.close(), 1)


async def test_a_durable_row_makes_its_batch_survive_a_power_loss(
    database: Database, journal: Journal
) -> None:
    if database.dialect == "postgresql":
        pytest.skip("every commit survives a power loss there")
    levels: list[int] = []

    def note_level(conn: Connection, rows: Sequence[object]) -> None:
        levels.append(conn.exec_driver_sql("PRAGMA synchronous").scalar_one())

    for durable in (False, True):
        journal.append(write_keys, "a")
        journal.append(note_level, None, durable=durable)
        await journal.flush()
    assert levels == [SYNCHRONOUS_NORMAL, SYNCHRONOUS_FULL]


class Stalled:
    """A database whose writes wait until they are let go, or fail."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.go = asyncio.Event()

    async def write(self, work: object, *, durable: bool = False) -> None:
        await self.go.wait()
        if self.error is not None:
            raise self.error


async def test_a_journal_says_how_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stalled = Stalled()
    journal = Journal(stalled, max_pending=10)  # type: ignore[arg-type]
    running = asyncio.create_task(journal.run())
    assert journal.describe() == "ok"
    journal.append(write_keys, "a")
    await asyncio.sleep(0.05)
    assert journal.describe() == "ok"
    monkeypatch.setattr("roadstead.storage.journal.SLOW_BATCH_S", 0.0)
    assert journal.describe() == "a write has taken 0 s already; 1 rows wait"
    stalled.error = Unavailable("disk_full", "The disk is full.")
    stalled.go.set()
    await journal.flush()
    assert journal.describe() == "rows are not written: disk_full"
    stalled.error = None
    journal.append(write_keys, "b")
    await journal.flush()
    assert journal.describe() == "ok"
    stalled.go.clear()
    for number in range(6):
        journal.append(write_keys, f"{number}")
    assert journal.describe() == "6 rows wait; 10 is the limit"
    stalled.go.set()
    await journal.close()
    await running
