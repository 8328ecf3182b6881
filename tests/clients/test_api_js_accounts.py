"""particle-api-js does all it can do with accounts and tokens against a real server."""

import asyncio
import re

import pytest
from tests.clients.signing_in import is_signed_out, log_in

pytestmark = pytest.mark.system

NEW_PASSWORD = "battery staple horse"


async def test_login_gives_a_token_that_works_and_says_when_it_ends(api, make_person):
    person = make_person()
    answer = await api.call("login", username=person.username, password=person.password)
    assert re.fullmatch("[0-9a-f]{40}", answer["access_token"])
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 7776000)
    endless = await api.call(
        "login", username=person.username, password=person.password, tokenDuration=0
    )
    now = await api.call("get", endless["access_token"], uri="/v1/access_tokens/current")
    assert now["expires_at"] is None
    hour = await log_in(api, person, tokenDuration=3600)
    now = await api.call("get", hour, uri="/v1/access_tokens/current")
    assert now["expires_at"].endswith("Z")


async def test_login_with_a_wrong_password_is_refused_in_words(api, make_person):
    refused = await api.refusal("login", username=make_person().username, password="no")
    assert (refused.status, refused.body["error"]) == (400, "invalid_grant")
    assert refused.short == "User credentials are invalid"


async def test_a_grant_of_a_product_is_refused_with_words(api):
    refused = await api.refusal("loginAsClientOwner")
    assert refused.status in (400, 403)
    assert refused.short


async def test_an_account_is_opened_and_used(api):
    username = "newcomer@example.com"
    info = {"first_name": "Jo"}
    created = await api.call(
        "createUser", username=username, password=NEW_PASSWORD, accountInfo=info
    )
    assert created["ok"] is True
    again = await api.refusal("createUser", username=username, password=NEW_PASSWORD)
    assert (again.status, bool(again.short)) == (409, True)
    token = (await api.call("login", username=username, password=NEW_PASSWORD))["access_token"]
    user = await api.call("getUserInfo", token)
    assert (user["username"], user["account_info"]["first_name"]) == (username, "Jo")


async def test_an_account_tells_about_itself(api, make_person):
    person = make_person()
    user = await api.call("getUserInfo", person.token)
    assert {"username", "subscription_ids", "account_info", "mfa", "memberships"} <= set(user)
    short = await api.call("trackingIdentity", person.token)
    assert short["email"] == person.username
    full = await api.call("trackingIdentity", person.token, full=True)
    assert full["id"] == short["id"]
    changed = await api.call(
        "setUserInfo",
        person.token,
        accountInfo={"first_name": "Kim", "business_account": True, "company_name": "Frost"},
    )
    assert changed["account_info"]["company_name"] == "Frost"
    assert (await api.call("getUserInfo", person.token))["account_info"]["first_name"] == "Kim"


async def test_the_username_is_changed_by_who_knows_the_password(api, make_person):
    person = make_person()
    new_name = f"new-{person.username}"
    wrong = await api.refusal(
        "changeUsername", person.token, currentPassword="no", username=new_name
    )
    assert wrong.status in (400, 403)
    changed = await api.call(
        "changeUsername", person.token, currentPassword=person.password, username=new_name
    )
    assert changed["ok"] is True
    assert (await api.call("getUserInfo", person.token))["username"] == new_name
    assert await log_in(api, person, username=new_name)
    assert (await api.refusal("login", username=person.username, password="x")).status == 400


@pytest.mark.parametrize("invalidate", [False, True])
async def test_the_password_is_changed_by_who_knows_it(api, make_person, invalidate):
    person = make_person()
    other = await log_in(api, person)
    wrong = await api.refusal(
        "changeUserPassword", person.token, currentPassword="no", password=NEW_PASSWORD
    )
    assert wrong.status in (400, 403)
    changed = await api.call(
        "changeUserPassword",
        person.token,
        currentPassword=person.password,
        password=NEW_PASSWORD,
        invalidateTokens=invalidate,
    )
    assert changed["ok"] is True
    assert (await api.refusal("login", username=person.username, password="x")).status == 400
    assert await log_in(api, person, password=NEW_PASSWORD)
    if invalidate:
        assert await is_signed_out(api, other)
    else:
        assert await api.call("getUserInfo", other)


async def test_tokens_are_ended_one_the_current_and_all(api, make_person):
    person = make_person()
    first, second, third, fourth = await asyncio.gather(*(log_in(api, person) for _ in range(4)))
    assert (await api.call("deleteAccessToken", token=first))["ok"] is True
    assert await is_signed_out(api, first)
    assert (await api.call("deleteCurrentAccessToken", second))["ok"] is True
    assert await is_signed_out(api, second)
    assert await api.call("getUserInfo", third)
    assert (await api.call("deleteActiveAccessTokens", third))["ok"] is True
    for token in (third, fourth, person.token):
        assert await is_signed_out(api, token)
