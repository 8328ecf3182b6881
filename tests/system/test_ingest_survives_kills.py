"""A server process is killed over and over while devices publish over UDP.

What was acknowledged to a device is stored, once; and no device that waits needs a handshake. The
environment variable ``ROADSTEAD_TEST_KILLS`` sets how often (default few, to be quick).
"""

import asyncio
import os
import random
import sqlite3
from pathlib import Path

import pytest
from tests.system.desk import Desk
from tests.system.harness import RoadsteadServer

from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.firmware import Publication
from roadstead.simulator.publishing import Outcome

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("ROADSTEAD_TEST_KILLS", "4"))
DEVICES = 20
AT_ONCE = 4
"""Events that each device keeps in flight."""


async def publish(
    device: VirtualDevice, lane: int, acknowledged: list[str], ended: asyncio.Event
) -> None:
    """Publishes numbered events one after another; notes those that were acknowledged."""
    number = 0
    while not ended.is_set():
        name = f"kill/{device.identity.text_id[-4:]}/{lane}/{number}"
        number += 1
        if await device.publish_and_wait(Publication(name), 120) is Outcome.ACKNOWLEDGED:
            acknowledged.append(name)
        else:
            await asyncio.sleep(0.05)  # one that is offline fails at once


def device_handshakes(devices: list[VirtualDevice]) -> list[int]:
    return sorted(device.counters.handshakes for device in devices)


def stored(server: RoadsteadServer) -> list[str]:
    with sqlite3.connect(f"file:{server.data_dir / 'roadstead.db'}?mode=ro", uri=True) as conn:
        rows = conn.execute("SELECT name FROM events WHERE name LIKE 'kill/%'")
        return [name for (name,) in rows]


async def test_every_acknowledged_event_is_stored_once_however_often_the_server_is_killed(
    tmp_path: Path,
) -> None:
    dice = random.Random(3)
    with RoadsteadServer(tmp_path) as server:
        server.create_user("jo@example.com", "correct horse")
        desk = Desk(server.api_url, server.log_in("jo@example.com", "correct horse"))
        devices = [await desk.put("1.5" if n % 4 == 3 else "6.2") for n in range(DEVICES)]
        acknowledged: list[str] = []
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as publishing:
            for device in devices:
                for lane in range(AT_ONCE):
                    publishing.create_task(publish(device, lane, acknowledged, ended))
            for _ in range(KILLS):
                before = len(acknowledged)
                async with asyncio.timeout(60):
                    while len(acknowledged) < before + 20:
                        await asyncio.sleep(0.005)
                await asyncio.sleep(dice.uniform(0, 0.4))
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            ended.set()
        kept = stored(server)
        twice = len(kept) - len(set(kept))
        lost = sum(device.counters.connection_losses for device in devices)
        print(f"{KILLS} kills: {len(acknowledged)} acknowledged, {len(kept)} stored, {twice} twice")
        print(f"devices gave {lost} connections up; handshakes {device_handshakes(devices)}")
        assert set(acknowledged) <= set(kept)
        assert twice == 0
        # Who still waits when the server is back goes on; only who gave up may begin anew.
        patient = [device for device in devices if not device.counters.connection_losses]
        assert {device.counters.handshakes for device in patient} <= {1}
        desk.clear()
