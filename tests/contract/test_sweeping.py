"""Old rows leave in small steps, and nothing else does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from roadstead.devices.claim_store import claim_codes
from roadstead.events.model import Event
from roadstead.events.store import events, write_events
from roadstead.kit.clock import ManualClock
from roadstead.kit.ids import EVENT_COUNTER_BITS
from roadstead.storage import sweeping
from roadstead.storage.database import Database
from roadstead.storage.sweeping import Sweeper, SweepRule, expired

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULE = SweepRule(
    events.c.id,
    lambda now: events.c.published_at_ms < int((now - timedelta(days=30)).timestamp() * 1000),
)


def make_event(age: timedelta, number: int = 0) -> Event:
    at_ms = int((NOW - age).timestamp() * 1000)
    return Event(
        id=(at_ms << EVENT_COUNTER_BITS) + number,
        name="old",
        payload=None,
        content_format=None,
        ttl_s=60,
        published_at_ms=at_ms,
        source="device",
        device_id=None,
        owner_id=None,
        product_id=None,
        firmware_version=0,
        message_id=None,
    )


async def store(database: Database, *rows: Event) -> None:
    await database.write(lambda conn: write_events(conn, sorted(rows, key=lambda row: row.id)))


async def count(database: Database) -> int:
    query = sa.select(sa.func.count()).select_from(events)
    return await database.read(lambda conn: conn.execute(query).scalar_one())


async def test_what_is_old_goes_and_what_is_not_stays(database: Database) -> None:
    old = [make_event(timedelta(days=30, seconds=1), n) for n in range(sweeping.STEP_ROWS * 2 + 1)]
    young = [make_event(timedelta(days=29, hours=23)), make_event(timedelta(0))]
    await store(database, *old, *young)
    sweeper = Sweeper(database, ManualClock(NOW), [RULE], pause_s=0)
    await sweeper.sweep()
    assert sweeper.deleted == {"events": len(old)}
    kept = await database.read(lambda conn: conn.execute(sa.select(events.c.id)).scalars().all())
    assert sorted(kept) == sorted(event.id for event in young)


async def test_two_processes_may_sweep_at_once(database: Database) -> None:
    await store(database, *[make_event(timedelta(days=31), number) for number in range(2000)])
    sweepers = [Sweeper(database, ManualClock(NOW), [RULE], pause_s=0) for _ in range(2)]
    await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
    for sweeper in sweepers:
        await sweeper.sweep()
    assert await count(database) == 0
    assert sum(sweeper.deleted["events"] for sweeper in sweepers) == 2000


async def test_writes_go_between_the_steps(database: Database) -> None:
    await store(database, *[make_event(timedelta(days=31), n) for n in range(5000)])
    sweeping_task = asyncio.create_task(
        Sweeper(database, ManualClock(NOW), [RULE], pause_s=0.02).sweep()
    )
    written = 0
    while not sweeping_task.done():
        await store(database, make_event(timedelta(0), written))
        written += 1
        await asyncio.sleep(0)
    await sweeping_task
    assert written > 5
    assert await count(database) == written


async def test_a_sweep_cut_off_in_the_middle_is_taken_up_again(database: Database) -> None:
    await store(database, *[make_event(timedelta(days=31), n) for n in range(1500)])
    sweeper = Sweeper(database, ManualClock(NOW), [RULE], pause_s=3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await sweeper.sweep()
    assert await count(database) == 1500 - sweeping.STEP_ROWS
    await Sweeper(database, ManualClock(NOW), [RULE], pause_s=0).sweep()
    assert await count(database) == 0


async def test_expired_tokens_go_a_day_later(database: Database) -> None:
    await database.write(
        lambda conn: conn.execute(
            claim_codes.insert(),
            [
                {
                    "digest": bytes([hours]) * 32,
                    "user_id": "a" * 24,
                    "created_at": NOW,
                    "expires_at": NOW - timedelta(hours=hours),
                }
                for hours in (0, 23, 25, 48)
            ],
        )
    )
    sweeper = Sweeper(database, ManualClock(NOW), [expired(claim_codes.c.digest)], pause_s=0)
    await sweeper.sweep()
    query = sa.select(claim_codes.c.digest)
    kept = await database.read(lambda conn: conn.execute(query).scalars().all())
    assert sorted(digest[0] for digest in kept) == [0, 23]
