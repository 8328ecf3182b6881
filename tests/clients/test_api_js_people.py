"""particle-api-js with teams, clients, customers and claim codes of a product."""

import itertools
import re
from pathlib import Path

import pytest
from tests.clients.particle_api import ParticleApi
from tests.clients.signing_in import Person
from tests.system.harness import RoadsteadServer

pytestmark = pytest.mark.system

_names = itertools.count(1)


@pytest.fixture(scope="module")
def maker(make_person) -> Person:
    """Somebody with products, on the plan that has everything."""
    return make_person()


@pytest.fixture
async def product(api: ParticleApi, maker: Person) -> int:
    body = {"product": {"name": f"Fridge {next(_names)}", "platform_id": 13}}
    made = await api.call("post", maker.token, uri="/v1/user/products", data=body)
    return made["product"]["id"]


async def test_a_team_is_listed_invited_to_and_removed_from(api, maker, make_person, product):
    guest = make_person()
    team = await api.call("listTeamMembers", maker.token, product=product)
    assert [row["username"] for row in team["team"]] == [maker.username]
    assert team["team"][0]["role"]["name"] == "Owner"
    invited = await api.call(
        "inviteTeamMember", maker.token, product=product, username=guest.username
    )
    assert invited == {"ok": True, "invited": {"username": guest.username}}
    waiting = await api.call("get", guest.token, uri="/v1/user/invitations")
    uri = f"/v1/user/invitations/{waiting[0]['id']}"
    await api.call("put", guest.token, uri=uri, data={"action": "accept"})
    found = await api.call("getProduct", guest.token, product=product)
    assert found["product"]["id"] == product
    listed = await api.call("listProducts", guest.token)
    assert [row["id"] for row in listed["products"]] == [product]
    removed = await api.call(
        "removeTeamMember", maker.token, product=product, username=guest.username
    )
    assert removed["ok"] is True
    gone = await api.refusal("getProduct", guest.token, product=product)
    assert gone.status == 404 and gone.short.startswith("Permission denied")


async def test_an_api_user_is_made_and_asks_with_its_token(api, maker, product):
    data = {"friendly_name": "ci", "scopes": ["products:get"]}
    uri = f"/v1/products/{product}/team"
    created = (await api.call("post", maker.token, uri=uri, data=data))["created"]
    assert re.fullmatch(r"ci\+\w+@api\.particle\.io", created["username"])
    token = created["tokens"][0]["token"]
    assert (await api.call("getProduct", token, product=product))["product"]["id"] == product
    refused = await api.refusal("getUserInfo", token)
    assert refused.status == 403
    assert refused.short == "API users are not allowed to call this endpoint"


async def test_clients_of_a_person_and_of_a_product(api, maker, product):
    for of in ({}, {"product": product}):
        made = await api.call("createOAuthClient", maker.token, name="app", type="installed", **of)
        client_id = made["client"]["id"]
        assert re.fullmatch(r"app-\d+", client_id) and made["client"]["secret"]
        listed = await api.call("listOAuthClients", maker.token, **of)
        assert client_id in [row["id"] for row in listed["clients"]]
        scope = {"type": "user", "name": "create_customer"}
        changed = await api.call(
            "updateOAuthClient", maker.token, clientId=client_id, name="app2", scope=scope, **of
        )
        assert changed["client"]["name"] == "app2"
        status, _ = await api.answer("deleteOAuthClient", maker.token, clientId=client_id, **of)
        assert status == 204


async def test_a_customer_signs_up_signs_in_and_claims(
    api, server: RoadsteadServer, maker, product, tmp_path: Path
):
    made = await api.call(
        "createOAuthClient", maker.token, name="app", type="installed", product=product
    )
    client = made["client"]
    options = {"clientId": client["id"], "clientSecret": client["secret"]}
    async with ParticleApi(server.api_url, tmp_path / "app", **options) as app:
        words = {"email": "jane@example.com", "password": "correct horse battery"}
        created = await app.call("createCustomer", product=product, **words)
        assert re.fullmatch("[0-9a-f]{40}", created["access_token"])
        taken = await app.refusal("createCustomer", product=product, **words)
        assert (taken.status, taken.body["error"]) == (409, "customer_exists")
        signed_in = await app.call("login", username=words["email"], password=words["password"])
        token = signed_in["access_token"]
        claim = await app.call("getClaimCode", token, product=product)
        assert len(claim["claim_code"]) == 63 and claim["device_ids"] == []
        assert await app.call("listDevices", token) == []
        refused = await app.refusal("getProduct", token, product=product)
        assert refused.status == 403
        whole = await app.call("loginAsClientOwner")
        described = await app.call("getProduct", whole["access_token"], product=product)
        assert described["product"]["id"] == product
        await app.call("deleteCurrentAccessToken", token)
        ended = await app.refusal("listDevices", token)
        assert ended.status == 401


async def test_a_token_tells_its_organizations(api, maker):
    made = await api.call("post", maker.token, uri="/v1/orgs", data={"name": "Acme"})
    slug = made["organization"]["slug"]
    current = await api.call("get", maker.token, uri="/v1/access_tokens/current")
    assert slug in [row["slug"] for row in current["orgs"]]
    listed = await api.call("get", maker.token, uri=f"/v1/orgs/{slug}/team")
    assert listed["team"][0]["username"] == maker.username
