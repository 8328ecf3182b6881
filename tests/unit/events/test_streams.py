import asyncio

import pytest
from tests.builders.events import make_event, make_user_id

from roadstead.bus.local import LocalBus
from roadstead.events.matching import EventFilter
from roadstead.events.rendering import to_sse
from roadstead.events.streams import JOIN_LIMIT_BYTES, EventStreams

ME = make_user_id(1)


@pytest.fixture
def bus():
    return LocalBus()


def publish(bus, *events):
    for event in events:
        bus.publish("event", event)


async def test_a_reader_gets_waiting_events_joined_and_in_order(bus):
    stream = EventStreams(bus).open(EventFilter(ME))
    events = [make_event(f"e{number}") for number in range(3)]
    publish(bus, *events)
    assert await anext(stream) == b"".join(map(to_sse, events))


async def test_a_waiting_reader_is_woken_by_the_next_event(bus):
    stream = EventStreams(bus).open(EventFilter(ME))
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    event = make_event()
    publish(bus, event)
    assert await waiting == to_sse(event)


async def test_an_event_is_rendered_once_for_all_its_readers(bus):
    streams = EventStreams(bus)
    readers = [streams.open(EventFilter(ME)) for _ in range(3)]
    publish(bus, make_event())
    first, *others = [await anext(reader) for reader in readers]
    assert all(block is first for block in others)
    assert streams.delivered == 3


async def test_a_cancelled_wait_loses_nothing(bus):
    stream = EventStreams(bus).open(EventFilter(ME))
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    event = make_event()
    publish(bus, event)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await anext(stream) == to_sse(event)


async def test_a_reader_that_falls_behind_is_cut_off_and_counted_and_others_are_not(bus):
    streams = EventStreams(bus, queue_limit=5)
    slow, quick = streams.open(EventFilter(ME)), streams.open(EventFilter(ME))
    for _ in range(6):
        publish(bus, make_event())
        await anext(quick)
    assert slow.closed_reason == "slow_reader"
    assert streams.slow_readers_cut == 1
    assert streams.open_streams == 1
    with pytest.raises(StopAsyncIteration):
        await anext(slow)
    assert quick.closed_reason is None


async def test_a_closed_stream_ends_its_reader_and_gets_nothing_more(bus):
    streams = EventStreams(bus)
    with streams.open(EventFilter(ME)) as stream:
        waiting = asyncio.create_task(anext(stream, None))
        await asyncio.sleep(0)
    assert await waiting is None
    assert stream.closed_reason == "closed"
    stream.close()
    publish(bus, make_event())
    assert streams.open_streams == 0
    assert streams.delivered == 0


async def test_stopping_ends_all_streams(bus):
    streams = EventStreams(bus)
    opened = [
        streams.open(EventFilter(ME)),
        streams.open(EventFilter(ME, frozenset({"a" * 24, "b" * 24}))),
        streams.open(EventFilter(make_user_id(2))),
    ]
    streams.close()
    assert [stream.closed_reason for stream in opened] == ["stopping"] * 3
    assert streams.open_streams == 0


async def test_blocks_are_bounded_and_hold_whole_events_only(bus):
    stream = EventStreams(bus).open(EventFilter(ME))
    events = [make_event("big", b"x" * 1024) for _ in range(150)]
    publish(bus, *events)
    blocks = []
    while sum(map(len, blocks)) < sum(len(to_sse(event)) for event in events):
        blocks.append(await anext(stream))
    assert b"".join(blocks) == b"".join(map(to_sse, events))
    assert len(blocks) > 1
    assert all(len(block) <= JOIN_LIMIT_BYTES and block.endswith(b"\n\n") for block in blocks)


async def test_events_of_others_touch_nobody(bus):
    streams = EventStreams(bus)
    streams.open(EventFilter(ME, frozenset({"a" * 24})))
    publish(
        bus,
        make_event(owner_id=None),
        make_event(owner_id=make_user_id(2)),
        make_event(device_id="b" * 24),
    )
    bus.publish("event", "no event")
    assert streams.delivered == 0
