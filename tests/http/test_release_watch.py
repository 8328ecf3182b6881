"""Standard releases are watched by the gate, and stopped by it."""

import pytest
from sqlalchemy import update
from tests.builders.cloud import Cloud, Person
from tests.builders.rollouts import device_ids, insert_devices, insert_firmware, run_version

from roadstead.firmware.release_store import find_in_force
from roadstead.rollouts.store import rollout_members

PRODUCT = 30302
ROOT = f"/v1/products/{PRODUCT}"
COUNT = 60
DEVICE = device_ids(1)[0]
DAY_S = 24 * 3600


@pytest.fixture
async def maker(cloud: Cloud, jo: Person) -> Person:
    """Jo, with a product whose devices run version 1, which is released."""
    product = {"name": "Pump", "platform_id": 12, "id": PRODUCT}
    answer = await jo.client.post("/v1/products", json={"product": product})
    assert answer.status_code == 200, answer.text
    at = cloud.clock.now()

    def work(conn) -> None:
        insert_devices(conn, device_ids(COUNT), at, product_id=PRODUCT)
        for version in (1, 2, 3):
            insert_firmware(conn, version, at, product_id=PRODUCT)

    await cloud.parts.database.write(work)
    return jo


async def release(maker: Person, version: int, **what) -> None:
    body = {"version": version, "product_default": True, **what}
    answer = await maker.client.put(f"{ROOT}/firmware/release", json=body)
    assert answer.status_code == 200, answer.text


async def rollouts(maker: Person) -> list[dict]:
    return (await maker.client.get(f"{ROOT}/rollouts")).json()["rollouts"]


async def watch_over(maker: Person, version: int) -> dict:
    (found,) = [one for one in await rollouts(maker) if one["version"] == version]
    return found


async def steer(maker: Person, rollout: dict, what: str) -> dict:
    answer = await maker.client.post(f"{ROOT}/rollouts/{rollout['id']}/{what}")
    assert answer.status_code == 200, answer.text
    return answer.json()["rollout"]


