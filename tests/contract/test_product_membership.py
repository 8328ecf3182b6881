"""Devices in products on each engine: who gets in at once, counters, lists, jobs that resume."""

import asyncio
import itertools
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from roadstead.bus.local import LocalBus
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.reports import DeviceReports, HelloFacts
from roadstead.identity.model import Actor
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict
from roadstead.products.access import OwnerAccess
from roadstead.products.allowance import Unlimited
from roadstead.products.device_lists import parse_line
from roadstead.products.devices import ProductDevices
from roadstead.products.ending import ProductEndings
from roadstead.products.firmware_port import NO_FIRMWARE
from roadstead.products.gatekeeping import Gatekeeper
from roadstead.products.group_store import device_group_members
from roadstead.products.groups import DeviceGroups
from roadstead.products.importing import Importer, ImportOrder
from roadstead.products.imports import LEASE_S, DeviceImports
from roadstead.products.listing import GATHER_LIMIT, DeviceQuery, list_page
from roadstead.products.membership_store import product_devices
from roadstead.products.model import Owner, Product
from roadstead.products.service import ProductDraft, ProductService
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

JO = Actor("a" * 24, "jo@example.com")
BORON = 13


def device_id(number: int) -> str:
    return f"e00fce68{number:016x}"


@dataclass
class House:
    database: Database
    clock: ManualClock
    products: ProductService
    devices: ProductDevices
    groups: DeviceGroups
    imports: DeviceImports
    reports: DeviceReports
    new_imports: object

    async def product(self, name: str = "Cold Box") -> Product:
        draft = ProductDraft(name=name, platform_id=BORON)
        return await self.products.create(JO, Owner(user_id=JO.user_id), draft)

    async def put(self, product: Product, *ids: str, **order) -> dict[str, str]:
        lines = [parse_line(number, text) for number, text in enumerate(ids, 1)]
        results = await self.imports.import_now(JO, product, ImportOrder(**order), lines)
        return {result.text: result.result for result in results}

    async def get(self, product: Product) -> Product:
        return (await self.products.reach(JO, str(product.id))).product

    async def check_counters(self, product: Product) -> tuple[int, int, int]:
        """The product's counters, once they agree with its rows."""

        def count(conn):
            columns = product_devices.c
            query = select(columns.standing, func.count()).where(columns.product_id == product.id)
            return dict(conn.execute(query.group_by(columns.standing)).tuples().all())

        rows = await self.database.read(count)
        now = await self.get(product)
        counted = (now.device_count, now.quarantined_count, now.denied_count)
        assert counted == tuple(rows.get(name, 0) for name in ("member", "quarantined", "denied"))
        return counted


@pytest.fixture
async def house(database: Database) -> House:
    clock, bus, access = ManualClock(), LocalBus(), OwnerAccess()

    def announce() -> None: ...

    gatekeeper = Gatekeeper(Journal(database), access)
    registry = DeviceRegistry(database, clock, bus, announce, gatekeeper)
    presence = PresenceBoard(Journal(database), clock)

    def imports() -> DeviceImports:
        importer = Importer(access, Unlimited())
        return DeviceImports(database, clock, announce, importer, access, registry, gatekeeper)

    return House(
        database,
        clock,
        ProductService(database, clock, announce, access),
        ProductDevices(database, clock, announce, access, registry, presence, gatekeeper),
        DeviceGroups(database, clock, announce),
        imports(),
        DeviceReports(database, clock, announce, gatekeeper),
        imports,
    )


async def test_a_device_that_two_products_want_at_once_gets_into_one(house: House):
    products = [await house.product(name) for name in ("A", "B", "C")]
    ids = [device_id(number) for number in range(20)]
    reports = await asyncio.gather(*(house.put(product, *ids) for product in products))
    for one in ids:
        got = sorted(report[one] for report in reports)
        assert got == ["imported", "invalid", "invalid"], got
    sizes = [await house.check_counters(product) for product in products]
    assert sum(members for members, *_ in sizes) == 20


async def test_a_known_device_that_two_products_want_at_once_gets_into_one(house: House):
    first = await house.product("First")
    ids = [device_id(number) for number in range(20)]
    await house.put(first, *ids)
    for one in ids:
        await house.devices.remove(JO, first, one, deny_it=False)
    products = [await house.product(name) for name in ("A", "B", "C")]
    reports = await asyncio.gather(*(house.put(product, *ids) for product in products))
    for one in ids:
        assert sorted(report[one] for report in reports) == ["imported", "invalid", "invalid"]
    for product in products:
        await house.check_counters(product)


