"""A product is deleted with everything that belongs to it, and leaves nothing behind."""

import asyncio

import pytest
from sqlalchemy import Connection, func, select
from tests.builders.cloud import PASSWORD, Cloud, Person, make_device_id
from tests.builders.maker import Maker, make_maker

from roadstead.firmware.delivery.model import Delivery
from roadstead.firmware.delivery.store import changes_of, insert_open, write_deliveries
from roadstead.storage.columns import metadata

STAY = {"audit_rows", "product_ids", "events", "vitals_history", "fleet_counts", "event_segments"}
"""Trails of the past, which have retention of their own, and numbers that were given out."""


@pytest.fixture
async def maker(cloud: Cloud, jo: Person) -> Maker:
    return await make_maker(cloud, jo)


def rows_of(conn: Connection, product_id: int) -> dict[str, int]:
    """Rows in all tables that say that they are of this product."""
    found = {}
    for table in metadata.sorted_tables:
        columns = table.c
        if "product_id" in columns:
            mine = columns.product_id == product_id
        elif table.name == "products":
            mine = columns.id == product_id
        elif "team" in columns:
            mine = columns.team == f"product/{product_id}"
        elif "owner_kind" in columns:
            mine = (columns.owner_kind == "product") & (columns.owner_id == str(product_id))
        else:
            continue
        count = conn.scalar(select(func.count()).select_from(table).where(mine))
        if count and table.name not in STAY:
            found[table.name] = count
    return found


async def fill(cloud: Cloud, maker: Maker) -> None:
    client, path = maker.person.client, maker.path
    ids = [make_device_id(number) for number in range(5)]
    wanted = {"ids": ids, "groups": ["first"]}
    assert (await client.post(f"{path}/devices", json=wanted)).json()["updated"] == 5
    await client.request("DELETE", f"{path}/devices/{ids[4]}", json={"deny": True})
    await maker.uploaded(7)
    release = {"version": 7, "product_default": True, "groups": ["first"], "override_reason": "x"}
    answer = await client.put(f"{path}/firmware/release", json={**release, "intelligent": True})
    assert answer.status_code == 200, answer.text
    robot = {"friendly_name": "robot", "scopes": ["devices:list"]}
    mate = {"username": "mate@example.com", "role": "Developer"}
    customer = {"email": "jane@example.com", "password": PASSWORD}
    hook = {"event": "ev", "url": "https://example.com/", "integration_type": "Webhook"}
    for below, body in [
        ("team", robot),
        ("team", mate),
        ("clients", {"name": "app"}),
        ("customers", customer),
        ("integrations", hook),
    ]:
        answer = await client.post(f"{path}/{below}", json=body)
        assert answer.status_code in (200, 201), answer.text
    delivery = Delivery(
        id="0" * 24,
        device_id=ids[0],
        product_id=maker.product_id,
        version=7,
        from_version=0,
        file_key="x",
        file_sha256="",
        file_bytes=1,
        cause="release",
        reason="product_default",
        asked_by=None,
        state="queued",
        requested_at_ms=0,
        deadline_ms=0,
    )

    def deliver(conn: Connection) -> None:
        insert_open(conn, [delivery])
        delivery.state, delivery.ended_at_ms, delivery.result = "failed", 1, "no_answer"
        write_deliveries(conn, [changes_of(delivery)])

    await cloud.parts.database.write(deliver)


async def test_a_deleted_product_leaves_nothing_behind(cloud: Cloud, maker: Maker):
    await fill(cloud, maker)
    database, client, number = cloud.parts.database, maker.person.client, maker.product_id
    before = await database.read(lambda conn: rows_of(conn, number))
    filled = {"products", "product_devices", "device_groups", "firmware_versions", "users"}
    filled |= {"firmware_releases", "firmware_deliveries", "team_invitations", "oauth_clients"}
    filled |= {"customers", "integrations"}
    assert filled <= before.keys(), filled - before.keys()
    blobs = cloud.blobs
    assert any(one.is_file() for one in blobs.rglob("*"))
    answer = await client.delete(maker.path)
    assert (answer.status_code, answer.json()["error"]) == (409, "product_has_devices")
    assert await database.read(lambda conn: rows_of(conn, number)) == before
    answer = await client.delete(maker.path, params={"remove_devices": "true"})
    assert answer.status_code == 204, answer.text
    assert await database.read(lambda conn: rows_of(conn, number)) == {}
    assert not any(one.is_file() for one in blobs.rglob("*"))
    login = {"username": "jane@example.com", "password": PASSWORD, "grant_type": "password"}
    assert (await client.post("/oauth/token", data=login)).status_code == 400
    assert (await client.get(maker.path)).status_code == 404


async def test_a_deletion_can_be_a_job_that_says_how_far_it_is(cloud: Cloud, maker: Maker):
    await fill(cloud, maker)
    client = maker.person.client
    answer = await client.get(f"{maker.path}/deletion")
    assert (answer.status_code, answer.json()["error"]) == (404, "deletion_not_found")
    answer = await client.delete(maker.path, params={"async": "true"})
    assert answer.status_code == 409
    wanted = {"async": "true", "remove_devices": "true"}
    answer = await client.delete(maker.path, params=wanted)
    assert answer.status_code == 202
    told = answer.json()["deletion"]
    assert (told["total_devices"], told["removed_devices"]) == (4, 0)
    assert (await client.get(f"{maker.path}/deletion")).json()["deletion"] == told
    assert (await client.delete(maker.path, params=wanted)).json()["deletion"] == told
    # Nobody has worked on it yet; whoever runs in the background does.
    working = asyncio.create_task(cloud.parts.product.endings.run())
    try:
        while (await client.get(maker.path)).status_code != 404:
            await asyncio.sleep(0.01)
        while await cloud.parts.product.endings.find(maker.product_id) is not None:
            await asyncio.sleep(0.01)
    finally:
        working.cancel()
    found = await cloud.parts.database.read(lambda conn: rows_of(conn, maker.product_id))
    assert found == {}
