"""Deliveries from the commit of an event to the end, on each engine, over real sockets."""

import asyncio
import time
from collections import defaultdict
from dataclasses import replace

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook
from tests.builders.hooks import DEVICE, JO, make_hook, open_receiver, open_rig

from roadstead.integrations import delivery_store
from roadstead.integrations.model import Batch, Owner, SigningKey
from roadstead.outbound.signing import write_secret


@pytest.fixture
async def rig(database):
    async with open_rig(database) as rig:
        yield rig


@pytest.fixture
async def receiver():
    async with open_receiver() as receiver:
        yield receiver


def answers(text="", status=200, **headers):
    async def answer(request):
        return web.Response(text=text, status=status, headers=headers)

    return answer


async def test_an_event_becomes_a_request(rig, receiver):
    hook = rig.put(make_hook(receiver.url, event="temp"))
    receiver.answer = answers("thanks")
    event = rig.publish("temperature", "21.5")
    rig.publish("humidity", "50")
    (row,) = await rig.settled(1)
    (taken,) = receiver.taken
    assert taken.method == "POST"
    assert taken.headers["content-type"] == "application/x-www-form-urlencoded"
    assert taken.body.startswith(b"event=temperature&data=21.5&coreid=e00fce68")
    assert (row.hook_id, row.event, row.state, row.outcome) == (
        hook.id,
        event,
        "done",
        "delivered",
    )
    assert (row.attempts, row.response["status"], row.response["body"]) == (1, 200, "thanks")
    assert row.request["url"] == receiver.url
    assert row.log[0]["status"] == 200
    await asyncio.sleep(0.05)
    assert rig.told("hook-") == [
        ("hook-sent/temperature", ""),
        ("hook-response/temperature/0", "thanks"),
    ]


async def test_events_of_others_and_of_hooks_cause_nothing(rig, receiver):
    rig.put(make_hook(receiver.url))
    rig.publish(owner_id="2" * 24)
    rig.publish(owner_id=None)
    rig.publish("hook-response/x/0")
    rig.publish(f"{DEVICE}/hook-error/x")
    rig.publish("mine")
    await rig.settled(1)
    assert len(receiver.taken) == 1


async def test_products_and_organizations(rig, receiver):
    rig.put(make_hook(receiver.url + "/p", owner=Owner("product", "30301"), no_defaults=True))
    rig.put(make_hook(receiver.url + "/o", owner=Owner("organization", "9" * 24)))
    rig.engine._organization_of = {30301: "9" * 24}.get
    receiver.answer = answers("ok")
    rig.publish(owner_id=None, product_id=30301)
    rig.publish(owner_id=None, product_id=30302)
    await rig.settled(2)
    assert sorted(one.path for one in receiver.taken) == ["/hook/o", "/hook/p"]
    await asyncio.sleep(0.05)
    assert rig.told(DEVICE) == [(f"{DEVICE}/hook-response/temp/0", "ok")] * 2
    assert {one.product_id for one in rig.events} == {30301, 30302}


async def test_it_is_tried_three_times_and_then_has_failed(rig, receiver):
    rig.put(make_hook(receiver.url))
    receiver.answer = answers("no", 500)
    rig.publish()
    (row,) = await rig.settled(1)
    assert (row.outcome, row.attempts, len(receiver.taken)) == ("failed", 3, 3)
    assert row.error == "error status 500 from host"
    assert [one["status"] for one in row.log] == [500, 500, 500]
    pauses = [row.log[i + 1]["at_ms"] - row.log[i]["at_ms"] for i in (0, 1)]
    assert 300 <= pauses[0] < 600 <= pauses[1]
    assert len(receiver.counted()) == 1
    await asyncio.sleep(0.05)
    assert rig.told("hook-") == [
        ("hook-sent/temp", ""),
        ("hook-error/temp/0", "error status 500 from host"),
    ]


async def test_it_arrives_at_a_later_attempt(rig, receiver):
    rig.put(make_hook(receiver.url))

    async def answer(request):
        return web.Response(status=503 if len(receiver.taken) < 3 else 200)

    receiver.answer = answer
    rig.publish()
    (row,) = await rig.settled(1)
    assert (row.outcome, row.attempts, row.error) == ("delivered", 3, None)


async def test_a_receiver_that_resets_hangs_and_floods(rig, receiver):
    async def answer(request):
        if "hang" in request.path:
            await asyncio.sleep(30)
        return web.Response(body=bytes(10 << 20))

    async def talk(reader, writer):
        await reader.read(10)
        writer.transport.abort()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as resetting:
        port = resetting.sockets[0].getsockname()[1]
        receiver.answer = answer
        for url in (receiver.url + "/hang", f"http://127.0.0.1:{port}/", receiver.url + "/flood"):
            rig.put(make_hook(url, max_attempts=1))
        rig.publish()
        rows = await rig.settled(3)
    by_url = {row.request["url"].rpartition("/")[2]: row for row in rows}
    assert (by_url["hang"].outcome, by_url["hang"].log[0]["failure"]) == ("failed", "timeout")
    assert (by_url[""].outcome, by_url[""].log[0]["failure"]) == ("failed", "broken")
    assert (by_url["flood"].outcome, by_url["flood"].response["cut"]) == ("delivered", True)


