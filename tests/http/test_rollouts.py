"""Rollouts over HTTP: plan, create, follow, steer, explain, report; who may."""

import csv
import io

import pytest
from tests.builders.cloud import Cloud, Person
from tests.builders.rollouts import device_ids, insert_devices, insert_firmware

from roadstead.firmware.assignment_store import find_assignments
from roadstead.firmware.release_store import find_in_force

COUNT = 60
PRODUCT = 30301
PATH = f"/v1/products/{PRODUCT}/rollouts"
QUICK = {"stages": ["5", "50%"], "holdback": "10%", "gate": False}


@pytest.fixture
async def fleet(cloud: Cloud, jo: Person) -> Person:
    """Jo, with a product of sixty connected devices on version 1, and version 2 proven."""
    product = {"name": "Box", "platform_id": 12, "id": PRODUCT}
    answer = await jo.client.post("/v1/products", json={"product": product})
    assert answer.status_code == 200, answer.text
    at = cloud.clock.now()

    def work(conn) -> None:
        insert_devices(conn, device_ids(COUNT), at, product_id=PRODUCT)
        insert_firmware(conn, 1, at, product_id=PRODUCT)
        insert_firmware(conn, 2, at, product_id=PRODUCT)
        insert_firmware(conn, 3, at, product_id=PRODUCT, proven=False)

    await cloud.parts.database.write(work)
    return jo


async def work(cloud: Cloud) -> None:
    while await cloud.rollout_engine.work():
        pass


