"""Devices of a product over HTTP: in, changed, asked, out."""

import pytest
from tests.builders.cloud import Cloud, Person, make_device_id
from tests.builders.products import (
    counts,
    get_device,
    hello,
    import_ids,
    list_ids,
    make_product,
    register,
)

ONE, TWO, THREE = (make_device_id(number) for number in (1, 2, 3))


@pytest.fixture
async def product(jo: Person) -> dict:
    return await make_product(jo)


async def test_an_id_that_nobody_has_seen_becomes_a_device(jo: Person, product: dict):
    report = await import_ids(jo, product, ONE, TWO.upper(), ONE, "# not yet", "zzz")
    assert report["updatedDeviceIds"] == [ONE, TWO] and report["updated"] == 2
    assert report["invalidDeviceIds"] == ["zzz"]
    assert report["lines"] == {"total": 5, "duplicate": 1, "comment": 1, "blank": 0}
    again = await import_ids(jo, product, ONE)
    assert again["existingDeviceIds"] == [ONE] and again["updated"] == 0
    device = await get_device(jo, product, ONE.upper())
    assert device["platform_id"] == 13 and device["product_id"] == product["id"]
    assert device["owner"] is None and device["first_connected_at"] is None
    assert device["imported_at"] is not None and not device["quarantined"]
    assert await counts(jo, product) == (2, 0, 0)


async def test_a_device_is_imported_by_what_it_told(cloud: Cloud, jo: Person, product: dict):
    device_id = await register(cloud, jo, 1)
    await cloud.reports.system(
        device_id, {"imei": "353162070000001", "iccid": "8934076500002589174"}
    )
    report = await import_ids(jo, product, "353162070000001", "8934076500002589174", "1234567890")
    assert report["updatedDeviceIds"] == [device_id] and report["lines"]["duplicate"] == 1
    assert report["invalidDeviceIds"] == ["1234567890"]
    assert "name the device by its id" in report["invalidReasons"]["1234567890"]


async def test_devices_are_listed_by_the_version_that_they_run(
    cloud: Cloud, jo: Person, product: dict
):
    await import_ids(jo, product, ONE, TWO)
    await hello(cloud, ONE, product["id"], version=7)
    assert await list_ids(jo, product, firmwareVersion="7") == [ONE]
    assert await list_ids(jo, product, firmwareVersion="0") == [TWO]
    path = f"/v1/products/{product['slug']}/devices?firmwareVersion=seven"
    assert "firmwareVersion" in (await jo.client.get(path)).json()["error_description"]


async def test_service_begins_at_the_first_connection(cloud: Cloud, jo: Person, product: dict):
    device_id = await register(cloud, jo, 1)
    await import_ids(jo, product, device_id)
    cloud.clock.advance(3600)
    at = cloud.clock.now()
    await hello(cloud, device_id)
    cloud.clock.advance(3600)
    await hello(cloud, device_id)
    device = await get_device(jo, product, device_id)
    assert device["first_connected_at"][:19] == at.isoformat()[:19]


async def test_service_of_a_connected_device_begins_when_it_is_let_in(cloud, jo, product):
    device_id, _ = await cloud.claimed(jo)
    await cloud.settle()
    await import_ids(jo, product, device_id)
    assert (await get_device(jo, product, device_id))["first_connected_at"] is not None


async def test_service_begins_too_when_an_old_session_goes_on(cloud, jo, product):
    device_id, _ = await cloud.claimed(jo)
    cloud.unplug(device_id)
    await cloud.settle()
    await import_ids(jo, product, device_id)
    assert (await get_device(jo, product, device_id))["first_connected_at"] is None
    cloud.presence.online(device_id, "192.0.2.7", cloud.clock.now(), False)
    await cloud.settle()
    assert (await get_device(jo, product, device_id))["first_connected_at"] is not None


