import asyncio

import pytest
from tests.builders.cloud import Cloud, Person, make_device_id, open_cloud
from tests.builders.sse import read_stream

from roadstead.http.sse import MAX_STREAMS_PER_ADDRESS


def publish_from_device(cloud: Cloud, person_id: str | None, device_id: str, name: str, data=b"1"):
    return cloud.ingest.accept(
        name=name,
        payload=data,
        content_format=None,
        ttl_s=60,
        source="device",
        device_id=device_id,
        owner_id=person_id,
        product_id=None,
        firmware_version=0,
    )


async def id_of(person: Person) -> str:
    return (await person.client.get("/v1/user/identify")).json()["id"]


async def test_an_event_reaches_its_publishers_stream_in_the_fields_shape(cloud, jo: Person):
    async with read_stream(cloud.app, "/v1/devices/events?nonce=0.5", jo.token) as stream:
        body = {"name": "temperature", "data": "25.34", "private": True}
        assert (await jo.client.post("/v1/devices/events", json=body)).json() == {"ok": True}
        ((name, event),) = await stream.events(1)
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.blocks[0] == b":ok\n\n"
    assert name == "temperature"
    assert event == {
        "data": "25.34",
        "ttl": 60,
        "published_at": "2026-01-01T00:00:00.000Z",
        "coreid": "api",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "ev"},
        {"name": "ev", "data": "", "private": "true", "ttl": "30"},
        {"name": "ev", "data": None, "private": False},
    ],
)
async def test_an_event_needs_only_a_name(cloud: Cloud, jo: Person, fields):
    async with read_stream(cloud.app, "/v1/devices/events", jo.token) as stream:
        assert (await jo.client.post("/v1/devices/events", json=fields)).status_code == 200
        ((name, event),) = await stream.events(1)
    assert (name, event["data"]) == ("ev", "")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"data": "d"}, 400, "'name' is missing"),
        ({"name": ""}, 400, "name"),
        ({"name": "x" * 65}, 400, "64"),
        ({"name": "ev", "data": "x" * 1025}, 400, "1024"),
        ({"name": "ev", "data": 5}, 400, "'data'"),
        ({"name": "ev", "ttl": -1}, 400, "ttl"),
        ({"name": "ev", "ttl": "soon"}, 400, "'ttl'"),
        ({"name": "Spark/status"}, 403, "system"),
        ({"name": "particle/x"}, 403, "system"),
    ],
)
async def test_what_is_wrong_with_an_event_is_said(jo: Person, fields, status, said):
    answer = await jo.client.post("/v1/devices/events", json=fields)
    assert answer.status_code == status
    assert said in answer.json()["error_description"]


async def test_a_prefix_selects_by_the_beginning_of_the_name(cloud: Cloud, jo: Person):
    paths = ("/v1/devices/events/a%2Fb", "/v1/events/a%2Fb", "/v1/devices/events/a/b")
    for path in paths:
        async with read_stream(cloud.app, path, jo.token) as stream:
            for name in ("a/c", "x/a/b", "a/b", "a/bc"):
                await jo.client.post("/v1/devices/events", json={"name": name})
            events = await stream.events(2)
        assert [name for name, _ in events] == ["a/b", "a/bc"]


async def test_the_stream_of_everybody_needs_a_prefix(jo: Person):
    answer = await jo.client.get("/v1/events")
    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert answer.json()["error"] == "event prefix filter is required"


async def test_a_devices_stream_has_that_devices_events_only(cloud: Cloud, jo: Person):
    first, _ = await cloud.claimed(jo, 1)
    second, _ = await cloud.claimed(jo, 2)
    owner = await id_of(jo)
    async with read_stream(cloud.app, f"/v1/devices/{first}/events/t", jo.token) as stream:
        publish_from_device(cloud, owner, second, "temp")
        publish_from_device(cloud, owner, first, "door")
        publish_from_device(cloud, owner, first, "temp")
        await jo.client.post("/v1/devices/events", json={"name": "temp"})
        publish_from_device(cloud, owner, first, "temp/last")
        events = await stream.events(2)
    assert [(name, event["coreid"]) for name, event in events] == [
        ("temp", first),
        ("temp/last", first),
    ]


async def test_nobody_sees_the_events_of_another_or_of_nobody(cloud, jo, stranger):
    device_id, _ = await cloud.claimed(jo)
    owner = await id_of(jo)
    async with read_stream(cloud.app, "/v1/devices/events", stranger.token) as stream:
        publish_from_device(cloud, owner, device_id, "secret")
        publish_from_device(cloud, None, make_device_id(9), "unclaimed")
        await jo.client.post("/v1/devices/events", json={"name": "secret too"})
        await stranger.client.post("/v1/devices/events", json={"name": "mine"})
        events = await stream.events(1)
    assert [name for name, _ in events] == ["mine"]