async def create(person: Person, **body) -> dict:
    answer = await person.client.post(PATH, json={"version": 2, "policy": QUICK, **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["rollout"]


async def get(person: Person, rollout: dict, rest: str = "") -> dict:
    answer = await person.client.get(f"{PATH}/{rollout['id']}{rest}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_dry_run_says_exactly_who_and_the_rollout_does_so(cloud: Cloud, fleet: Person):
    body = {"version": 2, "policy": {"holdback": "10%", "cost_per_mb": 2.0}, "dry_run": True}
    plan = (await fleet.client.post(PATH, json=body)).json()
    assert (plan["devices"], plan["late_devices"], plan["left_out"]) == (COUNT, 0, {})
    assert plan["stages"] == [5, 20, 54]
    assert plan["from_versions"] == {"1": COUNT}
    assert plan["bytes"] == COUNT * 11_200
    assert plan["expected_hours"] == 72
    assert [one["stage"] for one in plan["list"]] == [1] * 5 + [2] * 15 + [3] * 34 + [4] * 6
    assert (await fleet.client.get(PATH)).json()["total"] == 0
    body |= {"dry_run": False, "id": plan["rollout"]["id"]}
    made = await create(fleet, **body)
    await work(cloud)
    again = await get(fleet, made, "/plan")
    order = [one["device_id"] for one in plan["list"]]
    assert [one["device_id"] for one in again["list"]] == order
    report = await get(fleet, made, "/report")
    offered = [one["device_id"] for one in report["devices"] if one["state"] == "offered"]
    assert offered == order[:5]


async def test_a_rollout_is_followed_to_its_end(cloud: Cloud, fleet: Person):
    made = await create(fleet)
    assert (made["state"], made["stage"]) == ("preparing", 0)
    await work(cloud)
    told = await get(fleet, made)
    assert told["rollout"]["state"] == "finished"
    assert [one["devices"] for one in told["stages"]] == [5, 22, 27, 6]
    assert {one["state"] for one in told["stages"]} == {"done"}
    assert told["counts"] == {"offered": COUNT}
    listed = (await fleet.client.get(PATH)).json()
    assert [one["id"] for one in listed["rollouts"]] == [made["id"]]


async def test_pause_resume_abort(cloud: Cloud, fleet: Person):
    made = await create(fleet, policy={"devices_per_minute": 1, "gate": False})
    await work(cloud)
    one = f"{PATH}/{made['id']}"
    paused = (await fleet.client.post(f"{one}/pause")).json()["rollout"]
    assert paused["state"] == "paused" and "jo@example.com" in paused["text"]
    offered = (await get(fleet, made))["rollout"]["offered"]
    cloud.clock.advance(3600)
    await work(cloud)
    assert (await get(fleet, made))["rollout"]["offered"] == offered
    assert (await fleet.client.post(f"{one}/resume")).json()["rollout"]["state"] == "running"
    cloud.clock.advance(120)
    await work(cloud)
    assert (await get(fleet, made))["rollout"]["offered"] > offered
    aborted = (await fleet.client.post(f"{one}/abort", json={})).json()["rollout"]
    assert aborted["state"] == "aborted" and aborted["ended_at"]
    for verb in ("pause", "resume", "approve", "abort"):
        answer = await fleet.client.post(f"{one}/{verb}", json={})
        assert (answer.status_code, answer.json()["error"]) == (409, "wrong_rollout_state")


async def test_a_second_person_approves(cloud: Cloud, fleet: Person, admin: Person):
    made = await create(fleet, policy={"approval": True, "gate": False})
    await work(cloud)
    assert (await get(fleet, made))["rollout"]["state"] == "awaiting_approval"
    answer = await fleet.client.post(f"{PATH}/{made['id']}/approve")
    assert (answer.status_code, answer.json()["error"]) == (403, "same_person")
    await work(cloud)
    assert (await get(fleet, made))["rollout"]["offered"] == 0


async def test_each_device_is_explained(cloud: Cloud, fleet: Person):
    made = await create(fleet, policy={**QUICK, "gate": True})
    await work(cloud)
    report = await get(fleet, made, "/report")
    ids = [one["device_id"] for one in report["devices"]]
    first = await get(fleet, made, f"/devices/{ids[0]}")
    assert (first["state"], first["reason"], first["stage"]) == ("offered", "offered", 1)
    waiting = await get(fleet, made, f"/devices/{ids[9]}")
    assert (waiting["reason"], waiting["stage"], waiting["queue_position"]) == ("stage", 2, 5)
    assert "number 5" in waiting["text"] and "stage 1 is open" in waiting["text"]
    held = await get(fleet, made, f"/devices/{ids[-1]}")
    assert "held back" in held["text"]
    assert [one["verdict"] for one in held["rules"]].count("waits") == 1
    answer = await fleet.client.get(f"{PATH}/{made['id']}/devices/{'f' * 24}")
    assert answer.status_code == 404


async def test_the_report_as_csv(cloud: Cloud, fleet: Person):
    made = await create(fleet)
    await work(cloud)
    answer = await fleet.client.get(f"{PATH}/{made['id']}/report?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(row["device_id"] for row in rows) == device_ids(COUNT)
    assert [row["stage"] for row in rows] == sorted(row["stage"] for row in rows)
    assert {row["previous_version"] for row in rows} == {"1"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": 9}, 404, "firmware_not_found"),
        ({"version": 3}, 409, "version_not_proven"),
        ({"groups": ["nobody"]}, 400, "unknown_group"),
        ({"filter": "colour = red"}, 400, "bad_filter"),
        ({"policy": {"soak_h": -1}}, 400, "bad_policy"),
        ({"policy": {"stages": ["x"]}}, 400, "bad_stages"),
        ({"policy": {"window": {"start": "2", "end": "3"}}}, 400, "bad_window"),
        ({"policy": {"ignore": [{"signal": "mood", "reason": "x"}]}}, 400, "bad_policy"),
        ({"policy": {"speed": 3}}, 400, None),
        ({"id": "7"}, 400, "bad_rollout_id"),
    ],
)
async def test_what_is_wrong_is_said(fleet: Person, body, status, code):
    for dry_run in (True, False):
        answer = await fleet.client.post(PATH, json={"version": 2, **body, "dry_run": dry_run})
        assert answer.status_code == status, answer.text
        assert code is None or answer.json()["error"] == code
    assert (await fleet.client.get(PATH)).json()["total"] == 0


async def test_an_unproven_version_goes_out_with_a_reason(fleet: Person):
    made = await create(fleet, version=3, override_reason="the fix is urgent")
    assert made["version"] == 3


RELEASE = f"/v1/products/{PRODUCT}/firmware/release"


async def release(person: Person, **what) -> dict:
    body = {"version": 2, "product_default": True, "intelligent": True, **what}
    answer = await person.client.put(RELEASE, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_release_that_goes_out_at_once_is_watched(cloud: Cloud, fleet: Person):
    assert (await release(fleet))["product_default"] is True
    await work(cloud)
    (watch,) = (await fleet.client.get(PATH)).json()["rollouts"]
    assert (watch["version"], watch["intelligent"], watch["state"]) == (2, True, "running")
    assert (watch["offered"], watch["stages"]) == (COUNT, [COUNT])
    assigned = await cloud.parts.database.read(
        lambda conn: find_assignments(conn, PRODUCT, device_ids(COUNT))
    )
    assert assigned == {}, "it is in force, and needs no assignments"


async def test_another_release_ends_the_watch(cloud: Cloud, fleet: Person):
    await release(fleet)
    await work(cloud)
    await release(fleet, version=1, intelligent=False)
    await work(cloud)
    both = (await fleet.client.get(PATH)).json()["rollouts"]
    everybody_has_it, watch = sorted(both, key=lambda one: one["version"])
    assert (watch["state"], watch["reason"]) == ("finished", "superseded")
    assert (everybody_has_it["offered"], everybody_has_it["state"]) == (0, "finished")


async def test_a_halted_release_is_taken_back(cloud: Cloud, fleet: Person):
    await release(fleet, version=1, intelligent=False)
    await release(fleet)
    await work(cloud)
    both = (await fleet.client.get(PATH)).json()["rollouts"]
    watch = next(one for one in both if one["version"] == 2)
    await fleet.client.post(f"{PATH}/{watch['id']}/abort", json={"rollback": True})
    await work(cloud)
    force = await cloud.parts.database.read(lambda conn: find_in_force(conn, PRODUCT))
    assert force.default == 1
    found = {one["id"]: one for one in (await fleet.client.get(PATH)).json()["rollouts"]}
    aborted = found[watch["id"]]
    (back,) = [one for one in found.values() if one["rollback_of"] is not None]
    assert (back["rollback_of"], back["offered"]) == (watch["id"], COUNT)
    assert aborted["state"] == "aborted"


async def test_by_a_policy_with_stages_a_release_is_in_force_at_the_end(
    cloud: Cloud, fleet: Person
):
    policy_path = f"/v1/products/{PRODUCT}/rollout_policy"
    assert (await fleet.client.get(policy_path)).json()["shipped"] is True
    answer = await fleet.client.put(policy_path, json={"policy": {**QUICK, "gate": True}})
    assert (answer.status_code, answer.json()["shipped"]) == (200, False)
    await release(fleet)
    await work(cloud)
    force = await cloud.parts.database.read(lambda conn: find_in_force(conn, PRODUCT))
    assert force.default is None
    (rollout,) = (await fleet.client.get(PATH)).json()["rollouts"]
    assert (rollout["stage"], rollout["offered"]) == (1, 5)
    await fleet.client.put(policy_path, json={"policy": {**QUICK, "gate": False}})
    await fleet.client.post(f"{PATH}/{rollout['id']}/abort", json={})
    await release(fleet)
    await work(cloud)
    force = await cloud.parts.database.read(lambda conn: find_in_force(conn, PRODUCT))
    assert force.default == 2
    assert (await fleet.client.put(policy_path, json={"policy": None})).json()["shipped"] is True


async def test_a_stranger_sees_nothing(cloud: Cloud, fleet: Person, stranger: Person):
    made = await create(fleet)
    for method, path in (
        ("GET", PATH),
        ("POST", PATH),
        ("GET", f"{PATH}/{made['id']}"),
        ("GET", f"{PATH}/{made['id']}/report"),
        ("POST", f"{PATH}/{made['id']}/abort"),
    ):
        answer = await stranger.client.request(method, path, json={"version": 2})
        assert answer.status_code == 404, (method, path)
    assert (await get(fleet, made))["rollout"]["state"] == "preparing"


async def test_a_rollout_of_another_product_is_unknown(cloud: Cloud, fleet: Person):
    made = await create(fleet)
    other = {"name": "Other", "platform_id": 12, "id": 30302}
    await fleet.client.post("/v1/products", json={"product": other})
    answer = await fleet.client.get(f"/v1/products/30302/rollouts/{made['id']}")
    assert (answer.status_code, answer.json()["error"]) == (404, "rollout_not_found")
