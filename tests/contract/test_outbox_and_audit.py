"""Outbox and audit trail on both engines."""

import asyncio
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from roadstead.audit import trail
from roadstead.audit.store import audit_rows
from roadstead.bus.local import LocalBus
from roadstead.storage import outbox
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxFollower


def listen(bus: LocalBus, topic: str) -> list[object]:
    heard: list[object] = []
    bus.subscribe(topic, heard.append)
    return heard


async def test_the_follower_delivers_only_rows_written_after_it_started(database: Database) -> None:
    await database.write(lambda conn: outbox.append(conn, "t", "before"))
    bus = LocalBus()
    heard = listen(bus, "t")
    follower = OutboxFollower(database, bus)
    await follower.start()
    await database.write(lambda conn: outbox.append(conn, "t", "after", {"n": 1}))
    await follower.deliver()
    assert heard == [outbox.OutboxMessage("t", "after", {"n": 1})]


async def test_concurrent_rows_are_delivered_once_each(database: Database) -> None:
    bus = LocalBus()
    heard = listen(bus, "t")
    follower = OutboxFollower(database, bus, poll_s=0.01)
    await follower.start()
    running = asyncio.create_task(follower.run())
    await asyncio.gather(
        *(database.write(lambda conn, n=n: outbox.append(conn, "t", str(n))) for n in range(60))
    )
    async with asyncio.timeout(10):
        while len(heard) < 60:
            await asyncio.sleep(0.01)
    running.cancel()
    keys = [message.key for message in heard if isinstance(message, outbox.OutboxMessage)]
    assert sorted(keys, key=int) == [str(n) for n in range(60)]


async def test_waking_beats_the_poll(database: Database) -> None:
    bus = LocalBus()
    arrived = asyncio.Event()
    bus.subscribe("t", lambda _message: arrived.set())
    follower = OutboxFollower(database, bus, poll_s=60)
    await follower.start()
    running = asyncio.create_task(follower.run())
    await asyncio.sleep(0.05)
    await database.write(lambda conn: outbox.append(conn, "t", "now"))
    follower.wake()
    await asyncio.wait_for(arrived.wait(), 5)
    running.cancel()


def record(conn: Connection, n: int) -> None:
    trail.record(
        conn,
        actor_id="a" * 24,
        actor_name="jo@example.com",
        address="127.0.0.1",
        action="device.rename",
        target=f"device/{n}",
        before={"name": "old", "ä": None},
        after={"name": n},
        at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    )


async def test_concurrent_audit_rows_make_one_chain(database: Database) -> None:
    await asyncio.gather(*(database.write(lambda conn, n=n: record(conn, n)) for n in range(20)))
    assert await database.read(trail.verify) is None


async def test_a_changed_row_breaks_the_chain_there(database: Database) -> None:
    for n in range(5):
        await database.write(lambda conn, n=n: record(conn, n))
    ids = await database.read(
        lambda conn: list(
            conn.execute(sa.select(audit_rows.c.id).order_by(audit_rows.c.id)).scalars()
        )
    )
    update = audit_rows.update().where(audit_rows.c.id == ids[2]).values(actor_name="mallory")
    await database.write(lambda conn: conn.execute(update))
    assert await database.read(trail.verify) == ids[2]


async def test_a_removed_row_breaks_the_chain_after_it(database: Database) -> None:
    for n in range(5):
        await database.write(lambda conn, n=n: record(conn, n))
    ids = await database.read(
        lambda conn: list(
            conn.execute(sa.select(audit_rows.c.id).order_by(audit_rows.c.id)).scalars()
        )
    )
    await database.write(
        lambda conn: conn.execute(audit_rows.delete().where(audit_rows.c.id == ids[1]))
    )
    assert await database.read(trail.verify) == ids[2]


async def test_facts_of_any_shape_verify_as_they_were_recorded(database: Database) -> None:
    facts = {
        "scopes": {"b", "a", "c"},
        "pair": (1, 2),
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        7: 1.5,
    }

    def work(conn: Connection) -> None:
        trail.record(
            conn,
            actor_id="",
            actor_name="operator",
            address="",
            action="plan.set",
            target="user/1",
            before=facts,
            after=None,
            at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    await database.write(work)
    assert await database.read(trail.verify) is None
