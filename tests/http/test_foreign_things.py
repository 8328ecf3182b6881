"""Every operation within a product, asked by its owner for a thing of another product.

The path names one's own product and somebody else's device, group, firmware version, client and so
on. All of it must be unknown, and nothing of the other product may change; bulk requests included.
"""

from dataclasses import dataclass

import pytest
from tests.builders.cloud import PASSWORD, Cloud, Person, make_device_id
from tests.builders.maker import Maker

from roadstead.http.operation import Access, Operation
from roadstead.http.operations import OPERATIONS

WITHIN = [
    row
    for row in OPERATIONS
    if "{product}" in row.path
    and row.path.count("{") > row.path.count("{org}") + 1
    and row.offered
    and row.access is Access.BEARER
    # The rest of such a path is the beginning of a name and no thing.
    and not row.path.endswith("/events/{prefix*}")
]

BODIES: dict[str, dict[str, object]] = {
    "change_product_device": {"notes": "mallory was here"},
    "signal_product_device": {"signal": "1"},
    "update_group": {"description": "mallory was here"},
    "change_product_member": {"role": "View-only"},
    "update_api_product_member": {"friendly_name": "mallory"},
    "update_product_client": {"name": "mallory"},
    "set_customer_password": {"password": "a new long one"},
    "describe_firmware": {"title": "mallory was here"},
    "update_product_integration": {"event": "ev", "url": "https://mallory.example.com/"},
    "call_product_function": {"arg": "x"},
}
"""A body for operations that need one; without it a refusal of the body counts too."""


@dataclass
class Other:
    """A product of somebody else with one thing of each kind."""

    person: Person
    path: str
    things: dict[str, str]

    async def snapshot(self) -> list[object]:
        """All that its owner can see of it; audit rows tell of every change."""
        seen: list[object] = []
        for below in (
            "",
            "/devices",
            "/groups",
            "/team",
            "/clients",
            "/customers",
            "/firmware",
            "/firmware_releases",
            "/integrations",
            "/device_imports",
            "/audit?per_page=1000",
        ):
            answer = await self.person.client.get(self.path + below)
            assert answer.status_code == 200, answer.text
            seen.append(answer.json())
        return seen


async def make_product(person: Person, name: str) -> int:
    body = {"product": {"name": name, "platform_id": 13}}
    made = await person.client.post("/v1/user/products", json=body)
    return made.json()["product"]["id"]


@pytest.fixture
async def other(cloud: Cloud) -> Other:
    person = await cloud.person("other@example.com")
    number = await make_product(person, "Theirs")
    path, client = f"/v1/products/{number}", person.client
    device_id = make_device_id(7)
    imported = await client.post(f"{path}/devices", json={"ids": [device_id]})
    assert imported.json()["updated"] == 1, imported.text
    assert (await client.post(f"{path}/groups", json={"name": "theirs"})).status_code == 201
    robot = {"friendly_name": "robot", "scopes": ["devices:list"]}
    robot_name = (await client.post(f"{path}/team", json=robot)).json()["created"]["username"]
    app = (await client.post(f"{path}/clients", json={"name": "app"})).json()["client"]
    customer = {"email": "jane@example.com", "password": PASSWORD}
    assert (await client.post(f"{path}/customers", json=customer)).status_code == 201
    uploaded = await Maker(person, number, str(number)).upload(9)
    assert uploaded.status_code == 201, uploaded.text
    hook = {"event": "ev", "url": "https://example.com/", "integration_type": "Webhook"}
    made = (await client.post(f"{path}/integrations", json=hook)).json()
    things = {
        "device": device_id,
        "group": "theirs",
        "username": robot_name,
        "client": app["id"],
        "customer": "jane@example.com",
        "version": "9",
        "integration": made["id"],
    }
    return Other(person, path, things)


def path_of(operation: Operation, product: int, things: dict[str, str]) -> str:
    segments = []
    for segment in operation.path.split("/"):
        name = segment.strip("{}*")
        values = {**things, "product": str(product)}
        segments.append(values.get(name, "0" * 24) if segment.startswith("{") else segment)
    return "/".join(segments)


async def test_things_of_another_product_are_unknown_and_stay_as_they_are(cloud, jo, other):
    mine = await make_product(jo, "Mine")
    before, wrong = await other.snapshot(), []
    for operation in WITHIN:
        method = "GET" if operation.method == "*" else operation.method
        path = path_of(operation, mine, other.things)
        body = BODIES.get(operation.name)
        if operation.body is not None:
            answer = await jo.client.request(method, path, json=body or {})
        else:
            answer = await jo.client.request(method, path)
        known = {404} if body is not None or operation.body is None else {404, 400}
        if answer.status_code not in known:
            wrong.append((operation.name, path, answer.status_code, answer.text[:200]))
    assert not wrong, wrong
    assert await other.snapshot() == before


async def test_bulk_requests_reach_no_device_of_another_product(cloud, jo, other):
    mine = await make_product(jo, "Mine")
    path, device_id = f"/v1/products/{mine}", other.things["device"]
    before = await other.snapshot()
    batch = {"action": "groups", "devices": [device_id], "metadata": {"add": ["theirs"]}}
    answer = await jo.client.put(f"{path}/devices", json=batch)
    assert answer.status_code in (200, 400, 404), answer.text
    imported = await jo.client.post(f"{path}/devices", json={"ids": [device_id]})
    assert imported.json()["updated"] == 0
    assert device_id not in imported.json()["updatedDeviceIds"]
    release = {"version": 9, "product_default": True, "override_reason": "x"}
    answer = await jo.client.put(f"{path}/firmware/release", json=release)
    assert answer.status_code == 404, answer.text
    impact = {"action": "edit_groups_for_firmware", "firmware_version": "9", "groups": "theirs"}
    answer = await jo.client.get(f"{path}/impact", params=impact)
    assert answer.status_code in (400, 404), answer.text
    replayed = await jo.client.post(
        f"{path}/integrations/{other.things['integration']}/deliveries/replay", json={}
    )
    assert replayed.status_code in (400, 404), replayed.text
    listed = await jo.client.get(f"{path}/devices", params={"groups": "theirs"})
    assert listed.json()["devices"] == []
    found = await jo.client.get(f"{path}/event_history", params={"device": device_id})
    assert found.status_code == 404 or not found.json().get("events")
    claimed = await jo.client.post("/v1/devices", json={"id": device_id})
    assert claimed.status_code in (403, 404), claimed.text
    assert await other.snapshot() == before


async def test_the_older_path_of_claim_codes_names_the_right_organization(cloud, jo, other):
    mine = await make_product(jo, "Mine")
    slug = (await jo.client.post("/v1/orgs", json={"name": "Acme"})).json()["organization"]["slug"]
    url = f"/v1/orgs/{slug}/products/{mine}/device_claims"
    assert (await jo.client.post(url)).status_code == 404
    await jo.client.post(f"/v1/products/{mine}/move", json={"to": slug})
    assert len((await jo.client.post(url)).json()["claim_code"]) == 63