async def test_counters_agree_after_all_that_can_happen(house: House):
    a, b = await house.product("A"), await house.product("B")
    ids = [device_id(number) for number in range(6)]
    await house.put(a, *ids[:4], groups=("x", "y"))
    named = HelloFacts(a.id, 3, BORON)
    for one in ids[:2]:
        await house.reports.hello(one, named)
    await house.devices.remove(JO, a, ids[0], deny_it=False)
    await house.devices.remove(JO, a, ids[2], deny_it=True)
    assert await house.check_counters(a) == (2, 0, 2)
    assert await house.put(b, ids[1], move=True) == {ids[1]: "moved"}
    assert await house.check_counters(a) == (1, 0, 2)
    assert await house.check_counters(b) == (1, 0, 0)
    assert await house.put(a, *ids[:3]) == {
        ids[0]: "imported",
        ids[1]: "invalid",
        ids[2]: "imported",
    }
    assert await house.check_counters(a) == (3, 0, 0)
    [x, y] = await house.groups.list_groups(a)
    assert (x.group.device_count, y.group.device_count) == (1, 1)
    endings = ProductEndings(house.database, house.clock, lambda: None, NO_FIRMWARE)
    with pytest.raises(Conflict, match="remove_devices"):
        await endings.delete(JO, await house.get(a))
    await endings.delete(JO, a, remove_devices=True)
    assert await house.put(b, ids[0]) == {ids[0]: "imported"}


async def test_a_waiting_device_is_counted_where_it_waits(house: House):
    a, b = await house.product("A"), await house.product("B")
    home = await house.product("Home")
    await house.put(home, device_id(1))
    await house.devices.remove(JO, home, device_id(1), deny_it=False)
    for product, other in ((a, b), (b, a), (a, b)):
        assert await house.reports.hello(device_id(1), HelloFacts(product.id, 1, BORON)) in (
            True,
            False,
        )
        assert await house.check_counters(product) == (0, 1, 0)
        assert await house.check_counters(other) == (0, 0, 0)
    await house.put(b, device_id(1))
    assert await house.check_counters(a) == (0, 0, 0)
    assert await house.check_counters(b) == (1, 0, 0)


async def test_groups_count_their_members_whatever_happens_at_once(house: House):
    product = await house.product()
    ids = [device_id(number) for number in range(30)]
    await house.put(product, *ids, groups=("a",))
    await asyncio.gather(
        house.devices.update_many(JO, product, ids[:20], add=["b"], remove=["a"]),
        house.devices.update_many(JO, product, ids[10:], add=["c"]),
        *(house.devices.remove(JO, product, one, deny_it=False) for one in ids[25:]),
        return_exceptions=True,
    )

    def count(conn):
        columns = device_group_members.c
        query = select(columns.group_id, func.count()).group_by(columns.group_id)
        return dict(conn.execute(query).tuples().all())

    rows = await house.database.read(count)
    for view in await house.groups.list_groups(product):
        assert view.group.device_count == rows.get(view.group.id, 0), view.group.name
    await house.check_counters(product)
    await house.groups.delete(JO, product, "a")
    assert [view.group.name for view in await house.groups.list_groups(product)] == ["b", "c"]


async def test_every_page_of_every_order_is_the_sorted_list(house: House, monkeypatch):
    product = await house.product()
    ids = [device_id(number * 7 % 11) for number in range(11)]
    await house.put(product, *ids, groups=("g",))
    for number, one in enumerate(ids[:8]):
        house.clock.advance(60)
        await house.reports.hello(one, HelloFacts(BORON, number % 3, BORON))
    product = await house.get(product)
    for limit in (GATHER_LIMIT, 0):
        monkeypatch.setattr("roadstead.products.listing.GATHER_LIMIT", limit)
        orders = ("deviceId", "deviceName", "firmwareVersion", "lastConnection")
        for sort, descending, groups in itertools.product(orders, (True, False), ((), ("g",))):
            whole = await _list(house, product, sort=sort, descending=descending, per_page=100)
            paged = []
            for page in range(1, 5):
                paged += await _list(
                    house,
                    product,
                    sort=sort,
                    descending=descending,
                    groups=groups,
                    page=page,
                    per_page=3,
                )
            assert paged == whole, (sort, descending, groups, limit)
            assert set(paged) == set(ids)


async def _list(house: House, product: Product, **wanted) -> list[str]:
    query = DeviceQuery(**wanted)
    listed, total = await house.database.read(lambda conn: list_page(conn, product, query))
    assert total == 11
    return [one.device.id for one in listed]


async def test_an_import_goes_on_where_a_dead_process_left_it(house: House):
    product = await house.product()
    ids = [device_id(number) for number in range(1700)]
    lines = (parse_line(number, text) for number, text in enumerate(ids, 1))
    one = await house.imports.start(JO, product, ImportOrder(), lines)
    dead = house.new_imports()
    leased = await house.database.write(lambda conn: _take(conn, dead, house.clock.now()))
    assert leased == one.id
    await dead._work_on_chunk(one.id)  # and dies after its commit
    assert (await house.get(product)).device_count == 500
    assert await house.imports.work_on_next() is False, "the lease still holds"
    house.clock.advance(LEASE_S + 1)
    assert await house.imports.work_on_next() is True
    done = await house.imports.get(product, one.id)
    assert done.state == "done" and done.counts == {"imported": 1700}
    assert await house.check_counters(product) == (1700, 0, 0)
    assert await dead._work_on_chunk(one.id) is False, "whoever lost the lease stops"
    results = [result async for chunk in house.imports.results(done) for result in chunk]
    assert [result.number for result in results] == list(range(1, 1701))


def _take(conn, imports: DeviceImports, now):
    from roadstead.products import import_store

    return import_store.take_next(conn, imports._name, now, now + timedelta(seconds=LEASE_S))
