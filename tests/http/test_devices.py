import pytest
from tests.builders.cloud import Cloud, Person, make_device_id, make_public_pem

KEYS_THAT_THE_CLI_READS = {
    "cellular", "connected", "firmware_product_id", "firmware_updates_enabled",
    "firmware_updates_forced", "firmware_version", "functions", "id", "last_handshake_at",
    "last_heard", "last_ip_address", "name", "notes", "online", "owner", "platform_id",
    "product_id", "serial_number", "status", "system_firmware_version", "variables",
}  # fmt: skip


async def test_a_device_is_provisioned_claimed_listed_and_read(cloud: Cloud, jo: Person):
    device_id = make_device_id(1)
    provision = {
        "deviceID": device_id,
        "publicKey": make_public_pem(),
        "filename": "particle-api",
        "order": "manual_1795417839991",
        "algorithm": "ecc",
    }
    answer = await jo.client.post(f"/v1/provisioning/{device_id}", json=provision)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    cloud.plug_in(device_id)
    claim = {"id": device_id.upper(), "request_transfer": False}
    answer = await jo.client.post("/v1/devices", json=claim)
    assert answer.status_code == 200 and answer.json()["ok"] is True
    (listed,) = (await jo.client.get("/v1/devices")).json()
    detail = (await jo.client.get(f"/v1/devices/{device_id}")).json()
    assert set(listed) >= KEYS_THAT_THE_CLI_READS
    assert set(detail) >= KEYS_THAT_THE_CLI_READS
    assert listed["id"] == device_id and listed["connected"] is listed["online"] is True
    assert detail["owner"] == "jo@example.com"
    assert detail["last_ip_address"] == "192.0.2.5"
    assert detail["last_handshake_at"] == "2026-01-01T00:00:00.000Z"
    assert isinstance(detail["functions"], list) and isinstance(detail["variables"], dict)


