"""What is kept of a person: seen, taken along, removed."""

from tests.builders.cloud import PASSWORD, Cloud, Person


async def test_sign_ins_say_where_and_when_they_were_used(cloud: Cloud, jo: Person):
    cloud.clock.advance(60)
    other = await cloud.sign_in(jo.username)
    cloud.clock.advance(120)
    assert (await other.client.get("/v1/user")).status_code == 200
    mine, theirs = (await jo.client.get("/v1/user/tokens")).json()
    assert mine["current"] and not theirs["current"]
    assert theirs["client"] == "particle" and theirs["address"] == "203.0.113.7"
    assert theirs["last_used_at"] == "2026-01-01T00:03:00.000Z"
    assert theirs["created_at"] == "2026-01-01T00:01:00.000Z"


async def test_a_sign_in_can_be_ended_by_its_owner_alone(cloud, jo, stranger):
    other = await cloud.sign_in(jo.username)
    tokens = (await jo.client.get("/v1/user/tokens")).json()
    (its_id,) = [one["id"] for one in tokens if not one["current"]]
    assert (await stranger.client.delete(f"/v1/user/tokens/{its_id}")).status_code == 404
    assert (await other.client.get("/v1/user")).status_code == 200
    assert (await jo.client.delete(f"/v1/user/tokens/{its_id}")).status_code == 200
    assert (await other.client.get("/v1/user")).status_code == 401
    for made_up in ("x", "0" * 64, "Ä"):
        answer = await jo.client.delete(f"/v1/user/tokens/{made_up}")
        assert answer.status_code == 404


async def test_an_export_has_everything_and_no_secret(cloud, jo, stranger):
    device_id, _ = await cloud.claimed(jo)
    await stranger.client.post("/v1/devices", json={"id": device_id, "request_transfer": True})
    document = await jo.client.get("/v1/user/export")
    export = document.json()
    assert export["user"]["username"] == jo.username
    assert [device["id"] for device in export["devices"]] == [device_id]
    assert len(export["tokens"]) == 1 and len(export["transfer_requests"]) == 1
    actions = {change["action"] for change in export["changes"]}
    assert {"user.create", "token.issue", "device.claim"} <= actions
    assert "device.request_transfer" not in actions
    for secret in (PASSWORD, jo.token, "argon2"):
        assert secret not in document.text


async def test_a_deleted_account_is_gone_with_its_tokens_and_its_devices_are_free(
    cloud, jo, stranger
):
    device_id, _ = await cloud.claimed(jo)
    code = (await jo.client.post("/v1/device_claims", json={})).json()["claim_code"]
    wrong = await jo.client.request("DELETE", "/v1/user", json={"password": "wrong"})
    assert wrong.json()["error"] == "wrong_password"
    answer = await jo.client.request("DELETE", "/v1/user", json={"password": PASSWORD})
    assert answer.json() == {"ok": True, "message": "User's account has been deleted."}
    assert (await jo.client.get("/v1/user")).status_code == 401
    form = {"grant_type": "password", "username": jo.username, "password": PASSWORD}
    refused = await cloud.client().post("/oauth/token", data=form, auth=("particle", "particle"))
    assert refused.status_code == 400
    assert not await cloud.reports.claim_code(device_id, code, "")
    taken = await stranger.client.post("/v1/devices", json={"id": device_id})
    assert taken.status_code == 200
    assert (await stranger.client.get(f"/v1/devices/{device_id}")).json()["name"] is None
    await cloud.create_user(jo.username)


async def test_the_last_administrator_stays(cloud: Cloud, admin: Person):
    body = {"password": PASSWORD}
    refused = await admin.client.request("DELETE", "/v1/user", json=body)
    assert (refused.status_code, refused.json()["error"]) == (409, "last_administrator")
    await cloud.create_user("second@example.com", is_admin=True)
    assert (await admin.client.request("DELETE", "/v1/user", json=body)).status_code == 200
