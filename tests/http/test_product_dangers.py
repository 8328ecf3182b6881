"""The two dangers: a stranger's device in one's product, one's device in a stranger's hands."""

import pytest
from tests.builders.cloud import Person, make_device_id, make_public_pem
from tests.builders.products import (
    counts,
    get_device,
    hello,
    import_ids,
    list_ids,
    make_product,
    register,
)

ONE = make_device_id(1)


@pytest.fixture
async def product(jo: Person) -> dict:
    return await make_product(jo, id=30301)


# Nobody makes a developer device into your product's device.


async def test_a_device_that_names_the_product_waits_and_is_muted(cloud, jo, stranger, product):
    device_id, _ = await cloud.claimed(stranger)
    assert await hello(cloud, device_id, product["id"]) is True
    assert await counts(jo, product) == (0, 1, 0)
    assert await list_ids(jo, product) == []
    assert await list_ids(jo, product, quarantined="true") == [device_id]
    waiting = await get_device(jo, product, device_id)
    assert waiting["quarantined"] and waiting["first_connected_at"] is None
    identity = await cloud.parts.registry.find_identity(device_id)
    assert identity.quarantined and identity.product_id is None
    path = f"/v1/products/{product['id']}/devices/{device_id}"
    for body in ({"development": True}, {"name": "x"}):
        assert (await jo.client.put(path, json=body)).status_code in (404, 409)
    assert (await jo.client.get(f"{path}/temp")).status_code == 404
    assert await hello(cloud, device_id, product["id"]) is False
    assert await counts(jo, product) == (0, 1, 0)


async def test_it_speaks_again_once_it_runs_other_firmware(cloud, jo, stranger, product):
    device_id, _ = await cloud.claimed(stranger)
    await hello(cloud, device_id, product["id"])
    assert await hello(cloud, device_id, 13) is True
    assert await counts(jo, product) == (0, 0, 0)
    assert not (await cloud.parts.registry.find_identity(device_id)).quarantined


async def test_it_waits_for_the_product_that_it_names_now(cloud, jo, stranger, product):
    other = await make_product(stranger, "Other")
    device_id = await register(cloud, stranger, 1)
    await hello(cloud, device_id, product["id"])
    await hello(cloud, device_id, other["id"])
    assert await counts(jo, product) == (0, 0, 0)
    assert await counts(stranger, other) == (0, 1, 0)


async def test_who_is_approved_is_in_and_who_is_refused_stays_out(cloud, jo, product):
    mine, theirs = await register(cloud, jo, 1), await register(cloud, jo, 2)
    for device_id in (mine, theirs):
        await hello(cloud, device_id, product["id"])
    path = f"/v1/products/{product['id']}/devices"
    assert (await jo.client.post(path, json={"id": mine})).json()["updated"] == 1
    answer = await jo.client.request("DELETE", f"{path}/{theirs}", json={"deny": True})
    assert answer.status_code == 204
    assert await counts(jo, product) == (1, 0, 1)
    await hello(cloud, theirs, product["id"])
    assert await counts(jo, product) == (1, 0, 1)
    assert await list_ids(jo, product, quarantined="true") == []
    assert (await cloud.parts.registry.find_identity(theirs)).quarantined
    assert not (await cloud.parts.registry.find_identity(mine)).quarantined


async def test_approval_by_itself_takes_only_what_is_nobodys_or_the_teams(cloud, jo, stranger):
    product = await make_product(jo, settings={"quarantine": "automatic"})
    owned, _ = await cloud.claimed(stranger, 1)
    registered = await register(cloud, stranger, 2)
    of_team, _ = await cloud.claimed(jo, 3)
    wrong_platform = await register(cloud, jo, 4)
    for device_id in (owned, registered, of_team):
        await hello(cloud, device_id, product["id"])
    await hello(cloud, wrong_platform, product["id"], platform_id=32)
    assert await list_ids(jo, product) == [of_team]
    waiting = {owned, registered, wrong_platform}
    assert set(await list_ids(jo, product, quarantined="true")) == waiting
    assert await counts(jo, product) == (1, 3, 0)


async def test_a_quarantine_does_not_grow_without_end(cloud, jo, stranger, product, monkeypatch):
    monkeypatch.setattr("roadstead.products.gatekeeping.MAX_QUARANTINED", 2)
    ids = [await register(cloud, stranger, number) for number in range(1, 5)]
    for device_id in ids:
        await hello(cloud, device_id, product["id"])
    assert await counts(jo, product) == (0, 2, 0)
    for device_id in ids:
        assert (await cloud.parts.registry.find_identity(device_id)).quarantined


