"""Streams that go on where a reader stopped, and named subscriptions."""

import asyncio
import re

import pytest
from tests.builders.cloud import Cloud, Person, make_device_id
from tests.builders.sse import read_stream
from tests.http.test_events import id_of, publish_from_device

from roadstead.events import streams as live_streams

STREAM = "/v1/devices/events"


def ids_of(stream) -> list[int]:
    return [int(one) for one in re.findall(rb"^id: (\d+)$", b"".join(stream.blocks), re.M)]


async def publish(person: Person, *names: str) -> None:
    for name in names:
        answer = await person.client.post(STREAM, json={"name": name, "data": name})
        assert answer.status_code == 200


async def names(stream, count: int) -> list[str]:
    return [name for name, _ in await stream.events(count)]


async def test_every_event_has_an_id_and_a_reader_goes_on_behind_the_last_it_has(cloud, jo):
    async with read_stream(cloud.app, STREAM, jo.token) as stream:
        await publish(jo, "one", "two")
        await stream.events(2)
        first, second = ids_of(stream)
    await publish(jo, "three", "four")
    path = f"{STREAM}?last_event_id={second}"
    async with read_stream(cloud.app, path, jo.token) as stream:
        assert await names(stream, 2) == ["three", "four"]
        await publish(jo, "five")
        assert await names(stream, 3) == ["three", "four", "five"]
        assert ids_of(stream) == sorted(ids_of(stream))
        assert min(ids_of(stream)) > second > first


async def test_the_header_of_browsers_says_the_same(cloud: Cloud, jo: Person):
    await publish(jo, "one", "two")
    headers = {"Last-Event-ID": "0"}
    async with read_stream(cloud.app, STREAM, jo.token, headers=headers) as stream:
        assert await names(stream, 2) == ["one", "two"]


async def test_a_resumed_stream_has_the_same_filters_as_a_live_one(cloud: Cloud, jo, stranger):
    device_id, _ = await cloud.claimed(jo, 1)
    owner, other = await id_of(jo), await id_of(stranger)
    for number in range(3):
        publish_from_device(cloud, owner, device_id, "temp", b"%d" % number)
        publish_from_device(cloud, other, device_id, "temp", b"theirs")
        publish_from_device(cloud, owner, make_device_id(2), "temp", b"another's")
        publish_from_device(cloud, owner, device_id, "door", b"open")
    await cloud.journal.flush()
    path = f"/v1/devices/{device_id}/events/temp?last_event_id=0"
    async with read_stream(cloud.app, path, jo.token) as stream:
        publish_from_device(cloud, owner, device_id, "temp", b"live")
        events = await stream.events(4)
    assert [event["data"] for _, event in events] == ["0", "1", "2", "live"]


