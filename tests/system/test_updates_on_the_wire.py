"""Files reach devices over real sockets: both transfers, bad networks, resets, moves, crashes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.builders.edge import Edge, running_edge, start_edge, until
from tests.builders.updating import Shelf, make_file

from roadstead.devices.updates import UpdateResult, UpdateStep
from roadstead.firmware.images.extensions import Dependency
from roadstead.kit.errors import Conflict, TimedOut
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.network import NetworkConditions
from roadstead.simulator.updating import UpdateHabits

pytestmark = pytest.mark.system

BAD_NETWORK = NetworkConditions(loss=0.2, duplicate=0.02, reorder=0.1, delay_ms=5)
BOTH = pytest.mark.parametrize("generation", ["6.2", "1.5"], ids=["current", "classic"])


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    async with running_edge(tmp_path) as running:
        yield running


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    made = Shelf()
    yield made
    made.clear()


def version_of(edge: Edge, device: VirtualDevice) -> int:
    """What the gateway knows by the last Hello; 0 while the device is away."""
    connection = edge.gateway._connections.find(device.identity.text_id)
    if connection is None or not connection.state.online:
        return 0
    return connection.state.firmware_version


async def persist(
    edge: Edge, device: VirtualDevice, version: int, size: int = 20_000
) -> list[UpdateResult]:
    """Sends until the device has it, as whoever owns the queue does."""
    results: list[UpdateResult] = []
    async with asyncio.timeout(60):
        while version_of(edge, device) != version:
            await device.connected()
            if version_of(edge, device) not in (0, version):
                results.append(
                    await edge.gateway.link.update(
                        device.identity.text_id, make_file(version, size)
                    )
                )
            await asyncio.sleep(0.05)
    return results


async def started(
    edge: Edge, device: VirtualDevice, ready: Callable[[], bool], size: int = 200_000
) -> "asyncio.Task[UpdateResult]":
    file = make_file(2, size)
    sending = asyncio.create_task(edge.gateway.link.update(device.identity.text_id, file))
    await until(ready)
    return sending


@pytest.mark.parametrize("generation", ["6.2", "3.1", "3.0", "1.5"])
async def test_a_device_takes_a_file_restarts_and_says_the_new_version(
    edge: Edge, shelf: Shelf, generation: str
) -> None:
    device = await shelf.put(edge, generation)
    assert version_of(edge, device) == 1
    steps: list[UpdateStep] = []
    file = make_file(2, 30_000)
    result = await edge.gateway.link.update(device.identity.text_id, file, on_step=steps.append)
    assert result.delivered
    assert result.accepted
    assert result.done_bytes == len(file.content) <= result.sent_bytes
    assert steps[0] == UpdateStep(0, accepted=True)
    assert steps[-1].done_bytes == len(file.content)
    await until(lambda: version_of(edge, device) == 2)
    await until(lambda: edge.named("spark/device/last_reset")[-1].payload == b"update")
    assert device.counters.handshakes == 1
    assert len(edge.gateway._runner.updates) == 0


@BOTH
async def test_a_fifth_of_all_datagrams_is_lost(edge: Edge, shelf: Shelf, generation: str) -> None:
    device = await shelf.put(edge, generation, conditions=BAD_NETWORK)
    await persist(edge, device, 2)
    assert device.firmware.product_version == 2


@BOTH
async def test_a_device_is_reset_in_the_middle(edge: Edge, shelf: Shelf, generation: str) -> None:
    device = await shelf.put(edge, generation, habits=UpdateHabits(reset=1.0))
    file = make_file(2, 60_000)
    link = edge.gateway.link
    broken = await link.update(device.identity.text_id, file)
    assert broken.end in ("not_running", "began_anew")
    device.updates.habits = UpdateHabits()
    await device.connected()
    steps: list[UpdateStep] = []
    result = await link.update(device.identity.text_id, file, on_step=steps.append)
    assert result.delivered
    if generation == "6.2":
        assert steps[0].done_bytes > 0  # it went on where it was
        assert result.sent_bytes < len(file.content)
    await until(lambda: version_of(edge, device) == 2)


async def test_a_session_that_moves_goes_on_without_noticing(edge: Edge, shelf: Shelf) -> None:
    device = await shelf.put(edge, conditions=NetworkConditions(delay_ms=5))
    sending = await started(edge, device, lambda: device.updates.chunks > 20)
    device.rebind()
    result = await sending
    assert result.delivered
    assert device.updates.begun == 1
    await until(lambda: version_of(edge, device) == 2)


async def test_a_device_that_reconnects_in_the_middle_goes_on_where_it_was(
    edge: Edge, shelf: Shelf
) -> None:
    device = await shelf.put(edge, conditions=NetworkConditions(delay_ms=5))
    sending = await started(edge, device, lambda: device.updates.chunks > 40)
    device.move()
    broken = await sending
    assert broken.end == "not_running"
    assert broken.done_bytes > 20_000
    again: list[UpdateStep] = []
    await device.connected()
    result = await edge.gateway.link.update(
        device.identity.text_id, make_file(2, 200_000), on_step=again.append
    )
    assert result.delivered
    assert again[0].done_bytes > 20_000


@BOTH
@pytest.mark.parametrize("chunks", [1, 30])
async def test_a_killed_server_goes_on_with_the_transfer(
    tmp_path: Path, shelf: Shelf, generation: str, chunks: int
) -> None:
    edge = await start_edge(tmp_path)
    device = await shelf.put(edge, generation, conditions=NetworkConditions(delay_ms=5))
    sending = await started(edge, device, lambda: device.updates.chunks >= chunks, size=40_000)
    port = edge.address[1]
    await edge.crash()
    sending.cancel()
    edge = await start_edge(tmp_path, port=port)
    steps: list[UpdateStep] = []
    result = await edge.gateway.link.update(
        device.identity.text_id, make_file(2, 40_000), continues=True, on_step=steps.append
    )
    assert result.delivered
    if chunks > 1:
        assert result.sent_bytes < 40_000
    await until(lambda: version_of(edge, device) == 2)
    assert device.counters.handshakes == 1
    await edge.stop()


@BOTH
async def test_a_device_that_disabled_updates_refuses_until_it_agrees_or_is_forced(
    edge: Edge, shelf: Shelf, generation: str
) -> None:
    device = await shelf.put(edge, generation)
    device_id, link = device.identity.text_id, edge.gateway.link
    device.allow_updates(False)
    # The gateway answers each word on consent with what a device may have forgotten.
    pending = ("particle/device/updates/pending", b"false")
    await until(lambda: list(device.received).count(pending) == 2)
    refused = await link.update(device_id, make_file(2))
    assert refused.end == "refused"
    assert refused.code == (-1380 if generation == "6.2" else 0)
    assert not refused.accepted
    assert link.tell_consent(device_id, forced=True, pending=True)
    await until(lambda: device.updates.forced)
    await until(lambda: ("particle/device/updates/pending", b"true") in device.received)
    assert (await link.update(device_id, make_file(2))).delivered
    await until(lambda: version_of(edge, device) == 2)
    assert not device.updates.forced  # lost with the restart


async def test_a_damaged_file_is_named_by_the_device(edge: Edge, shelf: Shelf) -> None:
    current = await shelf.put(edge, habits=UpdateHabits(damage=1.0))
    classic = await shelf.put(edge, "1.5", habits=UpdateHabits(damage=1.0))
    for device in (current, classic):
        result = await edge.gateway.link.update(device.identity.text_id, make_file(2))
        assert (result.end, result.code) == ("validation_failed", -1330)
        assert device.firmware.product_version == 1


async def test_a_file_for_newer_modules_or_other_hardware_is_refused(
    edge: Edge, shelf: Shelf
) -> None:
    device = await shelf.put(edge)
    link, device_id = edge.gateway.link, device.identity.text_id
    result = await link.update(device_id, make_file(2, 2_000_000))
    assert result.end == "unsuitable"
    assert "1048576" in result.text
    await device.connected()
    needs = Dependency(4, 1, 9000)
    result = await link.update(device_id, make_file(2, dependency=needs))
    assert (result.end, result.code) == ("validation_failed", -1340)


async def test_a_transfer_is_given_up_on_request(edge: Edge, shelf: Shelf) -> None:
    device = await shelf.put(edge, conditions=NetworkConditions(delay_ms=5))
    sending = await started(edge, device, lambda: device.updates.chunks > 10)
    assert edge.gateway.link.cancel_update(device.identity.text_id)
    assert (await sending).end == "cancelled"
    assert not device.updates.running
    assert not edge.gateway.link.cancel_update(device.identity.text_id)
    assert (await edge.gateway.link.update(device.identity.text_id, make_file(3))).delivered


async def test_never_two_transfers_to_one_device_and_none_to_an_absent_one(
    edge: Edge, shelf: Shelf
) -> None:
    device = await shelf.put(edge, conditions=NetworkConditions(delay_ms=5))
    sending = await started(edge, device, lambda: device.updates.running)
    with pytest.raises(Conflict) as error:
        await edge.gateway.link.update(device.identity.text_id, make_file(3))
    assert error.value.code == "update_running"
    assert (await sending).delivered
    device.stop()
    with pytest.raises(TimedOut):
        await edge.gateway.link.update("e00fce68ffffffffffffffff", make_file(3))


async def test_many_devices_share_the_line_and_others_are_answered_meanwhile(
    edge: Edge, shelf: Shelf
) -> None:
    devices = [await shelf.put(edge) for _ in range(40)]
    reader = await shelf.put(edge)
    done: list[float] = []
    loop = asyncio.get_running_loop()
    file = make_file(2, 100_000)

    async def update(device: VirtualDevice) -> None:
        assert (await edge.gateway.link.update(device.identity.text_id, file)).delivered
        done.append(loop.time())

    began = loop.time()
    sending = [asyncio.create_task(update(device)) for device in devices]
    waits: list[float] = []
    while not all(task.done() for task in sending):
        asked = loop.time()
        assert await edge.gateway.link.ping(reader.identity.text_id, timeout_s=5)
        waits.append(loop.time() - asked)
        await asyncio.sleep(0.01)
    await asyncio.gather(*sending)
    whole = max(done) - began
    # Fair: nobody is done long before the others.
    assert min(done) - began > 0.4 * whole
    assert max(waits) < max(0.5, 0.5 * whole)
