"""Products that change hands, the audit trail of an organization, and plans as agreements."""

import csv
import io
import json

import pytest
from tests.builders.cloud import Cloud, Person

from roadstead.identity.model import OPERATOR
from roadstead.products.store import products


async def make_organization(person: Person, name: str) -> str:
    made = await person.client.post("/v1/orgs", json={"name": name})
    return made.json()["organization"]["slug"]


async def make_product(person: Person, path: str = "/v1/user/products", name="Fridge") -> int:
    body = {"product": {"name": name, "platform_id": 13}}
    return (await person.client.post(path, json=body)).json()["product"]["id"]


async def join(owner: Person, path: str, guest: Person, role="Developer") -> None:
    body = {"username": guest.username, "role": role}
    assert (await owner.client.post(f"{path}/team", json=body)).status_code == 200
    (waiting,) = (await guest.client.get("/v1/user/invitations")).json()
    url = f"/v1/user/invitations/{waiting['id']}"
    assert (await guest.client.put(url, json={"action": "accept"})).status_code == 200


async def count_devices(cloud: Cloud, number: int, devices: int) -> None:
    change = products.update().where(products.c.id == number).values(device_count=devices)
    await cloud.parts.database.write(lambda conn: conn.execute(change))


async def test_a_grown_product_is_moved_into_an_organization(cloud: Cloud, jo, stranger):
    acme, number = await make_organization(jo, "Acme"), await make_product(jo)
    member, colleague = (
        await cloud.person("member@example.com"),
        await cloud.person("colleague@example.com"),
    )
    await join(jo, f"/v1/products/{number}", member, "Support")
    await join(jo, f"/v1/products/{number}", stranger)
    await join(jo, f"/v1/orgs/{acme}", stranger, "View-only")
    await join(jo, f"/v1/orgs/{acme}", colleague)
    url = f"/v1/products/{number}/move"
    seen = (await jo.client.get(url, params={"to": acme})).json()
    assert seen["source"] == jo.username and seen["target"] == acme
    assert seen["gaining"] == [colleague.username] and seen["losing"] == []
    assert seen["leaving_team"] == [stranger.username]
    assert (await jo.client.get(f"/v1/products/{number}")).json()["product"]["user"]
    assert (await jo.client.post(url, json={"to": acme})).json() == seen
    document = (await colleague.client.get(f"/v1/products/{number}")).json()["product"]
    assert document["org"] == acme and "user" not in document
    assert (await member.client.get(f"/v1/products/{number}")).status_code == 200
    team = (await jo.client.get(f"/v1/products/{number}/team")).json()["team"]
    roles = {row["username"]: row["role"]["name"] for row in team}
    assert roles[stranger.username] == "View-only" and roles[member.username] == "Support"
    again = await jo.client.post(url, json={"to": acme})
    assert (again.status_code, again.json()["error"]) == (409, "already_there")


async def test_a_product_moves_between_organizations_and_back(cloud, jo, stranger):
    acme, rival = await make_organization(jo, "Acme"), await make_organization(jo, "Rival")
    number = await make_product(jo, f"/v1/orgs/{acme}/products")
    await join(jo, f"/v1/orgs/{acme}", stranger, "Administrator")
    url = f"/v1/products/{number}/move"
    # Only the owner moves, and only to where they may create products.
    assert (await stranger.client.post(url, json={"to": "me"})).status_code == 403
    foreign = await make_organization(stranger, "Foreign")
    unknown = await jo.client.post(url, json={"to": foreign})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "organization_not_found")
    await join(stranger, f"/v1/orgs/{foreign}", jo, "View-only")
    assert (await jo.client.post(url, json={"to": foreign})).status_code == 403
    moved = (await jo.client.post(url, json={"to": rival})).json()
    assert moved["losing"] == [stranger.username]
    assert (await stranger.client.get(f"/v1/products/{number}")).status_code == 404
    await make_product(jo, name="Fridge")
    taken = await jo.client.post(url, json={"to": "me"})
    assert (taken.status_code, taken.json()["error"]) == (409, "product_name_taken")
    for slug in (acme, rival):
        trail = (await jo.client.get(f"/v1/orgs/{slug}/audit?action=product.move")).json()
        assert trail["changes"][0]["after"]["owner"] == rival


@pytest.mark.parametrize(("devices", "fits"), [(251, False), (250, True)])
async def test_a_move_needs_room_in_the_new_owners_plan(cloud, jo, devices, fits):
    acme, rival = await make_organization(jo, "Acme"), await make_organization(jo, "Rival")
    number = await make_product(jo, f"/v1/orgs/{acme}/products")
    await count_devices(cloud, number, devices)
    await cloud.parts.people.plans.set_plan(rival, "product", OPERATOR)
    answer = await jo.client.post(f"/v1/products/{number}/move", json={"to": rival})
    if fits:
        assert answer.status_code == 200 and "fleet_health" in answer.json()["features_lost"]
    else:
        assert (answer.status_code, answer.json()["error"]) == (403, "plan_limit")
        assert (answer.json()["limit"], answer.json()["refused"]) == (250, 1)