async def test_a_strangers_device_has_no_stream(cloud: Cloud, jo: Person, stranger: Person):
    device_id, _ = await cloud.claimed(jo)
    answer = await stranger.client.get(f"/v1/devices/{device_id}/events")
    assert (answer.status_code, answer.json()["error"]) == (404, "Permission Denied")


async def test_a_silent_stream_is_kept_alive(database, key_folder):
    async with open_cloud(database, key_folder, keep_alive_s=0.02) as cloud:
        jo = await cloud.person("jo@example.com")
        async with read_stream(cloud.app, "/v1/devices/events", jo.token) as stream:
            await stream.until(lambda: len(stream.blocks) >= 3)
            assert stream.blocks[:3] == [b":ok\n\n", b":\n\n", b":\n\n"]
            await jo.client.post("/v1/devices/events", json={"name": "still here"})
            assert (await stream.events(1))[0][0] == "still here"


async def test_each_block_holds_whole_events(cloud: Cloud, jo: Person):
    async with read_stream(cloud.app, "/v1/devices/events", jo.token) as stream:
        stream.reading.clear()
        for number in range(20):
            body = {"name": f"n{number}", "data": "ü" * 500}
            await jo.client.post("/v1/devices/events", json=body)
        stream.reading.set()
        events = await stream.events(20)
    assert [name for name, _ in events] == [f"n{number}" for number in range(20)]
    for block in stream.blocks:
        assert block.endswith(b"\n\n") and block.decode()


async def test_a_stream_ends_with_its_token(cloud: Cloud, jo: Person):
    other = await cloud.sign_in(jo.username)
    async with (
        read_stream(cloud.app, "/v1/devices/events", jo.token) as ends,
        read_stream(cloud.app, "/v1/devices/events", other.token) as stays,
    ):
        await cloud.client().delete(f"/v1/access_tokens/{jo.token}")
        await ends.until(lambda: ends.ended)
        await other.client.post("/v1/devices/events", json={"name": "ev"})
        assert (await stays.events(1))[0][0] == "ev"
        assert not stays.ended


async def test_a_stream_ends_when_its_token_expires(cloud: Cloud, jo: Person):
    brief = await cloud.sign_in(jo.username, expires_in=1)
    cloud.clock.advance(0.9)
    async with read_stream(cloud.app, "/v1/devices/events", brief.token) as stream:
        await stream.until(lambda: stream.ended, timeout_s=2)


async def test_streams_end_at_once_when_the_server_stops(cloud: Cloud, jo: Person):
    async with read_stream(cloud.app, "/v1/devices/events", jo.token) as stream:
        cloud.parts.stopping.set()
        await stream.until(lambda: stream.ended, timeout_s=1)
    answer = await jo.client.get("/v1/devices/events")
    assert (answer.status_code, answer.json()["error"]) == (503, "stopping")


async def test_an_address_has_a_hundred_streams_at_a_time(cloud: Cloud, jo: Person):
    async with asyncio.timeout(20):
        tasks = []
        leave, opened = asyncio.Event(), asyncio.Semaphore(0)

        async def hold():
            async with read_stream(cloud.app, "/v1/devices/events", jo.token) as stream:
                assert stream.status == 200
                opened.release()
                await leave.wait()

        for _ in range(MAX_STREAMS_PER_ADDRESS):
            tasks.append(asyncio.create_task(hold()))
            await opened.acquire()
        refused = await jo.client.get("/v1/devices/events")
        assert (refused.status_code, refused.json()["error"]) == (429, "too_many_streams")
        assert int(refused.headers["retry-after"]) > 0
        elsewhere = read_stream(cloud.app, "/v1/devices/events", jo.token, address="203.0.113.8")
        async with elsewhere as stream:
            assert stream.status == 200
        leave.set()
        await asyncio.gather(*tasks)
    async with read_stream(cloud.app, "/v1/devices/events", jo.token) as stream:
        assert stream.status == 200


async def test_a_reader_that_leaves_is_forgotten(cloud: Cloud, jo: Person):
    async with read_stream(cloud.app, "/v1/devices/events", jo.token):
        assert cloud.parts.events.streams.open_streams == 1
    assert cloud.parts.events.streams.open_streams == 0


async def test_a_reader_that_does_not_read_is_cut_off(cloud: Cloud, jo: Person, monkeypatch):
    monkeypatch.setattr("roadstead.http.sse.SEND_DEADLINE_S", 0.05)
    async with read_stream(cloud.app, "/v1/devices/events", jo.token) as stream:
        stream.reading.clear()
        await jo.client.post("/v1/devices/events", json={"name": "ev"})
        async with asyncio.timeout(5):
            while cloud.parts.events.streams.open_streams:
                await asyncio.sleep(0.01)
        metrics = (await cloud.client("127.0.0.1").get("/metrics")).text
        assert "roadstead_http_streams_unread_total 1.0" in metrics
        assert "roadstead_http_streams_open 0.0" in metrics
