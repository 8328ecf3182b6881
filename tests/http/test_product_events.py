"""Events of products and organizations: streams, publishing, history, who may."""

import pytest
from tests.builders.cloud import Cloud, Person, make_device_id
from tests.builders.sse import read_stream
from tests.http.test_events import id_of
from tests.http.test_organizations import acme as acme
from tests.http.test_organizations import join, make_product


async def put_in_product(cloud: Cloud, person: Person, device_id: str, product_id: int) -> None:
    """Imports a device."""
    body = {"id": device_id, "import_method": "one"}
    answer = await person.client.post(f"/v1/products/{product_id}/devices", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["updated"] == 1, answer.text


def say(cloud: Cloud, product_id, name: str, *, owner_id=None, device_id=None, data=b"1"):
    return cloud.ingest.accept(
        name=name,
        payload=data,
        content_format=None,
        ttl_s=60,
        source="device",
        device_id=device_id or make_device_id(1),
        owner_id=owner_id,
        product_id=product_id,
        firmware_version=3,
    )


@pytest.fixture
async def product(jo: Person) -> int:
    return await make_product(jo)


async def test_an_unclaimed_devices_events_are_in_its_products_stream_in_the_fields_shape(
    cloud: Cloud, jo: Person, product: int
):
    path = f"/v1/products/{product}/events?nonce=1"
    async with read_stream(cloud.app, path, jo.token) as stream:
        say(cloud, product, "temp", data=b"21")
        say(cloud, product + 1, "temp")
        say(cloud, None, "temp", owner_id=await id_of(jo))
        say(cloud, product, "last", owner_id="f" * 24)
        events = await stream.events(2)
    assert events[0] == (
        "temp",
        {
            "data": "21",
            "ttl": 60,
            "published_at": "2026-01-01T00:00:00.000Z",
            "coreid": make_device_id(1),
            "userid": "",
            "version": 3,
            "public": False,
            "productID": product,
        },
    )
    assert (events[1][0], events[1][1]["userid"]) == ("last", "f" * 24)


async def test_a_claimed_product_devices_events_are_in_both_streams(cloud, jo, stranger, product):
    customer = await id_of(stranger)
    async with (
        read_stream(cloud.app, f"/v1/products/{product}/events", jo.token) as of_product,
        read_stream(cloud.app, "/v1/devices/events", stranger.token) as of_customer,
        read_stream(cloud.app, "/v1/devices/events", jo.token) as of_maker,
    ):
        say(cloud, product, "temp", owner_id=customer)
        ((_, wide),) = await of_product.events(1)
        ((_, narrow),) = await of_customer.events(1)
        await jo.client.post("/v1/devices/events", json={"name": "mine"})
        assert [name for name, _ in await of_maker.events(1)] == ["mine"]
    assert wide["productID"] == product
    assert "productID" not in narrow


async def test_one_devices_stream_needs_a_member_of_the_product(cloud: Cloud, jo, product):
    device_id, _ = await cloud.claimed(jo, 1)
    path = f"/v1/products/{product}/devices/{device_id}/events"
    answer = await jo.client.get(path)
    assert (answer.status_code, answer.json()["error_description"]) == (
        404,
        "Device not found for this product",
    )
    await put_in_product(cloud, jo, device_id, product)
    async with read_stream(cloud.app, f"{path}/te", jo.token) as stream:
        say(cloud, product, "temp", device_id=make_device_id(2))
        say(cloud, product, "door", device_id=device_id)
        say(cloud, product, "temp", device_id=device_id)
        events = await stream.events(1)
    assert [(name, event["coreid"]) for name, event in events] == [("temp", device_id)]


async def test_publishing_into_a_product_in_ones_own_name_and_in_a_devices(cloud, jo, product):
    device_id, _ = await cloud.claimed(jo, 1)
    await put_in_product(cloud, jo, device_id, product)
    path = f"/v1/products/{product}/events"
    async with read_stream(cloud.app, path, jo.token) as stream:
        answer = await jo.client.post(path, json={"name": "go", "data": "d", "private": True})
        assert answer.json() == {"ok": True}
        answer = await jo.client.post(path, json={"name": "go", "as_device_id": device_id.upper()})
        assert answer.json() == {"ok": True}
        events = await stream.events(2)
    assert [event["coreid"] for _, event in events] == ["api", device_id]
    assert [event["userid"] for _, event in events] == ["", await id_of(jo)]
    for body, status in (
        ({"name": "go", "as_device_id": make_device_id(9)}, 404),
        ({"name": "spark/status"}, 403),
        ({"name": ""}, 400),
    ):
        assert (await jo.client.post(path, json=body)).status_code == status


async def test_a_products_events_can_be_resumed_and_searched(cloud: Cloud, jo, stranger, product):
    for number in range(5):
        say(cloud, product, "temp", data=b"%d" % number)
        say(cloud, product + 1, "temp", data=b"another's")
    await cloud.journal.flush()
    cloud.clock.advance(7200)
    await cloud.indexer.catch_up()
    path = f"/v1/products/{product}/events/temp?last_event_id=0"
    async with read_stream(cloud.app, path, jo.token) as stream:
        say(cloud, product, "temp", data=b"5")
        events = await stream.events(6)
    assert [event["data"] for _, event in events] == ["0", "1", "2", "3", "4", "5"]
    history = f"/v1/products/{product}/event_history"
    query = {"device": make_device_id(1), "order": "oldest"}
    found = (await jo.client.get(history, params=query)).json()["events"]
    assert [one["data"] for one in found] == ["0", "1", "2", "3", "4", "5"]
    assert found[0]["productID"] == product
    for foreign in (path, history):
        assert (await stranger.client.get(foreign)).status_code == 404


async def test_a_viewer_reads_and_may_not_publish_and_is_cut_off_when_removed(
    cloud: Cloud, jo, stranger, acme
):
    product = await make_product(jo, f"/v1/orgs/{acme}/products")
    await join(cloud, jo, f"/v1/products/{product}", stranger, "View-only")
    path = f"/v1/products/{product}/events"
    assert (await stranger.client.post(path, json={"name": "go"})).status_code == 403
    shared = f'/v1/event_stream?filters=[{{"product":"{product}"}}]'
    async with (
        read_stream(cloud.app, path, stranger.token) as own,
        read_stream(cloud.app, shared, stranger.token) as together,
    ):
        say(cloud, product, "temp")
        for stream in (own, together):
            ((_, event),) = await stream.events(1)
            assert event["productID"] == product
        left = await jo.client.delete(f"/v1/products/{product}/team/{stranger.username}")
        assert left.status_code in (200, 204), left.text
        await own.until(lambda: own.ended)
        await together.until(lambda: together.ended)
    assert (await stranger.client.get(shared)).status_code == 404


async def test_an_organizations_stream_has_all_its_products(cloud: Cloud, jo, stranger, acme):
    first = await make_product(jo, f"/v1/orgs/{acme}/products", "First")
    second = await make_product(jo, f"/v1/orgs/{acme}/products", "Second")
    mine = await make_product(jo, name="Mine")
    path = f"/v1/orgs/{acme}/events"
    async with read_stream(cloud.app, path, jo.token) as stream:
        say(cloud, first, "a")
        say(cloud, mine, "not the organization's")
        say(cloud, second, "b")
        events = await stream.events(2)
        assert [event["productID"] for _, event in events] == [first, second]
        third = await make_product(jo, f"/v1/orgs/{acme}/products", "Third")
        await stream.until(lambda: stream.ended)
    async with read_stream(cloud.app, f"{path}?last_event_id=0", jo.token) as stream:
        say(cloud, third, "c")
        events = await stream.events(3)
        assert [name for name, _ in events] == ["a", "b", "c"]
    found = (await jo.client.get(f"/v1/orgs/{acme}/event_history")).json()["events"]
    assert [one["name"] for one in found] == ["c", "b", "a"]
    device = f"/v1/orgs/{acme}/devices/{make_device_id(1)}/events/b?last_event_id=0"
    async with read_stream(cloud.app, device, jo.token) as stream:
        assert [name for name, _ in await stream.events(1)] == ["b"]
    for foreign in (path, f"/v1/orgs/{acme}/event_history"):
        assert (await stranger.client.get(foreign)).status_code == 404
