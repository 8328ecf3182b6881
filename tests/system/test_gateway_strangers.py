"""What unknown and hostile peers can do at the device port: little, and never unnoticed."""

import asyncio
import logging
import random
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, func, select
from tests.builders.dtls import SERVER_KEY, spki_of
from tests.builders.edge import Edge, new_key, running_edge, until
from tests.builders.wire_device import Lost, WireDevice

from roadstead.devices.model import Registration
from roadstead.gateway.session_store import device_sessions
from roadstead.identity.model import OPERATOR
from roadstead.protocol.coap.message import NON, Message, encode_message
from roadstead.protocol.messages.event import DeviceEvent, encode_event

pytestmark = pytest.mark.system


DECRYPT_ERROR = bytes.fromhex("15fefd000000000000000900020233")
"""The alert, in clear, by which a device turns away a server with another key (§1.4)."""


async def test_a_stranger_is_refused_and_logged_once_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_edge(tmp_path) as edge:
        device = WireDevice("ab" * 12, SERVER_KEY, edge.address)
        with caplog.at_level(logging.WARNING, logger="roadstead.gateway.refusals"):
            for _ in range(3):
                with pytest.raises(Lost):
                    await device.handshake()
        assert edge.gateway.counters.keys_refused == 3
        assert len(caplog.messages) == 1
        assert "127.0.0.1" in caplog.messages[0]
        device.close()


async def test_a_device_that_has_another_servers_key_is_written_down(tmp_path, caplog) -> None:
    async with running_edge(tmp_path) as edge:
        known = await edge.add_device()
        other = ec.generate_private_key(ec.SECP256R1())
        device = WireDevice(known.device_id, other, edge.address, key=known.key)
        with caplog.at_level("WARNING"):
            for _ in range(2):
                with pytest.raises(Lost):
                    await device.handshake()
                device._socket.send(DECRYPT_ERROR)  # what Device OS says to it
                await asyncio.sleep(0.1)
            await until(lambda: caplog.messages)
        assert ["peer_alert_51" in line for line in caplog.messages] == [True]
        device.close()


async def test_a_quarantined_device_is_answered_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async with running_edge(tmp_path, unknown_devices="quarantine") as edge:
        device = WireDevice("ab" * 12, SERVER_KEY, edge.address, functions={"f": int})
        await device.connect(flags=False)
        answer = await device.publish("secret", b"1")
        assert answer.code == 0x83
        assert edge.events == []
        assert not edge.gateway.link.is_online(device.device_id)
        assert edge.presence.find(device.device_id) is None
        assert edge.gateway.counters.keys_quarantined == 1
        assert edge.gateway.counters.events_quarantined == 1
        device.close()


async def test_a_stranger_cannot_take_the_place_of_a_known_device(tmp_path: Path) -> None:
    async with running_edge(tmp_path, unknown_devices="quarantine") as edge:
        device = await edge.add_device(functions={"f": int})
        await device.connect()
        imposter = WireDevice(device.device_id, SERVER_KEY, edge.address)
        await imposter.handshake()
        with pytest.raises(Lost):
            await imposter.say_hello()
        assert edge.gateway.counters.identity_mismatches == 1
        assert await edge.gateway.link.call_function(device.device_id, "f", "5", timeout_s=5) == 5
        imposter.close()
        device.close()


async def test_a_device_leaves_quarantine_when_its_key_is_registered(tmp_path: Path) -> None:
    async with running_edge(tmp_path, unknown_devices="quarantine") as edge:
        device = WireDevice("ab" * 12, SERVER_KEY, edge.address)
        await device.connect(flags=False)
        assert await _register(edge, device)
        await until(lambda: device.closed == "close_notify")
        await device.connect()
        assert edge.gateway.link.is_online(device.device_id)
        device.close()


async def _register(edge, device) -> bool:
    return await edge.registry.register(
        Registration(device.device_id, device.spki, 32), actor=OPERATOR
    )


