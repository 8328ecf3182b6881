"""From a release to what a device says of it: real sockets, real database, both transfers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select
from tests.builders.delivering import PRODUCT, Yard, running_yard
from tests.builders.edge import until
from tests.builders.updating import make_image

from roadstead.devices.announcing import DEVICE_CHANGED
from roadstead.devices.store import devices
from roadstead.firmware.delivery.store import firmware_deliveries
from roadstead.firmware.images.extensions import Dependency
from roadstead.firmware.targeting import Hold, Offer
from roadstead.kit.errors import Conflict, TimedOut
from roadstead.products.membership_store import product_devices
from roadstead.simulator.network import NetworkConditions
from roadstead.simulator.updating import UpdateHabits
from roadstead.storage.outbox import OutboxMessage

pytestmark = pytest.mark.system

BOTH = pytest.mark.parametrize("generation", ["6.2", "1.5"], ids=["current", "classic"])
SLOW = NetworkConditions(delay_ms=5)
STATUS = ("spark/status", "spark/flash/status")


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    async with running_yard(tmp_path) as running:
        yield running


async def settled(yard: Yard, count: int = 1, timeout_s: float = 30.0) -> None:
    await until(lambda: len(yard.ended) >= count, timeout_s)


@BOTH
async def test_a_device_is_updated_at_its_next_handshake_and_then_left_alone(
    yard: Yard, generation: str
) -> None:
    await yard.add_versions(2)
    device = await yard.put(generation)
    await asyncio.sleep(0.6)  # its handshake was looked at
    await yard.release(2)
    await asyncio.sleep(0.6)
    assert device.updates.begun == 0  # a plain release disturbs nobody
    device.reboot(lose_session=True)
    await settled(yard)
    [done] = await yard.history(device)
    assert (done.state, done.version, done.from_version) == ("succeeded", 2, 1)
    assert (done.cause, done.reason, done.begins) == ("handshake", "product_default", 1)
    assert done.sent_bytes >= done.file_bytes > 20_000
    assert done.ended_at_ms >= done.started_at_ms >= done.requested_at_ms
    assert await yard.running_version(device) == 2
    await asyncio.sleep(0.8)
    assert device.updates.begun == 1
    assert len(await yard.history(device)) == 1
    told = yard.told(device, *STATUS)
    first = told.index("spark/status auto-update")
    assert told[first : first + 5] == [
        "spark/status auto-update",
        "spark/flash/status started ",
        "spark/flash/status success ",
        "spark/status offline",
        "spark/status online",
    ]
    assert device.received[-1] == ("particle/device/updates/pending", b"false")


async def test_an_immediate_release_goes_to_everybody_who_is_connected(yard: Yard) -> None:
    await yard.add_versions(2)
    devices = [await yard.put("6.2" if number % 4 else "1.5") for number in range(12)]
    away = await yard.put()
    away.stop()
    away_id = away.identity.text_id
    yard.edge.gateway._connections.find(away_id).heard_at -= 3600
    yard.edge.gateway._runner.watch(yard.edge.gateway._connections.find(away_id))
    await until(lambda: not yard.edge.gateway.link.is_online(away_id))
    await yard.release(2, at_once=True)
    await settled(yard, len(devices))
    assert {one.state for one in yard.ended} == {"succeeded"}
    assert {one.cause for one in yard.ended} == {"release"}
    assert all(device.firmware.product_version == 2 for device in devices)
    assert await yard.history(away) == []


async def test_a_device_that_disabled_updates_is_told_and_served_when_it_agrees(
    yard: Yard,
) -> None:
    await yard.add_versions(2)
    device = await yard.put()
    device.allow_updates(False)
    await asyncio.sleep(0.5)
    await yard.release(2, at_once=True)
    await until(lambda: device.received[-1] == ("particle/device/updates/pending", b"true"))
    assert device.updates.begun == 0
    device.allow_updates(True)
    await settled(yard)
    [done] = await yard.history(device)
    assert (done.state, done.cause) == ("succeeded", "agreed")


async def test_a_forced_device_takes_the_update_without_its_consent(yard: Yard) -> None:
    await yard.add_versions(2, 3)
    device = await yard.put()
    device.allow_updates(False)
    await asyncio.sleep(0.5)
    await yard.release(2)
    await yard.engine.force([device.identity.text_id], True)
    await settled(yard)
    assert (await yard.history(device))[0].state == "succeeded"
    # It forgot with its restart that it is forced, and is told again.
    await until(lambda: device.updates.forced)
    assert yard.engine.is_forced(device.identity.text_id)
    await yard.engine.force([device.identity.text_id], False)
    await until(lambda: not device.updates.forced)


async def test_a_lock_is_flashed_at_once_and_two_asks_give_one_transfer(yard: Yard) -> None:
    await yard.add_versions(2, 3)
    device = await yard.put(conditions=SLOW)
    await yard.lock(device, 3)
    device_id = device.identity.text_id
    asked = await asyncio.gather(
        *(yard.engine.ask([device_id], cause="lock", asked_by="b" * 24) for _ in range(3))
    )
    assert all(isinstance(one[device_id], Offer | Hold) for one in asked)
    await settled(yard)
    await asyncio.sleep(0.6)
    [done] = await yard.history(device)
    assert (done.state, done.version, done.asked_by) == ("succeeded", 3, "b" * 24)
    assert device.updates.begun == 1
    [held] = (await yard.engine.ask([device_id], cause="lock", asked_by=None)).values()
    assert isinstance(held, Hold)
    assert held.reason == "up_to_date"


@BOTH
async def test_one_file_for_one_device(yard: Yard, generation: str) -> None:
    device = await yard.shelf.put(yard.edge, generation)
    image = make_image(9)
    await yard.blobs.put("flash/1", image)
    what = {"file_key": "flash/1", "file_bytes": len(image), "file_sha256": digest_of(image)}
    device_id = device.identity.text_id
    delivery = await yard.engine.flash(device_id, **what, version=9)
    with pytest.raises(Conflict) as error:
        await yard.engine.flash(device_id, **what, version=9)
    assert error.value.code == "update_running"
    await settled(yard)
    assert yard.ended[0].id == delivery.id
    assert yard.ended[0].state == "succeeded"
    told = yard.told(device, *STATUS)
    assert "spark/status auto-update" not in told
    assert told[-4:-1] == [
        "spark/flash/status started ",
        "spark/flash/status success ",
        "spark/status offline",
    ]
    await device.connected()
    device.allow_updates(False)
    await until(
        lambda: (yard.edge.gateway._connections.find(device_id).state.updates_enabled) is False
    )
    await asyncio.sleep(0.1)
    with pytest.raises(Conflict) as error:
        await yard.engine.flash(device_id, **what)
    assert error.value.code == "updates_disabled"
    with pytest.raises(TimedOut):
        await yard.engine.flash("e00fce68ffffffffffffffff", **what)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@BOTH
async def test_a_fifth_of_all_datagrams_is_lost(yard: Yard, generation: str) -> None:
    await yard.add_versions(2)
    device = await yard.put(
        generation, conditions=NetworkConditions(loss=0.2, reorder=0.1, delay_ms=5)
    )
    await yard.lock(device, 2)
    await yard.engine.ask([device.identity.text_id], cause="lock", asked_by=None)
    await settled(yard, timeout_s=90)
    assert yard.ended[-1].state == "succeeded"
    assert device.firmware.product_version == 2


@BOTH
async def test_a_device_is_reset_in_the_middle(yard: Yard, generation: str) -> None:
    await yard.add_versions(2, size=60_000)
    device = await yard.put(generation, habits=UpdateHabits(reset=1.0))
    await yard.lock(device, 2)
    await yard.engine.ask([device.identity.text_id], cause="lock", asked_by=None)
    await until(lambda: device.counters.reboots == 1)
    device.updates.habits = UpdateHabits()
    await settled(yard)
    [done] = await yard.history(device)
    assert (done.state, done.begins) == ("succeeded", 2)
    assert yard.told(device, "spark/flash/status") == [
        "spark/flash/status started ",
        "spark/flash/status success ",
    ]


@BOTH
@pytest.mark.parametrize("chunks", [0, 1, 20, 34])
async def test_a_killed_server_takes_the_row_up_again(
    tmp_path: Path, generation: str, chunks: int
) -> None:
    async with running_yard(tmp_path) as yard:
        await yard.add_versions(2, size=40_000)
        device = await yard.put(generation, conditions=SLOW)
        await yard.lock(device, 2)
        await yard.engine.ask([device.identity.text_id], cause="lock", asked_by=None)
        await until(lambda: device.updates.chunks >= chunks)
        await yard.restart()
        await settled(yard, timeout_s=40)
        [done] = await yard.history(device)
        assert done.state == "succeeded"
        assert done.begins <= 3
        assert device.counters.handshakes == 1
        assert await yard.running_version(device) == 2
        if generation == "1.5":
            assert device.updates.begun == 1  # the same update went on


async def test_a_server_killed_while_the_device_restarts_learns_what_it_runs(
    tmp_path: Path,
) -> None:
    async with running_yard(tmp_path) as yard:
        await yard.add_versions(2)
        device = await yard.put()
        await yard.lock(device, 2)
        await yard.engine.ask([device.identity.text_id], cause="lock", asked_by=None)
        await until(lambda: any(one.state == "applying" for one in yard.engine))
        await asyncio.sleep(0.05)
        await yard.restart()
        await settled(yard)
        [done] = await yard.history(device)
        assert (done.state, done.begins) == ("succeeded", 1)


async def test_a_device_that_falls_back_fails_and_gets_a_pause_with_the_reason(
    yard: Yard,
) -> None:
    await yard.add_versions(2)
    device = await yard.put(habits=UpdateHabits(fall_back=1.0))
    device_id = device.identity.text_id
    await yard.release(2, at_once=True)
    await settled(yard)
    [failed] = await yard.history(device)
    assert (failed.state, failed.result) == ("failed", "reports_other_version")
    assert "runs version 1, not version 2" in failed.text
    state = yard.engine.transfer_states([device_id])[device_id]
    assert state.failures == {2: 1}
    await yard.release(2, at_once=True)
    await asyncio.sleep(1.0)
    assert len(await yard.history(device)) == 1  # not again and again
    device.updates.habits = UpdateHabits()
    [decision] = (await yard.engine.ask([device_id], cause="lock", asked_by=None)).values()
    assert isinstance(decision, Offer)  # a person asks: the pause is over
    await settled(yard, 2)
    assert (await yard.history(device))[0].state == "succeeded"
    assert yard.engine.transfer_states([device_id]) == {}


async def test_a_pause_survives_a_restart_and_ends_by_itself(tmp_path: Path) -> None:
    async with running_yard(tmp_path) as yard:
        await yard.add_versions(2)
        device = await yard.put(habits=UpdateHabits(damage=1.0))
        await yard.release(2, at_once=True)
        await settled(yard)
        assert (yard.ended[0].result, yard.ended[0].error_code) == ("validation_failed", -1330)
        assert "its checksum is wrong" in yard.ended[0].text
        assert yard.told(device, "spark/flash/status")[-1] == "spark/flash/status failed "
        await yard.restart()
        device_id = device.identity.text_id
        assert yard.engine.transfer_states([device_id])[device_id].failures == {2: 1}
        device.updates.habits = UpdateHabits()
        pause = yard.engine._keeping.back_offs[device_id]
        yard.engine._keeping.back_offs[device_id] = type(pause)(
            device_id, 2, 1, pause.retry_at_ms - 3_600_000, pause.reason
        )
        await settled(yard, 2)
        assert (yard.ended[1].state, yard.ended[1].cause) == ("succeeded", "retry")


async def test_safe_mode_names_what_is_missing(yard: Yard) -> None:
    # The version's row does not know what its file needs, so that it is sent at all.
    await yard.add_versions(2, dependency=Dependency(4, 1, 9000))
    device = await yard.put("1.5")
    await yard.lock(device, 2)
    await yard.engine.ask([device.identity.text_id], cause="lock", asked_by=None)
    await settled(yard)
    await until(lambda: yard.ended[0].result == "safe_mode")
    assert "system part 1 in version 9000 or newer (it has 1512)" in yard.ended[0].text
    await asyncio.sleep(0.2)
    [failed] = await yard.history(device)
    assert failed.result == "safe_mode"


async def test_a_transfer_is_given_up_on_request(yard: Yard) -> None:
    await yard.add_versions(2, size=200_000)
    device = await yard.put(conditions=SLOW)
    device_id = device.identity.text_id
    await yard.lock(device, 2)
    await yard.engine.ask([device_id], cause="lock", asked_by=None)
    await until(lambda: device.updates.chunks > 10)
    assert yard.engine.cancel(device_id)
    await settled(yard)
    assert yard.ended[0].state == "cancelled"
    assert not yard.engine.cancel(device_id)
    assert not device.updates.running


async def test_a_device_that_leaves_its_product_gets_no_more_of_its_firmware(yard: Yard) -> None:
    await yard.add_versions(2, size=200_000)
    stays, leaves = await yard.put(conditions=SLOW), await yard.put(conditions=SLOW)
    for device in (stays, leaves):
        await yard.lock(device, 2)
    ids = [device.identity.text_id for device in (stays, leaves)]
    await yard.engine.ask(ids, cause="lock", asked_by=None)
    await until(lambda: min(stays.updates.chunks, leaves.updates.chunks) > 10)

    def remove(conn: Connection) -> None:
        conn.execute(delete(product_devices).where(product_devices.c.device_id == ids[1]))
        conn.execute(devices.update().where(devices.c.id == ids[1]).values(product_id=None))

    await yard.edge.database.write(remove)
    for device_id in ids:  # something changed of both
        yard.edge.bus.publish(DEVICE_CHANGED, OutboxMessage(DEVICE_CHANGED, device_id, None))
    await settled(yard, 2)
    assert {one.device_id: one.state for one in yard.ended} == {
        ids[0]: "succeeded",
        ids[1]: "cancelled",
    }
    assert not leaves.updates.running


async def test_two_hundred_devices_at_once_share_the_turns(tmp_path: Path) -> None:
    async with running_yard(tmp_path, at_once=20) as yard:
        await yard.add_versions(2)
        for _ in range(200):
            await yard.put()
        await yard.release(2, at_once=True)
        most = 0
        async with asyncio.timeout(60):
            while len(yard.ended) < 200:
                most = max(most, yard.engine.running)
                await asyncio.sleep(0.005)
        assert most == 20
        assert {one.state for one in yard.ended} == {"succeeded"}
        assert {one.begins for one in yard.ended} == {1}
        query = select(firmware_deliveries.c.device_id)
        rows = await yard.edge.database.read(lambda conn: conn.execute(query).scalars().all())
        assert len(rows) == len(set(rows)) == 200
        assert yard.ended[0].product_id == PRODUCT
