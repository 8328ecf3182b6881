"""Products, their devices and groups, as the official clients use them."""

import json
from random import Random

import pytest

from roadstead.simulator.identity import make_identity

pytestmark = pytest.mark.system

ARGON = 12
UNSEEN = "e00fce68aaaaaaaaaaaaaa"


@pytest.fixture
def product(server, jo) -> int:
    """A product of Jo's."""
    with server.client(jo.token) as client:
        number = len(client.get("/v1/user/products").json()["products"])
        body = {"product": {"name": f"cold box {number}", "platform_id": ARGON}}
        answer = client.post("/v1/user/products", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["product"]["id"]


async def put(api, jo, product, device_id):
    return await api.call("addDeviceToProduct", jo.token, product=product, deviceId=device_id)


async def test_api_js_adds_lists_and_removes_devices(api, jo, desk, product):
    device = await desk.put(claimed=False)
    device_id = device.identity.text_id
    assert (await put(api, jo, product, device_id))["updatedDeviceIds"] == [device_id]
    assert (await put(api, jo, product, device_id))["existingDeviceIds"] == [device_id]
    assert (await put(api, jo, product, f"{UNSEEN}01"))["updated"] == 1
    refused = await api.call(
        "addDeviceToProduct", jo.token, product=product, deviceId="not-a-device"
    )
    assert refused["invalidDeviceIds"] == ["not-a-device"]
    listed = await api.call("listDevices", jo.token, product=product)
    assert [one["id"] for one in listed["devices"]] == [device_id, f"{UNSEEN}01"]
    assert listed["meta"]["total_pages"] == 1
    first = listed["devices"][0]
    wanted = (
        "denied development firmware_product_id groups id last_handshake_at last_ip_address name "
        "online owner platform_id product_id quarantined serial_number system_firmware_version "
        "targeted_firmware_release_version"
    )
    assert set(wanted.split()) <= set(first)
    assert (first["online"], first["product_id"], first["platform_id"]) == (True, product, ARGON)
    detail = await api.call("getDevice", jo.token, product=product, deviceId=device_id)
    wanted = (
        "cellular connected current_build_target default_build_target firmware_updates_enabled "
        "firmware_updates_forced last_heard mobile_secret functions variables"
    )
    assert set(wanted.split()) <= set(detail)
    assert detail["functions"] == ["led", "length", "never"]
    await api.call("removeDevice", jo.token, product=product, deviceId=device_id)
    gone = await api.refusal("getDevice", jo.token, product=product, deviceId=device_id)
    assert (gone.status, gone.short) == (404, "Device not found for this product")


async def test_api_js_filters_orders_and_turns_pages(api, jo, product):
    ids = [f"{UNSEEN}{number}" for number in range(20, 25)]
    for device_id in ids:
        await put(api, jo, product, device_id)
    await api.call("renameDevice", jo.token, product=product, deviceId=ids[3], name="Kettle")
    ordered = await api.call(
        "listDevices", jo.token, product=product, sortAttr="deviceId", sortDir="desc",
        page=2, perPage=2,
    )  # fmt: skip
    assert [one["id"] for one in ordered["devices"]] == [ids[2], ids[1]]
    assert ordered["meta"]["total_pages"] == 3
    named = await api.call("listDevices", jo.token, product=product, deviceName="kett")
    assert [one["id"] for one in named["devices"]] == [ids[3]]


async def test_api_js_acts_on_a_device_that_nobody_owns(api, jo, desk, product):
    device = await desk.put(claimed=False)
    device_id = device.identity.text_id
    await put(api, jo, product, device_id)
    called = await api.call(
        "callFunction", jo.token, product=product, deviceId=device_id, name="length",
        argument="four",
    )  # fmt: skip
    assert called["return_value"] == 4
    reading = await api.call(
        "getVariable", jo.token, product=product, deviceId=device_id, name="ratio"
    )
    assert reading["coreInfo"]["deviceID"] == device_id
    await api.call("signalDevice", jo.token, product=product, deviceId=device_id, signal=True)
    assert device.signalling
    changed = await api.call(
        "markAsDevelopmentDevice", jo.token, product=product, deviceId=device_id, development=True
    )
    assert (changed["id"], changed["development"]) == (device_id, True)
    whole = await api.call(
        "updateDevice", jo.token, product=product, deviceId=device_id, name="pot", notes="hot",
        development=False,
    )  # fmt: skip
    assert whole["updated_at"]
    detail = await api.call("getDevice", jo.token, product=product, deviceId=device_id)
    assert (detail["name"], detail["notes"], detail["development"]) == ("pot", "hot", False)
    assert detail["owner"] is None


async def test_api_js_ends_an_ownership_and_denies(api, jo, desk, product):
    device = await desk.put()
    device_id = device.identity.text_id
    await put(api, jo, product, device_id)
    await api.call("removeDeviceOwner", jo.token, product=product, deviceId=device_id)
    detail = await api.call("getDevice", jo.token, product=product, deviceId=device_id)
    assert detail["owner"] is None
    await api.call("removeDevice", jo.token, product=product, deviceId=device_id, deny=True)
    detail = await api.call("getDevice", jo.token, product=product, deviceId=device_id)
    assert (detail["denied"], detail["quarantined"]) == (True, False)


async def test_a_strangers_product_is_refused_in_words(api, jo, make_person, product):
    stranger = make_person().token
    for method, what in (
        ("listDevices", {}),
        ("getDevice", {"deviceId": f"{UNSEEN}01"}),
        ("addDeviceToProduct", {"deviceId": f"{UNSEEN}01"}),
        ("removeDevice", {"deviceId": f"{UNSEEN}01"}),
        ("renameDevice", {"deviceId": f"{UNSEEN}01", "name": "x"}),
    ):
        refused = await api.refusal(method, stranger, product=product, **what)
        assert refused.status == 404 and "Permission denied" in refused.short, method


async def test_the_cli_adds_lists_and_removes_devices(jos_cli, desk, product, tmp_path):
    device = await desk.put(claimed=False)
    device_id, text = device.identity.text_id, str(product)
    said = await jos_cli.ok("product", "device", "add", text, device_id)
    assert device_id in said or "Success" in said
    names = tmp_path / "devices.txt"
    names.write_bytes(f"{UNSEEN}41\r\n{UNSEEN}42\r\n".encode())
    await jos_cli.ok("product", "device", "add", text, "--file", str(names))
    listed = json.loads(await jos_cli.ok("product", "device", "list", text, "--json"))
    assert {one["id"] for one in listed["data"]} == {device_id, f"{UNSEEN}41", f"{UNSEEN}42"}
    assert device_id in await jos_cli.ok("product", "device", "list", text, device_id)
    said = await jos_cli.ok("call", device_id, "length", "abc", "--product", text)
    assert "3" in said
    await jos_cli.ok("product", "device", "remove", text, device_id)
    assert device_id not in await jos_cli.ok("product", "device", "list", text)


async def test_the_cli_says_which_devices_could_not_be_added(jos_cli, make_person, server, product):
    other = make_identity(ARGON, Random(4711))
    theirs = make_person()
    with server.client(theirs.token) as client:
        body = {"publicKey": other.public_pem, "algorithm": "ecc"}
        answer = client.post(f"/v1/provisioning/{other.text_id}", json=body)
        assert answer.status_code == 200, answer.text
    said = await jos_cli.fails("product", "device", "add", str(product), other.text_id)
    assert other.text_id in said


async def test_groups_are_filtered_by_both_clients(api, jos_cli, server, jo, product):
    device_id = f"{UNSEEN}51"
    await put(api, jo, product, device_id)
    await put(api, jo, product, f"{UNSEEN}52")
    with server.client(jo.token) as client:
        body = {"action": "groups", "devices": [device_id], "metadata": {"add": ["beta"]}}
        assert client.put(f"/v1/products/{product}/devices", json=body).json()["ok"] is True
    listed = await api.call("listDevices", jo.token, product=product, groups=["beta"])
    assert [one["id"] for one in listed["devices"]] == [device_id]
    said = await jos_cli.ok("product", "device", "list", str(product), "--groups", "beta")
    assert device_id in said and f"{UNSEEN}52" not in said
