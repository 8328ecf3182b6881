"""Charts of a fleet, counted as it happens."""

import pytest
from sqlalchemy import func, select
from tests.builders.cloud import Cloud, Person
from tests.http.test_organizations import make_product
from tests.http.test_product_events import put_in_product, say

from roadstead.health.fleet_store import delete_old_counts, fleet_counts
from roadstead.kit.clock import iso_ms


@pytest.fixture
async def product(cloud: Cloud, jo: Person) -> int:
    return await make_product(jo)


async def settle(cloud: Cloud) -> None:
    await cloud.journal.flush()
    await cloud.parts.fleet_metrics.flush()
    await cloud.journal.flush()


async def read(cloud: Cloud, person: Person, product: int, panel: str, **query) -> list[dict]:
    await settle(cloud)
    query.setdefault("bucket_size", "60")
    answer = await person.client.get(f"/v1/products/{product}/metrics/{panel}", params=query)
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()[panel] if len(one) > 1]


def status(cloud: Cloud, product: int, device_id: str, word: bytes, firmware: int = 3) -> None:
    cloud.ingest.accept(
        name="spark/status",
        payload=word,
        content_format=None,
        ttl_s=60,
        source="system",
        device_id=device_id,
        owner_id=None,
        product_id=product,
        firmware_version=firmware,
    )


async def test_events_are_counted_by_minute_and_by_filter(cloud: Cloud, jo: Person, product: int):
    device_id, _ = await cloud.claimed(jo, 5)
    await put_in_product(cloud, jo, device_id, product)
    group = f"/v1/products/{product}/groups"
    assert (await jo.client.post(group, json={"name": "beta"})).status_code in (200, 201)
    path = f"/v1/products/{product}/devices/{device_id}"
    assert (await jo.client.put(path, json={"groups": ["beta"]})).status_code == 200
    for _ in range(3):
        say(cloud, product, "temp", device_id=device_id)
        say(cloud, product, "temp")
        say(cloud, product + 1, "another's")
        say(cloud, None, "nobody's")
    await settle(cloud)
    cloud.clock.advance(120)
    say(cloud, product, "temp", device_id=device_id)
    points = await read(cloud, jo, product, "events")
    assert points == [
        {"time": "2026-01-01T00:00:00.000Z", "received": 6},
        {"time": "2026-01-01T00:02:00.000Z", "received": 1},
    ]
    whole = await read(cloud, jo, product, "events", bucket_size="900")
    assert [one["received"] for one in whole] == [7]
    hours = await read(cloud, jo, product, "events", bucket_size="7200")
    assert [one["received"] for one in hours] == [7]
    for query, total in (
        ({"device_group": "beta"}, 4),
        ({"device_group": "gamma"}, 0),
        ({"product_fw": "3"}, 7),
        ({"product_fw": "4"}, 0),
        ({"device_os_version": "9.9.9"}, 0),
    ):
        found = await read(cloud, jo, product, "events", **query)
        assert sum(one["received"] for one in found) == total, query


async def test_devices_online_are_snapshots(cloud: Cloud, jo: Person, product: int):
    for number, word in ((1, b"online"), (2, b"online"), (3, b"online"), (3, b"offline")):
        status(cloud, product, f"{number:024x}", word, firmware=number)
    points = await read(cloud, jo, product, "online")
    assert [one["count"] for one in points] == [2]
    cloud.clock.advance(60)
    status(cloud, product, f"{1:024x}", b"offline")
    status(cloud, product, f"{2:024x}", b"online", firmware=9)
    points = await read(cloud, jo, product, "online")
    assert [one["count"] for one in points] == [2, 1]
    assert [one["count"] for one in await read(cloud, jo, product, "online", product_fw="9")] == [1]
    last = await read(cloud, jo, product, "online", bucket_size="3600")
    assert [one["count"] for one in last] == [1]


async def test_a_device_that_was_online_before_it_joined_is_counted_when_it_speaks(
    cloud: Cloud, jo: Person, product: int
):
    device_id = f"{1:024x}"
    status(cloud, product + 1, device_id, b"online")
    say(cloud, product, "temp", device_id=device_id)
    assert [one["count"] for one in await read(cloud, jo, product, "online")] == [1]
    status(cloud, product, device_id, b"offline")
    say(cloud, product, "late", device_id=device_id)
    cloud.clock.advance(60)
    points = await read(cloud, jo, product, "online")
    assert [one["count"] for one in points] == [1]


async def test_calls_are_counted_by_outcome(cloud: Cloud, jo: Person, product: int):
    device_id, _ = await cloud.claimed(jo, 1)
    await put_in_product(cloud, jo, device_id, product)
    path = f"/v1/devices/{device_id}"
    await jo.client.post(f"{path}/nothing_there", json={"arg": "x"})
    await jo.client.get(f"{path}/nothing_there_either")
    cloud.unplug(device_id)
    await jo.client.post(f"{path}/led", json={"arg": "x"})
    points = await read(cloud, jo, product, "functions")
    assert {key: value for key, value in points[0].items() if key != "time"} == {
        "failure": 1,
        "offline": 1,
    }
    points = await read(cloud, jo, product, "variables")
    assert points[0]["failure"] == 1


async def test_metrics_need_the_product_its_plan_and_a_sensible_question(
    cloud: Cloud, jo: Person, stranger: Person, product: int
):
    path = f"/v1/products/{product}/metrics/events"
    assert (await stranger.client.get(path)).status_code == 404
    now = iso_ms(cloud.clock.now())
    for query in (
        {"bucket_size": "15"},
        {"bucket_size": "x"},
        {"product_fw": "x"},
        {"start_date": "soon"},
        {"start_date": now, "end_date": now},
        {"start_date": "2025-01-01T00:00:00Z", "bucket_size": "60"},
    ):
        assert (await jo.client.get(path, params=query)).status_code == 400, query


async def test_old_counts_leave(cloud: Cloud, jo: Person, product: int):
    say(cloud, product, "temp")
    await settle(cloud)
    cloud.clock.advance(40 * 86_400)
    now = cloud.clock.now()
    database = cloud.parts.database
    assert await database.write(lambda conn: delete_old_counts(conn, now)) > 0
    rows = select(func.count()).select_from(fleet_counts)
    assert await database.read(lambda conn: conn.scalar(rows)) == 0
