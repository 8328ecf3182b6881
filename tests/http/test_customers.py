"""Customers in their three kinds, OAuth clients, and the login page, through the API."""

import base64
import hashlib
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person, make_device_id

from roadstead.devices.store import devices
from roadstead.identity import totp

EMAIL = "jane@example.com"
BACK = "https://app.example.com/cb?from=cloud"
VERIFIER = "v" * 64
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


@pytest.fixture
async def product(jo: Person) -> int:
    body = {"product": {"name": "Fridge", "platform_id": 13}}
    return (await jo.client.post("/v1/user/products", json=body)).json()["product"]["id"]


async def make_client(person: Person, path: str, **body) -> tuple[str, str]:
    answer = await person.client.post(path, json={"name": "My App", **body})
    assert answer.status_code == 200, answer.text
    client = answer.json()["client"]
    return client["id"], client["secret"]


@pytest.fixture
async def server(jo: Person, product) -> tuple[str, str]:
    """Id and secret of the product's client without limits."""
    return await make_client(jo, f"/v1/products/{product}/clients")


async def put_into_product(cloud: Cloud, device_id: str, product_id: int) -> None:
    change = devices.update().where(devices.c.id == device_id).values(product_id=product_id)
    await cloud.parts.database.write(lambda conn: conn.execute(change))


def bearer(cloud: Cloud, answer: httpx.Response) -> httpx.AsyncClient:
    assert answer.status_code in (200, 201), answer.text
    return cloud.client(Authorization=f"Bearer {answer.json()['access_token']}")


async def sign_in(cloud: Cloud, client: tuple[str, str], email=EMAIL, password=PASSWORD):
    form = {"grant_type": "password", "username": email, "password": password}
    return await cloud.client().post("/oauth/token", data=form, auth=client)


async def test_clients_are_listed_without_secrets_changed_and_removed(cloud, jo, product):
    for path in ("/v1/clients", f"/v1/products/{product}/clients"):
        made = await jo.client.post(
            path, json={"name": "App", "type": "web", "redirect_uri": BACK, "scope": "*:*"}
        )
        client = made.json()["client"]
        assert re.fullmatch(r"app-\d{4}", client["id"])
        assert re.fullmatch(r"[0-9a-f]{40}", client["secret"])
        assert ("product_id" in client) == ("products" in path)
        listed = (await jo.client.get(path)).json()["clients"]
        assert [row["id"] for row in listed] == [client["id"]] and "secret" not in listed[0]
        scope = {"type": "user", "name": "create_customer"}
        url = f"{path}/{client['id']}"
        changed = await jo.client.put(url, json={"name": "App 2", "scope": scope})
        assert changed.json()["client"]["scope"] == "customers:create"
        cleared = await jo.client.put(url, json={"scope": "none"})
        assert "scope" not in cleared.json()["client"]
        assert (await jo.client.delete(url)).status_code == 204
        assert (await jo.client.delete(url)).status_code == 404
        assert (await jo.client.get(path)).json() == {"clients": []}


@pytest.mark.parametrize(
    "body",
    [
        {"type": "web"},
        {"type": "web", "redirect_uri": "http://app.example.com/cb"},
        {"type": "web", "redirect_uri": "https://app.example.com/cb#x"},
        {"type": "web", "redirect_uri": "https://user@app.example.com/"},
        {"type": "web", "redirect_uri": "javascript:alert(1)"},
        {"type": "web", "redirect_uri": "https://app.example.com/; script-src *"},
        {"type": "installed", "redirect_uri": BACK},
        {"type": "native"},
        {"scope": "devices:list"},
    ],
)
async def test_clients_that_would_be_unsafe_are_refused(jo: Person, body):
    answer = await jo.client.post("/v1/clients", json={"name": "x", **body})
    assert answer.status_code == 400, answer.text