async def test_nothing_is_lost_or_repeated_at_the_seam_while_events_pour_in(cloud: Cloud, jo):
    device_id, _ = await cloud.claimed(jo, 1)
    owner, total = await id_of(jo), 3000
    sent = 0

    async def pour():
        nonlocal sent
        while sent < total:
            for _ in range(10):
                publish_from_device(cloud, owner, device_id, "n", b"%d" % sent)
                sent += 1
            await asyncio.sleep(0.001)

    pouring = asyncio.create_task(pour())
    while sent < total // 4:
        await asyncio.sleep(0.001)
    path = f"{STREAM}?last_event_id=0"
    async with read_stream(cloud.app, path, jo.token) as stream:
        await stream.until(lambda: len(ids_of(stream)) >= total // 2, timeout_s=20)
        middle = ids_of(stream)
    async with read_stream(cloud.app, f"{STREAM}?last_event_id={middle[-1]}", jo.token) as stream:
        rest = total - len(middle)
        await stream.until(lambda: len(ids_of(stream)) >= rest, timeout_s=20)
        await asyncio.sleep(0.05)
        events = stream.parsed()
    await pouring
    assert [event["data"] for _, event in events] == [str(n) for n in range(len(middle), total)]


async def test_a_resumed_reader_that_falls_behind_goes_back_to_the_history(
    cloud: Cloud, jo: Person, monkeypatch
):
    monkeypatch.setattr(cloud.parts.events.streams, "_queue_limit", 5)
    device_id, _ = await cloud.claimed(jo, 1)
    owner = await id_of(jo)
    async with (
        read_stream(cloud.app, f"{STREAM}?last_event_id=0", jo.token) as stays,
        read_stream(cloud.app, STREAM, jo.token) as cut,
    ):
        await publish(jo, "first")
        await stays.events(1)
        stays.reading.clear()
        cut.reading.clear()
        for number in range(100):
            publish_from_device(cloud, owner, device_id, "n", b"%d" % number)
            await asyncio.sleep(0)
        await cloud.journal.flush()
        stays.reading.set()
        cut.reading.set()
        await stays.until(lambda: len(ids_of(stays)) >= 101)
        await cut.until(lambda: cut.ended)
        found = [event["data"] for name, event in stays.parsed() if name == "n"]
    assert found == [str(number) for number in range(100)]
    assert live_streams.QUEUE_LIMIT > 5


@pytest.mark.parametrize("wrong", ["abc", "-1", "1.5", "9" * 30, str(1 << 62)])
async def test_what_is_no_event_id_is_refused(jo: Person, wrong):
    answer = await jo.client.get(STREAM, params={"last_event_id": wrong})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_last_event_id")


async def test_a_reader_whose_last_event_is_gone_is_told(cloud: Cloud, jo: Person):
    await publish(jo, "one")
    async with read_stream(cloud.app, f"{STREAM}?last_event_id=1234567", jo.token) as stream:
        assert await names(stream, 1) == ["one"]
        assert stream.blocks[0].startswith(b":ok\n\n: event 1234567 is not kept any more")


async def test_a_subscription_goes_on_where_its_reader_stopped(cloud: Cloud, jo: Person):
    path = f"{STREAM}?subscription=archive"
    await publish(jo, "before")
    async with read_stream(cloud.app, path, jo.token) as stream:
        await publish(jo, "one", "two")
        assert await names(stream, 2) == ["one", "two"]
    await publish(jo, "three")
    async with read_stream(cloud.app, path, jo.token) as stream:
        await publish(jo, "four")
        assert await names(stream, 2) == ["three", "four"]
        (listed,) = (await jo.client.get("/v1/event_subscriptions")).json()["subscriptions"]
        assert (listed["name"], listed["ack"], listed["connected"]) == ("archive", "auto", True)
    await asyncio.sleep(0)
    (listed,) = (await jo.client.get("/v1/event_subscriptions")).json()["subscriptions"]
    assert listed["connected"] is False


async def test_a_position_is_stored_while_the_reader_reads(cloud: Cloud, jo: Person):
    path = f"{STREAM}?subscription=archive"
    async with read_stream(cloud.app, path, jo.token) as stream:
        await publish(jo, "one", "two")
        await stream.events(2)
        cloud.parts.events.subscriptions.save()
        await cloud.journal.flush()
        (listed,) = (await jo.client.get("/v1/event_subscriptions")).json()["subscriptions"]
        assert listed["position"] == str(ids_of(stream)[-1])


async def test_with_manual_acknowledgement_only_what_was_acknowledged_counts(cloud, jo: Person):
    path = f"{STREAM}?subscription=orders&ack=manual"
    async with read_stream(cloud.app, path, jo.token) as stream:
        await publish(jo, "one", "two", "three")
        await stream.events(3)
        first = ids_of(stream)[0]
    ack = "/v1/event_subscriptions/orders/ack"
    answer = await jo.client.post(ack, json={"id": str(first)})
    assert answer.json() == {"ok": True, "position": str(first)}
    async with read_stream(cloud.app, path, jo.token) as stream:
        assert await names(stream, 2) == ["two", "three"]
        last = ids_of(stream)[-1]
    assert (await jo.client.post(ack, json={"id": last})).json()["position"] == str(last)
    assert (await jo.client.post(ack, json={"id": first})).json()["position"] == str(last)
    answer = await jo.client.post(ack, json={"id": str(last + 1)})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_event_id")


async def test_a_second_reader_of_a_subscription_takes_over(cloud: Cloud, jo: Person):
    path = f"{STREAM}?subscription=archive"
    async with read_stream(cloud.app, path, jo.token) as first:
        await publish(jo, "one")
        await first.events(1)
        async with read_stream(cloud.app, path, jo.token) as second:
            await first.until(lambda: first.ended)
            await publish(jo, "two")
            assert await names(second, 1) == ["two"]


async def test_a_subscription_is_of_one_account_and_of_the_same_events(cloud, jo, stranger):
    path = f"{STREAM}?subscription=archive"
    async with read_stream(cloud.app, path, jo.token):
        pass
    answer = await jo.client.get(f"{STREAM}/temp?subscription=archive")
    assert (answer.status_code, answer.json()["error"]) == (409, "subscription_differs")
    answer = await jo.client.get(f"{path}&ack=manual")
    assert (answer.status_code, answer.json()["error"]) == (409, "subscription_differs")
    for wrong in ("", "a b", "-x", "x" * 65):
        answer = await jo.client.get(STREAM, params={"subscription": wrong})
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_subscription_name")
    assert (await stranger.client.get("/v1/event_subscriptions")).json() == {"subscriptions": []}
    for call in (
        stranger.client.delete("/v1/event_subscriptions/archive"),
        stranger.client.post("/v1/event_subscriptions/archive/ack", json={"id": "0"}),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["error"]) == (404, "subscription_not_found")
    assert (await jo.client.delete("/v1/event_subscriptions/archive")).json() == {"ok": True}
    assert (await jo.client.delete("/v1/event_subscriptions/archive")).status_code == 404


async def test_a_new_subscription_may_begin_in_the_past(cloud: Cloud, jo: Person):
    await publish(jo, "one", "two")
    path = f"{STREAM}?subscription=archive&last_event_id=0"
    async with read_stream(cloud.app, path, jo.token) as stream:
        assert await names(stream, 2) == ["one", "two"]


async def test_several_filters_share_one_stream(cloud: Cloud, jo: Person):
    first, _ = await cloud.claimed(jo, 1)
    second, _ = await cloud.claimed(jo, 2)
    owner = await id_of(jo)
    filters = f'[{{"prefix":"te"}},{{"prefix":"temp"}},{{"device":"{second}"}}]'
    path = f"/v1/event_stream?filters={filters}&last_event_id=0"
    publish_from_device(cloud, owner, first, "temp")
    publish_from_device(cloud, owner, first, "door")
    await cloud.journal.flush()
    async with read_stream(cloud.app, path, jo.token) as stream:
        publish_from_device(cloud, owner, second, "temp")
        publish_from_device(cloud, owner, first, "window")
        publish_from_device(cloud, owner, second, "door")
        events = await stream.events(3)
    assert [(name, event["coreid"]) for name, event in events] == [
        ("temp", first),
        ("temp", second),
        ("door", second),
    ]


@pytest.mark.parametrize(
    ("filters", "status"),
    [("", 400), ("[]", 400), ("{}", 400), ('[{"x":1}]', 400), ('[{"device":"zz"}]', 404)],
)
async def test_filters_that_mean_nothing_are_refused(jo: Person, filters, status):
    answer = await jo.client.get("/v1/event_stream", params={"filters": filters})
    assert answer.status_code == status