async def test_what_may_be_changed_of_a_device(cloud: Cloud, jo: Person, product: dict):
    await import_ids(jo, product, ONE)
    path = f"/v1/products/{product['slug']}/devices/{ONE}"
    change = {"name": "Fridge", "notes": "in the hall", "development": True, "groups": ["b", "a"]}
    changed = (await jo.client.put(path, json=change)).json()
    assert changed == {
        **change,
        "groups": ["a", "b"],
        "id": ONE,
        "updated_at": changed["updated_at"],
    }
    device = await get_device(jo, product, ONE)
    assert {**device, **change, "groups": ["a", "b"]} == device
    assert (await jo.client.put(path, json={"groups": []})).json()["groups"] == []
    groups = (await jo.client.get(f"/v1/products/{product['id']}/groups")).json()["groups"]
    assert [(group["name"], group["device_count"]) for group in groups] == [("a", 0), ("b", 0)]
    assert (await jo.client.put(path, json={"notes": None})).json()["notes"] is None
    for body, code in (
        ({"groups": ["Not A Name"]}, "bad_group_name"),
        ({"name": "a/b"}, "bad_device_name"),
        ({"desired_firmware_version": 3}, "firmware_not_found"),
        ({"nothing": 1}, "invalid_request"),
    ):
        assert (await jo.client.put(path, json=body)).json()["error"] == code, body


async def test_a_team_asks_devices_that_nobody_owns(cloud: Cloud, jo: Person, product: dict):
    device_id = await register(cloud, jo, 1)
    device = cloud.plug_in(device_id, functions={"brew": len}, variables={"temp": 4.5})
    await import_ids(jo, product, device_id)
    for prefix in (f"/v1/products/{product['id']}/devices", "/v1/devices"):
        path = f"{prefix}/{device_id}"
        answer = await jo.client.post(f"{path}/brew", json={"args": "abc"})
        assert answer.json()["return_value"] == 3
        assert (await jo.client.get(f"{path}/temp")).json()["result"] == 4.5
        assert (await jo.client.put(f"{path}/ping")).json() == {"online": True, "ok": True}
        assert (await jo.client.put(path, json={"signal": "1"})).json()["signaling"] is True
        assert (await jo.client.put(path, json={"name": "Fridge"})).json()["name"] == "Fridge"
        assert (await jo.client.get(path)).json()["name"] == "Fridge"
    for prefix in (f"/v1/products/{product['id']}", "/v1"):
        answer = await jo.client.post(f"{prefix}/diagnostics/{device_id}/update")
        assert answer.status_code == 202
    assert device.vitals_asked == 2
    assert (await jo.client.get("/v1/devices")).json() == []


async def test_a_device_of_another_product_is_not_found(cloud: Cloud, jo: Person, product: dict):
    other = await make_product(jo, "Other")
    await import_ids(jo, other, ONE)
    path = f"/v1/products/{product['id']}/devices"
    for method, end, body in (
        ("GET", "", None),
        ("PUT", "", {"name": "x"}),
        ("PUT", "", {"development": True}),
        ("PUT", "", {"signal": "1"}),
        ("DELETE", "", None),
        ("DELETE", "/owner", None),
        ("PUT", "/ping", None),
        ("GET", "/temp", None),
        ("POST", "/brew", {}),
    ):
        answer = await jo.client.request(method, f"{path}/{ONE}{end}", json=body)
        assert answer.status_code == 404, (method, end)
        assert answer.json()["error_description"] == "Device not found for this product"
    answer = await jo.client.put(
        path, json={"action": "groups", "devices": [ONE], "metadata": {"add": ["a"]}}
    )
    assert (answer.status_code, answer.json()["devices"]) == (404, [ONE])


async def test_many_are_changed_at_once_all_or_none(jo: Person, product: dict):
    await import_ids(jo, product, ONE, TWO, THREE, groups=["old"])
    path = f"/v1/products/{product['id']}/devices"
    body = {
        "action": "groups",
        "devices": [ONE, TWO],
        "metadata": {"add": ["new"], "remove": ["old"]},
    }
    assert (await jo.client.put(path, json=body)).json() == {"ok": True, "updated": 2}
    assert set(await list_ids(jo, product, groups="new")) == {ONE, TWO}
    assert await list_ids(jo, product, groups="old") == [THREE]
    body["devices"].append(make_device_id(9))
    body["metadata"] = {"add": ["never"]}
    assert (await jo.client.put(path, json=body)).status_code == 404
    assert await list_ids(jo, product, groups="never") == []
    body = {"action": "development", "devices": [ONE], "metadata": {"development": True}}
    assert (await jo.client.put(path, json=body)).json()["ok"] is True
    assert await list_ids(jo, product, development="true") == [ONE]