async def test_nothing_private_is_reached_and_nothing_is_silent(database, receiver):
    async with open_rig(database, allow_private=False) as rig:
        rig.put(make_hook(receiver.url))
        rig.publish()
        (row,) = await rig.settled(1)
        assert (row.outcome, row.attempts) == ("rejected", 1)
        assert row.error == "the address of the host is not a public one"
        await asyncio.sleep(0.05)
        assert rig.told("hook-error") == [
            ("hook-error/temp/0", "the address of the host is not a public one")
        ]
    assert receiver.taken == []


async def test_a_template_that_fails_is_told(rig, receiver):
    rig.put(make_hook(receiver.url, json='{"x": {{{PARTICLE_EVENT_VALUE}}}}'))
    rig.publish(data="not json")
    (row,) = await rig.settled(1)
    assert (row.outcome, row.request) == ("rejected", None)
    assert "no valid JSON" in row.error


async def test_a_hook_that_hangs_holds_up_no_other(rig, receiver):
    async def answer(request):
        if request.path.endswith("hang"):
            await asyncio.sleep(30)
        return web.Response()

    receiver.answer = answer
    rig.put(make_hook(receiver.url + "/hang", event="a"))
    rig.put(make_hook(receiver.url, event="b"))
    for _ in range(300):
        rig.publish("a")
    began = time.monotonic()
    for _ in range(100):
        rig.publish("b")
    await rig.settled(100)
    assert time.monotonic() - began < 2
    assert receiver.most_under_way <= 32 + 32


async def test_more_than_fits_in_memory_all_arrives(rig, receiver):
    hook = rig.put(make_hook(receiver.url))
    for number in range(1500):
        rig.publish(data=str(number))
    lane = rig.engine.lane_of(hook.id)
    assert lane.spilled
    assert len(lane.known) <= lane.capacity
    await rig.settled(1500)
    assert sorted(receiver.counted().values()) == [1] * 1500
    await asyncio.sleep(0.1)
    assert not lane.spilled
    rig.publish(data="one more")
    await rig.settled(1501)


async def test_in_order_per_device_through_errors_and_spills(rig, receiver):
    rig.put(make_hook(receiver.url, ordered=True, max_attempts=10, breaker_failures=0))
    seen = defaultdict(list)
    under_way = defaultdict(int)

    async def answer(request):
        fields = dict(pair.split("=") for pair in request.body.decode().split("&"))
        device, number = fields["coreid"], int(fields["data"])
        assert not under_way[device]
        under_way[device] += 1
        await asyncio.sleep(0.001)
        under_way[device] -= 1
        if number % 100 == 7 and (device, number) not in failed:
            failed.add((device, number))
            return web.Response(status=500)
        seen[device].append(number)
        return web.Response()

    failed = set()
    receiver.answer = answer
    devices = [f"e00fce68{number:016x}" for number in range(10)]
    for number in range(120):
        for device in devices:
            rig.publish(data=str(number), device_id=device)
        if number % 10 == 0:
            await asyncio.sleep(0.01)
    await rig.settled(1200, 40)
    assert {device: seen[device] for device in devices} == {
        device: list(range(120)) for device in devices
    }
    assert len(failed) == 20


async def test_what_a_dead_process_left_is_delivered(database, receiver):
    stop = asyncio.Event()

    async def answer(request):
        if not stop.is_set():
            await asyncio.sleep(30)
        return web.Response()

    receiver.answer = answer
    hook = make_hook(receiver.url)
    async with open_rig(database) as rig:
        rig.put(hook)
        for number in range(1000):
            rig.publish(data=str(number))
        await rig.rows()
        rig.engine._stopping = True  # no orderly end: what is under way is just gone
        for task in tuple(rig.engine._running):
            task.cancel()
    stop.set()
    if database.dialect == "postgresql":
        await database.write(delivery_store.give_back_all)  # as if a minute had passed
    async with open_rig(database) as rig:
        rig.put(hook)
        await rig.engine._find_work()
        await rig.settled(1000)
    assert len(receiver.counted()) == 1000


