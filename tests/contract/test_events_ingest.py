"""Events from acceptance to their readers, on each engine."""

import asyncio
import contextlib

import pytest
from sqlalchemy import select
from tests.builders.devices import JO, KIM
from tests.builders.events import make_event

from roadstead.bus.local import LocalBus
from roadstead.events import store
from roadstead.events.ingest import TOPIC, EventIngest
from roadstead.events.matching import EventFilter
from roadstead.events.publishing import EventPublishing
from roadstead.events.reactions import Reaction
from roadstead.events.rendering import to_sse
from roadstead.events.streams import EventStreams
from roadstead.kit.clock import ManualClock, to_ms
from roadstead.kit.errors import DomainError, Unavailable
from roadstead.kit.ids import EventIds
from roadstead.storage.journal import Journal

DEVICE = "a" * 24


class Desk:
    """Ingest, publishing and streams over one database."""

    def __init__(self, database, **journal):
        self.database, self.clock, self.bus = database, ManualClock(), LocalBus()
        self.journal = Journal(database, delay_s=0.001, **journal)
        self.ingest = EventIngest(self.journal, self.bus, self.clock, EventIds())
        self.publishing = EventPublishing(self.ingest)
        self.streams = EventStreams(self.bus)
        self.seen = []
        self.bus.subscribe(TOPIC, self.seen.append)

    def accept(self, name="temp", payload=b"21.5", **fields):
        defaults = {
            "content_format": None,
            "ttl_s": 60,
            "source": "device",
            "device_id": DEVICE,
            "owner_id": JO.user_id,
            "product_id": None,
            "firmware_version": 0,
        }
        return self.ingest.accept(name=name, payload=payload, **{**defaults, **fields})

    async def stored(self, event):
        return await self.database.read(lambda conn: store.find_event(conn, event.id))


@contextlib.asynccontextmanager
async def open_desk(database, **journal):
    desk = Desk(database, **journal)
    writing = asyncio.create_task(desk.journal.run())
    try:
        yield desk
    finally:
        await desk.journal.close()
        await writing


@pytest.fixture
async def desk(database):
    async with open_desk(database) as desk:
        yield desk


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"payload": None},
        {"payload": b""},
        {"payload": bytes(range(256)) * 4, "content_format": 42},
        {"content_format": 65001, "ttl_s": (1 << 32) - 1},
        {"source": "api", "device_id": None},
        {"source": "system", "owner_id": None},
        {"product_id": 30301, "firmware_version": 65535, "message_id": 65535},
        {"name": "ä" * 32},
    ],
)
async def test_an_event_is_kept_as_it_was_accepted(desk, fields):
    event = desk.accept(**fields)
    await desk.journal.flush()
    assert await desk.stored(event) == event
    assert desk.seen == [event]


async def test_the_receipt_comes_after_the_commit_and_before_the_readers(desk):
    order = []
    desk.bus.subscribe(TOPIC, lambda event: order.append("readers"))

    def on_committed(error):
        order.append(("receipt", error))
        found.append(asyncio.ensure_future(desk.stored(event)))

    found = []
    event = desk.accept(on_committed=on_committed)
    assert event is not None
    assert order == []
    await desk.journal.flush()
    assert order == [("receipt", None), "readers"]
    assert await found[0] == event


async def test_ids_grow_and_begin_with_the_time(desk):
    events = [desk.accept() for _ in range(100)]
    desk.clock.advance(1)
    events.append(desk.accept())
    ids = [event.id for event in events]
    assert ids == sorted(set(ids))
    assert [event.id >> 20 for event in events] == [event.published_at_ms for event in events]
    await desk.journal.flush()
    assert desk.seen == events


async def test_a_full_journal_takes_nothing_and_says_so(database):
    desk = Desk(database, max_pending=2)
    assert desk.accept()
    assert desk.accept()
    told = []
    assert desk.accept(on_committed=told.append) is None
    assert (desk.ingest.accepted, desk.ingest.refused, told) == (2, 1, [])
    with pytest.raises(Unavailable) as refused:
        await desk.publishing.publish(JO, "temp", "1")
    assert refused.value.code == "busy"


async def test_what_the_database_does_not_take_is_told_and_reaches_nobody(desk):
    told = []
    refused = desk.accept(None, on_committed=told.append)
    kept = desk.accept("good")
    await desk.journal.flush()
    assert [error is not None for error in told] == [True]
    assert desk.seen == [kept]
    assert (desk.ingest.committed, desk.ingest.failed) == (1, 1)
    assert await desk.stored(refused) is None
    assert await desk.stored(kept) == kept


async def test_a_failing_receipt_keeps_no_reader_waiting(desk):
    def on_committed(error):
        raise RuntimeError("the device is gone")

    event = desk.accept(on_committed=on_committed)
    await desk.journal.flush()
    assert desk.seen == [event]


async def test_publishing_returns_when_the_event_is_in_the_database(desk):
    event = await desk.publishing.publish(JO, "cmd/go", "ü", 30)
    assert await desk.stored(event) == event
    assert (event.owner_id, event.device_id, event.source) == (JO.user_id, None, "api")
    assert (event.payload, event.ttl_s) == ("ü".encode(), 30)
    empty = await desk.publishing.publish(JO, "cmd/go", "")
    assert empty.payload is None
    assert empty.ttl_s == 60


