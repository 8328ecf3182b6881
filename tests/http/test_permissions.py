"""Every operation of the table, asked by everybody who may not."""

import pytest
from tests.builders.cloud import Cloud, Person, make_public_pem

from roadstead.http.operation import Access, Operation
from roadstead.http.operations import OPERATIONS

BODIES = {
    "update_account": {"account_info": {"first_name": "Mallory"}},
    "change_username": {"username": "m@example.com", "current_password": "no matter what"},
    "change_password": {"password": "a long new one", "current_password": "no matter what"},
    "confirm_mfa": {"mfa_token": "x", "otp": "000000"},
    "disable_mfa": {"current_password": "no matter what"},
    "delete_user": {"password": "no matter what"},
    "decide_transfer": {"action": "accept"},
    "create_claim_code": {"iccid": "8934"},
    "create_product": {"product": {"name": "x", "platform_id": 13}},
    "create_product_of_account": {"product": {"name": "y", "platform_id": 13}},
    "claim_device": {"id": "DEVICE"},
    "update_device": {"name": "mallory's", "notes": "mallory's"},
    "signal_device": {"signal": "1"},
    "provision_device": {"publicKey": "KEY", "algorithm": "ecc"},
    "call_function": {"args": "x"},
    "publish_event": {"name": "ev"},
    "create_virtual_device": {"product_id": 13},
    "force_updates": {"firmware_updates_forced": True},
    "flash_device": {"app": "tinker"},
    "update_product_device": {"development": True},
}
"""A body for each operation that takes one; the test fails for an operation that is missing."""

GUARDED = [row for row in OPERATIONS if row.access is not Access.OPEN]
ON_A_DEVICE = [row for row in GUARDED if "{device}" in row.path and row.offered]

by_name = pytest.mark.parametrize("operation", GUARDED, ids=lambda row: f"{row.name} {row.path}")


def request_of(operation: Operation, device_id: str) -> tuple[str, str, object]:
    method = "GET" if operation.method == "*" else operation.method
    path = operation.path.replace("{device}", device_id)
    path = path.replace("{transfer}", "0" * 24).replace("{sign_in}", "0" * 64)
    path = path.replace("{product}", "cold-box")
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


@by_name
async def test_nobody_gets_in_without_a_living_token(cloud: Cloud, jo: Person, operation):
    device_id, device = await cloud.claimed(jo, functions={"brew": pytest.fail})
    revoked = await cloud.sign_in(jo.username)
    await revoked.client.delete("/v1/access_tokens/current")
    expired = await cloud.sign_in(jo.username, expires_in=60)
    cloud.clock.advance(61)
    before = (await jo.client.get(f"/v1/devices/{device_id}")).json()
    method, path, body = request_of(operation, device_id)
    strangers = {
        "no token": cloud.client(),
        "an empty token": cloud.client(Authorization="Bearer"),
        "a made-up token": cloud.client(Authorization=f"Bearer {'0' * 40}"),
        "a revoked token": revoked.client,
        "an expired token": expired.client,
    }
    for who, client in strangers.items():
        answer = await client.request(method, path, json=body)
        assert answer.status_code == 401, who
        known = {"invalid_request"} if who == "no token" else {"invalid_token"}
        assert answer.json()["error"] in known, who
        assert "www-authenticate" in answer.headers, who
    assert (await jo.client.get(f"/v1/devices/{device_id}")).json() == before
    assert not device.signaling and not device.vitals_asked


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
