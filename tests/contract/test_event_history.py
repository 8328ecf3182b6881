"""The history, read in every direction, is what the rule says of every event; on each engine."""

import asyncio
import itertools
import random

import pytest
import sqlalchemy as sa
from tests.builders.devices import JO, KIM

from roadstead.events import history, history_store, segments
from roadstead.events.history import EventHistory
from roadstead.events.history_store import Search
from roadstead.events.indexing import HistoryIndexer
from roadstead.events.matching import EventFilter, matches_any
from roadstead.events.model import Event
from roadstead.events.rendering import data_text
from roadstead.events.segment_store import event_places, event_segments, event_volumes
from roadstead.events.store import write_events
from roadstead.kit.clock import ManualClock, to_ms
from roadstead.kit.errors import TooMany
from roadstead.protocol.messages.structured import json_to_structured

DEVICES = [f"{number:024x}" for number in range(6)]
NAMES = ["temp", "temperature", "door/open", "spark/status"]


def make_events(count: int, seed: int = 1, start_ms: int | None = None, step_ms: int = 100):
    """Events of devices of two owners and two products, some structured, one in ten of the API."""
    dice = random.Random(seed)
    start_ms = to_ms(ManualClock().now()) if start_ms is None else start_ms
    made = []
    for number in range(count):
        at_ms = start_ms + number * step_ms
        device = None if dice.random() < 0.1 else dice.choice(DEVICES)
        structured = dice.random() < 0.2
        text = f"value {number % 37}"
        made.append(
            Event(
                id=at_ms << 20,
                name=dice.choice(NAMES),
                payload=json_to_structured(f'{{"v":"{text}"}}'.encode())
                if structured
                else text.encode(),
                content_format=65001 if structured else None,
                published_at_ms=at_ms,
                source="device" if device else "api",
                device_id=device,
                owner_id=dice.choice([JO.user_id, JO.user_id, KIM.user_id, None]),
                product_id=dice.choice([None, 7, 7, 8]),
            )
        )
    return made


@pytest.fixture
def small_segments(monkeypatch):
    """Segments of 50 and steps of 30 events, so that few events show every border."""
    monkeypatch.setattr(segments, "SEGMENT_EVENTS", 50)
    monkeypatch.setattr("roadstead.events.indexing.SEGMENT_EVENTS", 50)
    monkeypatch.setattr(segments, "DENSE_EVENTS", 5)
    monkeypatch.setattr(history_store, "STEP_EVENTS", 30)
    monkeypatch.setattr(history_store, "IDS_PER_QUERY", 7)
    monkeypatch.setattr(history_store, "SEGMENTS_PER_STEP", 2)


async def store(database, made):
    await database.write(lambda conn: write_events(conn, made))


SEARCHES = [
    Search((EventFilter(JO.user_id),)),
    Search((EventFilter(KIM.user_id, prefix="temp"),)),
    Search((EventFilter(JO.user_id, frozenset({DEVICES[0]})),)),
    Search((EventFilter(JO.user_id, frozenset(DEVICES[:3]), "door"),)),
    Search((EventFilter(None, None, "", frozenset({7})),)),
    Search((EventFilter(None, frozenset({DEVICES[2]}), "t", frozenset({7, 8})),)),
    Search((EventFilter(JO.user_id), EventFilter(None, None, "", frozenset({8})))),
    Search((EventFilter("f" * 24),)),
    Search((EventFilter(JO.user_id),), text="value 3"),
    Search((EventFilter(JO.user_id),), text='"v":"value 12"'),
]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("indexed", [0, 180, 400])
async def test_pages_together_are_everything_and_nothing_twice(
    database, small_segments, newest_first, indexed
):
    clock = ManualClock()
    made = make_events(400)
    indexer = HistoryIndexer(database, clock)
    if indexed:
        await store(database, made[:indexed])
        await indexer.catch_up()
    if made[indexed:]:
        await store(database, made[indexed:])
    reader = EventHistory(database, clock)
    after, before = made[20].id, made[390].id
    for one in SEARCHES:
        for low, high in ((0, history_store.END_ID), (after, before)):
            search = Search(one.wanted, low, high, newest_first, one.text)
            expected = [
                event
                for event in made
                if low < event.id < high
                and matches_any(event, one.wanted)
                and one.text in data_text(event)
            ]
            if newest_first:
                expected.reverse()
            found, cursor = [], None
            while True:
                page = await reader.search(search if cursor is None else search.beyond(cursor), 17)
                assert len(page.events) <= 17
                found += page.events
                cursor = page.cursor
                if cursor is None:
                    break
                assert page.stopped_early or len(page.events) == 17
            assert [one.id for one in found] == [one.id for one in expected]
            assert found == expected
            exported = [event async for some in reader.export(search) for event in some]
            assert exported == expected