async def test_garbage_on_the_port_does_not_disturb_a_device(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        device = await edge.add_device(functions={"f": int})
        await device.connect()
        dice = random.Random(7)
        sent = _spray(edge.address, dice, 20_000)
        for number in range(20):
            await device.publish("alive", str(number).encode())
        assert await edge.gateway.link.call_function(device.device_id, "f", "5", timeout_s=5) == 5
        assert await sent == 20_000
        assert edge.gateway.counters.callback_errors == 0
        assert device.handshakes == 1
        device.close()


def _spray(address: tuple[str, int], dice: random.Random, count: int) -> asyncio.Task[int]:
    async def spray() -> int:
        noise = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        noise.setblocking(False)
        for number in range(count):
            noise_bytes = bytearray(dice.randbytes(dice.choice((0, 1, 12, 13, 60, 200, 1400))))
            if noise_bytes and dice.random() < 0.8:
                noise_bytes[0] = dice.choice((20, 21, 22, 23, 25, 253, 254))
                epoch = dice.choice((b"\xfe\xfd\x00\x00", b"\xfe\xfd\x00\x01"))
                noise_bytes[1:5] = epoch[: max(0, len(noise_bytes) - 1)]
            try:
                noise.sendto(noise_bytes, address)
            except BlockingIOError:
                await asyncio.sleep(0.001)
            if number % 100 == 99:
                await asyncio.sleep(0)
        noise.close()
        return count

    return asyncio.create_task(spray())


async def test_a_device_that_runs_wild_is_held_to_its_quota(tmp_path: Path) -> None:
    async with running_edge(tmp_path, messages_per_s=60) as edge:
        wild, calm = await edge.add_device(1), await edge.add_device(2)
        await wild.connect()
        await calm.connect()
        await asyncio.sleep(1.1)
        counters = edge.gateway.counters
        draft = encode_event(DeviceEvent("n", b"x"))
        for number in range(500):
            message = Message(NON, draft.code, 5000 + number, b"", draft.options, draft.payload)
            wild.send_raw(encode_message(message))
        await until(lambda: counters.messages_over_quota > 300)
        await calm.publish("calm", b"1")
        assert [one.device_id for one in edge.named("calm")] == [calm.device_id]
        assert len(edge.named("n")) <= 2 * 60
        await asyncio.sleep(1.1)
        await wild.publish("again", b"1")
        assert len(edge.named("again")) == 1
        wild.close()
        calm.close()


async def test_a_storm_of_handshakes_is_shed_while_a_known_device_is_served(
    tmp_path: Path,
) -> None:
    async with running_edge(tmp_path) as edge:
        device = await edge.add_device()
        await device.connect()
        crowd = [await edge.add_device(number) for number in range(2, 42)]
        storm = asyncio.gather(*(one.connect() for one in crowd))
        delays = []
        loop = asyncio.get_running_loop()
        while not storm.done():
            begun = loop.time()
            await device.publish("alive", b"")
            delays.append(loop.time() - begun)
        await storm
        assert max(delays) < 2.0
        assert all(edge.gateway.link.is_online(one.device_id) for one in crowd)
        for one in (device, *crowd):
            one.close()


def before_stored(edge: Edge, change: Callable[[], Awaitable[object]]) -> None:
    """Lets something happen while the next new session is being stored."""
    keeper, store = edge.gateway._keeper, edge.gateway._keeper.store

    async def store_late(*what: Any) -> bytes:
        keeper.store = store
        await change()
        return await store(*what)

    keeper.store = store_late


async def test_a_key_that_is_replaced_during_the_handshake_opens_no_session(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        device = await edge.add_device()
        other = spki_of(new_key())

        async def replace_key() -> None:
            await edge.registry.register(Registration(device.device_id, other, 32), actor=OPERATOR)
            await asyncio.sleep(0.2)  # the change has been told before the session is there

        before_stored(edge, replace_key)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await device.connect()
        assert edge.gateway.counters.sessions_lost == 1
        assert edge.gateway._connections.list_all(device.device_id) == []
        await edge.journal.flush()
        assert await edge.database.read(count_sessions) == 0
        device.close()


async def test_an_owner_that_changes_during_the_handshake_gets_the_events(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        device = await edge.add_device()
        before_stored(edge, lambda: edge.own(device.device_id, "b" * 24))
        await edge.registry.find_identity(device.device_id)
        await device.connect()
        await device.publish("for/whom", b"1")
        await until(lambda: edge.named("for/whom"))
        assert edge.named("for/whom")[0].owner_id == "b" * 24
        device.close()


def count_sessions(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(device_sessions)).scalar_one())
