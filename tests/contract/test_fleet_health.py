"""The sums of a fleet in the database, on each engine: they are always those of its devices."""

import asyncio

import pytest
from sqlalchemy import func, select, update
from tests.contract.test_product_membership import JO, device_id
from tests.contract.test_product_membership import house as house  # a fixture

from roadstead.devices.store import devices
from roadstead.health.condition import HOUR_MS, Note, headings
from roadstead.health.condition_store import (
    device_health,
    find_condition,
    list_worst,
    members_gone,
    product_gone,
    write_notes,
)
from roadstead.health.fleet_series import FleetFilter
from roadstead.health.threshold_store import (
    delete_thresholds,
    find_thresholds,
    put_thresholds,
    thresholds_of,
)
from roadstead.health.thresholds import SHIPPED, HealthLimit, HealthThresholds
from roadstead.health.trend_rules import Hours, sum_by
from roadstead.health.trend_store import (
    delete_old_trends,
    fleet_gauges,
    list_gauges,
    list_totals,
    list_trend,
)
from roadstead.kit.clock import from_ms

T0 = 500_000 * HOUR_MS
ANY = FleetFilter()


@pytest.fixture
async def fleet(house):
    """A product with twelve devices, of which the first four are in a group."""
    product = await house.product()
    await house.put(product, *(device_id(number) for number in range(12)))
    await house.put(product, *(device_id(number) for number in range(4)), groups=("beta",))

    def release(conn):
        conn.execute(update(devices).values(system_version=6200))

    await house.database.write(release)
    house.fleet = product
    return house


def note(fleet, number, kind, at_ms=T0, firmware=1, **what):
    return Note(device_id(number), fleet.fleet.id, firmware, at_ms, kind, **what)


def vitals(fleet, number, charge, at_ms=T0, firmware=1):
    document = {"power": {"battery": {"charge": charge}}}
    return note(fleet, number, "vitals", at_ms, firmware, vitals=document)


async def tell(fleet, *notes):
    await fleet.database.write(lambda conn: write_notes(conn, notes))


async def gauges(fleet, wanted=ANY, **what):
    return await fleet.database.read(lambda conn: list_gauges(conn, fleet.fleet.id, wanted, **what))


async def states(fleet, wanted=ANY):
    return sum_by(await gauges(fleet, wanted), "state")


async def check_sums(fleet):
    """The gauges are what stands in the rows of devices."""

    def work(conn):
        expected = {}
        for one in conn.scalars(select(device_health.c.device_id)):
            for heading in headings(find_condition(conn, one)):
                expected[heading] = expected.get(heading, 0) + 1
        columns = fleet_gauges.c
        found = {
            (row.product_id, row.measure, row.device_group, row.firmware, row.system, row.label): (
                row.count
            )
            for row in conn.execute(select(fleet_gauges).where(columns.count != 0))
        }
        assert found == {tuple(one): count for one, count in expected.items()}

    await fleet.database.read(work)


async def test_devices_move_between_the_sums(fleet):
    await tell(fleet, *(vitals(fleet, number, 80) for number in range(12)))
    assert await states(fleet) == {"healthy": 12}
    await tell(fleet, vitals(fleet, 0, 5), vitals(fleet, 1, 20), vitals(fleet, 9, 5, firmware=2))
    assert await states(fleet) == {"healthy": 9, "warning": 1, "unhealthy": 2}
    for wanted, expected in (
        (FleetFilter(group="beta"), {"healthy": 2, "warning": 1, "unhealthy": 1}),
        (FleetFilter(firmware=2), {"unhealthy": 1}),
        (FleetFilter(firmware=2, group="beta"), {}),
        (FleetFilter(system="6.2.0", firmware=1), {"healthy": 9, "warning": 1, "unhealthy": 1}),
        (FleetFilter(system="5.0.0"), {}),
    ):
        assert await states(fleet, wanted) == expected, wanted
    assert {one.device_group for one in await gauges(fleet, all_groups=True)} == {"", "beta"}
    assert sum_by(await gauges(fleet), "battery") == {"80": 9, "0": 2, "20": 1}
    await check_sums(fleet)


async def test_the_worst_are_read_from_an_index_and_narrowed(fleet):
    await tell(fleet, *(vitals(fleet, number, 80) for number in range(12)))
    await tell(fleet, vitals(fleet, 3, 20), vitals(fleet, 5, 5, firmware=2))

    async def worst(wanted=ANY, limit=10):
        found = await fleet.database.read(
            lambda conn: list_worst(conn, fleet.fleet.id, wanted, limit)
        )
        return [one.device_id for one in found]

    assert await worst() == [device_id(5), device_id(3)]
    assert await worst(limit=1) == [device_id(5)]
    assert await worst(FleetFilter(group="beta")) == [device_id(3)]
    assert await worst(FleetFilter(firmware=2, system="6.2.0")) == [device_id(5)]


