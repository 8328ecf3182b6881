"""Teams, customers and claiming on a real server with devices over real sockets."""

import asyncio
import time

import httpx
import pytest
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

from roadstead.simulator.firmware import Publication

pytestmark = pytest.mark.system

PASSWORD = "correct horse battery"
CODE_EVENT = "spark/device/claim/code"


def client_of(server: RoadsteadServer, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=server.api_url, headers=headers, timeout=30, trust_env=False)


def sign_in(server: RoadsteadServer, email: str, *, admin: bool = False) -> str:
    server.create_user(email, PASSWORD, admin=admin)
    return server.log_in(email, PASSWORD)


async def make_product(api: httpx.AsyncClient, path: str = "/v1/user/products") -> str:
    body = {"product": {"name": "Fridges", "platform_id": 12}}
    made = await api.post(path, json=body)
    assert made.status_code == 200, made.text
    return f"/v1/products/{made.json()['product']['id']}"


async def read_to_end(stream: httpx.Response) -> None:
    async for _ in stream.aiter_lines():
        pass


async def test_who_leaves_a_team_while_a_stream_is_open_loses_it_within_seconds(tmp_path):
    with RoadsteadServer(tmp_path) as server:
        jo_token = sign_in(server, "jo@example.com", admin=True)
        guest_token = sign_in(server, "guest@example.com")
        async with client_of(server, jo_token) as jo, client_of(server, guest_token) as guest:
            made = await jo.post("/v1/orgs", json={"name": "Acme"})
            org = f"/v1/orgs/{made.json()['organization']['slug']}"
            path = await make_product(jo, f"{org}/products")
            await jo.post(f"{org}/team", json={"username": "guest@example.com"})
            (waiting,) = (await guest.get("/v1/user/invitations")).json()
            url = f"/v1/user/invitations/{waiting['id']}"
            assert (await guest.put(url, json={"action": "accept"})).status_code == 200
            async with (
                guest.stream("GET", f"{path}/events") as product_stream,
                guest.stream("GET", f"{org}/events") as organization_stream,
            ):
                for stream in (product_stream, organization_stream):
                    assert stream.status_code == 200
                readers = [
                    asyncio.create_task(read_to_end(stream))
                    for stream in (product_stream, organization_stream)
                ]
                await asyncio.sleep(1.0)
                assert not any(reader.done() for reader in readers)
                began = time.monotonic()
                assert (await jo.delete(f"{org}/team/guest@example.com")).status_code == 200
                async with asyncio.timeout(3.0):
                    await asyncio.gather(*readers)
                print(f"streams ended after {time.monotonic() - began:.3f} s")
            assert (await guest.get(path)).status_code == 404


async def test_a_customers_device_says_the_code_and_is_theirs(tmp_path):
    with RoadsteadServer(tmp_path) as server:
        token = sign_in(server, "jo@example.com", admin=True)
        desk = Desk(server.api_url, token)
        try:
            async with client_of(server, token) as jo:
                path = await make_product(jo)
                device = await desk.put(claimed=False)
                device_id = device.identity.text_id
                imported = await jo.post(f"{path}/devices", json={"ids": [device_id]})
                assert imported.json()["updatedDeviceIds"] == [device_id], imported.text
                words = {"email": "jane@example.com", "password": PASSWORD}
                made = await jo.post(f"{path}/customers", json=words)
                async with client_of(server, made.json()["access_token"]) as jane:
                    code = (await jane.post(f"{path}/device_claims", json={})).json()
                    assert code["device_ids"] == []
                    device.publish(Publication(CODE_EVENT, code["claim_code"].encode()))
                    async with asyncio.timeout(15):
                        while not (await jane.get("/v1/devices")).json():
                            await asyncio.sleep(0.05)
                    (own,) = (await jane.get("/v1/devices")).json()
                    assert own["id"] == device_id
                    (row,) = (await jo.get(f"{path}/customers")).json()["customers"]
                    assert row["devices"] == [device_id]
                    removed = await jo.delete(f"{path}/customers/jane@example.com")
                    assert removed.status_code == 200
                    assert (await jane.get("/v1/devices")).status_code == 401
                history = (await jo.get(f"{path}/ownership_history/{device_id}")).json()
                how = [(one["owned"], one["how"]) for one in history["ownership"]]
                assert how == [(False, "device.unclaim"), (True, "device.claim")]
        finally:
            desk.clear()


async def test_a_server_of_ones_own_claims_what_comes_online(tmp_path):
    """Particle cloud notes §3.4.3: a stream of the product, and a claim for who has no owner."""
    with RoadsteadServer(tmp_path) as server:
        token = sign_in(server, "jo@example.com", admin=True)
        desk = Desk(server.api_url, token)
        try:
            async with client_of(server, token) as jo:
                path = await make_product(jo)
                device = await desk.put(claimed=False)
                device_id = device.identity.text_id
                imported = await jo.post(f"{path}/devices", json={"ids": [device_id]})
                assert imported.json()["updated"] == 1
                device.stop()
                async with jo.stream("GET", f"{path}/events/spark/status") as stream:
                    lines = stream.aiter_lines()
                    assert await anext(lines) == ":ok"
                    await desk.put(claimed=False, identity=device.identity)
                    async with asyncio.timeout(15):
                        while "online" not in await anext(lines):
                            pass
                claimed = await jo.post("/v1/devices", json={"id": device_id})
                assert claimed.status_code == 200, claimed.text
                (own,) = (await jo.get("/v1/devices")).json()
                assert own["id"] == device_id
        finally:
            desk.clear()


async def test_a_product_may_keep_events_from_devices_that_nobody_owns(tmp_path):
    with RoadsteadServer(tmp_path) as server:
        token = sign_in(server, "jo@example.com", admin=True)
        desk = Desk(server.api_url, token)
        try:
            async with client_of(server, token) as jo:
                path = await make_product(jo)
                device = await desk.put(claimed=False)
                device_id = device.identity.text_id
                await jo.post(f"{path}/devices", json={"ids": [device_id]})
                settings = {"product": {"settings": {"unclaimed_events": False}}}
                assert (await jo.put(path, json=settings)).status_code == 200

                async def heard() -> list[str]:
                    """What of two events came within a second; workbenches hear ``bench/``."""
                    before = len(device.received)
                    for word in ("one", "two"):
                        body = {"name": "bench/everybody", "data": word}
                        assert (await jo.post(f"{path}/events", json=body)).status_code == 200
                    await asyncio.sleep(1.0)
                    found = list(device.received)[before:]
                    return [data.decode() for name, data in found if name.startswith("bench/")]

                await asyncio.sleep(1.0)  # the setting reaches the gateway over the outbox
                assert await heard() == []
                assert (await jo.post("/v1/devices", json={"id": device_id})).status_code == 200
                await asyncio.sleep(1.0)
                assert await heard() == ["one", "two"]
                settings["product"]["settings"]["unclaimed_events"] = True
                await jo.put(path, json=settings)
                await jo.delete(f"{path}/devices/{device_id}/owner")
                await asyncio.sleep(1.0)
                assert await heard() == ["one", "two"]
        finally:
            desk.clear()
