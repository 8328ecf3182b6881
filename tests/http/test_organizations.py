"""Organizations, teams, invitations and API users through the API."""

import re

import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person

from roadstead.identity.model import OPERATOR


@pytest.fixture
async def acme(jo: Person) -> str:
    """The slug of an organization that Jo owns."""
    answer = await jo.client.post("/v1/orgs", json={"name": "Acme Ltd"})
    assert answer.status_code == 201, answer.text
    return answer.json()["organization"]["slug"]


async def make_product(person: Person, path: str = "/v1/user/products", name="Fridge") -> int:
    body = {"product": {"name": name, "platform_id": 13}}
    answer = await person.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["product"]["id"]


async def join(cloud: Cloud, owner: Person, path: str, guest: Person, role="Developer"):
    body = {"username": guest.username, "role": role}
    answer = await owner.client.post(f"{path}/team", json=body)
    assert answer.json() == {"ok": True, "invited": {"username": guest.username}}, answer.text
    waiting = (await guest.client.get("/v1/user/invitations")).json()
    url = f"/v1/user/invitations/{waiting[0]['id']}"
    answer = await guest.client.put(url, json={"action": "accept"})
    assert answer.json() == {"ok": True}


async def test_an_organization_is_made_listed_and_described(jo: Person, stranger: Person, acme):
    assert acme == "acme-ltd"
    listed = (await jo.client.get("/v1/orgs")).json()
    assert [row["slug"] for row in listed["organizations"]] == [acme]
    described = (await jo.client.get(f"/v1/orgs/{acme}")).json()["organization"]
    assert (described["role"], described["plan"]) == ("Owner", "enterprise")
    by_id = await jo.client.get(f"/v1/orgs/{described['id']}")
    assert by_id.json()["organization"] == described
    for ref in (acme, described["id"], "nothing"):
        answer = await stranger.client.get(f"/v1/orgs/{ref}")
        assert answer.status_code == 404
        assert answer.json()["error"] == "organization_not_found"
    again = await jo.client.post("/v1/orgs", json={"name": "Acme Ltd"})
    assert again.json()["organization"]["slug"] == "acme-ltd-2"
    taken = await jo.client.post("/v1/orgs", json={"name": "Other", "slug": acme})
    assert (taken.status_code, taken.json()["error"]) == (409, "slug_taken")


async def test_an_organizations_role_holds_in_all_its_products(cloud, jo, stranger, acme):
    first = await make_product(jo, f"/v1/orgs/{acme}/products", "One")
    second = await make_product(jo, f"/v1/orgs/{acme}/products", "Two")
    for number in (first, second):
        assert (await stranger.client.get(f"/v1/products/{number}")).status_code == 404
    await join(cloud, jo, f"/v1/orgs/{acme}", stranger, "View-only")
    for number in (first, second):
        document = (await stranger.client.get(f"/v1/products/{number}")).json()["product"]
        assert document["org"] == acme and "user" not in document
    listed = (await stranger.client.get(f"/v1/orgs/{acme}/products")).json()["products"]
    assert [row["id"] for row in listed] == [first, second]
    mine = (await stranger.client.get("/v1/products")).json()["products"]
    assert [row["id"] for row in mine] == [first, second]
    body = {"product": {"name": "Three", "platform_id": 13}}
    refused = await stranger.client.post(f"/v1/orgs/{acme}/products", json=body)
    assert refused.status_code == 403


async def test_a_products_member_knows_that_product_alone(cloud, jo, stranger, acme):
    first = await make_product(jo, f"/v1/orgs/{acme}/products", "One")
    second = await make_product(jo, f"/v1/orgs/{acme}/products", "Two")
    await join(cloud, jo, f"/v1/products/{first}", stranger, "Support")
    assert (await stranger.client.get(f"/v1/products/{first}")).status_code == 200
    assert (await stranger.client.get(f"/v1/products/{second}")).status_code == 404
    assert (await stranger.client.get(f"/v1/orgs/{acme}")).status_code == 404
    listed = (await stranger.client.get("/v1/user/products")).json()["products"]
    assert [row["id"] for row in listed] == [first]
    # Who joins the organization gives the role in one of its products up.
    await join(cloud, jo, f"/v1/orgs/{acme}", stranger, "Developer")
    team = (await jo.client.get(f"/v1/products/{first}/team")).json()["team"]
    roles = {row["username"]: row["role"]["name"] for row in team}
    assert roles == {"jo@example.com": "Owner", "stranger@example.com": "Developer"}
    removed = await jo.client.delete(f"/v1/orgs/{acme}/team/{stranger.username}")
    assert removed.json() == {"ok": True}
    assert (await stranger.client.get(f"/v1/products/{first}")).status_code == 404