async def test_the_past_of_sums_and_happenings(fleet):
    hour = T0 // HOUR_MS
    await tell(fleet, vitals(fleet, 0, 80), note(fleet, 0, "online"))
    later = T0 + 3 * HOUR_MS
    await tell(
        fleet,
        vitals(fleet, 0, 5, later, firmware=2),
        note(fleet, 0, "offline", later + 1),
        note(fleet, 0, "reset", later + 2, word="panic"),
        note(fleet, 1, "update", later, word="failed", version=2),
    )

    def work(conn):
        product_id, hours = fleet.fleet.id, Hours(hour, hour + 4, 2)
        begin = hour - hour % 2
        trend = lambda name, **what: sorted(  # noqa: E731
            list_trend(conn, product_id, name, hours, ANY, **what)
        )
        assert trend("state", to_now=True) == sorted(
            [
                (begin, "healthy", 1),
                (later // HOUR_MS // 2 * 2, "healthy", -1),
                (later // HOUR_MS // 2 * 2, "unhealthy", 1),
                (later // HOUR_MS // 2 * 2, "unknown", 1),
            ]
        )
        moved = trend("devices", to_now=True, by_firmware=True)
        assert (later // HOUR_MS // 2 * 2, "2", 1) in moved
        assert [count for *_, count in trend("sessions")] == [1]
        totals = list_totals(conn, product_id, ("updates", "resets"), hour, ANY)
        assert sorted(totals) == [("resets", 2, "panic", 1), ("updates", 2, "failed", 1)]
        narrow = FleetFilter(group="beta", firmware=2, system="6.2.0")
        assert len(list_totals(conn, product_id, ("updates", "resets"), hour, narrow)) == 2

    await fleet.database.read(work)
    await check_sums(fleet)


async def test_groups_are_those_of_the_last_note(fleet):
    await tell(fleet, *(vitals(fleet, number, 80) for number in range(4)))
    await fleet.groups.delete(JO, fleet.fleet, "beta")
    await tell(fleet, *(note(fleet, number, "online", T0 + 1) for number in range(4)))
    assert await states(fleet, FleetFilter(group="beta")) == {}
    await check_sums(fleet)


async def test_who_leaves_is_taken_out_and_late_notes_of_them_are_dropped(fleet):
    await tell(fleet, *(vitals(fleet, number, 5) for number in range(3)))
    product_id = fleet.fleet.id
    await fleet.devices.remove(JO, fleet.fleet, device_id(0), deny_it=False)
    gone = [device_id(0), device_id(11)]
    await fleet.database.write(lambda conn: members_gone(conn, product_id, gone, T0 // HOUR_MS))
    assert await states(fleet) == {"unhealthy": 2}
    await tell(fleet, vitals(fleet, 0, 5), Note(device_id(99), product_id, 1, T0, "online"))
    assert await states(fleet) == {"unhealthy": 2}
    await check_sums(fleet)
    await fleet.database.write(lambda conn: product_gone(conn, product_id))
    assert await gauges(fleet) == []
    await check_sums(fleet)


async def test_many_writers_at_once_keep_the_sums(fleet):
    """Two processes take notes of the same devices while others leave."""

    async def work(offset):
        for round_ in range(5):
            notes = [
                vitals(fleet, number, (number * 7 + round_ * 31 + offset) % 100, T0 + round_)
                for number in range(1, 12)
            ]
            await tell(fleet, *notes)

    await asyncio.gather(*(work(offset) for offset in range(4)))
    assert sum((await states(fleet)).values()) == 11
    await check_sums(fleet)


async def test_old_trends_leave(fleet):
    await tell(fleet, vitals(fleet, 0, 5), vitals(fleet, 1, 5, T0 + 50 * 24 * HOUR_MS))
    now = from_ms(T0 + 100 * 24 * HOUR_MS)
    assert await fleet.database.write(lambda conn: delete_old_trends(conn, now)) > 0
    assert await fleet.database.write(lambda conn: delete_old_trends(conn, now)) == 0
    totals = await fleet.database.read(
        lambda conn: conn.scalar(select(func.count()).select_from(fleet_gauges))
    )
    assert totals


async def test_thresholds_of_products(fleet):
    own = HealthThresholds(battery_percent=HealthLimit(90, 85))
    product_id = fleet.fleet.id

    def write(conn):
        put_thresholds(conn, product_id, SHIPPED)
        put_thresholds(conn, product_id, own)

    await fleet.database.write(write)
    found = await fleet.database.read(lambda conn: thresholds_of(conn, {product_id, 999}))
    assert found == {product_id: own, 999: SHIPPED}
    await tell(fleet, vitals(fleet, 0, 80))
    assert await states(fleet) == {"unhealthy": 1}
    await fleet.database.write(lambda conn: delete_thresholds(conn, product_id))
    assert await fleet.database.read(lambda conn: find_thresholds(conn, product_id)) is None
