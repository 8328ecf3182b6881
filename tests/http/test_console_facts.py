"""What the console asks beside everybody's routes: rights, roles, plans, the server, previews."""

from itertools import pairwise

from tests.builders.cloud import Cloud, Person

from roadstead.identity.permissions import ROLE_PERMISSIONS, Role


async def test_a_product_says_what_its_owner_may_do(cloud: Cloud, jo: Person):
    made = await jo.client.post(
        "/v1/user/products", json={"product": {"name": "P", "platform_id": 13}}
    )
    slug = made.json()["product"]["slug"]
    told = (await jo.client.get(f"/v1/products/{slug}")).json()
    assert told["product"]["slug"] == slug
    assert set(told["permissions"]) == {one.value for one in ROLE_PERMISSIONS[Role.OWNER]}


async def test_an_organization_says_what_its_owner_may_do(cloud: Cloud, jo: Person):
    made = await jo.client.post("/v1/orgs", json={"name": "Acme"})
    slug = made.json()["organization"]["slug"]
    told = (await jo.client.get(f"/v1/orgs/{slug}")).json()
    assert told["organization"]["role"] == "Owner"
    assert "organization:remove" in told["permissions"]


async def test_roles_rise_from_looking_to_owning(jo: Person):
    roles = (await jo.client.get("/v1/roles")).json()["roles"]
    assert [one["name"] for one in roles] == [
        "View-only",
        "Support",
        "Developer",
        "Administrator",
        "Owner",
    ]
    rights = [set(one["permissions"]) for one in roles]
    assert all(less < more for less, more in pairwise(rights))


async def test_plans_are_told_with_their_limits(jo: Person):
    plans = {one["name"]: one for one in (await jo.client.get("/v1/plans")).json()["plans"]}
    assert plans["developer"]["devices_per_account"] == 100
    assert plans["product"]["devices_per_product"] == 250
    assert plans["enterprise"]["devices_per_account"] is None
    features = {one["feature"]: one for one in plans["product"]["features"]}
    assert features["groups"] == {"feature": "groups", "title": "Device groups", "included": True}


async def test_only_an_administrator_sees_the_server(jo: Person, admin: Person):
    assert (await jo.client.get("/v1/server")).status_code == 403
    told = (await admin.client.get("/v1/server")).json()
    assert told["status"] == "ok" and told["version"] == "1.2.3"
    assert told["database"]["revision"] == told["database"]["program_revision"]
    assert told["disk"]["free_bytes"] > 0 and told["backup"] is None
    assert [one["name"] for one in told["queues"]] == ["journal"]


async def test_a_preview_shows_the_request_and_masks_its_secrets(cloud: Cloud, jo: Person):
    hook = {
        "integration_type": "Webhook",
        "event": "temp",
        "url": "https://a.example/{{PARTICLE_DEVICE_ID}}",
        "requestType": "POST",
        "json": '{"t": {{{PARTICLE_EVENT_VALUE}}}}',
        "noDefaults": True,
        "headers": {"Authorization": "Bearer very-secret"},
    }
    device = "e00fce68" + "0" * 16
    body = {"integration": hook, "data": "21.5", "device_id": device}
    told = (await jo.client.post("/v1/integrations/preview", json=body)).json()
    assert told["error"] is None
    assert told["request"]["url"] == f"https://a.example/{device}"
    assert told["request"]["body"] == '{"t":21.5}'
    assert "very-secret" not in str(told)
    assert (await jo.client.get("/v1/integrations")).json() == []

    broken = (await jo.client.post("/v1/integrations/preview", json={**body, "data": "{"})).json()
    assert broken["request"] is None and "JSON" in broken["error"]


async def test_a_preview_of_a_change_uses_the_secrets_that_are_kept(cloud: Cloud, jo: Person):
    hook = {
        "integration_type": "Webhook",
        "event": "temp",
        "url": "https://a.example/",
        "requestType": "POST",
        "auth": {"username": "u", "password": "very-secret"},
    }
    made = (await jo.client.post("/v1/integrations", json=hook)).json()
    shown = (await jo.client.get(f"/v1/integrations/{made['id']}")).json()["integration"]
    assert shown["auth"]["password"] == "[[SENSITIVE]]"
    body = {"integration": {**hook, "auth": shown["auth"]}, "id": made["id"]}
    told = (await jo.client.post("/v1/integrations/preview", json=body)).json()
    assert told["error"] is None, told
    assert (
        await jo.client.post("/v1/integrations/preview", json={**body, "id": "nope"})
    ).status_code == 404


async def test_where_no_device_can_connect_none_is_simulated(jo: Person):
    told = (await jo.client.get("/v1/simulated_device")).json()
    assert told == {"simulated_device": None, "offered": False}
    refused = await jo.client.post("/v1/simulated_device")
    assert refused.status_code == 501 and refused.json()["error"] == "simulated_devices_off"


async def test_what_a_template_made_can_be_changed_as_it_is_shown(jo: Person):
    parameters = {"url": "https://a.example", "org": "o", "bucket": "b", "token": "a-secret"}
    wanted = {"event": "temp", "template": "influxdb", "parameters": parameters}
    made = (await jo.client.post("/v1/integrations", json=wanted)).json()
    path = f"/v1/integrations/{made['id']}"
    shown = (await jo.client.get(path)).json()["integration"]
    facts = ("id", "created_at", "updated_at", "logs", "errors", "breaker", "hosts", "in_flight")
    settings = {name: value for name, value in shown.items() if name not in (*facts, "held_by")}
    settings["measurement"] = "cellar"
    changed = await jo.client.put(path, json=settings)
    assert changed.status_code == 200, changed.text
    assert (await jo.client.get(path)).json()["integration"]["measurement"] == "cellar"
