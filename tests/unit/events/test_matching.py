import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders.events import make_event, make_user_id

from roadstead.bus.local import LocalBus
from roadstead.events.matching import EventFilter, matches, matches_any, shows_product
from roadstead.events.rendering import to_sse
from roadstead.events.streams import EventStreams
from roadstead.events.visibility import NOBODY, account_of, payer_of, visible_to

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
_products = st.sampled_from([1, 2])
_devices = st.sampled_from([MINE, THEIRS])
_names = st.sampled_from(["a", "ab", "abc", "b", "spark/status"])
_some_devices = st.none() | st.frozensets(_devices, max_size=2)
_prefixes = st.sampled_from(["", "a", "ab", "b", "s"])
_filters = st.builds(EventFilter, _owners, _some_devices, _prefixes) | st.builds(
    EventFilter, st.none(), _some_devices, _prefixes, st.frozensets(_products, max_size=2)
)


@settings(max_examples=100, deadline=None)
@given(
    readers=st.lists(st.lists(_filters, min_size=1, max_size=3), max_size=5),
    events=st.lists(
        st.tuples(_names, st.none() | _owners, st.none() | _devices, st.none() | _products),
        min_size=1,
        max_size=6,
    ),
)
def test_the_index_of_streams_gives_exactly_what_the_rule_says(readers, events):
    async def run():
        bus = LocalBus()
        streams = EventStreams(bus)
        opened = [streams.open(*wanted) for wanted in readers]
        made = [
            make_event(name, owner_id=owner_id, device_id=device_id, product_id=product_id)
            for name, owner_id, device_id, product_id in events
        ]
        for event in made:
            bus.publish("event", event)
        for wanted, stream in zip(readers, opened, strict=True):
            expected = [
                to_sse(event, of_product=shows_product(event, wanted))
                for event in made
                if matches_any(event, wanted)
            ]
            got = await anext(stream) if expected else b""
            assert got == b"".join(expected)
            assert stream._waiting == []
            stream.close()
        assert streams._scopes == {}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("owner_id", "product_id", "payer"),
    [(ME, None, f"u{ME}"), (ME, 7, "p7"), (None, 7, "p7"), (None, None, NOBODY)],
)
def test_an_event_is_kept_to_one_plan(owner_id, product_id, payer):
    assert payer_of(owner_id, product_id) == payer


def test_a_filter_is_of_an_account_or_of_products():
    with pytest.raises(ValueError, match="account or of products"):
        EventFilter()
    with pytest.raises(ValueError, match="account or of products"):
        EventFilter(ME, product_ids=frozenset({1}))
