"""A second factor, from enrolment to the day the phone is lost; refresh tokens beside it."""

import base64

import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person

from roadstead.identity import totp

BASIC = ("particle", "particle")


def code_now(cloud: Cloud, secret: str, *, steps: int = 0) -> str:
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return totp.code_at(raw, int(cloud.clock.now().timestamp() // 30) + steps)


async def enrol(cloud: Cloud, person: Person, **more) -> tuple[str, dict]:
    begun = (await person.client.get("/v1/user/mfa-enable")).json()
    assert begun["qr_url"].startswith("otpauth://totp/Roadstead:")
    body = {"mfa_token": begun["mfa_token"], "otp": code_now(cloud, begun["secret"]), **more}
    answer = await person.client.post("/v1/user/mfa-enable", json=body)
    assert answer.status_code == 200, answer.text
    cloud.clock.advance(30)
    return begun["secret"], answer.json()


async def token(cloud: Cloud, **form):
    return await cloud.client().post("/oauth/token", data=form, auth=BASIC)


async def challenge(cloud: Cloud, person: Person) -> str:
    answer = await token(cloud, grant_type="password", username=person.username, password=PASSWORD)
    assert answer.status_code == 403
    body = answer.json()
    assert set(body) == {"error", "error_description", "mfa_token"}
    assert body["error"] == "mfa_required"
    return body["mfa_token"]


async def answer_with(cloud: Cloud, mfa_token: str, otp: str):
    return await token(cloud, grant_type="urn:custom:mfa-otp", mfa_token=mfa_token, otp=otp)


async def test_signing_in_takes_the_password_and_a_code(cloud: Cloud, jo: Person):
    secret, enrolled = await enrol(cloud, jo)
    assert enrolled["enrolled"] is True and len(set(enrolled["recovery_codes"])) == 10
    assert (await jo.client.get("/v1/user")).json()["mfa"] == {"enabled": True}
    mfa_token = await challenge(cloud, jo)
    good = await answer_with(cloud, mfa_token, code_now(cloud, secret))
    assert good.status_code == 200
    headers = {"Authorization": f"Bearer {good.json()['access_token']}"}
    assert (await cloud.client().get("/v1/user", headers=headers)).status_code == 200


async def test_a_code_counts_once(cloud: Cloud, jo: Person):
    secret, _ = await enrol(cloud, jo)
    mfa_token, code = await challenge(cloud, jo), code_now(cloud, secret)
    assert (await answer_with(cloud, mfa_token, code)).status_code == 200
    again = await answer_with(cloud, await challenge(cloud, jo), code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    earlier = await answer_with(cloud, mfa_token, code_now(cloud, secret, steps=-1))
    assert earlier.status_code == 400
    next_one = await answer_with(cloud, mfa_token, code_now(cloud, secret, steps=1))
    assert next_one.status_code == 200


async def test_the_code_that_enrolled_does_not_sign_in(cloud: Cloud, jo: Person):
    secret, _ = await enrol(cloud, jo)
    old = code_now(cloud, secret, steps=-1)
    assert (await answer_with(cloud, await challenge(cloud, jo), old)).status_code == 400


async def test_a_recovery_code_stands_in_once(cloud: Cloud, jo: Person):
    _, enrolled = await enrol(cloud, jo)
    code = enrolled["recovery_codes"][3]
    first = await answer_with(cloud, await challenge(cloud, jo), code.upper())
    assert first.status_code == 200
    assert (await answer_with(cloud, await challenge(cloud, jo), code)).status_code == 400


async def test_ten_wrong_codes_lock_whatever_the_address(cloud: Cloud, jo: Person):
    secret, _ = await enrol(cloud, jo)
    mfa_token = await challenge(cloud, jo)
    wrong = str((int(code_now(cloud, secret)) + 7) % 10**6).zfill(6)
    for number in range(10):
        client = cloud.client(f"198.51.100.{number}")
        form = {"grant_type": "urn:custom:mfa-otp", "mfa_token": mfa_token, "otp": wrong}
        assert (await client.post("/oauth/token", data=form, auth=BASIC)).status_code == 400
    locked = await answer_with(cloud, mfa_token, code_now(cloud, secret))
    assert locked.status_code == 429 and "retry-after" in locked.headers


async def test_half_a_sign_in_expires(cloud: Cloud, jo: Person):
    secret, _ = await enrol(cloud, jo)
    mfa_token = await challenge(cloud, jo)
    cloud.clock.advance(301)
    late = await answer_with(cloud, mfa_token, code_now(cloud, secret))
    assert late.json() == {"error": "invalid_grant", "error_description": "OTP expired"}


@pytest.mark.parametrize("mfa_token", ["", "x", "A" * 200, "ä", "=="])
async def test_a_made_up_token_is_refused(cloud: Cloud, mfa_token):
    assert (await answer_with(cloud, mfa_token, "123456")).status_code == 400


async def test_an_enrolment_token_is_no_challenge_and_nobody_elses(cloud, jo, stranger):
    begun = (await jo.client.get("/v1/user/mfa-enable")).json()
    otp = code_now(cloud, begun["secret"])
    assert (await answer_with(cloud, begun["mfa_token"], otp)).status_code == 400
    body = {"mfa_token": begun["mfa_token"], "otp": otp}
    answer = await stranger.client.post("/v1/user/mfa-enable", json=body)
    assert answer.status_code == 400
    assert (await stranger.client.get("/v1/user")).json()["mfa"] == {"enabled": False}


async def test_enrolling_can_end_all_other_tokens(cloud: Cloud, jo: Person):
    other = await cloud.sign_in(jo.username)
    _, enrolled = await enrol(cloud, jo, invalidate_tokens=True)
    assert (await other.client.get("/v1/user")).status_code == 401
    assert (await jo.client.get("/v1/user")).status_code == 401
    headers = {"Authorization": f"Bearer {enrolled['tokens'][0]}"}
    assert (await cloud.client().get("/v1/user", headers=headers)).status_code == 200


async def test_a_second_enrolment_is_refused(cloud: Cloud, jo: Person):
    await enrol(cloud, jo)
    assert (await jo.client.get("/v1/user/mfa-enable")).status_code == 409


async def test_turning_it_off_takes_the_password(cloud: Cloud, jo: Person):
    await enrol(cloud, jo)
    url = "/v1/user/mfa-disable"
    wrong = await jo.client.put(url, json={"current_password": "wrong"})
    assert wrong.json()["error"] == "wrong_password"
    assert (await jo.client.put(url, json={"current_password": PASSWORD})).json() == {"ok": True}
    assert (await cloud.sign_in(jo.username)).token
    again = await jo.client.put(url, json={"current_password": PASSWORD})
    assert again.status_code == 404


async def test_a_basic_password_needs_the_code_too(cloud: Cloud, jo: Person):
    secret, _ = await enrol(cloud, jo)
    client = cloud.client()
    bare = await client.get("/v1/access_tokens", auth=(jo.username, PASSWORD))
    assert (bare.status_code, bare.json()["error"]) == (403, "mfa_required")
    query = {"otp": code_now(cloud, secret)}
    full = await client.get("/v1/access_tokens", auth=(jo.username, PASSWORD), params=query)
    assert full.status_code == 200


async def test_the_secret_is_not_in_the_database(cloud: Cloud, jo: Person, tmp_path):
    secret, enrolled = await enrol(cloud, jo)
    content = b"".join(path.read_bytes() for path in tmp_path.glob("roadstead.db*"))
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    assert raw not in content and secret.encode() not in content
    assert enrolled["recovery_codes"][0].replace("-", "").encode() not in content


async def refresh(cloud: Cloud, text: str, client_id: str = "particle"):
    form = {"grant_type": "refresh_token", "refresh_token": text}
    return await cloud.client().post("/oauth/token", data=form, auth=(client_id, client_id))


async def pair(cloud: Cloud, person: Person, **form) -> dict:
    answer = await token(
        cloud, grant_type="password", username=person.username, password=PASSWORD, **form
    )
    return answer.json()


async def whoami(cloud: Cloud, access_token: str) -> int:
    headers = {"Authorization": f"Bearer {access_token}"}
    return (await cloud.client().get("/v1/user", headers=headers)).status_code


async def test_a_refresh_token_gives_the_next_pair(cloud: Cloud, jo: Person):
    first = await pair(cloud, jo, expires_in=60)
    cloud.clock.advance(61)
    assert await whoami(cloud, first["access_token"]) == 401
    second = (await refresh(cloud, first["refresh_token"])).json()
    assert second["expires_in"] == 60
    assert second["refresh_token"] != first["refresh_token"]
    assert await whoami(cloud, second["access_token"]) == 200


async def test_a_used_refresh_token_ends_the_whole_sign_in(cloud: Cloud, jo: Person):
    first = await pair(cloud, jo)
    second = (await refresh(cloud, first["refresh_token"])).json()
    stolen = await refresh(cloud, first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert await whoami(cloud, second["access_token"]) == 401
    assert (await refresh(cloud, second["refresh_token"])).status_code == 400
    assert await whoami(cloud, jo.token) == 200


async def test_a_refresh_token_lives_two_weeks(cloud: Cloud, jo: Person):
    first = await pair(cloud, jo)
    cloud.clock.advance(14 * 86_400 + 1)
    assert (await refresh(cloud, first["refresh_token"])).status_code == 400


async def test_a_refresh_token_is_its_clients_alone(cloud: Cloud, jo: Person):
    first = await pair(cloud, jo)
    assert (await refresh(cloud, first["refresh_token"], "particle-cli")).status_code == 400
    assert (await refresh(cloud, first["refresh_token"])).status_code == 200


async def test_signing_out_ends_the_refresh_token(cloud: Cloud, jo: Person):
    first = await pair(cloud, jo)
    await cloud.client().delete(f"/v1/access_tokens/{first['access_token']}")
    assert (await refresh(cloud, first["refresh_token"])).status_code == 400


async def test_a_token_for_ever_has_nothing_to_refresh(cloud: Cloud, jo: Person):
    assert "refresh_token" not in await pair(cloud, jo, expires_in=0)
