"""Firmware as the official clients upload, release, lock and flash it, onto devices."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.builders.firmware import make_image
from tests.system.desk import Desk

from roadstead.simulator.device import VirtualDevice

pytestmark = pytest.mark.system

ARGON = 12


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
def product(server, maker) -> int:
    with server.client(maker.token) as client:
        number = len(client.get("/v1/user/products").json()["products"])
        body = {"product": {"name": f"cold-{number}", "platform_id": ARGON}}
        answer = client.post("/v1/user/products", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["product"]["id"]


@pytest.fixture
def images(tmp_path: Path) -> dict[int, str]:
    """Files of versions 2 to 4."""
    paths = {}
    for version in (2, 3, 4):
        path = tmp_path / f"v{version}.bin"
        path.write_bytes(make_image(version, ARGON, 20_000))
        paths[version] = str(path)
    return paths


async def runs(server, maker, product: int, device: VirtualDevice, version: int) -> None:
    """Waits until the device of the product reports the version."""
    path = f"{server.api_url}/v1/products/{product}/devices/{device.identity.text_id}"
    headers = {"Authorization": f"Bearer {maker.token}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        async with asyncio.timeout(40):
            while (await client.get(path)).json()["firmware_version"] != version:
                await asyncio.sleep(0.1)


async def test_api_js_takes_firmware_from_one_device_to_all(
    server, api, maker, product, images, makers_desk
):
    token = maker.token

    async def call(name: str, **what: Any) -> Any:
        return await api.call(name, token, product=product, **what)

    devices = [await makers_desk.put() for _ in range(2)]
    first, second = (one.identity.text_id for one in devices)
    for device_id in (first, second):
        await call("addDeviceToProduct", deviceId=device_id)
    # Given a path the client streams the file, chunked and without a length.
    made = await call("uploadProductFirmware", file=images[2], version=2, title="two")
    assert (made["version"], made["title"], made["name"]) == (2, "two", "firmware.bin")
    await call("uploadProductFirmware", file=images[3], version=3, title="three")
    refused = await api.refusal(
        "uploadProductFirmware", token, product=product, file=images[4], version=5, title="x"
    )
    assert (refused.status, refused.body["error"]) == (400, "wrong_version")
    assert refused.short == "The image was compiled as version 4, not as 5."
    listed = await call("listProductFirmware")
    assert [one["version"] for one in listed] == [3, 2]
    changed = await call("updateProductFirmware", version=2, title="zwei", description="d")
    assert (changed["title"], changed["description"]) == ("zwei", "d")
    assert (await call("getProductFirmware", version=2))["title"] == "zwei"
    refused = await api.refusal(
        "releaseProductFirmware", token, product=product, version=2, product_default=True
    )
    assert (refused.status, refused.body["error"]) == (409, "version_not_proven")
    stream = await api.stream(token, product=product, name="particle/firmware/release")
    locked = await call(
        "lockDeviceProductFirmware", deviceId=first, desiredFirmwareVersion=2, flash=True
    )
    assert (locked["id"], locked["desired_firmware_version"]) == (first, 2)
    await runs(server, maker, product, devices[0], 2)
    unlocked = await call("unlockDeviceProductFirmware", deviceId=first)
    assert unlocked["desired_firmware_version"] is None
    released = await call(
        "releaseProductFirmware", version=2, product_default=True, intelligent=True
    )
    assert (released["product_default"], released["intelligent"]) == (True, True)
    event = await stream.next()
    assert (event["data"], event["coreid"]) == ('{"immediate":true,"version":2}', "api")
    await runs(server, maker, product, devices[1], 2)
    proven = await call("getProductFirmware", version=2)
    assert (proven["device_count"], proven["proven_by"]) == (2, first)
    marked = await call("markAsDevelopmentDevice", deviceId=second, development=True)
    assert marked["development"] is True


async def test_the_cli_flashes_a_development_device_of_a_product(
    server, cli, maker, product, images, makers_desk
):
    device = await makers_desk.put()
    device_id = device.identity.text_id
    with server.client(maker.token) as client:
        answer = client.post(f"/v1/products/{product}/devices", json={"ids": [device_id]})
        assert answer.json()["updated"] == 1
    cli.keep(
        {
            "apiUrl": server.api_url,
            "access_token": maker.token,
            "access_token_expires_at": "2099-01-01T00:00:00.000Z",
            "username": maker.username,
        }
    )
    # The official tool marks it for development by itself.
    said = await cli.ok("cloud", "flash", device_id, images[4], "--product", str(product))
    assert "Flash success" in said or "Update started" in said, said
    await runs(server, maker, product, device, 4)
    said = await cli.ok("product", "device", "list", str(product), device_id)
    assert device_id in said


async def test_the_cli_flashes_a_developers_own_device(server, jos_cli, desk, images):
    device = await desk.put()
    said = await jos_cli.ok("cloud", "flash", device.identity.text_id, images[3])
    assert "Flash success" in said or "Update started" in said, said
    async with asyncio.timeout(40):
        while device.counters.updates == 0:
            await asyncio.sleep(0.1)