async def test_a_host_with_more_errors_than_successes_sleeps_and_nothing_is_lost(
    database, receiver
):
    async with open_rig(database, scale=0.02) as rig:
        rig.put(make_hook(receiver.url, breaker_failures=0, max_attempts=20))
        receiver.answer = answers(status=500)
        for _ in range(10):
            rig.publish()
        await asyncio.sleep(0.2)
        assert rig.breakers.open_counts() == (0, 1)
        asked = len(receiver.taken)
        for _ in range(20):
            rig.publish("later")
        await asyncio.sleep(0.1)
        assert len(receiver.taken) <= asked + 1  # a probe at most
        told = rig.told("hook-error/later")
        assert len(told) == 20
        assert {text for _, text in told} == {
            "Sleeping, too many errors, please wait and try again"
        }
        receiver.answer = answers()
        rows = await rig.settled(30, 30)
        assert {row.outcome for row in rows} == {"delivered"}
        assert rig.breakers.open_counts() == (0, 0)


async def test_a_hooks_breaker_opens_after_failures_in_a_row_and_can_be_reset(database, receiver):
    async with open_rig(database, scale=1.0) as rig:
        hook = rig.put(make_hook(receiver.url + "/bad", breaker_failures=3, event="bad"))
        rig.put(make_hook(receiver.url, event="good"))

        async def answer(request):
            return web.Response(status=500 if request.path.endswith("bad") else 200)

        receiver.answer = answer
        for _ in range(20):
            rig.publish("good")
        await rig.settled(20)
        for _ in range(3):
            rig.publish("bad")
        await asyncio.sleep(0.3)
        assert rig.breakers.open_counts() == (1, 0)
        rig.publish("bad")
        rig.publish("good")
        await rig.settled(21)
        assert sum(one.path.endswith("bad") for one in receiver.taken) == 3
        lane = rig.engine.lane_of(hook.id)
        assert lane.held_by == "breaker_open"
        receiver.answer = answers()
        rig.breakers.reset(hook)
        rig.engine.wake(hook.owner)
        await rig.settled(22)
        assert sum(one.path.endswith("bad") for one in receiver.taken) == 4


async def test_a_disabled_hook_gets_nothing_until_it_is_enabled(rig, receiver):
    hook = rig.put(make_hook(receiver.url))
    receiver.answer = answers(status=500)
    rig.publish()
    await asyncio.sleep(0.1)
    rig.put(replace(hook, disabled=True))
    rig.publish()
    await asyncio.sleep(1.0)
    assert len(receiver.taken) == 1
    receiver.answer = answers()
    rig.put(hook)
    rows = await rig.settled(1)
    assert [row.outcome for row in rows] == ["delivered"]


async def test_batches(rig, receiver):
    rig.put(make_hook(receiver.url, batch=Batch(max_events=50, max_wait_ms=100)))
    for number in range(120):
        rig.publish(data=str(number))
    rows = await rig.settled(120)
    bodies = [one.json for one in receiver.taken]
    assert [len(body) for body in bodies] == [50, 50, 20]
    assert [one["data"] for body in bodies for one in body] == [str(n) for n in range(120)]
    assert {row.outcome for row in rows} == {"delivered"}


async def test_signed_by_standard_webhooks(rig, receiver):
    old, new = bytes(range(32)), bytes(range(32, 64))
    hook = make_hook(
        receiver.url,
        json={"v": "{{PARTICLE_EVENT_VALUE}}"},
        keys=(SigningKey(new), SigningKey(old, 1 << 60), SigningKey(b"x" * 32, 1)),
    )
    rig.put(hook)
    rig.publish(data="ä")
    (row,) = await rig.settled(1)
    (taken,) = receiver.taken
    for key in (new, old):
        Webhook(write_secret(key)).verify(taken.body.decode(), taken.headers)
    assert taken.headers["webhook-id"] == f"msg_{row.id}"
    assert len(taken.headers["webhook-signature"].split()) == 2


async def test_no_secret_is_written_down(rig, receiver):
    rig.put(
        make_hook(
            receiver.url + "?access_token=tok-secret",
            headers={"Authorization": "Bearer hdr-secret", "X-Plain": "plain"},
            form={"api_key": "frm-secret", "echo": "hdr-secret"},
        )
    )

    async def answer(request):
        return web.Response(text="you sent tok-secret", headers={"Set-Cookie": "sid=1"})

    receiver.answer = answer
    rig.publish()
    (row,) = await rig.settled(1)
    assert receiver.taken[0].query == {"access_token": "tok-secret"}
    assert b"frm-secret" in receiver.taken[0].body
    written = f"{row.request} {row.response}"
    for secret in ("tok-secret", "hdr-secret", "frm-secret", "sid=1"):
        assert secret not in written
    assert row.request["headers"]["X-Plain"] == "plain"


async def test_an_account_owns_events_of_the_api_too(rig, receiver):
    rig.put(make_hook(receiver.url))
    rig.publish(device_id=None, source="api", owner_id=JO)
    await rig.settled(1)
    assert b"coreid=api" in receiver.taken[0].body
