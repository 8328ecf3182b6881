"""Many requests at once at the edge of a plan, through the API, on both engines."""

import asyncio
from pathlib import Path

import pytest
from tests.builders.cloud import make_device_id, open_cloud

from roadstead.devices.model import Device
from roadstead.devices.server_keys import ServerKeys
from roadstead.devices.store import insert_device

IMPORTS = 200
PER_IMPORT = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("server")
    ServerKeys.load_or_create(made / "keys")
    return made


@pytest.mark.parametrize(("plan", "room"), [("product", 250), ("developer", 100)])
async def test_two_hundred_imports_at_once_fill_the_plan_and_no_more(database, folder, plan, room):
    async with open_cloud(database, folder, plan=plan) as cloud:
        jo = await cloud.person("jo@example.com")
        body = {"product": {"name": "Fridge", "platform_id": 13}}
        made = await jo.client.post("/v1/user/products", json=body)
        path = f"/v1/products/{made.json()['product']['id']}"
        lists = [
            [make_device_id(number * PER_IMPORT + one) for one in range(PER_IMPORT)]
            for number in range(IMPORTS)
        ]
        answers = await asyncio.gather(
            *(jo.client.post(f"{path}/devices", json={"ids": ids}) for ids in lists)
        )
        let_in: set[str] = set()
        for answer, ids in zip(answers, lists, strict=True):
            assert answer.status_code == 200, answer.text
            told = answer.json()
            assert {*told["updatedDeviceIds"], *told["limitedDeviceIds"]} == set(ids)
            assert told["updated"] == len(told["updatedDeviceIds"])
            let_in |= set(told["updatedDeviceIds"])
        assert len(let_in) == room
        product = (await jo.client.get(path)).json()["product"]
        assert product["device_count"] == room
        listed = await jo.client.get(f"{path}/devices", params={"per_page": "1000"})
        assert {row["id"] for row in listed.json()["devices"]} == let_in
        # Who is in stays in, also on a smaller plan, and who leaves makes room for another.
        gone = min(let_in)
        await jo.client.delete(f"{path}/devices/{gone}")
        next_one = await jo.client.post(f"{path}/devices", json={"ids": lists[-1]})
        assert next_one.json()["updated"] <= 1


async def test_claims_at_once_fill_an_account_and_no_more(database, folder):
    async with open_cloud(database, folder, plan="developer") as cloud:
        jo = await cloud.person("jo@example.com")
        owner_id = (await jo.client.get("/v1/user/identify")).json()["id"]
        now = cloud.clock.now()

        def prepare(conn) -> None:
            for number in range(115):
                owned = number < 90
                device = Device(
                    id=make_device_id(number),
                    owner_id=owner_id if owned else None,
                    created_at=now,
                    updated_at=now,
                )
                insert_device(conn, device)

        await database.write(prepare)
        free = [make_device_id(number) for number in range(90, 115)]
        for device_id in free:
            cloud.plug_in(device_id)
        answers = await asyncio.gather(
            *(jo.client.post("/v1/devices", json={"id": device_id}) for device_id in free)
        )
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(refused) == 15
        for answer in refused:
            assert (answer.status_code, answer.json()["error"]) == (403, "plan_limit")
            assert (answer.json()["limit"], answer.json()["used"]) == (100, 100)
        assert len((await jo.client.get("/v1/devices")).json()) == 100
        # A code that a device says finds no room either, and is not used up by that.
        code = (await jo.client.post("/v1/device_claims", json={})).json()["claim_code"]
        (left, *_) = [
            device_id
            for device_id, answer in zip(free, answers, strict=True)
            if answer.status_code != 200
        ]
        assert not await cloud.reports.claim_code(left, code, "")
        await jo.client.delete(f"/v1/devices/{make_device_id(0)}")
        assert await cloud.reports.claim_code(left, code, "")