async def test_a_member_whose_firmware_names_another_product_acts_for_neither(cloud, jo, product):
    other = await make_product(jo, "Other")
    device_id = await register(cloud, jo, 1)
    await import_ids(jo, product, device_id)
    await hello(cloud, device_id, product["id"])
    assert (await cloud.parts.registry.find_identity(device_id)).product_id == product["id"]
    assert await hello(cloud, device_id, other["id"]) is True
    identity = await cloud.parts.registry.find_identity(device_id)
    assert identity.product_id is None and not identity.quarantined
    assert (await get_device(jo, product, device_id))["wrong_product_id"] is True
    assert await counts(jo, other) == (0, 0, 0)
    await hello(cloud, device_id, 13)
    assert (await cloud.parts.registry.find_identity(device_id)).product_id == product["id"]


async def test_a_number_that_no_product_has_means_nothing(cloud, jo):
    device_id, _ = await cloud.claimed(jo)
    assert await hello(cloud, device_id, 4711) in (True, False)
    identity = await cloud.parts.registry.find_identity(device_id)
    assert not identity.quarantined and identity.product_id is None


# Nobody makes your device theirs.


async def test_a_strangers_device_is_not_imported(cloud, jo, stranger, product):
    owned, _ = await cloud.claimed(jo, 1)
    registered = await register(cloud, jo, 2)
    in_product = make_device_id(3)
    await import_ids(jo, product, in_product)
    theirs = await make_product(stranger, "Theirs")
    for what in ({}, {"move": True}, {"claim_user": "stranger@example.com"}):
        report = await import_ids(stranger, theirs, owned, registered, in_product, **what)
        assert report["nonmemberDeviceIds"] == [owned]
        assert set(report["invalidDeviceIds"]) == {registered, in_product}
        assert report["updated"] == 0
    assert "jo@" not in str(report)
    assert await counts(stranger, theirs) == (0, 0, 0)
    assert await counts(jo, product) == (1, 0, 0)
    assert (await jo.client.get(f"/v1/devices/{owned}")).json()["owner"] == "jo@example.com"


async def test_a_strangers_device_is_not_taken_by_a_number_that_it_told(
    cloud, jo, stranger, product
):
    number = "353162070000001"
    device_id = await register(cloud, stranger, 1)
    await cloud.reports.system(device_id, {"imei": number})
    report = await import_ids(jo, product, number)
    assert report["invalidDeviceIds"] == [number] and report["updated"] == 0
    mine = await register(cloud, jo, 2)
    await cloud.reports.system(mine, {"imei": number})
    report = await import_ids(jo, product, number)
    assert "Several devices" in report["invalidReasons"][number]


async def test_a_products_device_is_not_claimed_by_a_stranger(cloud, jo, stranger, product):
    device_id = await register(cloud, jo, 1)
    await import_ids(jo, product, device_id)
    cloud.plug_in(device_id)
    for body in ({"id": device_id}, {"id": device_id, "request_transfer": True}):
        answer = await stranger.client.post("/v1/devices", json=body)
        assert (answer.status_code, answer.json()["error"]) == (403, "product_device")
    code = (await stranger.client.post("/v1/device_claims", json={})).json()["claim_code"]
    assert await cloud.reports.claim_code(device_id, code, "192.0.2.5") is False
    assert (await get_device(jo, product, device_id))["owner"] is None
    cloud.unplug(device_id)
    answer = await jo.client.post("/v1/devices", json={"id": device_id})
    assert answer.json()["ok"] is True, "the team may claim a device that is away"
    answer = await stranger.client.post(
        "/v1/devices", json={"id": device_id, "request_transfer": True}
    )
    assert answer.status_code == 403
    assert (await get_device(jo, product, device_id))["owner"] == "jo@example.com"


async def test_a_products_device_gets_no_key_from_a_stranger(cloud, jo, stranger, product):
    await import_ids(jo, product, ONE)
    body = {"publicKey": make_public_pem(), "algorithm": "ecc"}
    answer = await stranger.client.post(f"/v1/provisioning/{ONE}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (403, "device_known")
    assert (await jo.client.post(f"/v1/provisioning/{ONE}", json=body)).status_code == 200
    assert (await import_ids(jo, product, ONE))["existingDeviceIds"] == [ONE]


async def test_a_products_device_is_unknown_to_strangers(cloud, jo, stranger, product):
    device_id = await register(cloud, jo, 1)
    await import_ids(jo, product, device_id)
    cloud.plug_in(device_id, functions={"brew": pytest.fail}, variables={"temp": 1})
    path = f"/v1/devices/{device_id}"
    for method, end, body in (
        ("GET", "", None),
        ("PUT", "", {"name": "x"}),
        ("PUT", "", {"signal": "1"}),
        ("DELETE", "", None),
        ("PUT", "/ping", None),
        ("GET", "/temp", None),
        ("POST", "/brew", {}),
    ):
        answer = await stranger.client.request(method, path + end, json=body)
        assert answer.status_code == 404, (method, end)
        assert answer.json()["error"] == "Permission Denied"
