"""Alerts through the API: rules, what opens and ends them, who is told."""

import asyncio

import msgspec
import pytest
from aiohttp import web
from tests.builders.cloud import Cloud, Person, make_device_id, open_cloud
from tests.builders.hooks import open_receiver
from tests.builders.products import hello, make_product, register
from tests.http.test_organizations import join
from tests.http.test_product_events import put_in_product

from roadstead.events.model import Event

OFFLINE = {"name": "Silent", "kind": "offline", "condition": {"for_s": 600}}
BATTERY = {
    "name": "Empty",
    "kind": "vital",
    "condition": {"metric": "battery_charge", "below": 20.0, "clear_level": 30.0},
    "group_window_s": 0,
}


@pytest.fixture
async def product(jo: Person) -> int:
    return (await make_product(jo))["id"]


def say(cloud: Cloud, product: int, device_id: str, name: str, payload: bytes, source="system"):
    found = cloud.ingest.accept(
        name=name,
        payload=payload,
        content_format=None,
        ttl_s=60,
        source=source,
        device_id=device_id,
        owner_id=None,
        product_id=product,
        firmware_version=3,
    )
    assert isinstance(found, Event)


async def step(cloud: Cloud, seconds: float = 0) -> None:
    await cloud.journal.flush()
    cloud.clock.advance(seconds)
    await cloud.alerting.engine.step()


async def device_in(cloud: Cloud, jo: Person, product: int, number: int) -> str:
    device_id = await register(cloud, jo, number)
    await put_in_product(cloud, jo, device_id, product)
    await hello(cloud, device_id)
    return device_id


async def make_rule(person: Person, product: int, body: dict, **more) -> dict:
    answer = await person.client.post(f"/v1/products/{product}/alert_rules", json=body | more)
    assert answer.status_code == 201, answer.text
    return answer.json()["rule"]


