"""Webhooks of a real server process: killed while deliveries are under way, and calling itself."""

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest
from aiohttp import web
from tests.builders.hooks import open_receiver
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

from roadstead.simulator.firmware import Publication

pytestmark = pytest.mark.system

EMAIL, PASSWORD = "kim@example.com", "correct horse battery"


async def until(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


def client_of(server: RoadsteadServer, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=server.api_url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=40,
        trust_env=False,
    )


async def create(api: httpx.AsyncClient, **what) -> str:
    answer = await api.post("/v1/integrations", json=what)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.timeout(180)
async def test_a_thousand_deliveries_under_way_survive_a_kill(tmp_path):
    with RoadsteadServer(tmp_path, allow_private_targets="on", rate_limits="off") as server:
        server.create_user(EMAIL, PASSWORD)
        token = server.log_in(EMAIL, PASSWORD)
        async with open_receiver() as receiver, client_of(server, token) as api:
            gate = asyncio.Event()

            async def answer(request):
                await gate.wait()
                return web.Response()

            receiver.answer = answer
            hook_id = await create(api, event="load", url=receiver.url, breakerFailures=0)
            free = asyncio.Semaphore(32)

            async def publish(number: int) -> None:
                async with free:
                    body = {"name": "load", "data": str(number)}
                    answer = await api.post("/v1/devices/events", json=body)
                    assert answer.status_code == 200, answer.text

            await asyncio.gather(*map(publish, range(1000)))
            await until(lambda: receiver.under_way >= 32)
            server.kill()
            gate.set()
            await until(lambda: receiver.under_way == 0)
            before = len(receiver.taken)
            await asyncio.to_thread(server.start)
            began = time.monotonic()
            await until(lambda: len(receiver.counted()) >= 1000, 60)
            print(f"1000 deliveries in {time.monotonic() - began:.1f} s after the start")
            async with asyncio.timeout(60):  # an attempt that fails now is repeated after 30 s
                while True:
                    query = {"outcome": "waiting"}
                    path = f"/v1/integrations/{hook_id}/deliveries"
                    answer = await api.get(path, params=query)
                    if not (waiting := answer.json()["deliveries"]):
                        break
                    print(len(waiting), waiting[0])
                    await asyncio.sleep(0.1)
            arrived = {one.body.decode().split("data=")[1].split("&")[0] for one in receiver.taken}
            assert arrived == {str(number) for number in range(1000)}
            assert len(receiver.counted()) == 1000
            # Twice came only what was under way when the process died.
            assert len(receiver.taken) - 1000 <= before


async def test_a_device_gets_the_answer_of_a_webhook(tmp_path):
    with RoadsteadServer(tmp_path, allow_private_targets="on") as server:
        server.create_user(EMAIL, PASSWORD)
        token = server.log_in(EMAIL, PASSWORD)
        desk = Desk(server.api_url, token)
        try:
            async with open_receiver() as receiver, client_of(server, token) as api:
                device = await desk.put()
                device_id = device.identity.text_id

                async def answer(request):
                    return web.json_response({"temp": 21.5})

                receiver.answer = answer
                await create(
                    api,
                    event="ask",
                    url=receiver.url,
                    json={"id": "{{PARTICLE_DEVICE_ID}}", "n": "{{n}}"},
                    noDefaults=True,
                    responseTemplate="{{temp}} C",
                    responseTopic="greeting/{{PARTICLE_DEVICE_ID}}",
                )
                device.publish(Publication("ask", b'{"n": 7}'))
                await until(lambda: receiver.taken)
                assert receiver.taken[0].json == {"id": device_id, "n": "7"}
                async with asyncio.timeout(10):
                    async with api.stream("GET", "/v1/devices/events") as stream:
                        device.publish(Publication("ask", b'{"n": 8}'))
                        async for line in stream.aiter_lines():
                            if line == f"event: greeting/{device_id}/0":
                                break
        finally:
            desk.clear()


async def test_auto_claim_by_two_webhooks_that_call_the_server_itself(tmp_path):
    """Particle cloud notes §3.4.4: no server but this one, private targets not allowed."""
    with RoadsteadServer(tmp_path) as server:
        server.create_user(EMAIL, PASSWORD)
        token = server.log_in(EMAIL, PASSWORD)
        desk = Desk(server.api_url, token)
        try:
            async with client_of(server, token) as api:
                product = {"name": "Fridges", "platform_id": 12}
                made = await api.post("/v1/user/products", json={"product": product})
                product_id = made.json()["product"]["id"]
                device = await desk.put(claimed=False)
                device_id = device.identity.text_id
                imported = await api.post(
                    f"/v1/products/{product_id}/devices", json={"ids": [device_id]}
                )
                assert imported.json()["updatedDeviceIds"] == [device_id], imported.text
                hooks = f"/v1/products/{product_id}/integrations"
                claim = {
                    "event": "deviceClaim",
                    "url": f"{server.api_url}/v1/devices/?access_token={token}",
                    "requestType": "POST",
                    "json": {"id": "{{PARTICLE_DEVICE_ID}}"},
                    "noDefaults": True,
                }
                test = {
                    "event": "deviceTest",
                    "url": f"{server.api_url}/v1/devices/{{{{PARTICLE_DEVICE_ID}}}}"
                    f"?access_token={token}",
                    "requestType": "GET",
                    "noDefaults": True,
                    "responseTopic": "{{PARTICLE_DEVICE_ID}}/hook-response/{{PARTICLE_EVENT_NAME}}",
                }
                for hook in (claim, test):
                    assert (await api.post(hooks, json=hook)).status_code == 201
                assert (await api.get("/v1/devices")).json() == []
                device.publish(Publication("deviceClaim", b""))

                async def is_claimed() -> bool:
                    return [one["id"] for one in (await api.get("/v1/devices")).json()] == [
                        device_id
                    ]

                async with asyncio.timeout(15):
                    while not await is_claimed():
                        await asyncio.sleep(0.05)
                # The device comes again, so that its new owner takes effect, and asks.
                async with asyncio.timeout(15):
                    path = f"/v1/products/{product_id}/integrations/deliveries"
                    while True:
                        device.publish(Publication("deviceTest", b""))
                        await asyncio.sleep(0.3)
                        rows = (await api.get(path, params={"event": "deviceTest"})).json()
                        good = [r for r in rows["deliveries"] if r["outcome"] == "delivered"]
                        if good:
                            break
                assert device_id in good[0]["response"]["body"]
                assert token not in str(rows)
                answer = f"event: {device_id}/hook-response/deviceTest/0"
                async with asyncio.timeout(15):
                    async with api.stream("GET", f"/v1/products/{product_id}/events") as stream:
                        device.publish(Publication("deviceTest", b""))
                        async for line in stream.aiter_lines():
                            if line == answer:
                                break
        finally:
            desk.clear()


async def test_a_webhook_learns_nothing_of_the_servers_own_machine(tmp_path):
    with RoadsteadServer(tmp_path) as server:
        server.create_user(EMAIL, PASSWORD)
        token = server.log_in(EMAIL, PASSWORD)
        async with client_of(server, token) as api:
            for path, allowed in (("/healthz", True), ("/metrics", False)):
                hook_id = await create(
                    api, event="x", url=server.api_url + path, requestType="GET", noDefaults=True
                )
                tried = (await api.post(f"/v1/integrations/{hook_id}/test")).json()
                assert tried["pass"] is allowed, tried
            elsewhere = f"http://127.0.0.1:{server.udp_port}/"
            hook_id = await create(api, event="x", url=elsewhere)
            tried = (await api.post(f"/v1/integrations/{hook_id}/test")).json()
            assert tried["error"] == "the address of the host is not a public one"
