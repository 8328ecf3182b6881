"""The history as people search it."""

import json
from datetime import timedelta

import pytest
from tests.builders.cloud import Cloud, Person
from tests.http.test_events import id_of, publish_from_device

from roadstead.kit.clock import iso_ms

HISTORY = "/v1/event_history"


@pytest.fixture
async def device(cloud: Cloud, jo: Person) -> str:
    """A device with 30 events, one a minute, every third of another name."""
    device_id, _ = await cloud.claimed(jo, 1)
    owner = await id_of(jo)
    for number in range(30):
        name = "door/open" if number % 3 == 0 else "temp"
        publish_from_device(cloud, owner, device_id, name, b"value %d" % number)
        cloud.clock.advance(60)
    await cloud.journal.flush()
    return device_id


async def search(person: Person, **query):
    answer = await person.client.get(HISTORY, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_newest_come_first_in_the_fields_shape(jo: Person, device: str):
    found = await search(jo, per_page=2, prefix="temp")
    newest = found["events"][0]
    assert newest.pop("id").isdigit()
    assert newest == {
        "name": "temp",
        "data": "value 29",
        "ttl": 60,
        "published_at": "2026-01-01T00:29:00.000Z",
        "coreid": device,
    }
    assert [one["data"] for one in found["events"]][1] == "value 28"
    assert found["meta"]["stopped_early"] is False


async def test_pages_follow_each_other_by_cursor(jo: Person, device: str):
    found, cursor = [], ""
    while cursor is not None:
        page = await search(jo, per_page=7, order="oldest", device=device, cursor=cursor)
        found += [one["data"] for one in page["events"]]
        cursor = page["meta"]["cursor"]
    assert found == [f"value {number}" for number in range(30)]


async def test_a_range_of_time_a_prefix_and_a_text_narrow(cloud: Cloud, jo: Person, device: str):
    start = cloud.clock.now() - timedelta(minutes=30)
    since, until = start + timedelta(minutes=10), start + timedelta(minutes=20)
    found = await search(jo, since=iso_ms(since), until=iso_ms(until), order="oldest")
    assert [one["data"] for one in found["events"]] == [f"value {n}" for n in range(10, 20)]
    found = await search(jo, prefix="door", text="value 2")
    assert [one["data"] for one in found["events"]] == ["value 27", "value 24", "value 21"]


async def test_the_index_changes_nothing_of_what_is_found(cloud: Cloud, jo, device: str):
    before = await search(jo, device=device)
    cloud.clock.advance(7200)
    await cloud.indexer.catch_up()
    assert cloud.indexer.segments == 1
    after = await search(jo, device=device)
    assert after["events"] == before["events"]
    by_name = await jo.client.put(f"/v1/devices/{device}", json={"name": "fridge"})
    assert by_name.status_code == 200
    assert (await search(jo, device="fridge"))["events"] == before["events"]


async def test_an_export_has_one_event_a_line(jo: Person, device: str):
    by_accept = await jo.client.get(HISTORY, headers={"Accept": "application/x-ndjson"})
    by_query = await jo.client.get(HISTORY, params={"format": "ndjson"})
    for answer in (by_accept, by_query):
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert len(lines) == 30
        values = [one["data"] for one in lines if one["data"].startswith("value")]
        assert values == [f"value {number}" for number in reversed(range(30))]


async def test_nobody_finds_the_events_of_others(jo: Person, stranger: Person, device: str):
    assert (await search(stranger))["events"] == []
    assert (await search(stranger, device=device))["events"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"since": "yesterday"}, "bad_time"),
        ({"since": "2026-01-01T00:00:00"}, "bad_time"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "bad_time_range"),
        ({"order": "sideways"}, "bad_order"),
        ({"cursor": "x"}, "bad_cursor"),
        ({"per_page": "0"}, "bad_page"),
        ({"per_page": "1001"}, "bad_page"),
        ({"text": "x" * 201}, "bad_text"),
    ],
)
async def test_what_is_wrong_with_a_search_is_said(jo: Person, query, code):
    answer = await jo.client.get(HISTORY, params=query)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
