"""Operations on a device, asked by a stranger; ``test_tenancy`` has the whole matrix of roles."""

import pytest
from tests.builders.cloud import Cloud, Person, make_public_pem

from roadstead.http.operation import Access, Operation
from roadstead.http.operations import OPERATIONS

BODIES = {
    "claim_device": {"id": "DEVICE"},
    "update_device": {"name": "mallory's", "notes": "mallory's"},
    "signal_device": {"signal": "1"},
    "provision_device": {"publicKey": "KEY", "algorithm": "ecc"},
    "call_function": {"args": "x"},
    "publish_event": {"name": "ev"},
    "create_virtual_device": {"product_id": 13},
    "force_updates_of_device": {"firmware_updates_forced": True},
    "flash_device": {"app": "tinker"},
    "update_product_device": {"development": True},
}
"""A body for each operation on a device; the test fails for one that is missing."""

GUARDED = [row for row in OPERATIONS if row.access is not Access.OPEN]
ON_A_DEVICE = [
    row
    for row in GUARDED
    if "{device}" in row.path
    and not {"{product}", "{org}"} & set(row.path.split("/"))
    and row.offered
]


def request_of(operation: Operation, device_id: str) -> tuple[str, str, object]:
    method = "GET" if operation.method == "*" else operation.method
    path = operation.path.replace("{device}", device_id)
    path = path.replace("{variable}", "temp").replace("{function}", "brew")
    path = path.replace("{prefix*}", "ev").replace("{rest*}", "1/x")
    assert "{" not in path, path
    assert operation.body is None or operation.name in BODIES, operation.name
    body = dict(BODIES.get(operation.name, {}))
    if body.get("id") == "DEVICE":
        body["id"] = device_id
    if body.get("publicKey") == "KEY":
        body["publicKey"] = make_public_pem()
    return method, path, body or None


@pytest.mark.parametrize("operation", ON_A_DEVICE, ids=lambda row: row.name)
async def test_a_strangers_device_is_unknown_and_stays_as_it_is(cloud, jo, stranger, operation):
    device_id, device = await cloud.claimed(
        jo, functions={"brew": pytest.fail}, variables={"temp": 1}
    )
    await jo.client.put(f"/v1/devices/{device_id}", json={"name": "fridge", "notes": "mine"})
    before = (await jo.client.get(f"/v1/devices/{device_id}")).json()
    for ref in (device_id, device_id.upper(), "fridge"):
        method, path, body = request_of(operation, ref)
        answer = await stranger.client.request(method, path, json=body)
        if operation.name == "provision_device":
            assert answer.status_code in (400, 403, 404), answer.text
            continue
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"] == "Permission Denied"
        assert "token" not in answer.text and "jo@" not in answer.text
    assert (await jo.client.get(f"/v1/devices/{device_id}")).json() == before
    assert not device.signaling and not device.vitals_asked


async def test_a_strangers_lists_are_empty(cloud: Cloud, jo: Person, stranger: Person):
    await cloud.claimed(jo)
    assert (await stranger.client.get("/v1/devices")).json() == []
    assert len((await stranger.client.get("/v1/access_tokens")).json()) == 1


async def test_only_an_administrator_asks_what_belongs_to_the_server(cloud, stranger, admin):
    for operation in GUARDED:
        if operation.access is Access.LOCAL:
            assert (await stranger.client.get(operation.path)).status_code == 403
            assert (await admin.client.get(operation.path)).status_code == 200