async def test_an_invitation_finds_people_with_and_without_an_account(cloud, jo, acme):
    path = f"/v1/orgs/{acme}/team"
    await jo.client.post(path, json={"username": "New@Example.com", "role": "Support"})
    letter = await cloud.letters.next_to("new@example.com")
    assert "Acme Ltd" in letter.text and "Support" in letter.text
    token = re.search(r"token=([0-9a-f]{40})", letter.text)[1]
    browser = cloud.client()
    opened = await browser.get("/invitation", params={"token": token})
    assert opened.status_code == 200 and 'name="password"' in opened.text
    assert "default-src 'none'" in opened.headers["content-security-policy"]
    form = {"token": token, "action": "accept", "password": "short"}
    weak = await browser.post("/invitation", data=form)
    assert weak.status_code == 400 and "password" in weak.text
    form["password"] = PASSWORD
    assert (await browser.post("/invitation", data=form)).status_code == 200
    person = await cloud.sign_in("new@example.com")
    described = (await person.client.get(f"/v1/orgs/{acme}")).json()["organization"]
    assert described["role"] == "Support"
    assert (await browser.post("/invitation", data=form)).status_code == 404


async def test_who_was_invited_may_open_an_account_though_sign_up_is_closed(cloud, jo, acme):
    await jo.client.post(f"/v1/orgs/{acme}/team", json={"username": "new@example.com"})
    letter = await cloud.letters.next_to("new@example.com")
    token = re.search(r"token=([0-9a-f]{40})", letter.text)[1]
    body = {"username": "other@example.com", "password": PASSWORD, "invitation": token}
    client = cloud.client()
    assert (await client.post("/v1/users", json=body)).status_code == 404
    body["username"] = "new@example.com"
    assert (await client.post("/v1/users", json=body)).json() == {"ok": True}
    person = await cloud.sign_in("new@example.com")
    assert (await person.client.get(f"/v1/orgs/{acme}")).status_code == 200
    del body["invitation"]
    assert (await client.post("/v1/users", json=body)).status_code == 403


async def test_an_invitation_is_declined_taken_back_and_ends(cloud, jo, stranger, acme):
    path, mine = f"/v1/orgs/{acme}/team", "/v1/user/invitations"
    body = {"username": stranger.username}

    async def invited() -> str:
        await jo.client.post(path, json=body)
        return (await stranger.client.get(mine)).json()[0]["id"]

    one = await invited()
    team = (await jo.client.get(path)).json()
    assert [row["username"] for row in team["invitations"]] == [stranger.username]
    declined = await stranger.client.put(f"{mine}/{one}", json={"action": "decline"})
    assert declined.status_code == 200
    assert (await stranger.client.get(mine)).json() == []
    two = await invited()
    assert (await jo.client.delete(f"{path}/{stranger.username}")).status_code == 200
    three = await invited()
    cloud.clock.advance(15 * 24 * 3600)
    for gone in (one, two, three):
        answer = await stranger.client.put(f"{mine}/{gone}", json={"action": "accept"})
        assert (answer.status_code, answer.json()["error"]) == (404, "invitation_not_found")
    assert (await stranger.client.get(f"/v1/orgs/{acme}")).status_code == 404


