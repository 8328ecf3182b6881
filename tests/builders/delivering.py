"""A gateway with the engine of deliveries behind it, and a product with firmware of argons."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from roadstead.devices.store import devices
from roadstead.firmware.delivery import push_store
from roadstead.firmware.delivery import store as delivery_store
from roadstead.firmware.delivery.engine import DeliveryEngine
from roadstead.firmware.delivery.model import DELIVERY_ENDED, Delivery, DeliveryEnded
from roadstead.kit.clock import to_ms
from roadstead.products.membership_store import insert_entries, product_devices
from roadstead.products.model import ProductDevice
from roadstead.simulator.device import VirtualDevice
from roadstead.storage.blobs import FolderBlobs
from tests.builders import firmware
from tests.builders.edge import Edge, start_edge
from tests.builders.firmware import NOW
from tests.builders.updating import ARGON, Shelf, make_image

PRODUCT = 14_000


@dataclass
class Yard:
    """One running server side, as far as deliveries need it.

    Attributes:
        ended: deliveries that have ended, in order.
    """

    edge: Edge
    engine: DeliveryEngine
    blobs: FolderBlobs
    shelf: Shelf
    ended: list[Delivery] = field(default_factory=list)

    async def add_versions(self, *versions: int, size: int = 20_000, **what: Any) -> None:
        for version in versions:
            image = make_image(version, size, **what)
            digest = hashlib.sha256(image).hexdigest()
            made = firmware.make_version(PRODUCT, version)
            await self.blobs.put(made.application_key, image)

            def work(conn: Connection, version=version, image=image, digest=digest) -> None:
                firmware.add_version(
                    conn,
                    PRODUCT,
                    version,
                    platform_id=ARGON,
                    application_bytes=len(image),
                    application_sha256=digest,
                )

            await self.edge.database.write(work)

    async def put(self, generation: str = "6.2", **what: Any) -> VirtualDevice:
        """A member of the product that is online."""

        async def import_it(device_id: str) -> None:
            await self.import_device(device_id)

        return await self.shelf.put(
            self.edge, generation, product_id=PRODUCT, prepare=import_it, **what
        )

    async def import_device(self, device_id: str) -> None:
        entry = ProductDevice(
            product_id=PRODUCT,
            device_id=device_id,
            standing="member",
            development=False,
            firmware_version=0,
            updated_at=NOW,
        )
        await self.edge.database.write(lambda conn: insert_entries(conn, [entry], {}))

    async def release(self, version: int, *, at_once: bool = False) -> None:
        def work(conn: Connection) -> None:
            firmware.release(conn, PRODUCT, version)
            if at_once:
                push_store.insert_push(conn, PRODUCT, None, to_ms(self.edge.clock.now()))

        await self.edge.database.write(work)
        if at_once:
            self.engine.wake()

    async def lock(self, device: VirtualDevice, version: int) -> None:
        query = (
            product_devices.update()
            .where(product_devices.c.device_id == device.identity.text_id)
            .values(desired_firmware_version=version)
        )
        await self.edge.database.write(lambda conn: conn.execute(query))

    async def history(self, device: VirtualDevice) -> list[Delivery]:
        device_id = device.identity.text_id
        return await self.edge.database.read(
            lambda conn: delivery_store.list_history(conn, device_id, limit=50)
        )

    async def running_version(self, device: VirtualDevice) -> int:
        query = devices.select().where(devices.c.id == device.identity.text_id)
        row = await self.edge.database.read(lambda conn: conn.execute(query).one())
        return row.firmware_version

    def told(self, device: VirtualDevice, *names: str) -> list[str]:
        """What readers were told of a device, ``name data`` each, in order."""
        return [
            f"{event.name} {(event.payload or b'').decode()}"
            for event in self.edge.events
            if event.device_id == device.identity.text_id and event.name.startswith(names)
        ]

    async def restart(self) -> None:
        """Kills the server side and starts another on the same folder and port."""
        await self.edge.crash()
        port = self.edge.address[1]
        fresh = await start_yard(self.edge.folder, shelf=self.shelf, port=port)
        self.edge, self.engine, self.blobs = fresh.edge, fresh.engine, fresh.blobs
        fresh.ended[:0] = self.ended
        self.ended = fresh.ended


async def start_yard(
    folder: Path, *, shelf: Shelf | None = None, port: int = 0, at_once: int = 100, **settings: Any
) -> Yard:
    edge = await start_edge(folder, port=port, **settings)
    blobs = FolderBlobs(folder / "blobs")
    engine = DeliveryEngine(
        database=edge.database,
        journal=edge.journal,
        bus=edge.bus,
        clock=edge.clock,
        link=edge.gateway.link,
        registry=edge.registry,
        ingest=edge.ingest,
        blobs=blobs,
        at_once=at_once,
        settle_s=0.3,
    )
    edge.gateway.attach(engine)
    yard = Yard(edge, engine, blobs, shelf or Shelf())

    def note(message: object) -> None:
        assert isinstance(message, DeliveryEnded)
        yard.ended.append(message.delivery)

    edge.bus.subscribe(DELIVERY_ENDED, note)
    await engine.start()
    edge.tasks.append(asyncio.create_task(engine.run()))
    if shelf is None:
        await edge.database.write(
            lambda conn: firmware.add_product(conn, PRODUCT, platform_id=ARGON)
        )
    return yard


@contextlib.asynccontextmanager
async def running_yard(folder: Path, **what: Any) -> AsyncIterator[Yard]:
    yard = await start_yard(folder, **what)
    try:
        yield yard
    finally:
        yard.shelf.clear()
        yard.engine.stop()
        await yard.edge.stop()
