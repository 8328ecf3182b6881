"""(e, f) Many virtual devices on real sockets: connected, read about, and after a kill -9.

Run as a program it is the fleet: devices from a file of keys, commands on the standard input, one
line of JSON for each answer.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from bench import api_reads, machine, seeding
from bench.report import Aim, Figure
from bench.server import Server
from roadstead.simulator.counters import DeviceCounters
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.firmware import Firmware, Publication
from roadstead.simulator.identity import VirtualIdentity, load_identity
from roadstead.simulator.port import resolve
from roadstead.simulator.timers import TimerHeap

CONNECTING = 64
"""Devices that connect at the same time."""

CONNECT_TIMEOUT_S = 60.0
PUBLISH_TIMEOUT_S = 60.0
UPDATE_TIMEOUT_S = 600.0
LOOK_EVERY_S = 0.1
SOON_S = 0.5
"""Over this time the fleet spreads what it publishes after the crash."""


def measure(devices: int, rounds: int, round_s: float) -> list[Figure]:
    """API reads beside a connected fleet, then what the fleet does after a kill -9."""
    with Server() as server:
        identities = seeding.add_keyed_devices(server.folder, devices, server.owner_id, seed=5)
        server.start()
        with ConnectedFleet(identities, server) as fleet:
            connected = fleet.ask("connect")
            token = server.log_in()
            ids = [one.text_id for one in identities]
            reads = api_reads.measure(server.pid, server.http_port, token, ids, rounds, round_s)
            server.kill()
            server.start()
            after = fleet.ask("publish")
    return [
        Figure(
            "e",
            f"{devices:,} simulated devices on real sockets: handshakes after a kill -9",
            [float(after["handshakes"] - connected["handshakes"])],
            "",
            beside=f"{after['acknowledged']:,} of {devices:,} events acknowledged after it, "
            f"the last {after['took_s']:.1f} s after the server was ready",
            aim=Aim(0, at_most=True),
            why="A device that is not answered three times gives its session up.",
        ),
        Figure(
            "e",
            f"{devices:,} simulated devices: from power-on to all online, by handshakes",
            [connected["took_s"]],
            "s",
            beside=f"{devices / connected['took_s']:,.0f} whole connects per second "
            "(handshake, hello, describes, subscriptions)",
        ),
        *api_reads.figures(*reads, connected["online"]),
    ]


class ConnectedFleet:
    """The fleet's process, on the load generator's core.

    Args:
        identities: of the devices, registered with this server.
    """

    def __init__(self, identities: Sequence[VirtualIdentity], server: Server) -> None:
        keys = "\n".join(
            f"{one.text_id} {b64encode(one.private_der).decode()}" for one in identities
        )
        self._keys = tempfile.NamedTemporaryFile("w", suffix=".keys")  # noqa: SIM115 - until exit
        self._keys.write(keys)
        self._keys.flush()
        argv = [sys.executable, "-m", "bench.fleet", self._keys.name, str(server.udp_port)]
        argv.append(b64encode(server.public_key()).decode())
        self._process = machine.start_on_core(
            machine.LOAD_CORE, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._keys.close()

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def ask(self, command: str) -> dict[str, Any]:
        """Has a command done; gives the counters after it, ``online`` and ``took_s``."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


async def _live(keys: Path, port: int, server_key: bytes) -> None:
    loop = asyncio.get_running_loop()
    timers, counters = TimerHeap(loop), DeviceCounters()
    server = await resolve("127.0.0.1", port, server_key)
    devices = []
    for line in keys.read_text().splitlines():  # noqa: ASYNC240 - before anything runs
        device_id, _, key = line.partition(" ")
        identity = load_identity(bytes.fromhex(device_id), b64decode(key), seeding.ARGON)
        devices.append(
            VirtualDevice(identity, Firmware(), server, timers, counters=counters, history_limit=1)
        )
    commands: asyncio.Queue[str] = asyncio.Queue()
    threading.Thread(target=_read_commands, args=(loop, commands), daemon=True).start()
    while command := await commands.get():
        began = loop.time()
        word, _, argument = command.partition(" ")
        if word == "connect":
            await _connect(devices)
        elif word == "update":
            await _update(devices, int(argument))
        else:
            await _publish(devices)
        facts = asdict(counters) | {
            "online": sum(device.online for device in devices),
            "took_s": loop.time() - began,
        }
        print(json.dumps(facts), flush=True)


def _read_commands(loop: asyncio.AbstractEventLoop, commands: asyncio.Queue[str]) -> None:
    for line in sys.stdin:
        loop.call_soon_threadsafe(commands.put_nowait, line.strip())


async def _connect(devices: list[VirtualDevice]) -> None:
    waiting = iter(devices)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTING):
            tasks.create_task(_connect_some(waiting))


async def _connect_some(waiting: Iterator[VirtualDevice]) -> None:
    for device in waiting:
        device.start()
        await device.connected(CONNECT_TIMEOUT_S)


async def _update(devices: list[VirtualDevice], version: int) -> None:
    """Waits until each device was updated to this version and is back."""
    waiting = [device for device in devices if device.firmware.product_version != version]
    until = asyncio.get_running_loop().time() + UPDATE_TIMEOUT_S
    while waiting and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(LOOK_EVERY_S)
        waiting = [
            device
            for device in waiting
            if device.firmware.product_version != version or not device.online
        ]


async def _publish(devices: list[VirtualDevice]) -> None:
    """Each device publishes one event and waits for its outcome; one that reconnects waits too."""
    random = Random(6)

    async def publish(device: VirtualDevice) -> None:
        await asyncio.sleep(random.uniform(0, SOON_S))
        await device.connected(CONNECT_TIMEOUT_S)
        await device.publish_and_wait(Publication("bench/after", b"1"), PUBLISH_TIMEOUT_S)

    await asyncio.gather(*(publish(device) for device in devices), return_exceptions=True)


if __name__ == "__main__":
    machine.take_load_core()
    asyncio.run(_live(Path(sys.argv[1]), int(sys.argv[2]), b64decode(sys.argv[3])))
