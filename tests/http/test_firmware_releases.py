"""Releases over HTTP: to groups and to all, with proof, at once; looking ahead and back."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Connection, select
from tests.builders.cloud import Cloud, Person, open_cloud
from tests.builders.firmware import (
    add_device,
    add_group,
    describe,
    make_id,
    make_image,
    needs_device_os,
)
from tests.builders.maker import Maker, make_maker

from roadstead.audit.trail import list_rows
from roadstead.events.store import events
from roadstead.firmware import assignment_store, store
from roadstead.firmware.delivery.model import Delivery
from roadstead.firmware.delivery.store import firmware_deliveries
from roadstead.firmware.facts import Surroundings, gather_in_product
from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.images.image import ModuleFunction
from roadstead.firmware.impact_classes import PAGE_ONE_BY_ONE
from roadstead.firmware.release_store import find_in_force, list_releases
from roadstead.firmware.targeting import Offer, decide
from roadstead.products.group_store import list_groups


@pytest.fixture
async def maker(cloud: Cloud, jo: Person) -> Maker:
    """Versions 3, 5, 7, 9 that all ran; groups beta and old."""
    made = await make_maker(cloud, jo)
    await made.uploaded(3, 5, 7, 9)

    def work(conn: Connection) -> None:
        for version in (3, 5, 7, 9):
            store.mark_proven(conn, made.product_id, version, make_id(0), cloud.clock.now())
        for name in ("beta", "old"):
            add_group(conn, made.product_id, name)

    await cloud.parts.database.write(work)
    return made


async def release(maker: Maker, version: object, **what: Any) -> httpx.Response:
    path = f"{maker.path}/firmware/release"
    return await maker.person.client.put(path, json={"version": version, **what})


async def in_force(cloud: Cloud, maker: Maker) -> tuple[int | None, list[int]]:
    found = await cloud.parts.database.read(lambda conn: find_in_force(conn, maker.product_id))
    return found.default, sorted(found.groups.values())


async def test_a_release_to_groups_and_to_all_as_the_reference_answers(cloud: Cloud, maker: Maker):
    answer = await release(maker, 7, groups=["beta"], intelligent=True)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    expected = {
        "version": 7,
        "title": "",
        "size": len(make_image(7)),
        "product_default": False,
        "product_id": maker.product_id,
        "groups": ["beta"],
        "intelligent": True,
        "in_force": {"product_default": None, "groups": {"beta": 7}},
    }
    assert {name: told[name] for name in expected} == expected
    assert told["updated_at"] and told["uploaded_on"] and told["uploaded_by"]["username"]
    told = (await release(maker, 5, product_default=True)).json()
    assert told["product_default"] is True and told["groups"] == []
    assert told["in_force"] == {"product_default": 5, "groups": {"beta": 7}}
    seven, five = await maker.get("/firmware/7"), await maker.get("/firmware/5")
    assert (seven["groups"], seven["intelligent"], seven["current"]) == (["beta"], True, False)
    assert (five["groups"], five["intelligent"], five["current"]) == ([], False, True)
    assert five["released_at"] is not None
    await cloud.journal.flush()
    names = await cloud.parts.database.read(
        lambda conn: (
            conn.execute(
                select(events.c.payload).where(events.c.name == "particle/firmware/release")
            )
            .scalars()
            .all()
        )
    )
    assert [bytes(one) for one in names] == [
        b'{"immediate":true,"version":7}',
        b'{"immediate":false,"version":5}',
    ]
    answer = await maker.person.client.delete(f"{maker.path}/firmware/7")
    assert (answer.status_code, answer.json()["error"]) == (409, "firmware_released")


async def test_groups_left_out_stay_and_groups_named_are_absolute(cloud: Cloud, maker: Maker):
    await release(maker, 7, groups=["beta", "old"], product_default=True)
    assert await in_force(cloud, maker) == (7, [7, 7])
    await release(maker, 7, groups=["old"])
    assert await in_force(cloud, maker) == (7, [7])
    await release(maker, 9, groups=["old"])
    assert await in_force(cloud, maker) == (7, [9])
    # Another version is none of this one's groups and default.
    await release(maker, 5, groups=[], product_default=False)
    assert await in_force(cloud, maker) == (7, [9])
    await release(maker, 7, product_default=False)
    assert await in_force(cloud, maker) == (None, [9])
    await release(maker, 9, groups=[])
    assert await in_force(cloud, maker) == (None, [])


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ({}, 400, "nothing_to_release"),
        ({"groups": ["nobody"]}, 400, "unknown_group"),
        ({"groups": "beta"}, 400, "invalid_request"),
        ({"version": 8, "product_default": True}, 404, "firmware_not_found"),
        ({"version": 0, "product_default": True}, 400, "bad_version"),
        ({"product_default": True, "override_reason": " "}, 400, "bad_override_reason"),
    ],
)
async def test_what_cannot_be_released_changes_nothing(
    cloud: Cloud, maker: Maker, what: dict[str, Any], status: int, code: str
):
    answer = await release(maker, what.pop("version", 7), **what)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert await in_force(cloud, maker) == (None, [])
    assert await maker.get("/firmware_releases") == {"releases": []}


async def test_a_version_must_have_run_or_somebody_says_why_not(cloud: Cloud, maker: Maker):
    await maker.uploaded(11)
    answer = await release(maker, 11, product_default=True)
    assert (answer.status_code, answer.json()["error"]) == (409, "version_not_proven")
    assert "Lock one device" in answer.json()["error_description"]
    # To withdraw what never ran needs no proof.
    assert (await release(maker, 11, groups=[])).status_code == 200
    answer = await release(maker, 11, product_default=True, override_reason="lab tests passed")
    assert answer.status_code == 200
    [newest, _] = (await maker.get("/firmware_releases"))["releases"]
    assert newest["override_reason"] == "lab tests passed"
    rows = await cloud.parts.database.read(lambda conn: list_rows(conn, limit=1))
    assert rows[0].after == {
        "default": 11,
        "intelligent": False,
        "override_reason": "lab tests passed",
    }
    # With proof the reason is not needed and not kept.
    await release(maker, 9, product_default=True, override_reason="not needed")
    assert (await maker.get("/firmware_releases"))["releases"][0]["override_reason"] is None


async def test_a_device_that_came_back_with_it_is_proof(cloud: Cloud, maker: Maker):
    before = cloud.clock.now()
    cloud.clock.advance(60)
    await maker.uploaded(11)

    def runs(number: int, at: Any, **what: Any) -> Any:
        return lambda conn: add_device(
            conn, number, maker.product_id, firmware_version=11, handshake_at=at, **what
        )

    write = cloud.parts.database.write
    await write(runs(1, None))
    await write(runs(2, before))  # it ran another build under that number
    await write(runs(3, cloud.clock.now(), standing="quarantined"))
    assert (await release(maker, 11, product_default=True)).status_code == 409
    await write(runs(4, cloud.clock.now()))
    assert (await release(maker, 11, product_default=True)).status_code == 200


async def test_a_product_may_do_without_proof(cloud: Cloud, jo: Person):
    made = await make_maker(cloud, jo, settings={"release_requires_proof": False})
    await made.uploaded(7)
    assert (await release(made, 7, product_default=True)).status_code == 200


async def test_of_releases_at_once_all_are_written_down_and_the_last_is_in_force(
    cloud: Cloud, maker: Maker
):
    versions = [5, 7, 9, 3] * 3
    answers = await asyncio.gather(
        *(release(maker, version, product_default=True) for version in versions)
    )
    assert {answer.status_code for answer in answers} == {200}
    written = await cloud.parts.database.read(
        lambda conn: list_releases(conn, maker.product_id, limit=100)
    )
    assert sorted(one.version for one in written) == sorted(versions)
    assert await in_force(cloud, maker) == (written[0].version, [])
    last = next(a.json() for a in answers if a.json()["release_id"] == written[0].id)
    assert last["in_force"]["product_default"] == written[0].version


async def test_a_plan_may_hold_releases_back(database, key_folder):
    async with open_cloud(database, key_folder, plan="developer") as cloud:
        made = await make_maker(cloud, await cloud.person("dev@example.com"))
        await made.uploaded(7)
        answer = await release(made, 7, product_default=True, override_reason="x")
        assert (answer.status_code, answer.json()["error"]) == (403, "plan_limit")
        assert "one device at a time" in answer.json()["error_description"]
        mended = await release(
            made, 7, product_default=True, override_reason="x", intelligent=True, security_fix=True
        )
        assert mended.status_code == 200, mended.text
        trail = (await made.get("/audit"))["changes"]
        released = next(row for row in trail if row["action"] == "firmware.release")
        assert released["after"]["security_fix"] is True


async def test_a_product_plan_has_no_intelligent_releases(database, key_folder):
    async with open_cloud(database, key_folder, plan="product") as cloud:
        made = await make_maker(cloud, await cloud.person("dev@example.com"))
        await made.uploaded(7)
        what = {"product_default": True, "override_reason": "x"}
        answer = await release(made, 7, intelligent=True, **what)
        assert (answer.status_code, answer.json()["error"]) == (403, "plan_limit")
        assert (await release(made, 7, **what)).status_code == 200


async def fill(cloud: Cloud, maker: Maker) -> None:
    """Default 5, beta 7, old 3; devices of each kind."""

    def work(conn: Connection) -> None:
        product = maker.product_id
        beta, old = (group_id(conn, product, name) for name in ("beta", "old"))
        for number in range(6):
            add_device(conn, number, product, firmware_version=5)
        for number in range(6, 9):
            add_device(conn, number, product, firmware_version=4)
        add_device(conn, 10, product, beta, firmware_version=7)
        add_device(conn, 11, product, beta, old, firmware_version=7)
        add_device(conn, 12, product, old, firmware_version=3)
        add_device(conn, 13, product, old, firmware_version=4)
        add_device(conn, 14, product, development=True)
        add_device(conn, 15, product, locked=5, firmware_version=5)
        add_device(conn, 16, product, standing="quarantined")
        add_device(conn, 17, product, firmware_version=0, safe_mode=True)
        add_device(conn, 18, product, updates_enabled=False)
        add_device(conn, 19, product, max_binary_bytes=100)
        add_device(conn, 20, product, firmware_product_id=product + 1)
        ids = [add_device(conn, 21, product, firmware_version=5)]
        assignment_store.assign(
            conn, product, ids, 5, rollout_id="f" * 24, reason="rollout", at=cloud.clock.now()
        )

    await cloud.parts.database.write(work)
    for version, what in [(5, {"product_default": True}), (7, {"groups": ["beta"]})]:
        assert (await release(maker, version, **what)).status_code == 200
    assert (await release(maker, 3, groups=["old"])).status_code == 200


def group_id(conn: Connection, product_id: int, name: str) -> str:
    return next(one.id for one in list_groups(conn, product_id) if one.name == name)


async def impact(maker: Maker, **query: Any) -> dict[int, int]:
    document = await maker.get("/impact", action="edit_groups_for_firmware", **query)
    update = document["devices"]["firmware_update"]
    totals = {one["version"]: one["total"] for one in update["by_version"]}
    assert update["total"] == sum(totals.values())
    return totals


async def test_the_look_ahead_counts_exactly_who_will_be_updated(cloud: Cloud, maker: Maker):
    await fill(cloud, maker)
    # Six on 5 and three on 4, one in safe mode, one that must agree first; one has no room.
    assert await impact(maker, firmware_version=9, product_default="true") == {0: 1, 4: 4, 5: 6}
    assert await impact(maker, firmware_version=9, groups="beta") == {7: 2}
    assert await impact(maker, firmware_version=9, groups="beta,old") == {3: 1, 4: 1, 7: 2}
    # Without its release beta falls back: to 3 by the group old, or to the default.
    assert await impact(maker, firmware_version=7, groups="") == {7: 2}
    # Nothing changes, but three on 4 and the others are still to come.
    assert await impact(maker, firmware_version=5, product_default="true") == {0: 1, 4: 4}
    assert await impact(maker, firmware_version=7, product_default="false") == {}
    answer = await maker.person.client.get(f"{maker.path}/impact?firmware_version=9")
    assert answer.json()["error"] == "nothing_to_release"
    answer = await maker.person.client.get(f"{maker.path}/impact?firmware_version=8&groups=beta")
    assert answer.status_code == 404
    answer = await maker.person.client.get(f"{maker.path}/impact?action=x&firmware_version=9")
    assert answer.json()["error"] == "unknown_action"


@pytest.mark.parametrize("wish", [{"product_default": True}, {"groups": ["beta", "old"]}])
async def test_the_look_ahead_is_what_the_decision_says_afterwards(cloud, maker, wish):
    """The classes that the database counts hold exactly what the decision says of each device."""
    await fill(cloud, maker)
    query = {
        "groups": ",".join(wish.get("groups", [])) or None,
        "product_default": "true" if "product_default" in wish else None,
    }
    told = await impact(
        maker, firmware_version=9, **{k: v for k, v in query.items() if v is not None}
    )
    assert (await release(maker, 9, **wish)).status_code == 200
    ids = [make_id(number) for number in range(30)]
    around = Surroundings(cloud.clock.now(), "asked", frozenset(ids))
    facts = await cloud.parts.database.read(
        lambda conn: gather_in_product(conn, maker.product_id, ids, around)
    )
    counted: dict[int, int] = {}
    for one in facts.values():
        decision = decide(replace(one, updates_enabled=True))
        if isinstance(decision, Offer) and decision.version == 9:
            counted[one.running_version or 0] = counted.get(one.running_version or 0, 0) + 1
    assert told == counted


async def test_the_look_ahead_minds_what_a_version_needs(cloud: Cloud, maker: Maker):
    for version, need in [(21, needs_device_os(6301)[0]), (22, needs_device_os(1)[0])]:
        answer = await maker.upload(version, make_image(version, dependency=need))
        assert answer.status_code == 201

    def work(conn: Connection) -> None:
        for number, system in enumerate([6200, 6301, 6400]):
            told = {"system_description": describe(system), "system_version": system}
            add_device(conn, number, maker.product_id, **told)
        untold = {"system_description": None, "system_version": 0}
        add_device(conn, 9, maker.product_id, **untold)

    await cloud.parts.database.write(work)
    assert await impact(maker, firmware_version=21, product_default="true") == {4: 3}
    assert await impact(maker, firmware_version=22, product_default="true") == {4: 4}


async def test_a_group_of_many_pages_is_counted_whole(cloud: Cloud, maker: Maker):
    """Looked at one by one: a version that needs a module of another kind than Device OS."""
    count = 2 * PAGE_ONE_BY_ONE + 3
    for version, need in [(23, 2400), (24, 2401)]:
        image = make_image(version, dependency=Dependency(ModuleFunction.BOOTLOADER, 0, need))
        assert (await maker.upload(version, image)).status_code == 201

    def work(conn: Connection) -> None:
        beta = group_id(conn, maker.product_id, "beta")
        for number in range(count):
            add_device(conn, number, maker.product_id, beta)

    await cloud.parts.database.write(work)
    assert await impact(maker, firmware_version=23, groups="beta") == {4: count}
    assert await impact(maker, firmware_version=24, groups="beta") == {}
    assert await impact(maker, firmware_version=9, groups="beta") == {4: count}


async def test_a_target_is_explained(cloud: Cloud, maker: Maker, stranger: Person):
    await fill(cloud, maker)

    async def explain(number: int) -> dict[str, Any]:
        return await maker.get(f"/firmware_targets/{make_id(number)}")

    told = await explain(7)
    assert told["id"] == make_id(7)
    assert (told["running"], told["target"], told["reason"]) == (4, 5, "product_default")
    assert told["hold"] == {"reason": "offline", "until": None}
    assert "connects" in told["would_change"]
    rules = {one["rule"]: one["verdict"] for one in told["rules"]}
    assert rules["lock"] == rules["rollout"] == "passes"
    assert rules["product_default"] == "decides"
    assert rules["online"] == "holds"
    cloud.plug_in(make_id(7))
    told = await explain(7)
    assert told["hold"]["reason"] == "awaits_handshake"
    told = await explain(14)
    assert (told["target"], told["reason"]) == (None, "development")
    assert "Unmark" in told["would_change"]
    told = await explain(15)
    assert (told["target"], told["reason"], told["hold"]["reason"]) == (5, "lock", "up_to_date")
    assert told["would_change"].startswith("Unlock")
    assert (await explain(16))["reason"] == "quarantined"
    assert (await explain(20))["reason"] == "other_firmware"
    assert (await explain(21))["reason"] == "rollout"
    path = f"{maker.path}/firmware_targets"
    for other in (make_id(99), "x", "fridge"):
        answer = await maker.person.client.get(f"{path}/{other}")
        assert (answer.status_code, answer.json()["error"]) == (404, "not_in_product")
    assert (await stranger.client.get(f"{path}/{make_id(7)}")).status_code == 404


def delivery(number: int, device_id: str, product_id: int | None, **what: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": f"{number:024x}",
        "device_id": device_id,
        "product_id": product_id,
        "version": 7,
        "from_version": 4,
        "file_key": "k",
        "file_sha256": "0" * 64,
        "file_bytes": 1000,
        "cause": "lock",
        "reason": "lock",
        "asked_by": None,
        "state": "succeeded",
        "requested_at_ms": 1_000 * number,
        "deadline_ms": 0,
        "begins": 1,
        "done_bytes": 1000,
        "sent_bytes": 1100,
        "started_at_ms": 1_000 * number,
        "ended_at_ms": 1_000 * number + 1500,
        "result": "succeeded",
        "text": "The device runs version 7.",
    }
    return Delivery(**{**values, **what})


async def test_the_history_of_a_device_is_told_page_by_page(cloud: Cloud, maker: Maker):
    device_id = make_id(1)

    def work(conn: Connection) -> None:
        add_device(conn, 1, maker.product_id)
        # A device has one open delivery at most, so they are ended one by one.
        for number in range(1, 6):
            one = delivery(number, device_id, maker.product_id)
            conn.execute(
                firmware_deliveries.insert().values(
                    msgspec.structs.asdict(one) | {"is_open": False}
                )
            )
        foreign = delivery(9, device_id, maker.product_id + 1)
        row = msgspec.structs.asdict(foreign) | {"is_open": False}
        conn.execute(firmware_deliveries.insert().values(row))

    await cloud.parts.database.write(work)
    page = await maker.get(f"/firmware_history/{device_id}", per_page=3)
    assert [int(one["id"], 16) for one in page["history"]] == [5, 4, 3]
    first = page["history"][0]
    assert (first["version"], first["from_version"], first["cause"]) == (7, 4, "lock")
    assert (first["result"], first["duration_s"], first["sent_bytes"]) == ("succeeded", 1.5, 1100)
    rest = await maker.get(f"/firmware_history/{device_id}", per_page=3, before=page["next"])
    assert [int(one["id"], 16) for one in rest["history"]] == [2, 1]
    assert rest["next"] is None
    client = maker.person.client
    path = f"{maker.path}/firmware_history"
    assert (await client.get(f"{path}/{device_id}?per_page=0")).status_code == 400
    assert (await client.get(f"{path}/{make_id(2)}")).status_code == 404
