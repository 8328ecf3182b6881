"""Flashing, locking and forcing one device over HTTP, and every reason why not."""

from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, update
from tests.builders.cloud import Cloud, Person, make_device_id, open_cloud
from tests.builders.firmware import BORON, P2, add_device, describe, make_image, needs_device_os
from tests.builders.maker import Maker, make_maker

from roadstead.audit.trail import list_rows
from roadstead.devices.store import devices
from roadstead.firmware.content import FILE_BYTES_MAX
from roadstead.firmware.images.bundle_builder import build_bundle, refer_to
from roadstead.firmware.locking import FirmwareLocks
from roadstead.firmware.ports import NoDeliveries
from roadstead.products.membership_store import find_in_product

DEVICE = make_device_id(1)


async def owned(cloud: Cloud, person: Person, **reported: Any) -> str:
    """The person's own Boron, online, with what it told of itself."""
    device_id, _ = await cloud.claimed(person)
    told = {"platform_id": BORON, "system_description": describe(6200), **reported}
    await cloud.parts.database.write(
        lambda conn: conn.execute(update(devices).where(devices.c.id == device_id).values(**told))
    )
    return device_id


async def flash(person: Person, path: str, content: bytes, name: str = "a.bin") -> httpx.Response:
    return await person.client.put(path, files={"file": (name, content)}, data={"latest": "true"})


async def test_a_developers_device_is_flashed_with_a_file(cloud: Cloud, jo: Person):
    device_id = await owned(cloud, jo)
    answer = await flash(jo, f"/v1/devices/{device_id}", make_image(7), "/home/jo/app.bin")
    assert answer.status_code == 200, answer.text
    image = make_image(7)
    assert answer.json() == {"id": device_id, "status": "Update started", "size": len(image)}
    rows = await cloud.parts.database.read(lambda conn: list_rows(conn, limit=1))
    assert rows[0].action == "device.flash"
    assert rows[0].after["file"] == "app.bin"  # type: ignore[index]


ROOM = {"max_binary_bytes": 1000}


@pytest.mark.parametrize(
    ("content", "name", "reported", "code"),
    [
        (make_image(7, P2), "a.bin", {}, "wrong_platform"),
        (make_image(7), "a.bin", ROOM, "too_large"),
        (make_image(7, dependency=needs_device_os(6301)[0]), "a.bin", {}, "needs_newer_device_os"),
        (b"int main", "a.ino", {}, "no_compile_service"),
        (b"not firmware at all, but long enough to be looked at as if it were", "a.bin", {},
         "not_a_module"),
        (make_image(7)[:-5], "a.bin", {}, "truncated"),
        (b"", "a.bin", {}, "file_empty"),
    ],
)  # fmt: skip
async def test_a_file_that_is_not_for_the_device_is_refused_by_name(
    cloud: Cloud, jo: Person, content: bytes, name: str, reported: dict[str, Any], code: str
):
    device_id = await owned(cloud, jo, **reported)
    answer = await flash(jo, f"/v1/devices/{device_id}", content, name)
    assert (answer.status_code, answer.json()["error"]) == (400, code)
    assert "token" not in answer.json()["error_description"]


async def test_what_else_cannot_be_flashed(cloud: Cloud, jo: Person):
    device_id = await owned(cloud, jo)
    path = f"/v1/devices/{device_id}"
    for what in ({"app": "tinker"}, {"app_id": "x"}):
        answer = await jo.client.put(path, json=what)
        assert (answer.status_code, answer.json()["error"]) == (400, "no_known_applications")
    answer = await jo.client.put(path, json={"latest": "true"})
    assert answer.json()["error"] == "no_file"
    files = [("file", ("a.ino", b"x")), ("file2", ("b.h", b"y"))]
    answer = await jo.client.put(path, files=files)
    assert answer.json()["error"] == "no_compile_service"
    assert "/v1/binaries" in answer.json()["error_description"]
    answer = await flash(jo, path, bytes(FILE_BYTES_MAX + 1))
    assert answer.status_code == 413
    assets = {"ding.wav": b"ding"}
    bundle = build_bundle("a.bin", make_image(7, assets=refer_to(assets)), assets)
    answer = await flash(jo, path, bundle, "a.zip")
    assert (answer.status_code, answer.json()["error"]) == (501, "assets_not_offered")
    answer = await flash(jo, path, build_bundle("a.bin", make_image(7), {}), "a.zip")
    assert answer.status_code == 200
    cloud.unplug(device_id)
    answer = await flash(jo, path, make_image(7))
    assert (answer.status_code, answer.json()["error"]) == (408, "device_offline")
    for what in ({"development": True}, {"desired_firmware_version": 7}, {"groups": []}):
        answer = await jo.client.put(path, json=what)
        assert (answer.status_code, answer.json()["error"]) == (400, "product_route_needed")


class Busy(NoDeliveries):
    """Deliveries of which one flash of everybody is under way."""

    def flashing(self, user_id: str) -> int:
        return 1


async def test_a_developer_plan_flashes_one_device_at_a_time(database, key_folder):
    for plan, status in [("developer", 403), ("product", 200)]:
        async with open_cloud(database, key_folder, plan=plan) as cloud:
            person = await cloud.person(f"{plan}@example.com")
            device_id, _ = await cloud.claimed(person, {"developer": 1, "product": 2}[plan])
            cloud.parts.firmware.flashing._deliveries = Busy()
            answer = await flash(person, f"/v1/devices/{device_id}", make_image(7))
            assert answer.status_code == status, answer.text
            if status == 403:
                assert answer.json()["error"] == "plan_limit"


