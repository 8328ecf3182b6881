"""particle-api-js and the safety of accounts: second factor, reset, transfer, deletion."""

import asyncio
import re

import pytest
from tests.clients.letters import read_letter
from tests.clients.second_factor import Authenticator
from tests.clients.signing_in import is_signed_out, log_in

from roadstead.simulator.firmware import Publication
from roadstead.simulator.publishing import Outcome

pytestmark = pytest.mark.system

NEW_PASSWORD = "battery staple horse"


async def test_a_second_factor_is_enrolled_asked_for_and_given_up(api, make_person):
    person = make_person()
    offer = await api.call("enableMfa", person.token)
    assert offer["qr_url"]
    app = Authenticator(offer["secret"])
    wrong = await api.refusal("confirmMfa", person.token, mfaToken=offer["mfa_token"], otp="000000")
    assert wrong.status == 400
    confirmed = await api.call(
        "confirmMfa", person.token, mfaToken=offer["mfa_token"], otp=app.code()
    )
    assert confirmed["enrolled"] is True
    assert (await api.call("getUserInfo", person.token))["mfa"]["enabled"] is True
    asked = await api.refusal("login", username=person.username, password=person.password)
    assert (asked.status, asked.body["error"]) == (403, "mfa_required")
    wrong = await api.refusal("sendOtp", mfaToken=asked.body["mfa_token"], otp="000000")
    assert (wrong.status, wrong.body["error"]) == (400, "invalid_grant")
    signed_in = await api.call("sendOtp", mfaToken=asked.body["mfa_token"], otp=app.code())
    assert await api.call("getUserInfo", signed_in["access_token"])
    wrong = await api.refusal("disableMfa", person.token, currentPassword="no")
    assert wrong.status in (400, 403)
    assert (await api.call("disableMfa", person.token, currentPassword=person.password))["ok"]
    assert await log_in(api, person)


async def test_enrolling_a_second_factor_may_end_all_other_tokens(api, make_person):
    person = make_person()
    other = await log_in(api, person)
    offer = await api.call("enableMfa", person.token)
    confirmed = await api.call(
        "confirmMfa",
        person.token,
        mfaToken=offer["mfa_token"],
        otp=Authenticator(offer["secret"]).code(),
        invalidateTokens=True,
    )
    assert await is_signed_out(api, other)
    (new,) = confirmed["tokens"]
    assert await api.call("getUserInfo", new)


async def test_a_forgotten_password_is_set_anew_by_the_letter(api, server, make_person):
    person = make_person()
    answer = await api.call("resetPassword", username=person.username)
    assert answer["ok"] is True
    assert await api.call("resetPassword", username="nobody@example.com") == answer
    token = re.search(r"token=([\w-]+)", await read_letter(server, person.username))[1]
    body = {"token": token, "password": NEW_PASSWORD}
    assert (await api.call("put", uri="/v1/user/password-reset", data=body))["ok"] is True
    assert await is_signed_out(api, person.token)
    assert await log_in(api, person, password=NEW_PASSWORD)
    again = await api.refusal("put", uri="/v1/user/password-reset", data=body)
    assert (again.status, bool(again.short)) == (400, True)


async def test_a_device_that_says_a_claim_code_becomes_the_callers(api, desk, make_person):
    person = make_person()
    device = await desk.put(claimed=False)
    code = await api.call("getClaimCode", person.token)
    assert (len(code["claim_code"]), code["device_ids"]) == (63, [])
    said = Publication("spark/device/claim/code", code["claim_code"].encode())
    assert await device.publish_and_wait(said) is Outcome.ACKNOWLEDGED
    async with asyncio.timeout(5):
        while not (mine := await api.call("listDevices", person.token)):
            await asyncio.sleep(0.05)
    assert [entry["id"] for entry in mine] == [device.identity.text_id]
    later = await api.call("getClaimCode", person.token)
    assert later["device_ids"] == [device.identity.text_id]


async def test_a_device_is_handed_over_when_its_owner_accepts(api, server, desk, make_person):
    owner, asker = make_person(), make_person()
    device_id = (await desk.put(claimed=False)).identity.text_id
    await api.call("claimDevice", owner.token, deviceId=device_id)
    asked = await api.call("claimDevice", asker.token, deviceId=device_id, requestTransfer=True)
    assert await api.call("listDevices", asker.token) == []
    assert asker.username in await read_letter(server, owner.username)
    (request,) = await api.call("get", owner.token, uri="/v1/transfer_requests")
    assert (request["id"], request["device_id"]) == (asked["transfer_id"], device_id)
    decision = {"uri": f"/v1/transfer_requests/{request['id']}", "data": {"action": "accept"}}
    assert (await api.refusal("put", asker.token, **decision)).status in (403, 404)
    assert (await api.call("put", owner.token, **decision))["ok"] is True
    assert await api.call("listDevices", owner.token) == []
    (mine,) = await api.call("listDevices", asker.token)
    assert mine["id"] == device_id


async def test_a_device_stays_when_its_owner_declines(api, desk, make_person):
    owner, asker = make_person(), make_person()
    device_id = (await desk.put(claimed=False)).identity.text_id
    await api.call("claimDevice", owner.token, deviceId=device_id)
    asked = await api.call("claimDevice", asker.token, deviceId=device_id, requestTransfer=True)
    uri = f"/v1/transfer_requests/{asked['transfer_id']}"
    assert (await api.call("put", owner.token, uri=uri, data={"action": "decline"}))["ok"] is True
    assert [mine["id"] for mine in await api.call("listDevices", owner.token)] == [device_id]
    assert await api.call("listDevices", asker.token) == []


async def test_an_account_is_deleted_by_who_knows_the_password(api, jo, desk, make_person):
    person = make_person()
    device_id = (await desk.put(claimed=False)).identity.text_id
    await api.call("claimDevice", person.token, deviceId=device_id)
    wrong = await api.refusal("deleteUser", person.token, password="not mine")
    assert wrong.status in (400, 403)
    assert (await api.call("deleteUser", person.token, password=person.password))["ok"] is True
    assert await is_signed_out(api, person.token)
    refused = await api.refusal("login", username=person.username, password=person.password)
    assert refused.body["error"] == "invalid_grant"
    claimed = await api.call("claimDevice", jo.token, deviceId=device_id)
    assert claimed["ok"] is True, "a device of a deleted account is free again"
