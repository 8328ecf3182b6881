import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person, open_cloud

NEW_USER = {
    "username": "new@example.com",
    "password": PASSWORD,
    "account_info": {"first_name": "N"},
}


async def test_sign_up_is_closed_unless_the_operator_opens_it(cloud: Cloud):
    answer = await cloud.client().post("/v1/users", json=NEW_USER)
    assert (answer.status_code, answer.json()["error"]) == (403, "signup_closed")
    assert "access token" not in answer.text.lower()


async def test_a_stranger_signs_up_where_it_is_open(database, key_folder):
    async with open_cloud(database, key_folder, signup_open=True) as cloud:
        answer = await cloud.client().post("/v1/users", json=NEW_USER)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        person = await cloud.sign_in("new@example.com")
        user = (await person.client.get("/v1/user")).json()
        assert user["account_info"]["first_name"] == "N"
        assert user["is_admin"] is False
        again = await cloud.client().post("/v1/users", json=NEW_USER)
        assert (again.status_code, again.json()["error"]) == (409, "user_exists")
        weak = await cloud.client().post("/v1/users", json={**NEW_USER, "password": "short"})
        assert (weak.status_code, weak.json()["error"]) == (400, "weak_password")


async def test_the_account_has_the_fields_that_clients_read(jo: Person):
    assert (await jo.client.get("/v1/user")).json() == {
        "username": "jo@example.com",
        "subscription_ids": [],
        "account_info": {
            "first_name": "",
            "last_name": "",
            "company_name": "",
            "business_account": False,
        },
        "mfa": {"enabled": False},
        "scim_provisioned": False,
        "no_password": False,
        "tos": 1,
        "memberships": [],
        "wifi_device_count": 0,
        "cellular_device_count": 0,
        "is_admin": False,
    }


async def test_the_caller_is_identified_by_id_and_address(jo: Person):
    for path in ("/v1/user/identify", "/v1/user/identify?tracking=1"):
        identity = (await jo.client.get(path)).json()
        assert identity["email"] == "jo@example.com"
        assert len(identity["id"]) == 24


@pytest.mark.parametrize("as_form", [True, False])
async def test_account_facts_are_changed_one_by_one(jo: Person, as_form):
    if as_form:
        answer = await jo.client.put("/v1/user", data={"account_info[first_name]": "Jo"})
    else:
        answer = await jo.client.put("/v1/user", json={"account_info": {"first_name": "Jo"}})
    assert answer.json()["account_info"]["first_name"] == "Jo"
    await jo.client.put("/v1/user", json={"account_info": {"last_name": "Doe"}})
    info = (await jo.client.get("/v1/user")).json()["account_info"]
    assert (info["first_name"], info["last_name"]) == ("Jo", "Doe")


async def test_the_address_is_changed_with_the_password(cloud: Cloud, jo: Person):
    change = {"username": "joanna@example.com", "current_password": PASSWORD}
    assert (await jo.client.put("/v1/user", json=change)).json()["ok"] is True
    assert (await jo.client.get("/v1/user")).json()["username"] == "joanna@example.com"
    await cloud.sign_in("joanna@example.com")


async def test_the_password_is_changed_with_the_old_one(cloud: Cloud, jo: Person):
    change = {"password": "another long one", "current_password": PASSWORD}
    answer = await jo.client.put("/v1/user", json={**change, "invalidate_tokens": True})
    assert answer.json() == {"ok": True, "message": "User's password updated."}
    assert (await jo.client.get("/v1/user")).status_code == 401


async def test_a_wrong_current_password_is_not_a_401(jo: Person):
    change = {"password": "another long one", "current_password": "wrong password"}
    answer = await jo.client.put("/v1/user", json=change)
    assert (answer.status_code, answer.json()["error"]) == (400, "wrong_password")
    assert "access token" not in answer.text.lower()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "needs one of"),
        ({"account_info": {}, "username": "a@b.c"}, "in one request"),
        ({"username": "a@b.c"}, "'current_password' is missing"),
        ({"account_info": "Jo"}, "'account_info'"),
        ({"account_info": {}, "nonsense": 1}, "'nonsense'"),
    ],
)
async def test_an_unclear_change_changes_nothing(jo: Person, body, said):
    answer = await jo.client.put("/v1/user", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["error_description"]
