"""What only PostgreSQL can do to a unit of work: conflicts, lost connections, COPY."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, make_url
from tests.builders.tables import empty_all_tables

from roadstead.events.model import Event
from roadstead.events.store import events, write_events
from roadstead.kit.errors import Unavailable
from roadstead.storage.database import Database
from roadstead.storage.opening import open_database
from roadstead.storage.outbox import append, outbox_rows
from roadstead.storage.postgres import MAX_TRIES


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = await open_database(postgres_url)
    yield opened
    await opened.write(empty_all_tables)
    await opened.close()


class LosesConflicts:
    """A unit of work that the engine refuses with serialization_failure some times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.runs = 0

    def __call__(self, conn: Connection) -> str:
        self.runs += 1
        append(conn, "t", f"run {self.runs}")
        if self.runs <= self.times:
            lost = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"
            conn.execute(sa.text(lost))
        return "done"


def keys(conn: Connection) -> list[str]:
    return list(conn.execute(sa.select(outbox_rows.c.key).order_by(outbox_rows.c.id)).scalars())


async def test_a_lost_conflict_runs_the_unit_again_from_the_start(database: Database) -> None:
    unit = LosesConflicts(2)
    assert await database.write(unit) == "done"
    assert await database.read(keys) == ["run 3"]


async def test_a_unit_that_always_loses_is_given_up(database: Database) -> None:
    unit = LosesConflicts(1000)
    with pytest.raises(sa.exc.DBAPIError):
        await database.write(unit)
    assert unit.runs == MAX_TRIES
    assert await database.read(keys) == []


async def test_a_lost_connection_is_an_outage_and_the_next_unit_has_another(
    database: Database,
) -> None:
    def cut(conn: Connection) -> None:
        append(conn, "t", "cut off")
        conn.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Unavailable):
        await database.write(cut)
    await database.write(lambda conn: append(conn, "t", "after"))
    assert await database.read(keys) == ["after"]


async def test_an_unknown_database_is_named_as_the_cause(postgres_url: str) -> None:
    elsewhere = make_url(postgres_url).set(database="nowhere").render_as_string()
    with pytest.raises(Unavailable, match="nowhere"):
        await open_database(elsewhere)


async def test_copied_rows_belong_to_their_unit_of_work(database: Database) -> None:
    def copy_then_fail(conn: Connection) -> None:
        write_events(conn, [Event(id=1, name="a", published_at_ms=1)])
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await database.write(copy_then_fail)
    row = Event(id=2, name="b", payload=b"\0\t\n\\", published_at_ms=5, owner_id="a" * 24)
    await database.write(lambda conn: write_events(conn, [row]))
    stored = await database.read(lambda conn: conn.execute(sa.select(events)).mappings().all())
    assert [dict(found) for found in stored] == [
        {
            "id": 2,
            "name": "b",
            "payload": b"\0\t\n\\",
            "content_format": None,
            "ttl_s": 60,
            "published_at_ms": 5,
            "source": "device",
            "device_id": None,
            "owner_id": "a" * 24,
            "product_id": None,
            "firmware_version": 0,
            "message_id": None,
        }
    ]
