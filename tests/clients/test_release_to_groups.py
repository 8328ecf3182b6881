"""Releases to groups as the official client makes them, at once and standard, onto devices."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.builders.firmware import make_image
from tests.system.desk import Desk

pytestmark = pytest.mark.system

ARGON = 12
PATIENCE_S = 120.0
UNPROVEN = "released by a test"


@pytest.fixture(scope="module")
def maker(server, make_person):
    """Somebody on the plan that has everything."""
    person = make_person()
    ran = server.command("plan", "set", person.username, "enterprise")
    assert ran.returncode == 0, ran.stderr
    return person


@pytest.fixture
async def makers_desk(server, maker):
    desk = Desk(server.api_url, maker.token)
    yield desk
    desk.clear()


@pytest.fixture
def product(server, maker, tmp_path: Path) -> int:
    """A product with groups, whose versions need no proof."""
    with server.client(maker.token) as client:
        number = len(client.get("/v1/user/products").json()["products"])
        body = {"product": {"name": f"pump-{number}", "platform_id": ARGON}}
        made = client.post("/v1/user/products", json=body).json()["product"]["id"]
        body = {"product": {"settings": {"release_requires_proof": False}}}
        assert client.put(f"/v1/products/{made}", json=body).status_code == 200
        for group in ("beta", "field"):
            answer = client.post(f"/v1/products/{made}/groups", json={"name": group})
            assert answer.status_code < 300, answer.text
    return made


async def test_groups_get_their_versions_at_once_or_with_the_next_session(
    server, api, maker, product, makers_desk, tmp_path: Path
):
    token = maker.token

    async def call(name: str, **what: Any) -> Any:
        return await api.call(name, token, product=product, **what)

    devices = [await makers_desk.put() for _ in range(3)]
    headers = {"Authorization": f"Bearer {token}"}
    root = f"{server.api_url}/v1/products/{product}"
    async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=60) as client:
        for device, groups in zip(devices, (["beta"], ["field"], []), strict=True):
            device_id = device.identity.text_id
            await call("addDeviceToProduct", deviceId=device_id)
            changed = await client.put(f"{root}/devices/{device_id}", json={"groups": groups})
            assert changed.status_code == 200, changed.text
        for version in (2, 3):
            path = tmp_path / f"v{version}.bin"
            path.write_bytes(make_image(version, ARGON, 20_000))
            await call("uploadProductFirmware", file=str(path), version=version, title="x")

        async def watch_over(version: int) -> dict[str, Any]:
            found = (await client.get(f"{root}/rollouts")).json()["rollouts"]
            (one,) = [one for one in found if one["version"] == version]
            return one

        async def is_offered(version: int) -> dict[str, Any]:
            async with asyncio.timeout(PATIENCE_S):
                while (one := await watch_over(version))["state"] in ("preparing", "queued"):
                    await asyncio.sleep(0.1)
            return one

        released = await call(
            "releaseProductFirmware", version=2, groups=["beta"], intelligent=True
        )
        assert (released["groups"], released["intelligent"]) == (["beta"], True)
        async with asyncio.timeout(PATIENCE_S):
            while devices[0].firmware.product_version != 2:
                await asyncio.sleep(0.1)
        one = await watch_over(2)
        assert (one["groups"], one["intelligent"]) == (["beta"], True)

        released = await call("releaseProductFirmware", version=3, groups=["field"])
        assert (released["groups"], released["intelligent"]) == (["field"], False)
        one = await is_offered(3)
        assert (one["groups"], one["intelligent"], one["devices"]) == (["field"], False, 1)
        target = await client.get(f"{root}/firmware_targets/{devices[1].identity.text_id}")
        assert (target.json()["target"], target.json()["reason"]) == (3, "group_release")
        assert devices[1].counters.updates == 0, "a standard release waits for a new session"
        assert (await watch_over(2))["state"] in ("running", "finished"), "of another group"
    assert devices[0].counters.updates == 1
    assert devices[2].counters.updates == 0
