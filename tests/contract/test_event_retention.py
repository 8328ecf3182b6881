"""Events leave by their plan, in small steps; on each engine."""

import asyncio
from datetime import timedelta

import sqlalchemy as sa
from tests.builders.devices import JO, KIM

from roadstead.events import retention_store
from roadstead.events.indexing import HistoryIndexer
from roadstead.events.model import Event
from roadstead.events.retention import EventRetention
from roadstead.events.retention_rules import Retention
from roadstead.events.segment_store import event_places, event_segments, event_volumes
from roadstead.events.store import events, write_events
from roadstead.kit.clock import ManualClock, to_ms

DAY = timedelta(days=1)


def make_event(clock: ManualClock, age: timedelta, number: int, **fields) -> Event:
    at_ms = to_ms(clock.now() - age)
    defaults = {"owner_id": JO.user_id, "device_id": f"{number % 5:024x}"}
    return Event(
        id=(at_ms << 20) + number,
        name="temp",
        payload=b"x" * 100,
        published_at_ms=at_ms,
        **{**defaults, **fields},
    )


async def store(database, rows) -> None:
    ordered = sorted(rows, key=lambda row: row.id)
    await database.write(lambda conn: write_events(conn, ordered))


async def kept(database) -> set[int]:
    return set(await database.read(lambda conn: list(conn.scalars(sa.select(events.c.id)))))


async def counts(database) -> list[int]:
    def work(conn):
        tables = (event_segments, event_places, event_volumes)
        return [conn.scalar(sa.select(sa.func.count()).select_from(one)) for one in tables]

    return await database.read(work)


def allowing(**by_payer: Retention):
    async def retention_of(payers):
        return {one: by_payer[one] for one in payers if one in by_payer}

    return retention_of


async def test_what_is_too_old_by_its_plan_goes_and_nothing_else(database):
    clock = ManualClock()
    indexer = HistoryIndexer(database, clock)
    ages = {"old": 8 * DAY, "middle": 5 * DAY, "new": 1 * DAY}
    owners = {
        "jo": {},
        "kim": {"owner_id": KIM.user_id},
        "product": {"product_id": 7},
        "nobody": {"owner_id": None},
    }
    made = {}
    number = 0
    for age_name, age in ages.items():
        for owner, fields in owners.items():
            rows = [make_event(clock, age, number + n, **fields) for n in range(20)]
            number += 20
            made[age_name, owner] = {row.id for row in rows}
            await store(database, rows)
        await indexer.catch_up()
    assert (await counts(database))[0] == 3
    retention = EventRetention(
        database,
        clock,
        allowing(
            **{
                f"u{JO.user_id}": Retention(days=7),
                f"u{KIM.user_id}": Retention(days=3),
                "p7": Retention(days=0),
            }
        ),
    )
    await retention.sweep()
    gone = made["old", "jo"] | made["old", "kim"] | made["middle", "kim"] | made["old", "nobody"]
    assert await kept(database) == set().union(*made.values()) - gone
    assert retention.deleted == len(gone)
    await retention.sweep()
    assert retention.deleted == len(gone)


async def test_the_newest_bytes_are_kept(database):
    clock = ManualClock()
    indexer = HistoryIndexer(database, clock)
    hours = []
    for hour in range(10, 0, -1):
        rows = [make_event(clock, timedelta(hours=hour), n) for n in range(10)]
        rows.append(make_event(clock, timedelta(hours=hour), 11, owner_id=KIM.user_id))
        hours.append(rows)
        await store(database, rows)
        await indexer.catch_up()
    of_an_hour = 10 * (100 + 4 + 64)
    retention = EventRetention(
        database,
        clock,
        allowing(**{f"u{JO.user_id}": Retention(days=0, size_bytes=3 * of_an_hour + 5)}),
    )
    await retention.sweep()
    expected = {row.id for rows in hours[-3:] for row in rows}
    expected |= {rows[-1].id for rows in hours[:-3]}
    young = hours[-1]  # of the last hour: in no segment yet, and not deleted by size
    assert await kept(database) >= expected
    assert await kept(database) - expected <= {row.id for row in hours[-4]} | {
        row.id for row in young
    }


async def test_an_empty_segment_leaves_nothing_behind_and_ingest_goes_on_meanwhile(
    database, monkeypatch
):
    monkeypatch.setattr(retention_store, "STEP_ROWS", 50)
    clock = ManualClock()
    await store(database, [make_event(clock, 10 * DAY, n) for n in range(1000)])
    await HistoryIndexer(database, clock).catch_up()
    retention = EventRetention(database, clock, allowing())
    sweeping = asyncio.create_task(retention.sweep())
    written = 0
    while not sweeping.done():
        await store(database, [make_event(clock, timedelta(0), written)])
        written += 1
        await asyncio.sleep(0)
    await sweeping
    assert retention.deleted == 1000
    assert written > 20
    assert len(await kept(database)) == written
    assert await counts(database) == [0, 0, 0]


async def test_a_sweep_cut_off_in_the_middle_is_taken_up_again(database, monkeypatch):
    monkeypatch.setattr(retention_store, "STEP_ROWS", 50)
    clock = ManualClock()
    await store(database, [make_event(clock, 10 * DAY, n) for n in range(1000)])
    await HistoryIndexer(database, clock).catch_up()
    first = EventRetention(database, clock, allowing())
    sweeping = asyncio.create_task(first.sweep())
    while first.deleted < 200:
        await asyncio.sleep(0.001)
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    assert 0 < len(await kept(database)) < 1000
    await EventRetention(database, clock, allowing()).sweep()
    assert await kept(database) == set()
    assert await counts(database) == [0, 0, 0]
