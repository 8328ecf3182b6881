import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person

FORM = {"grant_type": "password", "username": "jo@example.com", "password": PASSWORD}
BASIC = ("particle", "particle")


@pytest.mark.parametrize("pair", ["particle", "particle-api", "particle-cli", "spark"])
async def test_the_official_clients_sign_in_with_their_pair_as_fields(cloud: Cloud, jo, pair):
    form = {**FORM, "client_id": pair, "client_secret": pair, "expires_in": "7776000"}
    answer = await cloud.client().post("/oauth/token", data=form)
    assert answer.status_code == 200
    token = answer.json()
    assert len(token["access_token"]) == 40 and int(token["access_token"], 16) >= 0
    assert token["token_type"] == "bearer"
    assert token["expires_in"] == 7776000
    assert answer.headers["cache-control"] == "no-store"


async def test_the_documented_example_signs_in_with_basic(cloud: Cloud, jo):
    answer = await cloud.client().post("/oauth/token", data=FORM, auth=BASIC)
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 90 * 86400


async def test_an_expiry_of_zero_is_never(cloud: Cloud, jo):
    form = {**FORM, "expires_in": "0"}
    answer = await cloud.client().post("/oauth/token", data=form, auth=BASIC)
    token = answer.json()["access_token"]
    current = await cloud.client(Authorization=f"Bearer {token}").get("/v1/access_tokens/current")
    assert answer.json()["expires_in"] == 0
    assert current.json()["expires_at"] is None


async def test_an_expiry_may_be_given_as_a_time(cloud: Cloud, jo):
    form = {**FORM, "expires_at": "2026-01-02T00:00:00.000Z"}
    answer = await cloud.client().post("/oauth/token", data=form, auth=BASIC)
    assert answer.json()["expires_in"] == 86400


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"password": "wrong password"}, "invalid_grant", "User credentials are invalid"),
        ({"username": "nobody@example.com"}, "invalid_grant", "User credentials are invalid"),
        ({"grant_type": None}, "invalid_request", "'grant_type' is missing"),
        ({"username": None}, "invalid_request", "'username' is missing"),
        ({"password": None}, "invalid_request", "'password' is missing"),
        ({"expires_in": "soon"}, "invalid_request", "'expires_in'"),
        ({"expires_in": "-1"}, "invalid_request", "expires_in"),
        ({"expires_at": "yesterday"}, "invalid_request", "'expires_at'"),
        ({"expires_at": "2020-01-01"}, "invalid_request", "'expires_at'"),
        ({"grant_type": "client_credentials"}, "unauthorized_client", "belongs to nobody"),
        ({"grant_type": "refresh_token"}, "invalid_request", "'refresh_token' is missing"),
        ({"grant_type": "urn:custom:mfa-otp"}, "invalid_request", "'mfa_token' is missing"),
        ({"grant_type": "nonsense"}, "unsupported_grant_type", "is not known"),
    ],
)
async def test_what_is_wrong_with_a_sign_in_is_said(cloud: Cloud, jo, change, error, said):
    form = {name: value for name, value in {**FORM, **change}.items() if value is not None}
    answer = await cloud.client().post("/oauth/token", data=form, auth=BASIC)
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, error)
    assert said in body["error_description"]


async def test_an_unknown_client_is_refused(cloud: Cloud, jo):
    answer = await cloud.client().post("/oauth/token", data=FORM, auth=("particle", "wrong"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    answer = await cloud.client().post("/oauth/token", data=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "client" in answer.json()["error_description"]


async def test_signing_in_takes_forms_only(cloud: Cloud, jo):
    answer = await cloud.client().post("/oauth/token", json=FORM, auth=BASIC)
    assert answer.status_code == 415
    assert "application/x-www-form-urlencoded" in answer.json()["error_description"]


async def test_the_token_in_use_describes_itself(cloud: Cloud, jo: Person):
    answer = await jo.client.get("/v1/access_tokens/current")
    assert answer.json() == {
        "expires_at": "2026-04-01T00:00:00.000Z",
        "client": "particle",
        "client_id": "particle",
        "scopes": [],
        "orgs": [],
    }


@pytest.mark.parametrize("place", ["header", "query", "form", "json"])
async def test_a_token_may_come_in_four_places(cloud: Cloud, jo: Person, place):
    client = cloud.client()
    event = {"name": "ev", "data": "d"}
    if place == "header":
        answer = await client.post("/v1/devices/events", json=event, headers=jo.headers)
    elif place == "query":
        path = f"/v1/devices/events?access_token={jo.token}"
        answer = await client.post(path, json=event)
    elif place == "form":
        answer = await client.post("/v1/devices/events", data={**event, "access_token": jo.token})
    else:
        answer = await client.post("/v1/devices/events", json={**event, "access_token": jo.token})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


async def test_signing_out_ends_the_token_in_use(cloud: Cloud, jo: Person):
    other = await cloud.sign_in(jo.username)
    assert (await jo.client.delete("/v1/access_tokens/current")).json() == {"ok": True}
    refused = await jo.client.get("/v1/user")
    assert refused.status_code == 401
    assert refused.json() == {
        "error": "invalid_token",
        "error_description": "The access token provided is invalid.",
    }
    assert (await other.client.get("/v1/user")).status_code == 200


async def test_holding_a_token_is_enough_to_end_it(cloud: Cloud, jo: Person):
    path = f"/v1/access_tokens/{jo.token}"
    assert (await cloud.client().delete(path)).json() == {"ok": True}
    assert (await jo.client.get("/v1/user")).status_code == 401
    again = await cloud.client().delete(path)
    assert (again.status_code, again.json()["error"]) == (404, "token_not_found")
    assert "access token" not in again.text.lower()


async def test_all_tokens_end_together(cloud: Cloud, jo: Person):
    other = await cloud.sign_in(jo.username)
    assert (await jo.client.delete("/v1/access_tokens", params={"x": 1})).status_code == 200
    for person in (jo, other):
        assert (await person.client.get("/v1/user")).status_code == 401


async def test_tokens_are_listed_by_password_and_never_shown(cloud: Cloud, jo: Person):
    answer = await cloud.client().get("/v1/access_tokens", auth=(jo.username, PASSWORD))
    (token,) = answer.json()
    assert answer.status_code == 200
    assert token["client"] == "particle" and token["expires_at"] == "2026-04-01T00:00:00.000Z"
    assert token["token"].startswith("sha256:") and jo.token not in answer.text
    assert (await jo.client.get("/v1/access_tokens")).json() == [token]


async def test_a_wrong_password_for_the_list_is_not_a_401(cloud: Cloud, jo: Person):
    answer = await cloud.client().get("/v1/access_tokens", auth=(jo.username, "wrong password"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    nobody = await cloud.client().get("/v1/access_tokens")
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Basic")


async def test_an_expired_token_is_refused(cloud: Cloud, jo: Person):
    brief = await cloud.sign_in(jo.username, expires_in=60)
    assert (await brief.client.get("/v1/user")).status_code == 200
    cloud.clock.advance(61)
    assert (await brief.client.get("/v1/user")).status_code == 401