async def test_a_search_stops_after_so_much_effort_and_says_where(
    database, small_segments, monkeypatch
):
    monkeypatch.setattr(history, "SCAN_EVENTS", 100)
    made = make_events(400)
    await store(database, made)
    reader = EventHistory(database, ManualClock())
    search = Search((EventFilter(JO.user_id),), text="no such text")
    pages, cursor = 0, None
    while True:
        page = await reader.search(search if cursor is None else search.beyond(cursor), 10)
        pages += 1
        assert page.events == []
        if page.cursor is None:
            break
        assert page.stopped_early
        assert cursor is None or page.cursor < cursor
        cursor = page.cursor
    assert pages >= 4


async def test_segments_close_when_full_or_old_and_hold_each_event_once(database, small_segments):
    clock = ManualClock()
    made = make_events(120, start_ms=to_ms(clock.now()))
    await store(database, made)
    indexer = HistoryIndexer(database, clock)
    await indexer.catch_up()
    assert (indexer.segments, indexer.behind) == (2, 20)
    clock.advance(3600 + 9)
    await indexer.catch_up()
    assert indexer.segments == 2
    clock.advance(1)
    await indexer.catch_up()
    assert (indexer.segments, indexer.behind) == (3, 0)

    def facts(conn):
        counts = conn.execute(sa.select(event_segments.c.first_id, event_segments.c.events))
        volumes = conn.execute(sa.select(sa.func.sum(event_volumes.c.events)))
        lists = conn.execute(
            sa.select(event_places.c.events, event_places.c.ids).where(
                event_places.c.place == f"d{DEVICES[0]}"
            )
        )
        return list(counts), volumes.scalar_one(), list(lists)

    counts, total, lists = await database.read(facts)
    assert [(row.first_id, row.events) for row in counts] == [
        (made[0].id, 50),
        (made[50].id, 50),
        (made[100].id, 20),
    ]
    assert total == 120
    for row in lists:
        assert row.ids is None or len(row.ids) == 8 * row.events


async def test_the_index_goes_on_after_a_stop_and_beside_another_process(database, small_segments):
    clock = ManualClock()
    await store(database, make_events(70))
    first, second = HistoryIndexer(database, clock), HistoryIndexer(database, clock)
    await asyncio.gather(first.catch_up(), second.catch_up())
    await store(database, make_events(80, 2, to_ms(clock.now()) + 60_000))
    await asyncio.gather(first.catch_up(), second.catch_up())
    third = HistoryIndexer(database, clock)
    await third.catch_up()

    def facts(conn):
        return list(
            conn.execute(
                sa.select(event_segments.c.first_id, event_segments.c.last_id).order_by(
                    event_segments.c.first_id
                )
            )
        )

    rows = await database.read(facts)
    assert len(rows) == 3
    for before, after in itertools.pairwise(rows):
        assert before.last_id < after.first_id


async def test_one_export_of_an_account_at_a_time(database):
    reader = EventHistory(database, ManualClock())
    with reader.exporting(JO.user_id):
        with pytest.raises(TooMany) as refused:
            reader.exporting(JO.user_id)
        assert refused.value.code == "export_running"
        reader.exporting(KIM.user_id)
    reader.exporting(JO.user_id)