async def test_an_organizations_trail_tells_who_did_what(cloud: Cloud, jo, stranger):
    acme, rival = await make_organization(jo, "Acme"), await make_organization(stranger, "Rival")
    number = await make_product(jo, f"/v1/orgs/{acme}/products")
    await make_product(stranger, f"/v1/orgs/{rival}/products", "Secret")
    await join(jo, f"/v1/orgs/{acme}", stranger, "Support")
    made = await jo.client.post(f"/v1/products/{number}/clients", json={"name": "app"})
    client = made.json()["client"]
    url = f"/v1/orgs/{acme}/audit"
    listed = (await jo.client.get(url)).json()
    actions = [row["action"] for row in listed["changes"]]
    assert actions == [
        "client.create",
        "team.join",
        "team.invite",
        "product.create",
        "organization.create",
    ]
    assert listed["meta"] == {"page": 1, "per_page": 25, "total": 5, "total_pages": 1}
    newest = listed["changes"][0]
    assert (newest["actor"], newest["address"]) == (jo.username, "203.0.113.7")
    assert newest["target"] == f"client/{client['id']}" and newest["before"] is None
    assert client["secret"] not in json.dumps(listed) and "Secret" not in json.dumps(listed)
    for query, expected in (
        ({"action": "team"}, ["team.join", "team.invite"]),
        ({"action": "team.invite"}, ["team.invite"]),
        ({"actor": stranger.username}, ["team.join"]),
        ({"target": f"product/{number}"}, ["product.create"]),
        ({"end_date": "2025-01-01"}, []),
        ({"start_date": "2025-01-01", "per_page": "2", "page": "2"}, actions[2:4]),
    ):
        found = (await jo.client.get(url, params=query)).json()["changes"]
        assert [row["action"] for row in found] == expected, query
    of_product = (await jo.client.get(f"/v1/products/{number}/audit")).json()["changes"]
    assert [row["action"] for row in of_product] == ["client.create", "product.create"]
    assert (await stranger.client.get(url)).status_code == 403
    assert (await jo.client.get(f"/v1/orgs/{rival}/audit")).status_code == 404
    bad = await jo.client.get(url, params={"start_date": "yesterday"})
    assert bad.status_code == 400


async def test_a_trail_is_exported_as_lines_and_as_a_table(cloud: Cloud, jo):
    acme = await make_organization(jo, "=Acme")
    for number in range(3):
        body = {"friendly_name": f"r{number}", "scopes": ["devices:list"]}
        await jo.client.post(f"/v1/orgs/{acme}/team", json=body)
    url = f"/v1/orgs/{acme}/audit/export"
    lines = await jo.client.get(url)
    assert lines.headers["content-type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["action"] for row in rows] == ["api_user.create"] * 3 + ["organization.create"]
    table = await jo.client.get(url, params={"format": "csv", "action": "api_user"})
    assert "attachment" in table.headers["content-disposition"]
    read = list(csv.DictReader(io.StringIO(table.text)))
    assert len(read) == 3 and json.loads(read[0]["after"])["scopes"] == ["devices:list"]
    assert (await jo.client.get(url, params={"format": "xml"})).status_code == 400


async def test_a_plan_is_read_as_a_service_agreement(cloud: Cloud, jo):
    acme = await make_organization(jo, "Acme")
    await cloud.parts.people.plans.set_plan(jo.username, "product", OPERATOR)
    (own,) = (await jo.client.get("/v1/user/service_agreements")).json()["data"]
    attributes = own["attributes"]
    assert attributes["agreement_type"] == "product" and attributes["owner_type"] == "User"
    assert attributes["pricing_terms"]["device"]["max_devices"] == 250
    assert attributes["current_usage_summary"]["device_limit_reached"] is False
    assert attributes["current_billing_period_start"] == "2026-01-01T00:00:00.000Z"
    assert attributes["current_billing_period_end"] == "2026-02-01T00:00:00.000Z"
    number = await make_product(jo)
    await count_devices(cloud, number, 250)
    url = f"/v1/user/service_agreements/{own['id']}"
    usage = (await jo.client.get(url)).json()["data"]["attributes"]["current_usage_summary"]
    assert usage["device_limit_reached"] is True
    assert usage["connectivity"]["all"]["owned_devices"] == 250
    (whole,) = (await jo.client.get(f"/v1/orgs/{acme}/service_agreements")).json()["data"]
    assert whole["attributes"]["pricing_terms"]["device"]["max_devices"] is None
    assert (await jo.client.get(f"{url[:-1]}x")).status_code == 404
    assert (await jo.client.get(f"{url}/notifications")).json() == {"data": []}
