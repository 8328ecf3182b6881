import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.events import make_event, make_user_id

from roadstead.bus.local import LocalBus
from roadstead.events.matching import EventFilter, matches
from roadstead.events.streams import EventStreams
from roadstead.events.visibility import account_of, visible_to

ME, OTHER = make_user_id(1), make_user_id(2)
MINE, THEIRS = "a" * 24, "b" * 24


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EventFilter(ME), True),
        (EventFilter(OTHER), False),
        (EventFilter(""), False),
        (EventFilter(ME, prefix="temp"), True),
        (EventFilter(ME, prefix="temperature"), True),
        (EventFilter(ME, prefix="temperature2"), False),
        (EventFilter(ME, prefix="Temp"), False),
        (EventFilter(ME, frozenset({MINE})), True),
        (EventFilter(ME, frozenset({THEIRS})), False),
        (EventFilter(ME, frozenset()), False),
        (EventFilter(OTHER, frozenset({MINE})), False),
    ],
)
def test_a_filter_narrows_what_the_account_may_see(wanted, expected):
    assert matches(make_event("temperature", device_id=MINE, owner_id=ME), wanted) is expected


def test_an_event_of_an_unclaimed_device_is_in_nobodys_stream():
    event = make_event(owner_id=None)
    assert account_of(event) is None
    assert not visible_to(event, "")
    assert not matches(event, EventFilter(""))


def test_an_event_published_by_the_api_is_in_no_devices_stream():
    event = make_event(device_id=None, source="api")
    assert matches(event, EventFilter(ME))
    assert not matches(event, EventFilter(ME, frozenset({MINE})))


_owners = st.sampled_from([ME, OTHER])
_devices = st.sampled_from([MINE, THEIRS])
_names = st.sampled_from(["a", "ab", "abc", "b", "spark/status"])


@settings(max_examples=60, deadline=None)
@given(
    filters=st.lists(
        st.builds(
            EventFilter,
            _owners,
            st.none() | st.frozensets(_devices, max_size=2),
            st.sampled_from(["", "a", "ab", "b", "s"]),
        ),
        max_size=6,
    ),
    events=st.lists(
        st.tuples(_names, st.none() | _owners, st.none() | _devices), min_size=1, max_size=6
    ),
)
def test_the_index_of_streams_gives_exactly_what_the_rule_says(filters, events):
    async def run():
        bus = LocalBus()
        streams = EventStreams(bus)
        opened = [streams.open(wanted) for wanted in filters]
        made = [
            make_event(name, owner_id=owner_id, device_id=device_id)
            for name, owner_id, device_id in events
        ]
        for event in made:
            bus.publish("event", event)
        for stream in opened:
            expected = [f"id: {event.id}\n" for event in made if matches(event, stream.wanted)]
            got = await anext(stream) if expected else b""
            assert [line for line in got.decode().splitlines(True) if line[:3] == "id:"] == expected
            stream.close()
        assert streams.open_streams == 0
        assert not streams._accounts

    asyncio.run(run())
