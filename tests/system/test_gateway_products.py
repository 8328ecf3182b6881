"""Products at the device port: who speaks for one, from when on, and by which key."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
from tests.builders.dtls import SERVER_KEY
from tests.builders.edge import Edge, running_edge, until
from tests.builders.wire_device import Lost, WireDevice

from roadstead.devices.store import find_key
from roadstead.identity.model import Actor
from roadstead.products import membership_store
from roadstead.products.access import OwnerAccess
from roadstead.products.allowance import Unlimited
from roadstead.products.device_lists import parse_line
from roadstead.products.devices import ProductDevices
from roadstead.products.editing import ProductChange
from roadstead.products.gatekeeping import Gatekeeper
from roadstead.products.importing import Importer, ImportOrder
from roadstead.products.imports import DeviceImports
from roadstead.products.model import Owner, Product
from roadstead.products.service import ProductDraft, ProductService

pytestmark = pytest.mark.system

MAKER = Actor("b" * 24, "maker@example.com")
APPLIED_S = 1.0
"""A change of membership must hold for a connected device within this time."""


class Maker:
    """Whoever owns the product, at work in another process: nothing here drops the gateway's caches
    but what is told by the outbox."""

    def __init__(self, edge: Edge) -> None:
        database, clock, access = edge.database, edge.clock, OwnerAccess()

        def nothing() -> None: ...

        class ElsewhereRegistry:
            def forget(self, device_id: str) -> None: ...

        elsewhere = ElsewhereRegistry()
        gatekeeper = Gatekeeper(edge.journal, access)
        self.edge = edge
        self.products = ProductService(database, clock, nothing, access)
        self.devices = ProductDevices(
            database, clock, nothing, access, elsewhere, edge.presence, gatekeeper
        )
        importer = Importer(access, Unlimited())
        self.imports = DeviceImports(
            database, clock, nothing, importer, access, elsewhere, gatekeeper
        )

    async def product(self, platform_id: int, **settings: object) -> Product:
        draft = ProductDraft(name="Cold Box", platform_id=platform_id, id=30301, settings=settings)
        return await self.products.create(MAKER, Owner(user_id=MAKER.user_id), draft)

    async def put(self, product: Product, device_id: str) -> str:
        lines = [parse_line(1, device_id)]
        return (await self.imports.import_now(MAKER, product, ImportOrder(), lines))[0].result

    async def entry(self, product: Product, device_id: str):
        return await self.edge.database.read(
            lambda conn: membership_store.find_in_product(conn, product.id, device_id)
        )


async def speak(edge: Edge, device: WireDevice, name: str) -> int | None:
    """The product of an event that the device publishes now; it must be accepted."""
    await device.publish(name, b"1")
    await until(lambda: edge.named(name))
    return edge.named(name)[-1].product_id


async def test_a_device_speaks_for_its_product_within_a_second_and_no_longer_than_that(
    tmp_path: Path,
) -> None:
    async with running_edge(tmp_path) as edge:
        maker = Maker(edge)
        device = await edge.add_device()
        await edge.own(device.device_id, None)
        product = await maker.product(device.hello.platform_id)
        await device.connect()
        assert await speak(edge, device, "before") is None
        assert await maker.put(product, device.device_id) == "imported"
        since, count = time.monotonic(), 0
        while await speak(edge, device, f"in{count}") != product.id:
            count += 1
            assert time.monotonic() - since < APPLIED_S
        entry = await maker.entry(product, device.device_id)
        assert entry.first_connected_at is not None
        await maker.devices.remove(MAKER, product, device.device_id, deny_it=False)
        since, count = time.monotonic(), 0
        while await speak(edge, device, f"out{count}") is not None:
            count += 1
            assert time.monotonic() - since < APPLIED_S
        device.close()


async def test_a_device_that_names_a_product_is_muted_from_its_first_word(tmp_path) -> None:
    async with running_edge(tmp_path) as edge:
        maker = Maker(edge)
        device = await edge.add_device()
        product = await maker.product(device.hello.platform_id)
        device.hello = msgspec.structs.replace(device.hello, product_id=product.id)
        await device.connect()
        assert edge.named("spark/status") == []
        await device.publish("secret", b"1")
        await asyncio.sleep(0.2)
        assert edge.named("secret") == []
        assert (await maker.entry(product, device.device_id)).standing == "quarantined"
        assert await maker.put(product, device.device_id) == "nonmember", "it is somebody else's"
        await edge.own(device.device_id, None)
        assert await maker.put(product, device.device_id) == "imported"
        await asyncio.sleep(APPLIED_S)
        assert await speak(edge, device, "free") == product.id
        device.close()


async def test_the_first_key_of_an_imported_id_is_its_own_where_the_product_trusts_that(
    tmp_path,
) -> None:
    async with running_edge(tmp_path) as edge:
        maker = Maker(edge)
        device = WireDevice("ab" * 12, SERVER_KEY, edge.address)
        product = await maker.product(device.hello.platform_id)
        await maker.put(product, device.device_id)
        with pytest.raises(Lost):
            await device.connect()
        change = ProductChange(settings={"trust_first_key": True})
        await maker.products.update(MAKER, product, change)
        await asyncio.sleep(1.2)
        with pytest.raises((Lost, TimeoutError)):
            await device.connect()
        kept = await edge.database.read(lambda conn: find_key(conn, device.device_id, "ecc"))
        assert kept is not None and kept.spki == device.spki
        await asyncio.sleep(0.2)
        await device.connect()
        assert await speak(edge, device, "hello") == product.id
        entry = await maker.entry(product, device.device_id)
        assert entry.first_connected_at is not None
        impostor = WireDevice(device.device_id, SERVER_KEY, edge.address)
        with pytest.raises((Lost, TimeoutError)):
            await impostor.connect()
        unknown = WireDevice("cd" * 12, SERVER_KEY, edge.address)
        with pytest.raises((Lost, TimeoutError)):
            await unknown.connect()
        kept = await edge.database.read(lambda conn: find_key(conn, device.device_id, "ecc"))
        assert kept.spki == device.spki
        assert not edge.gateway.link.is_online(unknown.device_id)
        for one in (device, impostor, unknown):
            one.close()


async def test_readers_hear_that_a_device_is_online_once_its_firmware_ends_its_quarantine(
    tmp_path,
) -> None:
    async with running_edge(tmp_path) as edge:
        maker = Maker(edge)
        device = await edge.add_device()
        product = await maker.product(device.hello.platform_id)
        own = device.hello
        device.hello = msgspec.structs.replace(own, product_id=product.id)
        await device.connect()
        assert (await maker.entry(product, device.device_id)).standing == "quarantined"
        assert edge.named("spark/status") == []
        device.hello = own
        await device.connect()
        async with asyncio.timeout(APPLIED_S + 10):
            while not edge.named("spark/status"):
                await asyncio.sleep(0.02)
        assert [one.payload for one in edge.named("spark/status")] == [b"online"]
        assert await speak(edge, device, "free") is None
        device.close()
