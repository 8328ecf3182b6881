"""The end of a product on both engines: whoever stops, another goes on, and files go last."""

import asyncio

import pytest
from tests.builders.firmware import NOW, OWNER, add_device, add_product

from roadstead.identity.model import Actor
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict, Unavailable
from roadstead.products import store
from roadstead.products.ending import LEASE_S, ProductEndings
from roadstead.products.firmware_port import NoFirmware
from roadstead.products.model import Product
from roadstead.storage.database import Database

A = 14_000
JO = Actor("a" * 24, "jo@example.com")


class Firmware(NoFirmware):
    """Two files, and a store for them that is away at first."""

    def __init__(self) -> None:
        self.away = True
        self.dropped: list[str] = []

    def product_gone(self, conn, product_id: int) -> list[str]:
        return ["firmware/a", "firmware/b"]

    async def drop_files(self, names: list[str]) -> None:
        if self.away:
            raise Unavailable("blobs_unavailable", "away")
        self.dropped += names


async def make(database: Database, devices: int) -> Product:
    def work(conn) -> Product:
        product = add_product(conn, A, owner=OWNER)
        for number in range(devices):
            add_device(conn, number, A)
        store.count_devices(conn, A, members=devices)
        return product

    return await database.write(work)


async def test_the_files_of_a_product_that_is_gone_are_not_forgotten(database: Database):
    product, firmware = await make(database, 3), Firmware()
    clock = ManualClock(NOW)
    first = ProductEndings(database, clock, lambda: None, firmware)
    with pytest.raises(Unavailable):
        await first.delete(JO, product, remove_devices=True)
    assert await database.read(lambda conn: store.find_product(conn, A)) is None
    left = await first.find(A)
    assert left is not None and left.files == ("firmware/a", "firmware/b")
    assert left.removed_devices == left.total_devices
    with pytest.raises(Conflict, match="try again"):
        await first.start(JO, product)
    firmware.away = False
    clock.advance(LEASE_S + 1)
    # Another process, after this one died.
    second = ProductEndings(database, clock, lambda: None, firmware)
    working = asyncio.create_task(second.run())
    try:
        async with asyncio.timeout(20):
            while await second.find(A) is not None:
                await asyncio.sleep(0.01)
    finally:
        working.cancel()
    assert firmware.dropped == ["firmware/a", "firmware/b"]


async def test_many_who_delete_one_product_do_it_once(database: Database):
    product, firmware = await make(database, 2), Firmware()
    firmware.away = False
    endings = ProductEndings(database, ManualClock(NOW), lambda: None, firmware)
    async with asyncio.timeout(30):
        await asyncio.gather(*(endings.delete(JO, product, remove_devices=True) for _ in range(4)))
    assert await endings.find(A) is None
    assert firmware.dropped == ["firmware/a", "firmware/b"]


async def test_nothing_is_deleted_that_has_devices_unless_said_so(database: Database):
    product = await make(database, 2)
    endings = ProductEndings(database, ManualClock(NOW), lambda: None, Firmware())
    with pytest.raises(Conflict, match="2 devices"):
        await endings.start(JO, product)
    assert await endings.find(A) is None
    assert await database.read(lambda conn: store.find_product(conn, A)) is not None