@pytest.mark.parametrize(
    ("name", "data", "ttl_s", "code"),
    [
        ("", "x", 60, "event_name_missing"),
        ("x" * 65, "x", 60, "event_name_too_long"),
        ("a\nb", "x", 60, "bad_event_name"),
        ("Spark/status", "x", 60, "event_name_reserved"),
        ("particle/x", "x", 60, "event_name_reserved"),
        ("x", "ä" * 513, 60, "event_data_too_long"),
        ("x", "\ud800", 60, "bad_event_data"),
        ("x", "x", -1, "bad_event_ttl"),
    ],
)
async def test_people_publish_within_the_limits(desk, name, data, ttl_s, code):
    with pytest.raises(DomainError) as refused:
        await desk.publishing.publish(JO, name, data, ttl_s)
    assert refused.value.code == code
    assert desk.ingest.accepted == 0


async def test_a_stream_shows_committed_events_of_its_account_and_no_others(desk):
    stream = desk.streams.open(EventFilter(JO.user_id, prefix="temp"))
    wanted = desk.accept("temperature")
    desk.accept("humidity")
    desk.accept("temp", owner_id=KIM.user_id)
    desk.accept("temp", owner_id=None)
    assert await anext(stream) == to_sse(wanted)


async def test_the_messages_of_the_last_seconds_are_known_after_a_restart(desk):
    desk.accept(message_id=1)
    desk.clock.advance(100)
    since_ms = to_ms(desk.clock.now())
    desk.accept(message_id=2)
    desk.accept(message_id=None)
    desk.accept(message_id=7, device_id=None)
    desk.accept(message_id=65535, device_id="b" * 24)
    await desk.journal.flush()
    recent = await desk.database.read(lambda conn: store.recent_message_ids(conn, since_ms))
    assert recent == [(DEVICE, 2), ("b" * 24, 65535)]


async def test_an_id_is_above_all_committed_ones_whatever_the_clock_says(desk):
    first = desk.accept()
    await desk.journal.flush()
    desk.clock.advance(-3600)
    other = EventIngest(desk.journal, desk.bus, desk.clock, EventIds())
    desk.ingest = other
    later = [desk.accept("later"), desk.accept("last")]
    await desk.journal.flush()
    assert [event.id for event in desk.seen] == [first.id, first.id + 1, first.id + 2]
    for event in later:
        assert await desk.stored(event) == event


async def test_two_writers_commit_in_the_order_of_their_ids(database):
    """What a reader of "all above this id" relies on."""
    desks = [Desk(database), Desk(database)]
    running = [asyncio.create_task(desk.journal.run()) for desk in desks]
    seen = []
    for desk in desks:
        desk.bus.subscribe(TOPIC, lambda event: seen.append(event.id))

    async def read():
        last, gaps = 0, 0
        while not all(task.done() for task in running):
            ids = await database.read(
                lambda conn, last=last: list(
                    conn.scalars(
                        select(store.events.c.id)
                        .where(store.events.c.id > last)
                        .order_by(store.events.c.id)
                    )
                )
            )
            found.extend(ids)
            last = ids[-1] if ids else last
            await asyncio.sleep(0)
        return gaps

    found = []
    reading = asyncio.create_task(read())
    for _ in range(40):
        for desk in desks:
            desk.accept()
            desk.accept()
        await asyncio.sleep(0.002)
    for desk in desks:
        await desk.journal.close()
    await asyncio.gather(*running)
    await reading
    stored = await database.read(lambda conn: list(conn.scalars(select(store.events.c.id))))
    assert len(stored) == len(set(stored)) == 160
    assert sorted(seen) == sorted(stored)
    assert found == sorted(stored)[: len(found)]
    assert len(found) > 100


async def test_a_thousand_events_cost_few_commits(desk):
    events = [desk.accept(payload=b"%d" % number) for number in range(1000)]
    await desk.journal.flush()
    assert desk.seen == events
    assert desk.journal.batches <= 3
    made = make_event()
    assert await desk.stored(made) is None


FAR = 1 << 40
"""Keeps the ids of reactions apart from those of events."""


class Reacting:
    """Reacts to one name by an event of its own, written in the same transaction."""

    def __init__(self, writer=store.write_events):
        self.writer, self.settled = writer, []

    def plan(self, event):
        if event.name != "temp":
            return None
        row = make_event(id=event.id + FAR, name="reaction")
        return Reaction(self.writer, [row], lambda error: self.settled.append((event.id, error)))


async def test_what_reacts_to_an_event_is_committed_with_it(desk):
    reacting = Reacting()
    desk.ingest.react_with(reacting)
    first, other, second = desk.accept(), desk.accept(name="else"), desk.accept(reacted_to=False)
    await desk.journal.flush()
    assert reacting.settled == [(first.id, None)]
    assert [await desk.stored(one) for one in (first, other, second)] == [first, other, second]
    reaction = await desk.database.read(lambda conn: store.find_event(conn, first.id + FAR))
    assert reaction.name == "reaction"


async def test_an_event_whose_reaction_fails_is_not_kept_either(desk):
    def fail(conn, rows):
        raise ValueError("no")

    reacting = Reacting(fail)
    desk.ingest.react_with(reacting)
    lost, kept = desk.accept(), desk.accept(name="else")
    await desk.journal.flush()
    assert (await desk.stored(lost), await desk.stored(kept)) == (None, kept)
    assert isinstance(reacting.settled[0][1], ValueError)


async def test_a_reaction_hears_that_the_journal_is_full(database):
    async with open_desk(database, max_pending=0) as desk:
        reacting = Reacting()
        desk.ingest.react_with(reacting)
        assert desk.accept() is None
        assert [type(error) for _, error in reacting.settled] == [Unavailable]