async def test_roles_change_and_the_owner_stays(cloud, jo, stranger, acme):
    path = f"/v1/orgs/{acme}"
    await join(cloud, jo, path, stranger, "Administrator")
    url = f"{path}/team/{stranger.username}"
    owner = f"{path}/team/{jo.username}"
    for request in (
        stranger.client.delete(owner),
        stranger.client.post(owner, json={"role": "View-only"}),
        jo.client.delete(owner),
    ):
        answer = await request
        assert (answer.status_code, answer.json()["error"]) == (409, "owner_is_fixed")
    by_id = await jo.client.post(url, json={"role": f"{5:024x}"})
    assert by_id.json()["updated"]["role"] == {"id": f"{5:024x}", "name": "View-only"}
    assert (await stranger.client.post(url, json={"role": "Administrator"})).status_code == 403
    refused = await jo.client.post(url, json={"role": "King"})
    assert (refused.status_code, refused.json()["error"]) == (400, "bad_role")
    assert (await jo.client.post(url, json={"role": "Owner"})).status_code == 400
    handed = await jo.client.put(f"{path}/owner", json={"username": stranger.username})
    assert handed.status_code == 200
    team = (await jo.client.get(f"{path}/team")).json()["team"]
    assert [(row["username"], row["role"]["name"]) for row in team] == [
        (stranger.username, "Owner"),
        (jo.username, "Administrator"),
    ]
    assert (await jo.client.post(f"{path}/leave")).status_code == 200
    assert (await jo.client.get(path)).status_code == 404


