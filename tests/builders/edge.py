"""The device edge on real sockets with everything behind it, on a data folder that outlives it."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.bus.local import LocalBus
from roadstead.devices.model import Registration
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports
from roadstead.devices.store import devices
from roadstead.events.ingest import EventIngest
from roadstead.events.model import Event
from roadstead.gateway.server import Gateway, GatewaySettings
from roadstead.identity.model import OPERATOR
from roadstead.kit.clock import Clock, SystemClock
from roadstead.kit.ids import EventIds
from roadstead.products.gatekeeping import Gatekeeper
from roadstead.storage import migrate
from roadstead.storage.journal import Journal
from roadstead.storage.opening import open_database
from roadstead.storage.outbox import OutboxFollower
from roadstead.storage.secret_box import SecretBox
from tests.builders.dtls import SERVER_KEY
from tests.builders.wire_device import WireDevice

OWNER = "a" * 24
BOX_KEY = hashlib.sha256(b"a key for tests").digest()


@dataclass
class Edge:
    """One running gateway with its services.

    Attributes:
        events: committed events in order.
        vitals: what the vitals sink was given.
    """

    folder: Path
    settings: GatewaySettings
    clock: Clock
    gateway: Gateway
    registry: DeviceRegistry
    reports: DeviceReports
    presence: PresenceBoard
    ingest: EventIngest
    journal: Journal
    follower: OutboxFollower
    bus: LocalBus
    database: Any
    events: list[Event]
    vitals: list[Any]
    address: tuple[str, int] = ("127.0.0.1", 0)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def add_device(self, number: int = 1, **what: Any) -> WireDevice:
        """A registered device that belongs to OWNER."""
        device_id = f"e00fce68{number:016x}"
        device = WireDevice(device_id, SERVER_KEY, self.address, **what)
        platform_id = device.hello.platform_id
        await self.registry.register(
            Registration(device_id, device.spki, platform_id), actor=OPERATOR
        )
        await self.own(device_id, OWNER)
        return device

    async def own(
        self, device_id: str, owner_id: str | None, *, product_id: int | None = None
    ) -> None:
        belongs = {"owner_id": owner_id, "product_id": product_id}
        await self.database.write(
            lambda conn: conn.execute(
                devices.update().where(devices.c.id == device_id).values(belongs)
            )
        )
        self.registry.forget(device_id)

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    async def crash(self) -> None:
        """Ends without a word, as a killed process does; what is not committed is lost."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        socket = self.gateway._socket
        if socket is not None:
            socket.close()
        self.gateway._runner.admission.close()
        await self.database.close()

    async def stop(self) -> None:
        """Ends in order."""
        await self.gateway.stop()
        await self.journal.close()
        self.gateway.close_socket()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.database.close()


async def start_edge(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock | None = None,
    ids: EventIds | None = None,
    **settings: Any,
) -> Edge:
    """A gateway on the folder's database; ``port`` 0 takes a free one."""
    url = f"sqlite:///{folder / 'roadstead.db'}"
    migrate.upgrade(url)
    database = await open_database(url)
    clock = clock or SystemClock()
    bus = LocalBus()
    follower = OutboxFollower(database, bus, poll_s=0.05)
    journal = Journal(database)
    gatekeeper = Gatekeeper(journal, bus=bus)
    presence = PresenceBoard(journal, clock, gatekeeper.came_online)
    registry = DeviceRegistry(database, clock, bus, follower.wake, gatekeeper)
    reports = DeviceReports(database, clock, follower.wake, gatekeeper)
    ingest = EventIngest(journal, bus, clock, ids or EventIds())
    events: list[Event] = []
    vitals: list[Any] = []
    bus.subscribe("event", events.append)

    async def keep_vitals(*what: Any) -> None:
        vitals.append(what)

    gateway_settings = GatewaySettings(**settings)
    gateway = Gateway(
        gateway_settings,
        server_key=SERVER_KEY,
        database=database,
        journal=journal,
        box=SecretBox(BOX_KEY),
        registry=registry,
        reports=reports,
        presence=presence,
        ingest=ingest,
        bus=bus,
        clock=clock,
        vitals_sink=keep_vitals,
    )
    edge = Edge(
        folder, gateway_settings, clock, gateway, registry, reports, presence, ingest, journal,
        follower, bus, database, events, vitals,
    )  # fmt: skip
    edge.address = await gateway.start((host, port))
    await follower.start()
    edge.tasks = [
        asyncio.create_task(part.run()) for part in (journal, follower, presence, gateway)
    ]
    await asyncio.sleep(0)
    return edge


@contextlib.asynccontextmanager
async def running_edge(folder: Path, **settings: Any) -> AsyncIterator[Edge]:
    edge = await start_edge(folder, **settings)
    try:
        yield edge
    finally:
        await edge.stop()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


async def until(condition: Any, timeout_s: float = 8.0) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)