async def test_a_simple_customer_signs_up_signs_in_and_refreshes(cloud, jo, product, server):
    path, stranger = f"/v1/products/{product}/customers", cloud.client()
    form = {"email": EMAIL, "password": PASSWORD, "grant_type": "client_credentials"}
    form |= {"client_id": server[0], "client_secret": server[1]}
    made = await stranger.post(path, data=form)
    assert made.status_code == 201 and made.json()["expires_in"] == 7_776_000
    again = await stranger.post(path, data=form)
    assert (again.status_code, again.json()["error"]) == (409, "customer_exists")
    tokens = await sign_in(cloud, server)
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.json()["refresh_token"]}
    assert (await stranger.post("/oauth/token", data=refresh, auth=server)).status_code == 200
    wrong = await sign_in(cloud, server, password="something else")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    # The same words do not open an account of the server, nor a customer of another product.
    elsewhere = await sign_in(cloud, ("particle", "particle"))
    assert elsewhere.json()["error"] == "invalid_grant"
    other = {"product": {"name": "Other", "platform_id": 13}}
    number = (await jo.client.post("/v1/user/products", json=other)).json()["product"]["id"]
    another = await make_client(jo, f"/v1/products/{number}/clients")
    assert (await sign_in(cloud, another)).json()["error"] == "invalid_grant"
    foreign = form | {"client_id": another[0], "client_secret": another[1]}
    assert (await stranger.post(path, data=foreign)).json()["error"] == "invalid_client"


async def test_a_customer_may_do_what_the_field_says_and_no_more(cloud, jo, product, server):
    path = f"/v1/products/{product}/customers"
    device_id, _ = await cloud.claimed(jo, functions={"brew": lambda _: 7}, variables={"temp": 3})
    await put_into_product(cloud, device_id, product)
    await jo.client.delete(f"/v1/devices/{device_id}")
    body = {"email": EMAIL, "password": PASSWORD}
    customer = bearer(cloud, await cloud.client().post(path, data=body, auth=server))
    claims = f"/v1/products/{product}/device_claims"
    code = (await customer.post(claims, json={})).json()
    assert len(code["claim_code"]) == 63 and code["device_ids"] == []
    assert await cloud.reports.claim_code(device_id, code["claim_code"], "192.0.2.5")
    assert [row["id"] for row in (await customer.get("/v1/devices")).json()] == [device_id]
    one = f"/v1/devices/{device_id}"
    assert (await customer.get(f"{one}/temp")).json()["result"] == 3
    assert (await customer.post(f"{one}/brew", json={"args": "x"})).json()["return_value"] == 7
    assert (await customer.post(claims, json={})).json()["device_ids"] == [device_id]
    for method, url, sent in (
        ("PUT", one, {"name": "x"}),
        ("PUT", one, {"signal": "1"}),
        ("DELETE", one, None),
        ("POST", "/v1/devices", {"id": device_id}),
        ("GET", "/v1/devices/events", None),
        ("POST", "/v1/devices/events", {"name": "x"}),
        ("GET", "/v1/user", None),
        ("GET", f"/v1/products/{product}", None),
        ("GET", path, None),
        ("GET", "/v1/orgs", None),
        ("GET", "/v1/products", None),
        ("POST", "/v1/user/products", {"product": {"name": "x", "platform_id": 13}}),
    ):
        answer = await customer.request(method, url, json=sent)
        assert answer.status_code == 403, (url, answer.text)
    listed = (await jo.client.get(path)).json()
    (row,) = listed["customers"]
    assert (row["username"], row["devices"], row["kind"]) == (EMAIL, [device_id], "simple")
    assert listed["devices"][0]["online"] is True and listed["meta"] == {"total_pages": 1}
    current = (await customer.get("/v1/access_tokens/current")).json()
    assert "devices:list" in current["scopes"] and current["client"] == server[0]


async def test_a_claim_code_of_a_customer_gives_devices_of_the_product_alone(
    cloud, jo, product, server
):
    path = f"/v1/products/{product}/customers"
    body = {"email": EMAIL, "password": PASSWORD}
    customer = bearer(cloud, await cloud.client().post(path, data=body, auth=server))
    code = (await customer.post(f"/v1/products/{product}/device_claims")).json()["claim_code"]
    device_id, _ = await cloud.claimed(jo)
    await jo.client.delete(f"/v1/devices/{device_id}")
    assert not await cloud.reports.claim_code(device_id, code, "")
    await put_into_product(cloud, device_id, product)
    assert await cloud.reports.claim_code(device_id, code, "")
    assert not await cloud.reports.claim_code(make_device_id(2), code, "")