async def test_a_device_is_taken_out(cloud: Cloud, jo: Person, product: dict):
    device_id = await register(cloud, jo, 1)
    await import_ids(jo, product, device_id, groups=["a"])
    await hello(cloud, device_id)
    path = f"/v1/products/{product['id']}/devices/{device_id}"
    answer = await jo.client.request("DELETE", path, json={})
    assert (answer.status_code, answer.content) == (204, b"")
    assert await counts(jo, product) == (0, 0, 0)
    group = (await jo.client.get(f"/v1/products/{product['id']}/groups/a")).json()["group"]
    assert group["device_count"] == 0
    assert (await jo.client.get(path)).status_code == 404
    assert (await import_ids(jo, product, device_id))["updated"] == 1


async def test_what_is_taken_out_while_its_firmware_names_the_product_is_refused(
    cloud: Cloud, jo: Person, product: dict
):
    device_id = await register(cloud, jo, 1)
    await import_ids(jo, product, device_id)
    await hello(cloud, device_id, product["id"])
    await jo.client.delete(f"/v1/products/{product['id']}/devices/{device_id}")
    assert await counts(jo, product) == (0, 0, 1)
    assert await list_ids(jo, product) == [] == await list_ids(jo, product, quarantined="true")
    assert await list_ids(jo, product, denied="true") == [device_id]
    await hello(cloud, device_id, product["id"])
    assert await counts(jo, product) == (0, 0, 1)
    assert (await import_ids(jo, product, device_id))["updated"] == 1
    assert await counts(jo, product) == (1, 0, 0)


async def test_ownership_ends_and_the_device_stays(cloud: Cloud, jo: Person, product: dict):
    device_id, _ = await cloud.claimed(jo)
    await import_ids(jo, product, device_id)
    path = f"/v1/products/{product['id']}/devices/{device_id}"
    await jo.client.put(path, json={"name": "Fridge"})
    assert (await get_device(jo, product, device_id))["owner"] == "jo@example.com"
    assert (await jo.client.delete(f"{path}/owner")).json() == {"ok": True}
    device = await get_device(jo, product, device_id)
    assert device["owner"] is None and device["name"] == "Fridge"
    assert (await jo.client.get("/v1/devices")).json() == []


async def test_a_device_moves_between_products_of_one_person(cloud: Cloud, jo: Person, product):
    other = await make_product(jo, "Other")
    await import_ids(jo, product, ONE, groups=["a"])
    refused = await import_ids(jo, other, ONE)
    assert refused["invalidDeviceIds"] == [ONE]
    assert "another product" in refused["invalidReasons"][ONE]
    moved = await import_ids(jo, other, ONE, move=True)
    assert moved["updatedDeviceIds"] == [ONE]
    assert await counts(jo, product) == (0, 0, 0) and await counts(jo, other) == (1, 0, 0)
    assert (await get_device(jo, other, ONE))["groups"] == []


async def test_all_are_claimed_for_somebody_of_the_team(cloud: Cloud, jo, stranger, product):
    report = await import_ids(jo, product, ONE, TWO, claim_user="Jo@example.com")
    assert report["updated"] == 2
    assert {device["id"] for device in (await jo.client.get("/v1/devices")).json()} == {ONE, TWO}
    path = f"/v1/products/{product['id']}/devices"
    for person in ("stranger@example.com", "nobody@example.com"):
        answer = await jo.client.post(path, params={"claim_user": person}, json={"id": THREE})
        assert (answer.status_code, answer.json()["error"]) == (403, "claim_user_not_in_team")
    assert await counts(jo, product) == (2, 0, 0)


