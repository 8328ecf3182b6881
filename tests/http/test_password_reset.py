"""A forgotten password, from the request to the new sign-in."""

import re

import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person

NEW = "a brand new passphrase"


async def token_for(cloud: Cloud, username: str) -> str:
    answer = await cloud.client().post("/v1/user/password-reset", json={"username": username})
    assert answer.json() == {"ok": True, "message": "Password reset email sent."}
    letter = await cloud.letters.next_to(username)
    link = re.search(r"https://cloud\.test/password-reset\?token=([0-9a-f]{40})", letter.text)
    assert link, letter.text
    return link[1]


async def sign_in(cloud: Cloud, username: str, password: str):
    form = {"grant_type": "password", "username": username, "password": password}
    return await cloud.client().post("/oauth/token", data=form, auth=("particle", "particle"))


async def test_a_letter_leads_to_a_new_password_and_ends_all_tokens(cloud: Cloud, jo: Person):
    token = await token_for(cloud, jo.username)
    body = {"token": token, "password": NEW}
    answer = await cloud.client().put("/v1/user/password-reset", json=body)
    assert answer.status_code == 200 and answer.json()["ok"] is True
    assert (await jo.client.get("/v1/user")).status_code == 401
    assert (await sign_in(cloud, jo.username, PASSWORD)).status_code == 400
    assert (await sign_in(cloud, jo.username, NEW)).status_code == 200
    assert "has just been reset" in (await cloud.letters.next_to(jo.username)).text


async def test_a_reset_works_once(cloud: Cloud, jo: Person):
    token = await token_for(cloud, jo.username)
    client = cloud.client()
    await client.put("/v1/user/password-reset", json={"token": token, "password": NEW})
    again = await client.put("/v1/user/password-reset", json={"token": token, "password": "x" * 9})
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_reset_token"


async def test_a_reset_ends_after_an_hour(cloud: Cloud, jo: Person):
    token = await token_for(cloud, jo.username)
    cloud.clock.advance(3601)
    body = {"token": token, "password": NEW}
    answer = await cloud.client().put("/v1/user/password-reset", json=body)
    assert answer.json()["error"] == "invalid_reset_token"
    assert (await sign_in(cloud, jo.username, PASSWORD)).status_code == 200


async def test_a_later_letter_replaces_the_earlier_one(cloud: Cloud, jo: Person):
    first, second = await token_for(cloud, jo.username), await token_for(cloud, jo.username)
    client = cloud.client()
    answer = await client.put("/v1/user/password-reset", json={"token": first, "password": NEW})
    assert answer.status_code == 400
    answer = await client.put("/v1/user/password-reset", json={"token": second, "password": NEW})
    assert answer.status_code == 200


async def test_a_password_changed_meanwhile_makes_the_letter_void(cloud: Cloud, jo: Person):
    token = await token_for(cloud, jo.username)
    change = {"password": "changed by hand", "current_password": PASSWORD}
    assert (await jo.client.put("/v1/user", json=change)).status_code == 200
    body = {"token": token, "password": NEW}
    assert (await cloud.client().put("/v1/user/password-reset", json=body)).status_code == 400


async def test_a_weak_password_leaves_the_token_valid(cloud: Cloud, jo: Person):
    token = await token_for(cloud, jo.username)
    client = cloud.client()
    weak = await client.put("/v1/user/password-reset", json={"token": token, "password": "short"})
    assert weak.json()["error"] == "weak_password"
    good = await client.put("/v1/user/password-reset", json={"token": token, "password": NEW})
    assert good.status_code == 200


@pytest.mark.parametrize("username", ["nobody@example.com", "no address at all", ""])
async def test_an_unknown_address_gets_the_same_answer_and_no_letter(cloud: Cloud, username: str):
    answer = await cloud.client().post("/v1/user/password-reset", json={"username": username})
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "message": "Password reset email sent."}
    await cloud.parts.resets.close()
    assert cloud.letters.posted == []


async def test_the_link_ignores_the_host_that_the_caller_names(cloud: Cloud, jo: Person):
    client = cloud.client(Host="evil.example")
    await client.post("/v1/user/password-reset", json={"username": jo.username})
    assert "evil.example" not in (await cloud.letters.next_to(jo.username)).text


async def test_the_page_of_the_link_sets_the_password(cloud: Cloud, jo: Person):
    token = await token_for(cloud, jo.username)
    client = cloud.client()
    shown = await client.get("/password-reset", params={"token": token})
    assert shown.status_code == 200 and "text/html" in shown.headers["content-type"]
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert jo.username in shown.text
    short = await client.post("/password-reset", data={"token": token, "password": "short"})
    assert (short.status_code == 400 and "at least" in short.text) or "must have" in short.text
    done = await client.post("/password-reset", data={"token": token, "password": NEW})
    assert done.status_code == 200 and "is set" in done.text
    assert (await sign_in(cloud, jo.username, NEW)).status_code == 200
    assert (await client.get("/password-reset", params={"token": token})).status_code == 404


async def test_what_is_typed_into_the_link_is_not_run_in_the_page(cloud: Cloud):
    shown = await cloud.client().get("/password-reset", params={"token": "<script>alert(1)"})
    assert shown.status_code == 404 and "<script>" not in shown.text