async def test_an_api_user_has_its_scopes_and_one_token(cloud: Cloud, jo, acme):
    number = await make_product(jo, f"/v1/orgs/{acme}/products")
    other = await make_product(jo, f"/v1/orgs/{acme}/products", "Other")
    path = f"/v1/products/{number}/team"
    body = {"friendly_name": "CI robot", "scopes": ["products:get", "teams.users:invite"]}
    created = (await jo.client.post(path, json=body)).json()["created"]
    assert created["username"].startswith("ci-robot+") and created["is_programmatic"] is True
    token = created["tokens"][0]["token"]
    robot = cloud.client(Authorization=f"Bearer {token}")
    assert (await robot.get(f"/v1/products/{number}")).status_code == 200
    assert (await robot.get(f"/v1/products/{other}")).status_code == 404
    assert (await robot.get(f"/v1/orgs/{acme}")).status_code == 404
    for method, url, sent in (
        ("GET", path, None),
        ("POST", path, {"username": "x@example.com"}),
        ("GET", "/v1/user", None),
        ("GET", "/v1/devices", None),
        ("POST", "/v1/orgs", {"name": "Mine"}),
    ):
        answer = await robot.request(method, url, json=sent)
        assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized"), url
    current = (await robot.get("/v1/access_tokens/current")).json()
    assert current["scopes"] == ["products:get", "teams.users:invite"]
    assert current["expires_at"] is None
    url = f"{path}/{created['username']}"
    same = (await jo.client.put(url, json={"friendly_name": "Robot"})).json()["updated"]
    assert same["tokens"] == []
    assert (await robot.get(f"/v1/products/{number}")).status_code == 200
    changed = (await jo.client.put(url, json={"scopes": ["teams.users:list"]})).json()["updated"]
    assert (await robot.get(f"/v1/products/{number}")).status_code == 401
    robot = cloud.client(Authorization=f"Bearer {changed['tokens'][0]['token']}")
    assert (await robot.get(f"/v1/products/{number}")).status_code == 403
    listed = (await robot.get(path)).json()["team"]
    assert [row["username"] for row in listed] == [jo.username, created["username"]]
    assert "token" not in str(listed)
    rotated = (await jo.client.put(f"{url}/token")).json()["updated"]
    assert (await robot.get(path)).status_code == 401
    robot = cloud.client(Authorization=f"Bearer {rotated['tokens'][0]['token']}")
    assert (await robot.get(path)).status_code == 200
    assert (await jo.client.delete(url)).json() == {"ok": True}
    assert (await robot.get(path)).status_code == 401
    refused = await jo.client.post(path, json={"friendly_name": "x", "scopes": ["server:own"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "bad_scope")


async def test_an_organizations_api_user_reaches_all_its_products(cloud: Cloud, jo, acme):
    number = await make_product(jo, f"/v1/orgs/{acme}/products")
    mine = await make_product(jo, name="Mine")
    body = {"friendly_name": "ci", "scopes": ["products:get", "products:list"]}
    created = (await jo.client.post(f"/v1/orgs/{acme}/team", json=body)).json()["created"]
    robot = cloud.client(Authorization=f"Bearer {created['tokens'][0]['token']}")
    assert (await robot.get(f"/v1/products/{number}")).status_code == 200
    assert (await robot.get(f"/v1/orgs/{acme}/products")).status_code == 200
    assert (await robot.get(f"/v1/products/{mine}")).status_code == 404
    team = (await jo.client.get(f"/v1/products/{number}/team")).json()["team"]
    assert created["username"] in [row["username"] for row in team]


async def test_an_organization_may_demand_a_second_factor(cloud: Cloud, jo, stranger, acme):
    path = f"/v1/orgs/{acme}"
    number = await make_product(jo, f"{path}/products")
    await join(cloud, jo, path, stranger)
    refused = await jo.client.put(path, json={"mfa_required": True})
    assert (refused.status_code, refused.json()["error"]) == (409, "mfa_not_enabled")
    await cloud.enable_mfa(jo)
    answer = await jo.client.put(path, json={"mfa_required": True})
    assert answer.json()["organization"]["mfa_required"] is True
    for url in (path, f"/v1/products/{number}"):
        assert (await jo.client.get(url)).status_code == 200
        closed = await stranger.client.get(url)
        assert (closed.status_code, closed.json()["error"]) == (403, "mfa_enrolment_required")
    assert (await stranger.client.get("/v1/orgs")).json() == {"organizations": []}
    assert (await stranger.client.get("/v1/products")).json() == {"products": []}
    await cloud.enable_mfa(stranger)
    assert (await stranger.client.get(f"/v1/products/{number}")).status_code == 200


async def test_an_organization_with_products_stays(jo: Person, acme):
    await make_product(jo, f"/v1/orgs/{acme}/products")
    refused = await jo.client.delete(f"/v1/orgs/{acme}")
    assert (refused.status_code, refused.json()["error"]) == (409, "organization_has_products")
    empty = (await jo.client.post("/v1/orgs", json={"name": "Empty"})).json()["organization"]
    assert (await jo.client.delete(f"/v1/orgs/{empty['slug']}")).status_code == 200
    assert (await jo.client.get(f"/v1/orgs/{empty['slug']}")).status_code == 404


@pytest.mark.parametrize(
    ("plan", "body", "code"),
    [
        ("developer", {"username": "x@example.com", "role": "Developer"}, "plan_limit"),
        ("product", {"username": "x@example.com", "role": "Administrator"}, None),
        ("product", {"username": "x@example.com", "role": "Support"}, "plan_limit"),
        ("product", {"friendly_name": "ci", "scopes": ["devices:list"]}, "plan_limit"),
        ("enterprise", {"username": "x@example.com", "role": "View-only"}, None),
    ],
)
async def test_plans_limit_teams(cloud: Cloud, jo: Person, plan, body, code):

    number = await make_product(jo)
    await cloud.parts.people.plans.set_plan(jo.username, plan, OPERATOR)
    answer = await jo.client.post(f"/v1/products/{number}/team", json=body)
    if code is None:
        assert answer.status_code == 200, answer.text
    else:
        assert (answer.status_code, answer.json()["error"]) == (403, code)
        assert answer.json()["needed_plan"] in ("product", "enterprise")


async def test_groups_need_their_plan_and_stay_when_it_shrinks(cloud: Cloud, jo: Person):
    number = await make_product(jo)
    path = f"/v1/products/{number}/groups"
    made = await jo.client.post(path, json={"name": "beta"})
    assert made.status_code == 201, made.text
    await cloud.parts.people.plans.set_plan(jo.username, "developer", OPERATOR)
    refused = await jo.client.post(path, json={"name": "gamma"})
    assert (refused.status_code, refused.json()["error"]) == (403, "plan_limit")
    assert refused.json()["needed_plan"] == "product"
    listed = (await jo.client.get(path)).json()["groups"]
    assert [row["name"] for row in listed] == ["beta"]


async def test_organizations_need_their_plan(cloud: Cloud, jo: Person):

    await cloud.parts.people.plans.set_plan(jo.username, "product", OPERATOR)
    refused = await jo.client.post("/v1/orgs", json={"name": "Acme"})
    assert (refused.status_code, refused.json()["needed_plan"]) == (403, "enterprise")


async def test_the_owner_of_an_organization_cannot_close_the_account(jo: Person, acme):
    refused = await jo.client.request("DELETE", "/v1/user", json={"password": PASSWORD})
    assert (refused.status_code, refused.json()["error"]) == (409, "owns_organizations")
    await jo.client.delete(f"/v1/orgs/{acme}")
    closed = await jo.client.request("DELETE", "/v1/user", json={"password": PASSWORD})
    assert closed.status_code == 200