async def test_deleting_a_customer_ends_tokens_and_codes_and_releases_devices(
    cloud, jo, product, server
):
    path = f"/v1/products/{product}/customers"
    body = {"email": EMAIL, "password": PASSWORD}
    customer = bearer(cloud, await cloud.client().post(path, data=body, auth=server))
    device_id, _ = await cloud.claimed(jo)
    await jo.client.delete(f"/v1/devices/{device_id}")
    await put_into_product(cloud, device_id, product)
    claims = f"/v1/products/{product}/device_claims"
    codes = [(await customer.post(claims)).json()["claim_code"] for _ in range(2)]
    assert await cloud.reports.claim_code(device_id, codes[0], "")
    removed = await jo.client.delete(f"{path}/{EMAIL}")
    assert removed.json() == {"ok": True}
    assert (await customer.get("/v1/devices")).status_code == 401
    assert (await sign_in(cloud, server)).json()["error"] == "invalid_grant"
    assert not await cloud.reports.claim_code(device_id, codes[1], "")
    assert (await jo.client.get(path)).json()["customers"] == []
    query = devices.select().where(devices.c.id == device_id)
    row = await cloud.parts.database.read(lambda conn: conn.execute(query).one())
    assert (row.owner_id, row.product_id) == (None, product)
    assert (await jo.client.delete(f"{path}/{EMAIL}")).status_code == 404


async def test_a_shadow_customer_is_spoken_for_by_the_products_server(cloud, jo, product, server):
    path, stranger = f"/v1/products/{product}/customers", cloud.client()
    made = await stranger.post(path, data={"email": EMAIL, "no_password": "true"}, auth=server)
    assert made.status_code == 201
    form = {"grant_type": "client_credentials", "scope": f"customer={EMAIL}", "expires_in": "600"}
    issued = await stranger.post("/oauth/token", data=form, auth=server)
    assert issued.json()["expires_in"] == 600 and "refresh_token" in issued.json()
    shadow = bearer(cloud, issued)
    assert (await shadow.get("/v1/devices")).json() == []
    assert (await sign_in(cloud, server)).json()["error"] == "invalid_grant"
    form["scope"] = "customer=nobody@example.com"
    refused = await stranger.post("/oauth/token", data=form, auth=server)
    assert refused.json()["error"] == "invalid_grant"
    both = {"email": "x@example.com", "password": PASSWORD, "no_password": "true"}
    assert (await stranger.post(path, data=both, auth=server)).status_code == 400
    url = f"{path}/{EMAIL}"
    refused = await jo.client.put(url, json={"password": PASSWORD})
    assert (refused.status_code, refused.json()["error"]) == (409, "customer_without_password")


async def test_a_client_in_an_app_makes_customers_and_nothing_else(cloud, jo, product, server):
    path, stranger = f"/v1/products/{product}/customers", cloud.client()
    app = await make_client(jo, f"/v1/products/{product}/clients", scope="customers:create")
    await stranger.post(path, data={"email": "shadow@x.io", "no_password": "true"}, auth=server)
    form = {"grant_type": "client_credentials", "scope": "customer=shadow@x.io"}
    refused = await stranger.post("/oauth/token", data=form, auth=app)
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")
    token = await stranger.post("/oauth/token", data={"grant_type": form["grant_type"]}, auth=app)
    narrow = bearer(cloud, token)
    for url in (path, f"/v1/products/{product}", f"/v1/products/{product}/clients"):
        assert (await narrow.get(url)).status_code == 403
    assert (await narrow.get("/v1/devices")).status_code == 403
    body = {"email": EMAIL, "password": PASSWORD}
    made = await narrow.post(path, json=body)
    assert made.status_code == 201
    assert (await sign_in(cloud, app)).status_code == 200
    wide = await stranger.post("/oauth/token", data={"grant_type": form["grant_type"]}, auth=server)
    assert len((await bearer(cloud, wide).get(path)).json()["customers"]) == 2


async def test_the_clients_of_a_person_act_as_the_person(cloud, jo, product):
    mine = await make_client(jo, "/v1/clients")
    form = {"grant_type": "client_credentials"}
    issued = await cloud.client().post("/oauth/token", data=form, auth=mine)
    client = bearer(cloud, issued)
    assert (await client.get("/v1/user")).json()["username"] == jo.username
    assert (await jo.client.delete(f"/v1/clients/{mine[0]}")).status_code == 204
    assert (await client.get("/v1/user")).status_code == 401
    for pair in (("particle-api", "particle-api"), mine):
        refused = await cloud.client().post("/oauth/token", data=form, auth=pair)
        assert refused.json()["error"] in ("unauthorized_client", "invalid_client")


async def test_nobody_makes_customers_without_proof(cloud, jo, stranger, product):
    path, body = f"/v1/products/{product}/customers", {"email": EMAIL, "password": PASSWORD}
    assert (await cloud.client().post(path, json=body)).status_code == 401
    assert (await stranger.client.post(path, json=body)).status_code == 404
    pair = {"client_id": "particle-api", "client_secret": "particle-api"}
    refused = await cloud.client().post(path, data=body | pair)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")
    assert (await jo.client.post(path, json=body)).status_code == 201


