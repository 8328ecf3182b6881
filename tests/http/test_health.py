"""Health checks and the health of a fleet, over the API."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web
from tests.builders.cloud import Cloud, Person, make_device_id
from tests.builders.hooks import open_receiver
from tests.builders.products import hello, import_ids, make_product, register

from roadstead.firmware.delivery.model import DELIVERY_ENDED, Delivery, DeliveryEnded
from roadstead.protocol.messages.vitals import decode_vitals, encode_vitals

LOW, FULL = 5 * 256, 80 * 256


class Fleet:
    """A product with devices that say what they are told to."""

    def __init__(self, cloud: Cloud, person: Person, product: dict):
        self.cloud, self.person, self.product = cloud, person, product
        self.path = f"/v1/products/{product['id']}"
        self.ids: list[str] = []

    async def grow(self, count: int) -> None:
        for number in range(1, count + 1):
            self.ids.append(await register(self.cloud, self.person, number))
        await import_ids(self.person, self.product, *self.ids)
        for one in self.ids:
            assert await hello(self.cloud, one, self.product["id"], version=3)

    def status(self, number: int, word: bytes, name="spark/status", source="system", firmware=3):
        self.cloud.ingest.accept(
            name=name,
            payload=word,
            content_format=None,
            ttl_s=60,
            source=source,
            device_id=self.ids[number],
            owner_id=None,
            product_id=self.product["id"],
            firmware_version=firmware,
        )

    async def vitals(self, number: int, battery: int, signal: int = 90) -> None:
        raw = [(3, battery, False), (33, signal * 256, False)]
        await self.cloud.parts.vitals.store(self.ids[number], decode_vitals(encode_vitals(raw)), {})

    async def settle(self) -> None:
        await self.cloud.journal.flush()
        self.cloud.parts.fleet_health.flush()
        await self.cloud.parts.fleet_metrics.flush()
        await self.cloud.journal.flush()

    async def get(self, path: str, status: int = 200, **query) -> dict:
        await self.settle()
        answer = await self.person.client.get(f"{self.path}/{path}", params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def health(self, **query) -> dict:
        return (await self.get("fleet_health", **query))["health"]

    async def trend(self, name: str, **query) -> list[dict]:
        query.setdefault("bucket_size", "3600")
        return [
            one["counts"] for one in (await self.get(f"fleet_health/{name}", **query))["points"]
        ]


@pytest.fixture
async def fleet(cloud: Cloud, jo: Person) -> Fleet:
    made = Fleet(cloud, jo, await make_product(jo))
    await made.grow(4)
    return made


async def test_a_check_has_layers_figures_thresholds_and_advice(fleet: Fleet):
    await fleet.vitals(0, LOW, signal=20)
    found = (await fleet.get(f"health_checks/{fleet.ids[0]}"))["health"]
    assert found["device_id"] == fleet.ids[0]
    assert found["state"] == "unhealthy"
    assert [one["name"] for one in found["layers"]] == ["device", "power", "signal", "cloud"]
    (battery,) = found["layers"][1]["checks"]
    assert (battery["state"], battery["figure"], battery["unit"]) == ("unhealthy", 5, "%")
    assert (battery["warning"], battery["unhealthy"]) == (25, 10)
    assert "Charge" in battery["text"]
    assert found["layers"][2]["state"] == "warning"
    unseen = (await fleet.get(f"health_checks/{fleet.ids[3]}"))["health"]
    assert (unseen["state"], unseen["vitals_at"]) == ("unknown", None)
    await fleet.get(f"health_checks/{make_device_id(99)}", status=404)


async def test_one_s_own_device_is_checked_without_a_product(
    cloud: Cloud, jo: Person, stranger: Person
):
    device_id, _ = await cloud.claimed(jo, 7)
    path = f"/v1/health_checks/{device_id}"
    found = (await jo.client.get(path)).json()["health"]
    assert found["online"] is True
    assert found["state"] == "healthy"
    cloud.clock.advance(10 * 86_400)
    cloud.unplug(device_id)
    await cloud.settle()
    found = (await jo.client.get(path)).json()["health"]
    assert found["state"] == "unhealthy"
    assert (await stranger.client.get(path)).status_code in (403, 404)


async def test_thresholds_are_kept_checked_and_audited(fleet: Fleet, stranger: Person):
    jo, path = fleet.person, f"{fleet.path}/health_thresholds"
    shipped = await fleet.get("health_thresholds")
    assert shipped["shipped"] is True
    assert shipped["thresholds"]["battery_percent"] == {"warning": 25, "unhealthy": 10}
    own = {"thresholds": {"battery_percent": {"warning": 4, "unhealthy": None}}}
    kept = await jo.client.put(path, json=own)
    assert kept.status_code == 200, kept.text
    assert kept.json()["shipped"] is False
    assert kept.json()["thresholds"]["battery_percent"] == {"warning": 4, "unhealthy": None}
    assert kept.json()["thresholds"]["contact_h"] == {"warning": 24, "unhealthy": 72}
    await fleet.vitals(0, LOW)
    checked = (await fleet.get(f"health_checks/{fleet.ids[0]}"))["health"]
    assert checked["state"] == "healthy"
    trail = (await fleet.get("audit"))["changes"]
    assert "health_thresholds.set" in {one["action"] for one in trail}
    for body in (
        {"thresholds": {"battery_percent": {"warning": 1, "unhealthy": 50}}},
        {"thresholds": {"battery_percent": {"warning": "x"}}},
        {"thresholds": {"no_such_check": {"warning": 1}}},
        {"thresholds": 3},
        {},
    ):
        answer = await jo.client.put(path, json=body)
        assert answer.status_code == 400, (body, answer.text)
    assert (await stranger.client.put(path, json=own)).status_code == 404
    assert (await jo.client.put(path, json={"thresholds": None})).json()["shipped"] is True


async def test_the_health_of_a_fleet_by_state_reason_version_and_device(fleet: Fleet):
    body = {"groups": ["beta"]}
    path = f"{fleet.path}/devices/{fleet.ids[0]}"
    await fleet.person.client.post(f"{fleet.path}/groups", json={"name": "beta"})
    assert (await fleet.person.client.put(path, json=body)).status_code == 200
    for number in range(3):
        fleet.status(number, b"online")
        await fleet.vitals(number, LOW if number == 0 else FULL, signal=20 if number == 1 else 90)
    fleet.status(2, b"panic, hard_fault", "spark/device/last_reset", "device")
    found = await fleet.health()
    assert (found["devices"], found["heard"], found["online"]) == (4, 3, 3)
    assert found["states"] == {"unhealthy": 1, "warning": 2}
    assert [(one["name"], one["devices"]) for one in found["reasons"]] == [
        ("battery_percent", 1),
        ("restarts_per_day", 1),
        ("signal_strength_percent", 1),
    ]
    assert found["worst"][0]["id"] == fleet.ids[0]
    assert found["worst"][0]["reasons"] == ["battery_percent"]
    assert found["battery"] == {"0": 1, "80": 2}
    (version,) = found["by_firmware"]
    assert (version["name"], version["devices"], version["restarts"]) == ("3", 3, 1)
    (group,) = found["by_group"]
    assert (group["name"], group["states"]) == ("beta", {"unhealthy": 1})
    assert [one["name"] for one in found["by_device_os"]] == ["6.2.0"]
    beta = await fleet.health(device_group="beta")
    assert (beta["devices"], beta["heard"], beta["online"]) == (None, 1, 1)
    assert (await fleet.health(product_fw="9"))["heard"] == 0
    await fleet.get("fleet_health", status=400, product_fw="x")


async def test_trends_say_since_when(fleet: Fleet):
    fleet.status(0, b"online")
    await fleet.vitals(0, FULL)
    await fleet.settle()
    fleet.cloud.clock.advance(2 * 3600)
    fleet.status(0, b"offline")
    fleet.status(0, b"online", firmware=4)
    await fleet.vitals(0, LOW)
    await fleet.settle()
    fleet.status(0, b"online", firmware=4)
    states = await fleet.trend("states")
    assert states[-3:] == [{"healthy": 1}, {"healthy": 1}, {"unhealthy": 1}]
    assert (await fleet.trend("versions"))[-2:] == [{"3": 1}, {"4": 1}]
    assert (await fleet.trend("connects"))[-3:] == [{"": 1}, {}, {"": 2}]
    assert (await fleet.trend("sessions"))[-1] == {"under_6h": 1, "under_1m": 1}
    assert (await fleet.trend("offline"))[-1] == {"under_1m": 1}
    assert (await fleet.trend("states", bucket_size="86400"))[-1] == {"unhealthy": 1}
    assert (await fleet.trend("connects", bucket_size="86400"))[-1] == {"": 3}
    whole = await fleet.get("fleet_health/states")
    assert (whole["bucket_size"], whole["kind"]) == (86_400, "levels")
    await fleet.get("fleet_health/nonsense", status=404)
    for query in (
        {"bucket_size": "60"},
        {"start_date": "soon"},
        {"start_date": "2020-01-01T00:00:00Z"},
        {"start_date": "2030-01-01T00:00:00Z"},
    ):
        await fleet.get("fleet_health/states", status=400, **query)


async def test_updates_count_under_their_version(fleet: Fleet):
    for number, state in enumerate(("succeeded", "succeeded", "failed")):
        delivery = Delivery(
            *("a" * 24, fleet.ids[number], fleet.product["id"], 4, 3, "", "", 1, "release", ""),
            *(None, state, 0, 0),
        )
        fleet.cloud.parts.bus.publish(DELIVERY_ENDED, DeliveryEnded(delivery))
    found = await fleet.health()
    assert {one["name"]: one["updates"] for one in found["by_firmware"]} == {
        "4": {"succeeded": 2, "failed": 1},
        "3": {},
    }
    assert (await fleet.trend("updates"))[-1] == {"succeeded": 2, "failed": 1}
    assert (await fleet.trend("updates", product_fw="4"))[-1] == {"succeeded": 2, "failed": 1}
    assert (await fleet.trend("updates", product_fw="3"))[-1] == {}


async def test_a_device_that_leaves_is_in_no_sum(fleet: Fleet):
    await fleet.vitals(0, LOW)
    assert (await fleet.health())["states"] == {"unhealthy": 1}
    await fleet.person.client.delete(f"{fleet.path}/devices/{fleet.ids[0]}")
    found = await fleet.health()
    assert (found["states"], found["worst"], found["heard"]) == ({}, [], 0)


async def test_fleet_health_needs_its_plan_and_the_product(fleet: Fleet, stranger: Person):
    for path in ("fleet_health", "fleet_health/states", "health_thresholds"):
        assert (await stranger.client.get(f"{fleet.path}/{path}")).status_code == 404


async def test_deliveries_of_webhooks_are_counted_by_outcome(fleet: Fleet):
    async def answer(request) -> web.Response:
        return web.Response(status=200 if request.path.endswith("good") else 410)

    async def points() -> dict[str, int]:
        answer = await fleet.get("metrics/integration")
        sums: Counter[str] = Counter()
        for one in answer["integrations"]:
            one.pop("time")
            sums.update(one)
        return dict(sums)

    async with open_receiver(answer=answer) as receiver:
        for name in ("good", "bad"):
            url = f"{receiver.url}/{name}"
            body = {"event": name, "url": url, "integration_type": "Webhook"}
            made = await fleet.person.client.post(f"{fleet.path}/integrations", json=body)
            assert made.status_code in (200, 201), made.text
        for name in ("good", "good", "bad"):
            fleet.status(0, b"1", name, "device")
        async with asyncio.timeout(15):
            while await points() != {"success": 2, "failure": 1}:
                await asyncio.sleep(0.05)
    narrowed = await fleet.get("metrics/integration", product_fw="3", bucket_size="60")
    assert sum(one.get("success", 0) for one in narrowed["integrations"]) == 2