async def test_the_cli_sends_keys_as_a_form(jo: Person):
    device_id = make_device_id(1)
    form = {
        "deviceID": device_id,
        "publicKey": make_public_pem(),
        "filename": "cli",
        "order": "manual_1",
        "algorithm": "ecc",
    }
    answer = await jo.client.post(f"/v1/provisioning/{device_id}", data=form)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"publicKey": None}, "'publicKey' is missing"),
        ({"publicKey": "nonsense"}, "public key"),
        ({"deviceID": make_device_id(2)}, "'deviceID'"),
        ({"algorithm": "dsa"}, "algorithm"),
    ],
)
async def test_what_is_wrong_with_a_key_is_said(jo: Person, change, said):
    body = {"publicKey": make_public_pem(), "algorithm": "ecc", **change}
    body = {name: value for name, value in body.items() if value is not None}
    answer = await jo.client.post(f"/v1/provisioning/{make_device_id(1)}", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["error_description"]


async def test_a_device_that_somebody_owns_reads_as_the_cli_expects(cloud, jo, stranger):
    device_id, _ = await cloud.claimed(jo)
    answer = await stranger.client.post("/v1/devices", json={"id": device_id})
    assert answer.status_code == 403
    assert answer.json()["errors"] == ["That belongs to someone else."]
    assert "error_description" not in answer.json()


async def test_a_device_is_renamed_and_found_by_its_name(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo)
    answer = await jo.client.put(f"/v1/devices/{device_id}", json={"name": "blue"})
    assert answer.status_code == 200
    assert set(answer.json()) == {"id", "name", "updated_at"}
    assert answer.json()["name"] == "blue"
    assert (await jo.client.get("/v1/devices/Blue")).json()["id"] == device_id


async def test_name_and_notes_are_changed_together_under_the_old_name(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo)
    await jo.client.put(f"/v1/devices/{device_id}", json={"name": "blue"})
    answer = await jo.client.put("/v1/devices/blue", data={"name": "red", "notes": "n"})
    assert set(answer.json()) == {"id", "name", "notes", "updated_at"}
    device = (await jo.client.get(f"/v1/devices/{device_id}")).json()
    assert (device["name"], device["notes"]) == ("red", "n")


async def test_notes_are_removed_by_null(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo)
    await jo.client.put(f"/v1/devices/{device_id}", json={"notes": "n"})
    answer = await jo.client.put(f"/v1/devices/{device_id}", json={"notes": None})
    assert (answer.status_code, answer.json()["notes"]) == (200, None)


@pytest.mark.parametrize(("sent", "signaling"), [("1", True), ("0", False), (1, True)])
async def test_a_device_signals(cloud: Cloud, jo: Person, sent, signaling):
    device_id, device = await cloud.claimed(jo)
    answer = await jo.client.put(f"/v1/devices/{device_id}", json={"signal": sent})
    assert answer.json() == {"id": device_id, "connected": True, "signaling": signaling}
    assert device.signaling is signaling


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, "needs one of app, app_id, build_target_version, file,"),
        ({"name": "a", "signal": "perhaps"}, 400, "'signal'"),
        ({"name": "a", "signal": "1", "flash": True}, 400, "in one request: flash, name, signal"),
        ({"name": "a", "nonsense": 1}, 400, "'nonsense'"),
        ({"name": 5}, 400, "'name'"),
        ({"name": None}, 400, "'name'"),
        ({"name": ""}, 400, "name"),
        ({"signal": "perhaps"}, 400, "'signal'"),
        ({"name": "a", "firmware_updates_forced": True}, 400, "in one request"),
        ({"firmware_updates_forced": "perhaps"}, 400, "'firmware_updates_forced'"),
        ({"development": True}, 400, "PUT /v1/products/PRODUCT/devices/DEVICE"),
        ({"desired_firmware_version": 7, "flash": True}, 400, "PUT /v1/products/PRODUCT"),
        ({"app": "tinker"}, 400, "keeps no applications such as 'tinker'"),
    ],
)
async def test_an_update_is_understood_before_anything_is_done(cloud, jo, body, status, said):
    device_id, _ = await cloud.claimed(jo)
    before = (await jo.client.get(f"/v1/devices/{device_id}")).json()
    answer = await jo.client.put(f"/v1/devices/{device_id}", json=body)
    assert answer.status_code == status
    assert said in answer.json()["error_description"]
    assert (await jo.client.get(f"/v1/devices/{device_id}")).json() == before


async def test_a_name_and_a_signal_may_come_in_one_request(cloud: Cloud, jo: Person):
    device_id, device = await cloud.claimed(jo)
    body = {"name": "lamp", "signal": "1"}
    answer = (await jo.client.put(f"/v1/devices/{device_id}", json=body)).json()
    assert (answer["id"], answer["name"], answer["signaling"]) == (device_id, "lamp", True)
    assert device.signaling
    cloud.unplug(device_id)
    answer = await jo.client.put(f"/v1/devices/{device_id}", json={"name": "x", "signal": "0"})
    assert answer.status_code == 408
    assert (await jo.client.get(f"/v1/devices/{device_id}")).json()["name"] == "lamp"


async def test_an_unclaimed_device_is_gone_from_the_list(cloud: Cloud, jo: Person):
    device_id, _ = await cloud.claimed(jo)
    assert (await jo.client.delete(f"/v1/devices/{device_id}")).json() == {"ok": True}
    assert (await jo.client.get("/v1/devices")).json() == []


@pytest.mark.parametrize("ref", ["e00fce680000000000000099", "no-such-name", "%20", "a%2Fb"])
async def test_an_unknown_device_reads_as_in_the_field(jo: Person, ref):
    answer = await jo.client.get(f"/v1/devices/{ref}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Permission Denied"
    assert answer.json()["info"].startswith("I didn't recognize that device name or ID")
    assert "token" not in answer.text


async def test_a_virtual_id_is_not_offered(jo: Person):
    answer = await jo.client.post("/v1/devices", json={"product_id": 13})
    assert (answer.status_code, answer.json()["error"]) == (501, "not_offered")
