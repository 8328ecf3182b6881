"""Who reaches a product's device by ``/v1/devices``: every operation, role and owner."""

import pytest
from tests.builders.cloud import make_device_id
from tests.builders.products import import_ids, list_ids
from tests.http.tenants import Tenants, make_tenants

from roadstead.http.dispatch import DEVICE_ROUTES
from roadstead.http.operations import OPERATIONS
from roadstead.identity.permissions import Permission, Role

REACHING = [
    row
    for row in OPERATIONS
    if row.offered and row.path.startswith(DEVICE_ROUTES) and not row.streams
]
BODIES = {
    "update_device": {"name": "box"},
    "signal_device": {"signal": "1"},
    "call_function": {"args": "x"},
    "flash_device": {"app": "tinker"},
    "force_updates_of_device": {"firmware_updates_forced": True},
}


@pytest.fixture
async def tenants(cloud) -> Tenants:
    return await make_tenants(cloud)


async def test_every_operation_on_a_device_of_a_product_for_every_role_and_owner(tenants, cloud):
    device_of = {}
    for number, product_id in enumerate(tenants.products, 1):
        device_of[product_id] = device_id = make_device_id(number)
        person = tenants.other if product_id == tenants.products[3] else tenants.owner
        await import_ids(person, {"id": product_id}, device_id)
        cloud.plug_in(device_id, functions={"brew": len}, variables={"temp": 1})
    wrong = []
    for operation in REACHING:
        if operation.name == "unclaim_device":
            continue  # of one's own devices alone
        for actor in tenants.actors:
            for product_id, device_id in device_of.items():
                path = operation.path.replace("{device}", device_id)
                path = path.replace("{variable}", "temp").replace("{function}", "brew")
                body = BODIES.get(operation.name)
                answer = await actor.client.request(operation.method, path, json=body)
                rights = actor.on_product.get(product_id)
                if rights is None or actor.kind == "customer":
                    good = answer.status_code == 404
                elif operation.permission in rights:
                    good = answer.status_code not in (401, 403, 404, 500)
                    good = good or "vitals_not_found" in answer.text
                else:
                    good = answer.status_code == 403
                if not good:
                    wrong.append((operation.name, actor.name, product_id, answer.status_code))
    assert not wrong, wrong[:20]


async def test_a_customer_sees_their_own_devices_and_no_others(tenants, cloud):
    product = {"id": tenants.products[0]}
    mine, other = make_device_id(1), make_device_id(2)
    await import_ids(tenants.owner, product, mine, other)
    [jane] = [actor for actor in tenants.actors if actor.kind == "customer"]
    await cloud.own(mine, await cloud.user_id_of_customer(product["id"], "jane@example.com"))
    listed = await jane.client.get(f"/v1/products/{product['id']}/devices")
    assert [device["id"] for device in listed.json()["devices"]] == [mine]
    assert listed.json()["meta"] == {"total_pages": 1, "total_devices": 1}
    for prefix in (f"/v1/products/{product['id']}/devices", "/v1/devices"):
        assert (await jane.client.get(f"{prefix}/{mine}")).status_code == 200
        assert (await jane.client.get(f"{prefix}/{other}")).status_code == 404
    assert len(await list_ids(tenants.owner, product)) == 2


def test_customers_may_list_and_get_only():
    from roadstead.identity.permissions import ROLE_PERMISSIONS

    rights = ROLE_PERMISSIONS[Role.CUSTOMER]
    for permission in (Permission.DEVICES_UPDATE, Permission.DEVICES_IMPORT):
        assert permission not in rights
