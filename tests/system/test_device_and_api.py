"""One device and the HTTP API, through a real server process: what each sees of the other."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.firmware import Publication
from roadstead.simulator.generation import GENERATIONS
from roadstead.simulator.publishing import Outcome

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoadsteadServer]:
    with RoadsteadServer(tmp_path_factory.mktemp("cloud"), device_timeout_s="2") as running:
        running.create_user(EMAIL, PASSWORD)
        yield running


@pytest.fixture(scope="module")
def token(server: RoadsteadServer) -> str:
    return server.log_in(EMAIL, PASSWORD)


@pytest.fixture
async def api(server: RoadsteadServer, token: str) -> AsyncIterator[httpx.AsyncClient]:
    bearer = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=server.api_url, headers=bearer, timeout=40, trust_env=False
    ) as client:
        yield client


@pytest.fixture
async def desk(server: RoadsteadServer, token: str) -> AsyncIterator[Desk]:
    desk = Desk(server.api_url, token)
    yield desk
    desk.clear()


def path(device: VirtualDevice, rest: str = "") -> str:
    return f"/v1/devices/{device.identity.text_id}{rest}"


async def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_calls_and_variables_of_every_generation(api, desk, generation):
    device = await desk.put(generation)
    detail = (await api.get(path(device))).json()
    assert detail["connected"] is True
    assert detail["functions"] == ["led", "length", "never"]
    called = await api.post(path(device, "/led"), data={"arg": "on"})
    assert (called.status_code, called.json()["return_value"]) == (200, 1)
    long = await api.post(path(device, "/length"), data={"arg": "x" * 300})
    assert long.json()["return_value"] == 300
    values = {
        name: (await api.get(path(device, f"/{name}"))).json()["result"]
        for name in ("flag", "count", "ratio", "text", "longText")
    }
    assert values == {
        "flag": True,
        "count": 2,
        "ratio": 20.4,
        "text": "on",
        "longText": "x" * 400,
    }


async def test_unknown_names_are_404_and_never_reach_the_device(api, desk):
    device = await desk.put()
    assert (await api.post(path(device, "/brew"), data={"arg": ""})).status_code == 404
    assert (await api.get(path(device, "/brew"))).status_code == 404
    assert not device.calls


async def test_a_function_that_never_answers_is_408_timed_out(api, desk):
    device = await desk.put()
    answer = await api.post(path(device, "/never"), data={"arg": ""})
    assert (answer.status_code, answer.json()["error"]) == (408, "timed_out")


async def test_a_device_that_said_goodbye_is_408_device_offline(api, desk):
    device = await desk.put()
    device.sleep(60)
    await until(lambda: not device.online)
    answer = await api.get(path(device, "/flag"))
    assert (answer.status_code, answer.json()["error"]) == (408, "device_offline")
    assert (await api.get(path(device))).json()["connected"] is False


async def test_ping_signal_and_vitals(api, desk):
    device = await desk.put()
    assert (await api.put(path(device, "/ping"))).json() == {"online": True, "ok": True}
    await api.put(path(device), json={"signal": "1"})
    await until(lambda: device.signalling)
    assert (await api.post(f"/v1/diagnostics/{device.identity.text_id}/update")).status_code == 202
    last = f"/v1/diagnostics/{device.identity.text_id}/last"
    async with asyncio.timeout(10):
        while (found := await api.get(last)).status_code != 200:
            await asyncio.sleep(0.1)
    assert found.json()["diagnostics"]["deviceID"] == device.identity.text_id


async def test_events_of_a_device_are_streamed_in_order(api, desk):
    device = await desk.put()
    seen: list[dict[str, str]] = []
    opened = asyncio.Event()

    async def follow() -> None:
        async with api.stream("GET", path(device, "/events/bench")) as stream:
            async for line in stream.aiter_lines():
                opened.set()
                if line.startswith("data:"):
                    seen.append(json.loads(line[5:]))

    follower = asyncio.create_task(follow())
    await asyncio.wait_for(opened.wait(), 10)
    outcomes = [
        await device.publish_and_wait(Publication("bench/count", b"%d" % number))
        for number in range(20)
    ]
    await until(lambda: len(seen) == 20)
    follower.cancel()
    assert set(outcomes) == {Outcome.ACKNOWLEDGED}
    assert [event["data"] for event in seen] == [str(number) for number in range(20)]
    assert {event["coreid"] for event in seen} == {device.identity.text_id}


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_events_of_the_account_reach_its_devices(api, desk, generation):
    device = await desk.put(generation)
    await api.post("/v1/devices/events", data={"name": "bench/go", "data": "now"})
    await until(lambda: device.firmware.events == [("bench/go", b"now")])


async def test_devices_of_one_owner_hear_each_other_and_strangers_do_not(desk):
    first, second = await desk.put(), await desk.put()
    stranger = await desk.put(claimed=False)
    await first.publish_and_wait(Publication("bench/hello", b"you"))
    await until(lambda: second.firmware.events == [("bench/hello", b"you")])
    await asyncio.sleep(0.2)
    assert not stranger.firmware.events


@pytest.mark.parametrize("name", ["n" * 65, "x" * 200])
async def test_an_event_with_too_long_a_name_is_refused(desk, name):
    device = await desk.put()
    assert await device.publish_and_wait(Publication(name)) is Outcome.REFUSED


async def test_killing_the_server_costs_no_device_its_session(api, desk, server):
    devices = [await desk.put(generation) for generation in GENERATIONS]
    for number in range(3):
        for device in devices:
            await device.publish_and_wait(Publication("bench/before", b"%d" % number))
        server.kill()
        for device in devices:
            device.publish(Publication("bench/during", b"%d" % number))
        await asyncio.to_thread(server.start)
        for device in devices:
            answer = await api.post(path(device, "/led"), data={"arg": "on"})
            assert answer.json()["return_value"] == 1
    published = [event for device in devices for event in device.published]
    await until(lambda: all(one.outcome is Outcome.ACKNOWLEDGED for one in published), 60)
    assert {device.counters.handshakes for device in devices} == {1}
    assert {device.counters.connection_losses for device in devices} == {0}


async def test_a_device_that_moved_is_still_reached(api, desk):
    device = await desk.put()
    device.move()
    await device.connected(10)
    assert (await api.get(path(device, "/text"))).json()["result"] == "off"
    device.rebind()
    assert await device.publish_and_wait(Publication("bench/x")) is Outcome.ACKNOWLEDGED
    assert (await api.get(path(device, "/text"))).json()["result"] == "off"
    assert device.counters.handshakes == 1