@pytest.fixture
async def maker(cloud: Cloud, jo: Person) -> Maker:
    """Version 7, and the device DEVICE in the product, online."""
    made = await make_maker(cloud, jo)
    await made.uploaded(7)
    await cloud.parts.database.write(lambda conn: add_device(conn, 1, made.product_id))
    cloud.plug_in(DEVICE)
    return made


def one(maker: Maker) -> str:
    return f"{maker.path}/devices/{DEVICE}"


async def entry(cloud: Cloud, maker: Maker) -> Any:
    return await cloud.parts.database.read(
        lambda conn: find_in_product(conn, maker.product_id, DEVICE)
    )


async def test_a_product_device_must_be_marked_for_development(cloud: Cloud, maker: Maker):
    for path in (one(maker), f"/v1/devices/{DEVICE}"):
        answer = await flash(maker.person, path, make_image(9))
        assert (answer.status_code, answer.json()["error"]) == (409, "not_a_development_device")
    answer = await maker.person.client.put(one(maker), json={"development": True})
    assert answer.json()["development"] is True
    for path in (one(maker), f"/v1/devices/{DEVICE}"):
        answer = await flash(maker.person, path, make_image(9))
        assert answer.status_code == 200, answer.text


async def test_a_device_is_locked_and_unlocked(cloud: Cloud, maker: Maker):
    client = maker.person.client
    answer = await client.put(one(maker), json={"desired_firmware_version": 7})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["id"], told["desired_firmware_version"]) == (DEVICE, 7)
    assert told["updated_at"] == "2026-01-01T00:00:00.000Z"
    assert "hold" not in told
    assert (await entry(cloud, maker)).desired_firmware_version == 7
    answer = await client.put(one(maker), data={"desired_firmware_version": "7", "flash": "true"})
    assert answer.json()["hold"] is None
    answer = await client.delete(f"{maker.path}/firmware/7")
    assert (answer.status_code, answer.json()["error"]) == (409, "firmware_locked")
    answer = await client.put(one(maker), json={"desired_firmware_version": None})
    assert answer.json()["desired_firmware_version"] is None
    assert (await entry(cloud, maker)).desired_firmware_version is None
    rows = await cloud.parts.database.read(lambda conn: list_rows(conn, limit=3))
    assert [row.action for row in rows] == ["device.unlock", "device.lock", "device.lock"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"desired_firmware_version": 8}, 404, "firmware_not_found"),
        ({"desired_firmware_version": 0}, 400, "bad_version"),
        ({"desired_firmware_version": "x"}, 400, "bad_version"),
        ({"flash": True}, 400, "invalid_request"),
        ({"desired_firmware_version": None, "flash": True}, 400, "nothing_to_flash"),
        ({"desired_firmware_version": 7, "name": "x"}, 400, "invalid_request"),
    ],
)
async def test_a_lock_that_makes_no_sense(
    cloud: Cloud, maker: Maker, body: dict[str, Any], status: int, code: str
):
    answer = await maker.person.client.put(one(maker), json=body)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert (await entry(cloud, maker)).desired_firmware_version is None


async def test_a_development_device_may_be_locked_and_not_flashed_by_it(cloud, maker):
    client = maker.person.client
    await client.put(one(maker), json={"development": True})
    body = {"desired_firmware_version": 7}
    assert (await client.put(one(maker), json=body)).status_code == 200
    answer = await client.put(one(maker), json={**body, "flash": True})
    assert (answer.status_code, answer.json()["error"]) == (409, "development_device")


async def test_a_device_that_waits_or_is_foreign_cannot_be_locked(cloud, maker, stranger):
    def work(conn: Connection) -> None:
        add_device(conn, 5, maker.product_id, standing="quarantined")

    await cloud.parts.database.write(work)
    body = {"desired_firmware_version": 7}
    client, waiting = maker.person.client, make_device_id(5)
    answer = await client.put(f"{maker.path}/devices/{waiting}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (409, "not_a_member")
    answer = await client.put(f"{maker.path}/devices/{make_device_id(9)}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_in_product")
    assert (await stranger.client.put(one(maker), json=body)).status_code == 404
    answer = await flash(stranger, f"/v1/devices/{DEVICE}", make_image(7))
    assert answer.status_code == 404


async def test_updates_are_forced_and_not_any_more(cloud: Cloud, maker: Maker, jo: Person):
    told: list[tuple[list[str], bool]] = []

    class Noting(NoDeliveries):
        async def force(self, device_ids, forced):
            told.append((list(device_ids), forced))

    locks: FirmwareLocks = cloud.parts.firmware.locks
    locks._deliveries = Noting()
    for path, forced in [(one(maker), True), (f"/v1/devices/{DEVICE}", False)]:
        answer = await jo.client.put(path, json={"firmware_updates_forced": forced})
        assert answer.json() == {"id": DEVICE, "firmware_updates_forced": forced}
    assert told == [([DEVICE], True), ([DEVICE], False)]
    rows = await cloud.parts.database.read(lambda conn: list_rows(conn, limit=1))
    assert rows[0].action == "device.force_updates"