async def test_a_page_in_a_browser_makes_a_customer_by_the_implicit_way(cloud, jo, product):
    path = f"/v1/products/{product}/customers"
    web = await make_client(
        jo,
        f"/v1/products/{product}/clients",
        type="web",
        redirect_uri=BACK,
        scope="customers:create",
    )
    form = {"client_id": web[0], "response_type": "token", "email": EMAIL, "password": PASSWORD}
    answer = await cloud.client().post(path, data=form)
    assert answer.status_code == 302
    where, _, fragment = answer.headers["location"].partition("#")
    assert where == BACK
    token = parse_qs(fragment)["access_token"][0]
    customer = cloud.client(Authorization=f"Bearer {token}")
    assert (await customer.get("/v1/devices")).status_code == 200


async def test_a_customer_who_forgot_their_password_gets_a_letter(cloud, jo, product, server):
    path, stranger = f"/v1/products/{product}/customers", cloud.client()
    await stranger.post(path, data={"email": EMAIL, "password": PASSWORD}, auth=server)
    await stranger.post(path, data={"email": "s@x.io", "no_password": "true"}, auth=server)
    for who in (EMAIL, "s@x.io", "nobody@x.io"):
        answer = await stranger.post(f"{path}/{who}/password-reset")
        assert answer.json() == {"ok": True}
    letter = await cloud.letters.next_to(EMAIL)
    token = re.search(r"token=([0-9a-f]{40})", letter.text)[1]
    shown = await stranger.get("/password-reset", params={"token": token})
    assert EMAIL in shown.text and "customer:" not in shown.text
    body = {"token": token, "password": "another long one"}
    assert (await stranger.put("/v1/user/password-reset", json=body)).status_code == 200
    assert (await sign_in(cloud, server)).status_code == 400
    assert (await sign_in(cloud, server, password="another long one")).status_code == 200
    await cloud.letters.next_to(EMAIL)
    assert cloud.letters.posted == []
    # Or somebody of the team sets it.
    set_by_team = await jo.client.put(f"{path}/{EMAIL}", json={"password": PASSWORD})
    assert set_by_team.json() == {"ok": True}
    assert (await sign_in(cloud, server)).status_code == 200


async def open_page(cloud: Cloud, client: str, **changes) -> httpx.Response:
    query = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": BACK,
        "state": "s&t",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return await cloud.client().get("/oauth/authorize", params=query | changes)


def form_of(shown: httpx.Response, **fields: str) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown.text)
    return {name: unescape(value) for name, value in found} | {"action": "allow"} | fields


async def exchange(cloud: Cloud, client_id: str, code: str, **changes) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client_id,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }
    return await cloud.client().post("/oauth/token", data=form | changes)


async def allow(cloud: Cloud, client_id: str, person: Person) -> str:
    shown = await open_page(cloud, client_id)
    form = form_of(shown, username=person.username, password=PASSWORD)
    answer = await cloud.client().post("/oauth/authorize", data=form)
    assert answer.status_code == 303, answer.text
    back = urlsplit(answer.headers["location"])
    query = parse_qs(back.query)
    assert back.netloc == "app.example.com" and query["from"] == ["cloud"]
    assert query["state"] == ["s&t"]
    return query["code"][0]


@pytest.fixture
async def web(jo: Person, product) -> tuple[str, str]:
    path = f"/v1/products/{product}/clients"
    return await make_client(jo, path, type="web", redirect_uri=BACK)