async def alerts(person: Person, product: int, **query) -> list[dict]:
    answer = await person.client.get(f"/v1/products/{product}/alerts", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["alerts"]


def vitals(charge: float) -> bytes:
    return msgspec.json.encode({"device": {"power": {"battery": {"charge": charge}}}})


async def notices(person: Person, product: int) -> list[tuple[str, dict]]:
    found = (await person.client.get(f"/v1/products/{product}/notices")).json()["notices"]
    return [(one["kind"], one["facts"]) for one in found]


async def test_a_device_that_is_silent_for_too_long(cloud: Cloud, jo: Person, product: int):
    device_id = await device_in(cloud, jo, product, 1)
    other = await device_in(cloud, jo, product, 2)
    rule = await make_rule(jo, product, OFFLINE)
    assert rule["text"] == "offline for 10 min"
    assert rule["told"] == {"mail": ["jo@example.com"], "webhook": False}
    for one in (device_id, other):
        say(cloud, product, one, "spark/status", b"offline")
    await step(cloud, 599)
    assert await alerts(jo, product) == []
    say(cloud, product, other, "spark/status", b"online")
    await step(cloud, 1)
    await step(cloud, 1)
    (alert,) = await alerts(jo, product, state="open")
    assert (alert["device_id"], alert["state"], alert["severity"]) == (device_id, "open", "warning")
    assert alert["text"].startswith("offline since 2026-01-01T00:00:00")
    # The notice waits for others of its kind, and comes once.
    assert await notices(jo, product) == []
    await step(cloud, 60)
    await step(cloud, 60)
    ((kind, facts),) = await notices(jo, product)
    assert (kind, facts["count"], facts["rule"]) == ("alert.opened", 1, "Silent")
    letter = await cloud.letters.next_to("jo@example.com")
    assert letter.subject == "Alert in Cold Box: Silent (1)"
    counts = f"/v1/products/{product}/alerts/counts"
    assert (await jo.client.get(counts)).json() == {"open": 1, "acknowledged": 0}
    say(cloud, product, device_id, "spark/status", b"online")
    await step(cloud)
    (alert,) = await alerts(jo, product)
    assert (alert["state"], alert["reason"], alert["resolved_by"]) == ("resolved", "ended", "")
    await step(cloud, 60)
    assert [kind for kind, _ in await notices(jo, product)] == ["alert.resolved", "alert.opened"]
    assert (await jo.client.get(counts)).json() == {"open": 0, "acknowledged": 0}


async def test_a_vital_beyond_its_level(cloud: Cloud, jo: Person, product: int):
    device_id = await device_in(cloud, jo, product, 1)
    await make_rule(jo, product, BATTERY)
    name = "spark/device/diagnostics/update"
    for charge, states in (
        (25, []),
        (19, ["open"]),
        (10, ["open"]),
        (25, ["open"]),
        (30, ["resolved"]),
        (25, ["resolved"]),
        (5, ["open", "resolved"]),
    ):
        say(cloud, product, device_id, name, vitals(charge))
        await step(cloud, 1)
        await step(cloud, 1)
        assert [one["state"] for one in await alerts(jo, product)] == states, charge
    # A device of which nothing is known in this product opens nothing.
    say(cloud, product, make_device_id(99), name, vitals(1))
    await step(cloud, 1)
    assert len(await alerts(jo, product, state="open")) == 1


async def test_reset_loops_and_failed_updates(cloud: Cloud, jo: Person, product: int):
    device_id = await device_in(cloud, jo, product, 1)
    loop = {"name": "Loop", "kind": "resets", "condition": {"count": 3, "within_s": 600}}
    await make_rule(jo, product, loop)
    failing = {"kind": "update_failures", "condition": {"count": 2, "within_s": 3600}}
    await make_rule(jo, product, {"name": "Device", **failing})
    failing["condition"]["by"] = "version"
    await make_rule(jo, product, {"name": "Version", **failing})
    for _ in range(2):
        say(cloud, product, device_id, "spark/device/last_reset", b"panic", "device")
        say(cloud, product, device_id, "spark/device/last_reset", b"update", "device")
    await step(cloud, 10)
    assert await alerts(jo, product) == []
    say(cloud, product, device_id, "spark/device/last_reset", b"watchdog", "device")
    await step(cloud, 1)
    (alert,) = await alerts(jo, product)
    assert (alert["rule_name"], alert["text"]) == ("Loop", "reset: watchdog")
    # It ends when nothing more happened for the time within which it counts.
    await step(cloud, 590)
    assert [one["state"] for one in await alerts(jo, product)] == ["open"]
    await step(cloud, 20)
    assert [one["state"] for one in await alerts(jo, product)] == ["resolved"]
    for _ in range(2):
        say(cloud, product, device_id, "spark/flash/status", b"failed ")
    await step(cloud, 1)
    found = {one["rule_name"]: one for one in await alerts(jo, product, state="open")}
    assert set(found) == {"Device", "Version"}
    assert found["Device"]["device_id"] == device_id
    assert (found["Version"]["device_id"], found["Version"]["subject"]) == (None, "version:0")


async def test_a_flood_makes_one_notice(cloud: Cloud, jo: Person, product: int):
    ids = [make_device_id(number) for number in range(1200)]
    path = f"/v1/products/{product}/devices"
    assert (await jo.client.post(path, json={"ids": ids})).status_code == 200
    await make_rule(jo, product, OFFLINE)
    for one in ids:
        say(cloud, product, one, "spark/status", b"offline")
    await step(cloud, 600)
    await step(cloud, 61)
    ((kind, facts),) = await notices(jo, product)
    assert (kind, facts["count"]) == ("alert.opened", 1200)
    assert facts["subjects"].endswith("and 1,195 more")
    counts = (await jo.client.get(f"/v1/products/{product}/alerts/counts")).json()
    assert counts["open"] == 1200
    # Pages tell each once.
    seen, cursor = set(), None
    while True:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = (await jo.client.get(f"/v1/products/{product}/alerts", params=query)).json()
        seen |= {one["device_id"] for one in page["alerts"]}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == set(ids)
    rule_id = page["alerts"][0]["rule_id"]
    body = {"rule_id": rule_id, "action": "acknowledge", "note": "a power cut"}
    answer = await jo.client.put(f"/v1/products/{product}/alerts", json=body)
    assert answer.json() == {"changed": 1200, "ok": True}
    for one in ids:
        say(cloud, product, one, "spark/status", b"online")
    for _ in range(3):
        await step(cloud, 61)
    assert await alerts(jo, product, state="open,acknowledged") == []
    assert [kind for kind, _ in await notices(jo, product)] == ["alert.resolved", "alert.opened"]


async def test_people_look_after_alerts(cloud: Cloud, jo: Person, product: int, stranger: Person):
    device_id = await device_in(cloud, jo, product, 1)
    rule = await make_rule(jo, product, BATTERY)
    say(cloud, product, device_id, "spark/device/diagnostics/update", vitals(1))
    await step(cloud)
    (alert,) = await alerts(jo, product, rule=rule["id"], device=device_id)
    path = f"/v1/products/{product}/alerts/{alert['id']}"
    assert (await stranger.client.get(path)).status_code == 404
    body = {"action": "acknowledge", "note": "on my way"}
    answer = (await jo.client.put(path, json=body)).json()["alert"]
    assert (answer["state"], answer["acknowledged_by"]) == ("acknowledged", "jo@example.com")
    # Acknowledged is not ended: no second alert opens.
    say(cloud, product, device_id, "spark/device/diagnostics/update", vitals(1))
    await step(cloud)
    assert len(await alerts(jo, product)) == 1
    answer = (await jo.client.put(path, json={"action": "resolve"})).json()["alert"]
    assert (answer["state"], answer["reason"], answer["note"]) == (
        *("resolved", "person"),
        "on my way",
    )
    refused = await jo.client.put(path, json={"action": "acknowledge"})
    assert (refused.status_code, refused.json()["error"]) == (409, "alert_resolved")
    assert (await jo.client.put(path, json={"action": "x"})).status_code == 400
    # One of another product is unknown here.
    sibling = (await make_product(jo, "Sibling"))["id"]
    other = f"/v1/products/{sibling}/alerts/{alert['id']}"
    assert (await jo.client.get(other)).status_code == 404
    trail = (await jo.client.get(f"/v1/products/{product}/audit")).text
    for action in ("alert_rule.create", "alert.acknowledge", "alert.resolve"):
        assert action in trail


async def test_rules_are_narrowed_changed_and_deleted(cloud: Cloud, jo: Person, product: int):
    device_id = await device_in(cloud, jo, product, 1)
    rules = f"/v1/products/{product}/alert_rules"
    narrowed = BATTERY | {"scope": {"groups": ["beta"]}}
    refused = await jo.client.post(rules, json=narrowed)
    assert (refused.status_code, refused.json()["error"]) == (400, "bad_rule")
    await jo.client.post(f"/v1/products/{product}/groups", json={"name": "beta"})
    rule = await make_rule(jo, product, narrowed)
    update = "spark/device/diagnostics/update"
    say(cloud, product, device_id, update, vitals(1))
    await step(cloud, 1)
    assert await alerts(jo, product) == []
    path = f"/v1/products/{product}/devices/{device_id}"
    await jo.client.put(path, json={"groups": ["beta"]})
    say(cloud, product, device_id, update, vitals(1))
    await step(cloud, 1)
    assert len(await alerts(jo, product, state="open")) == 1
    # Development devices do not count unless the rule says so.
    answer = await jo.client.put(f"{rules}/{rule['id']}", json=narrowed | {"name": "Low"})
    assert (answer.json()["rule"]["name"], answer.json()["rule"]["live"]) == ("Low", 1)
    changed = narrowed | {"condition": BATTERY["condition"] | {"below": 25.0}}
    answer = await jo.client.put(f"{rules}/{rule['id']}", json=changed)
    assert answer.json()["rule"]["live"] == 0
    assert (await alerts(jo, product))[0]["reason"] == "rule_changed"
    await jo.client.put(path, json={"development": True})
    say(cloud, product, device_id, update, vitals(1))
    await step(cloud, 1)
    assert await alerts(jo, product, state="open") == []
    await jo.client.put(path, json={"development": False})
    say(cloud, product, device_id, update, vitals(1))
    await step(cloud, 1)
    assert (await jo.client.delete(f"{rules}/{rule['id']}")).json() == {"ok": True}
    assert (await jo.client.get(f"{rules}/{rule['id']}")).status_code == 404
    (newest, *_) = await alerts(jo, product)
    assert (newest["state"], newest["reason"]) == ("resolved", "rule_deleted")
    say(cloud, product, device_id, update, vitals(1))
    await step(cloud, 1)
    assert await alerts(jo, product, state="open") == []


async def test_a_device_that_leaves_takes_its_alerts_with_it(
    cloud: Cloud, jo: Person, product: int
):
    device_id = await device_in(cloud, jo, product, 1)
    await make_rule(jo, product, OFFLINE)
    say(cloud, product, device_id, "spark/status", b"offline")
    await step(cloud, 600)
    assert len(await alerts(jo, product, state="open")) == 1
    path = f"/v1/products/{product}/devices/{device_id}"
    assert (await jo.client.delete(path)).status_code in (200, 204)
    assert (await alerts(jo, product))[0]["reason"] == "left"
    answer = await jo.client.delete(f"/v1/products/{product}")
    assert answer.status_code in (200, 204), answer.text


async def test_who_is_told(cloud: Cloud, jo: Person, product: int):
    kim = await cloud.person("kim@example.com")
    rules = f"/v1/products/{product}/alert_rules"
    async with open_receiver() as receiver:
        own = {"recipients": {"mail": ["kim@example.com"], "webhook_url": receiver.url}}
        refused = await jo.client.post(rules, json=OFFLINE | own)
        assert "may not see this product" in refused.json()["error_description"]
        await join(cloud, jo, f"/v1/products/{product}", kim, role="View-only")
        await cloud.letters.next_to("kim@example.com")  # the invitation
        rule = await make_rule(jo, product, OFFLINE | own)
        assert rule["told"] == {"mail": ["kim@example.com"], "webhook": True}
        assert rule["tested_at"] is None
        seen = (await kim.client.get(f"{rules}/{rule['id']}")).json()["rule"]
        assert seen["recipients"]["webhook_url"].endswith("/…")
        assert (await kim.client.post(f"{rules}/{rule['id']}/test")).status_code == 403
        answer = await jo.client.post(f"{rules}/{rule['id']}/test")
        assert answer.status_code == 200, answer.text
        letter = await cloud.letters.next_to("kim@example.com")
        assert letter.subject == "A test of the alert rule Silent in Cold Box"
        async with asyncio.timeout(5):
            while not receiver.taken:
                await asyncio.sleep(0.02)
        assert receiver.taken[0].json["type"] == "alert.test"
        assert receiver.taken[0].json["data"]["facts"]["test"] is True
        shown = (await jo.client.get(f"/v1/products/{product}/notices")).text
        assert receiver.url not in shown
        assert receiver.url not in (await jo.client.get(f"/v1/products/{product}/audit")).text
    (rule,) = (await jo.client.get(rules)).json()["rules"]
    assert rule["tested_at"] is not None
    assert rule["tested_notice"] == answer.json()["notice_id"]


async def test_what_a_rule_would_find(cloud: Cloud, jo: Person, product: int):
    device_id = await device_in(cloud, jo, product, 1)
    path = f"/v1/products/{product}/alert_rules/preview"
    say(cloud, product, device_id, "spark/status", b"offline")
    await cloud.journal.flush()
    found = (await jo.client.post(path, json=OFFLINE)).json()
    assert (found["matches"], found["complete"]) == (0, True)
    cloud.clock.advance(600)
    found = (await jo.client.post(path, json=OFFLINE)).json()
    assert (found["matches"], found["examples"][0]["device_id"]) == (1, device_id)
    found = (await jo.client.post(path, json=BATTERY)).json()
    assert (found["matches"], found["examined"]) == (0, 1)
    loop = {"name": "Loop", "kind": "resets", "condition": {"count": 3, "within_s": 600}}
    assert (await jo.client.post(path, json=loop)).json()["matches"] is None
    fleet = {"name": "Fleet", "kind": "fleet_online", "condition": {"below": 50}}
    found = (await jo.client.post(path, json=fleet)).json()
    assert (found["matches"], found["text"]) == (1, "0 of 1 devices are online (0 %).")
    assert (await jo.client.get(f"/v1/products/{product}/alert_rules")).json()["rules"] == []


async def test_too_few_of_a_fleet_are_online(cloud: Cloud, jo: Person, product: int):
    ids = [await device_in(cloud, jo, product, number) for number in (1, 2)]
    fleet = {
        "name": "Fleet",
        "kind": "fleet_online",
        "condition": {"below": 60, "clear_level": 90},
    }
    await make_rule(jo, product, fleet)

    async def minute() -> list[str]:
        cloud.clock.advance(60)
        await cloud.parts.fleet_metrics.flush()
        await step(cloud, 60)
        await step(cloud, 1)
        return [one["state"] for one in await alerts(jo, product)]

    for one in ids:
        say(cloud, product, one, "spark/status", b"online")
    await cloud.journal.flush()
    assert await minute() == []
    say(cloud, product, ids[0], "spark/status", b"offline")
    await cloud.journal.flush()
    assert await minute() == ["open"]
    (alert,) = await alerts(jo, product)
    assert (alert["subject"], alert["text"]) == ("fleet", "1 of 2 devices online (50 %)")
    say(cloud, product, ids[0], "spark/status", b"online")
    await cloud.journal.flush()
    assert await minute() == ["resolved"]


async def test_a_receiver_that_fails(cloud: Cloud, jo: Person, product: int):
    device_id = await device_in(cloud, jo, product, 1)
    down = [True]

    async def answer(request) -> web.Response:
        return web.Response(status=500 if down[0] else 200)

    async def until(wanted) -> None:
        async with asyncio.timeout(10):
            while not await wanted():
                await asyncio.sleep(0.02)
                # The next request is a probe once the pause of the breaker is over.
                cloud.clock.advance(1)

    async with open_receiver(answer=answer) as receiver:
        hook = {"event": "temp", "url": receiver.url, "breakerFailures": 1, "name": "Store"}
        hook |= {"integration_type": "Webhook", "maxAttempts": 20}
        made = await jo.client.post(f"/v1/products/{product}/integrations", json=hook)
        assert made.status_code in (200, 201), made.text
        say(cloud, product, device_id, "temp", b"1", "device")

        async def told() -> bool:
            return "integration.paused" in [kind for kind, _ in await notices(jo, product)]

        # Nobody wrote a rule: the people of the product are told all the same.
        await until(told)
        down[0] = False

        hook_path = f"/v1/products/{product}/integrations/{made.json()['id']}"

        async def resumed() -> bool:
            await jo.client.post(f"{hook_path}/reset")
            return "integration.resumed" in [kind for kind, _ in await notices(jo, product)]

        await until(resumed)
        before = len(await notices(jo, product))
        failing = {"count": 1, "within_s": 60}
        await make_rule(jo, product, {"name": "Hooks", "kind": "webhook", "condition": failing})
        down[0] = True
        say(cloud, product, device_id, "temp", b"2", "device")

        async def states() -> list[str]:
            await step(cloud)
            return [one["state"] for one in await alerts(jo, product)]

        async def opened() -> bool:
            return await states() == ["open"]

        await until(opened)
        # The rule tells it now, and there is no second notice.
        assert len(await notices(jo, product)) == before
        (alert,) = await alerts(jo, product)
        assert (alert["kind"], alert["name"]) == ("webhook", "Store")
        assert alert["subject"].endswith(":paused")
        down[0] = False

        async def ended() -> bool:
            await jo.client.post(f"{hook_path}/reset")
            return await states() == ["resolved"]

        await until(ended)


async def test_limits(cloud: Cloud, jo: Person, product: int):
    rules = f"/v1/products/{product}/alert_rules"
    for number in range(50):
        await make_rule(jo, product, OFFLINE, name=f"r{number}")
    refused = await jo.client.post(rules, json=OFFLINE)
    assert (refused.status_code, refused.json()["error"]) == (409, "too_many_rules")
    for bad in ({}, OFFLINE | {"kind": "x"}, OFFLINE | {"condition": {"for_s": 1}}):
        assert (await jo.client.post(rules, json=bad)).status_code == 400
    for query in ({"limit": "0"}, {"state": "x"}, {"cursor": "'"}):
        answer = await jo.client.get(f"/v1/products/{product}/alerts", params=query)
        assert answer.status_code == 400


async def test_plans_without_fleet_health_have_no_rules(database, key_folder):
    async with open_cloud(database, key_folder, plan="product") as cloud:
        jo = await cloud.person("jo@example.com")
        product = (await make_product(jo))["id"]
        answer = await jo.client.post(f"/v1/products/{product}/alert_rules", json=OFFLINE)
        assert (answer.status_code, answer.json()["error"]) == (403, "plan_limit")
        assert await alerts(jo, product) == []