async def test_pages_orders_and_filters(cloud: Cloud, jo: Person, product: dict):
    ids = [make_device_id(number) for number in range(7)]
    await import_ids(jo, product, *ids)
    for number, device_id in enumerate(ids):
        cloud.clock.advance(10)
        await hello(cloud, device_id, version=7 - number)
        path = f"/v1/products/{product['id']}/devices/{device_id}"
        await jo.client.put(path, json={"name": f"Box {chr(ord('a') + (number * 3) % 7)}"})
    by_name = sorted(range(7), key=lambda number: (number * 3) % 7)
    assert await list_ids(jo, product) == ids[::-1]
    assert await list_ids(jo, product, sortDir="asc") == ids
    assert await list_ids(jo, product, sortAttr="deviceId") == ids
    assert await list_ids(jo, product, sortAttr="deviceId", sortDir="desc") == ids[::-1]
    assert await list_ids(jo, product, sortAttr="firmwareVersion") == ids[::-1]
    assert await list_ids(jo, product, sortAttr="deviceName") == [ids[n] for n in by_name]
    for size in (1, 2, 3, 7, 10):
        pages = [
            await list_ids(jo, product, page=page, per_page=size)
            for page in range(1, -(-7 // size) + 2)
        ]
        assert [one for page in pages for one in page] == ids[::-1], size
        assert pages[-1] == []
    path = f"/v1/products/{product['id']}/devices"
    meta = (await jo.client.get(path, params={"perPage": 3})).json()["meta"]
    assert meta == {"total_pages": 3, "total_devices": 7}
    assert await list_ids(jo, product, deviceName="box C") == [ids[3]]
    assert await list_ids(jo, product, deviceName="%") == []
    assert await list_ids(jo, product, deviceId=ids[4][-3:]) == [ids[4]]
    assert await list_ids(jo, product, deviceId=ids[4].upper()) == [ids[4]]
    assert await list_ids(jo, product, serialNumber="x") == []
    for query in ({"sortAttr": "size"}, {"sortDir": "up"}, {"page": "0"}, {"per_page": "5000"}):
        assert (await jo.client.get(path, params=query)).status_code == 400, query


async def test_a_product_with_devices_is_not_deleted_by_accident(cloud, jo, product):
    device_id = await register(cloud, jo, 1)
    await import_ids(jo, product, device_id, ONE, groups=["a"])
    path = f"/v1/products/{product['id']}"
    answer = await jo.client.delete(path)
    assert (answer.status_code, answer.json()["error"]) == (409, "product_has_devices")
    answer = await jo.client.request("DELETE", path, json={"remove_devices": True})
    assert answer.status_code == 204
    assert (await jo.client.get(path)).status_code == 404
    assert (await jo.client.get("/v1/products")).json() == {"products": []}
    again = await make_product(jo, id=product["id"])
    assert (await import_ids(jo, again, device_id))["updated"] == 1


async def test_a_product_is_changed(jo: Person, product: dict):
    path = f"/v1/products/{product['id']}"
    change = {"name": "Warm Box", "description": "warm", "settings": {"quarantine": "automatic"}}
    changed = (await jo.client.put(path, json={"product": change})).json()["product"]
    assert (changed["name"], changed["slug"]) == ("Warm Box", "cold-box")
    assert changed["settings"]["quarantine"] == "automatic"
    assert changed["settings"]["release_requires_proof"] is True
    answer = await jo.client.put(path, json={"product": {"slug": "warm-box"}})
    assert answer.json()["product"]["slug"] == "warm-box"
    assert (await jo.client.get("/v1/products/warm-box")).status_code == 200
    await import_ids(jo, product, ONE)
    answer = await jo.client.put(path, json={"product": {"platform_id": 32}})
    assert answer.json()["error"] == "product_has_devices"
    for body in ({"product": {}}, {"product": {"settings": {"colour": 1}}}, {}):
        assert (await jo.client.put(path, json=body)).status_code == 400


async def test_an_account_that_owns_products_does_not_end(cloud: Cloud, jo: Person, product):
    answer = await jo.client.request(
        "DELETE", "/v1/user", json={"password": "correct horse battery"}
    )
    assert (answer.status_code, answer.json()["error"]) == (409, "owns_products")