async def test_somebody_signs_in_to_an_app_with_their_own_account(
    cloud, jo, stranger, product, web
):
    other, _ = await cloud.claimed(stranger)
    shown = await open_page(cloud, web[0])
    assert shown.status_code == 200 and "My App" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "form-action 'self' https://app.example.com" in policy
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    code = await allow(cloud, web[0], stranger)
    issued = await exchange(cloud, web[0], code)
    app = bearer(cloud, issued)
    # The app sees the devices of its product, and nothing else of the account.
    assert (await app.get("/v1/devices")).json() == []
    assert (await app.get(f"/v1/devices/{other}")).status_code == 404
    assert (await app.get("/v1/user")).status_code == 403
    assert (await app.get(f"/v1/products/{product}")).status_code == 403
    claimed = await app.post(f"/v1/products/{product}/device_claims", json={})
    device_id, _ = await cloud.claimed(jo, 2)
    await jo.client.delete(f"/v1/devices/{device_id}")
    await put_into_product(cloud, device_id, product)
    assert await cloud.reports.claim_code(device_id, claimed.json()["claim_code"], "")
    assert [row["id"] for row in (await app.get("/v1/devices")).json()] == [device_id]
    (row,) = (await jo.client.get(f"/v1/products/{product}/customers")).json()["customers"]
    assert (row["username"], row["kind"]) == (stranger.username, "login")
    refresh = {"grant_type": "refresh_token", "client_id": web[0]}
    refresh["refresh_token"] = issued.json()["refresh_token"]
    fresh = bearer(cloud, await cloud.client().post("/oauth/token", data=refresh))
    assert (await fresh.get("/v1/user")).status_code == 403
    # Removing the customer ends what the app had, and leaves the account alone.
    url = f"/v1/products/{product}/customers/{stranger.username}"
    assert (await jo.client.delete(url)).status_code == 200
    assert (await fresh.get("/v1/devices")).status_code == 401
    mine = (await stranger.client.get("/v1/devices")).json()
    assert [row["id"] for row in mine] == [other]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": "v"},
        {"redirect_uri": "https://app.example.com/other"},
        {"code": "0" * 40},
        {"client_secret": "wrong"},
    ],
)
async def test_a_code_is_for_the_app_that_asked_and_used_up_by_a_wrong_try(
    cloud, stranger, web, changes
):
    code = await allow(cloud, web[0], stranger)
    refused = await exchange(cloud, web[0], **({"code": code} | changes))
    assert refused.status_code == 400, refused.text
    after = await exchange(cloud, web[0], code)
    assert (after.status_code == 200) == bool({"code", "client_secret"} & set(changes))


async def test_a_code_counts_once_and_for_a_minute(cloud, stranger, web):
    code = await allow(cloud, web[0], stranger)
    assert (await exchange(cloud, web[0], code)).status_code == 200
    assert (await exchange(cloud, web[0], code)).json()["error"] == "invalid_grant"
    late = await allow(cloud, web[0], stranger)
    cloud.clock.advance(61)
    assert (await exchange(cloud, web[0], late)).json()["error"] == "invalid_grant"


async def test_nothing_leads_to_an_address_that_is_not_the_clients_own(cloud, web):
    for changes in (
        {"redirect_uri": "https://evil.example.com/"},
        {"redirect_uri": BACK + "/more"},
        {"client_id": "nobody-1234"},
        {"client_id": "particle"},
    ):
        answer = await open_page(cloud, web[0], **changes)
        assert answer.status_code == 400 and "location" not in answer.headers
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ):
        answer = await open_page(cloud, web[0], **changes)
        assert answer.status_code == 303
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        assert query["error"] == [error] and query["state"] == ["s&t"]


async def test_the_page_refuses_a_wrong_password_a_changed_request_and_an_old_one(
    cloud, stranger, web
):
    shown = await open_page(cloud, web[0])
    wrong = form_of(shown, username=stranger.username, password="not this one")
    answer = await cloud.client().post("/oauth/authorize", data=wrong)
    assert answer.status_code == 400 and "not right" in answer.text
    denied = await cloud.client().post("/oauth/authorize", data=form_of(shown, action="deny"))
    assert "error=access_denied" in denied.headers["location"]
    good = form_of(shown, username=stranger.username, password=PASSWORD)
    changed = good | {"request": good["request"][:-4] + "AAAA"}
    assert (await cloud.client().post("/oauth/authorize", data=changed)).status_code == 400
    cloud.clock.advance(31 * 60)
    assert (await cloud.client().post("/oauth/authorize", data=good)).status_code == 400


async def test_the_page_asks_for_the_code_of_a_second_factor(cloud, stranger, web):
    secret = await cloud.enable_mfa(stranger)
    shown = await open_page(cloud, web[0])
    form = form_of(shown, username=stranger.username, password=PASSWORD)
    asked = await cloud.client().post("/oauth/authorize", data=form)
    assert asked.status_code == 200 and 'name="otp"' in asked.text
    bad = await cloud.client().post("/oauth/authorize", data=form_of(asked, otp="000000"))
    assert bad.status_code == 400 and 'name="otp"' in bad.text
    step = int(cloud.clock.now().timestamp() // 30) + 1
    form = form_of(bad, otp=totp.code_at(secret, step))
    answer = await cloud.client().post("/oauth/authorize", data=form)
    assert answer.status_code == 303 and "code=" in answer.headers["location"]