async def target(maker: Person) -> dict:
    answer = await maker.client.get(f"{ROOT}/firmware_targets/{DEVICE}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def default(cloud: Cloud) -> int | None:
    force = await cloud.parts.database.read(lambda conn: find_in_force(conn, PRODUCT))
    return force.default


async def work(cloud: Cloud) -> None:
    while await cloud.rollout_engine.work():
        pass


async def pass_days(cloud: Cloud, days: float) -> None:
    for _ in range(int(days * 8)):
        cloud.clock.advance(DAY_S / 8)
        await work(cloud)


async def test_a_standard_release_is_in_force_and_watched(cloud: Cloud, maker: Person):
    await release(maker, 2)
    await work(cloud)
    (watch,) = await rollouts(maker)
    assert (watch["version"], watch["intelligent"], watch["state"]) == (2, False, "running")
    assert watch["offered"] == COUNT
    assert await default(cloud) == 2
    assert (await target(maker))["reason"] == "product_default"


async def test_a_paused_watch_pauses_the_release_and_the_target_says_so(
    cloud: Cloud, maker: Person
):
    await release(maker, 2)
    await work(cloud)
    (watch,) = await rollouts(maker)
    assert (await target(maker))["hold"]["reason"] != "release_paused"
    await steer(maker, watch, "pause")
    told = await target(maker)
    assert (told["target"], told["hold"]["reason"]) == (2, "release_paused")
    assert "Resume the rollout" in told["would_change"]
    await steer(maker, watch, "resume")
    assert (await target(maker))["hold"]["reason"] != "release_paused"


async def test_an_aborted_watch_puts_back_what_was_released(cloud: Cloud, maker: Person):
    await release(maker, 1)
    await release(maker, 2)
    await work(cloud)
    watch = await watch_over(maker, 2)
    await steer(maker, watch, "pause")
    assert (await steer(maker, watch, "abort"))["state"] == "aborted"
    assert await default(cloud) == 1
    assert (await target(maker))["hold"]["reason"] == "up_to_date"


@pytest.mark.parametrize("policy", [{"watch_releases": False}, {"gate": False}])
async def test_a_product_may_switch_the_watch_off(cloud: Cloud, maker: Person, policy: dict):
    answer = await maker.client.put(f"{ROOT}/rollout_policy", json={"policy": policy})
    assert answer.status_code == 200, answer.text
    await release(maker, 2)
    assert await rollouts(maker) == []
    assert await default(cloud) == 2


async def test_a_careful_policy_judges_standard_releases_and_does_not_stage_them(
    cloud: Cloud, maker: Person
):
    policy = {"stages": ["5", "50%"], "soak_h": 4, "rollback": False, "approval": True}
    await maker.client.put(f"{ROOT}/rollout_policy", json={"policy": policy})
    await release(maker, 2)
    await work(cloud)
    (watch,) = await rollouts(maker)
    assert (watch["state"], watch["stages"]) == ("running", [COUNT])
    kept = watch["policy"]
    assert (kept["soak_h"], kept["rollback"], kept["approval"]) == (4, False, False)


async def test_a_release_by_a_policy_with_approval_waits_for_it(cloud: Cloud, maker: Person):
    policy = {"stages": ["100%"], "holdback": "0", "approval": True}
    await maker.client.put(f"{ROOT}/rollout_policy", json={"policy": policy})
    await release(maker, 2, intelligent=True)
    await work(cloud)
    assert (await rollouts(maker))[0]["state"] == "awaiting_approval"
    assert await default(cloud) is None, "nobody has approved it"


async def test_releases_to_other_groups_leave_a_watch_alone(cloud: Cloud, maker: Person):
    for group in ("beta", "rest"):
        body = {"name": group}
        assert (await maker.client.post(f"{ROOT}/groups", json=body)).status_code < 300
    await release(maker, 2, product_default=False, groups=["beta"])
    await release(maker, 3, product_default=False, groups=["rest"])
    states = {one["version"]: one["state"] for one in await rollouts(maker)}
    assert states == {2: "preparing", 3: "preparing"}
    await release(maker, 1, product_default=False, groups=["beta"])
    states = {one["version"]: one["state"] for one in await rollouts(maker)}
    assert states == {1: "preparing", 2: "finished", 3: "preparing"}


async def test_the_watch_ends_after_a_week_without_asking_anybody(cloud: Cloud, maker: Person):
    """Devices that were never heard of cannot be judged; the release stays as it is."""
    await release(maker, 2)
    await work(cloud)
    await pass_days(cloud, 6.5)
    (watch,) = await rollouts(maker)
    assert watch["state"] == "running"
    await pass_days(cloud, 4)
    (watch,) = await rollouts(maker)
    assert watch["state"] == "finished", watch["text"]
    assert await default(cloud) == 2


@pytest.mark.parametrize("rollback", [True, False])
async def test_a_release_whose_installations_fail_is_halted(
    cloud: Cloud, maker: Person, rollback: bool
):
    policy = {"rollback": rollback}
    await maker.client.put(f"{ROOT}/rollout_policy", json={"policy": policy})
    await release(maker, 1)
    await release(maker, 2)
    await work(cloud)
    some = device_ids(COUNT)[:20]
    failed = update(rollout_members).where(rollout_members.c.device_id.in_(some))
    at = cloud.clock.now()
    values = {"state": "failed", "reason": "install_failed", "ended_at": at}
    watch = await watch_over(maker, 2)
    await cloud.parts.database.write(lambda conn: run_version(conn, [DEVICE], 2))
    await cloud.parts.database.write(
        lambda conn: conn.execute(
            failed.where(rollout_members.c.rollout_id == watch["id"]).values(**values)
        )
    )
    await pass_days(cloud, 0.5)
    found = await rollouts(maker)
    halted = next(one for one in found if one["id"] == watch["id"])
    assert (halted["state"], halted["reason"]) == ("halted", "install_errors")
    assert await default(cloud) == 1
    told = await target(maker)
    assert told["target"] == 1
    back = [one for one in found if one["rollback_of"] == watch["id"]]
    assert len(back) == rollback
    if rollback:
        text = next(one["text"] for one in told["rules"] if one["rule"] == "rollout")
        assert "taken back" in text
