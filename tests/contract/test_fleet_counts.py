"""Counts of fleets in the database, on each engine."""

from datetime import UTC, datetime

from roadstead.health.fleet_series import FleetFilter, Window, make_window, to_points
from roadstead.health.fleet_store import (
    CountRow,
    add_counts,
    delete_old_counts,
    facts_of,
    list_counts,
    list_online,
    put_counts,
)


async def put(database, write, *rows: CountRow) -> None:
    await database.write(lambda conn: write(conn, rows))


async def points(database, panel, metrics, window, wanted=None, product=7):
    wanted = wanted or FleetFilter()
    found = await database.read(
        lambda conn: list_counts(
            conn, product, metrics, window, wanted, snapshots=panel == "online"
        )
    )
    return [counts for _, counts in to_points(panel, window, found)]


async def test_counts_add_up_and_are_narrowed(database):
    rows = [
        CountRow(7, "events", group, minute, firmware, system, 1)
        for group in ("", "beta")
        for minute in (100, 101, 104)
        for firmware in (1, 2)
        for system in ("6.2.0", "5.8.0")
    ]
    await put(database, add_counts, *rows)
    await put(database, add_counts, *rows, CountRow(8, "events", "", 100, 1, "6.2.0", 50))
    one = Window(100, 105, 1)
    received = [one.get("received", 0) for one in await points(database, "events", ["events"], one)]
    assert received == [8, 8, 0, 0, 8]
    whole = Window(100, 105, 5)
    for wanted, expected in (
        (FleetFilter(), 24),
        (FleetFilter(group="beta"), 24),
        (FleetFilter(group="gamma"), 0),
        (FleetFilter(firmware=2), 12),
        (FleetFilter(firmware=2, system="5.8.0", group="beta"), 6),
    ):
        (point,) = await points(database, "events", ["events"], whole, wanted)
        assert point.get("received", 0) == expected


async def test_a_snapshot_replaces_and_the_last_of_a_point_counts(database):
    for minute, count in ((100, 5), (104, 6), (105, 7), (109, 8), (111, 9)):
        await put(database, put_counts, CountRow(7, "online", "", minute, 1, "", 1000))
        await put(database, put_counts, CountRow(7, "online", "", minute, 1, "", count))
    found = await points(database, "online", ["online"], Window(100, 112, 5))
    assert found == [{"count": 6}, {"count": 8}, {"count": 9}]


async def test_nothing_is_known_of_unknown_devices(database):
    assert await database.read(lambda conn: facts_of(conn, ["a" * 24])) == {}
    assert await database.read(list_online) == []


async def test_old_rows_leave(database):
    now = datetime(2026, 3, 1, tzinfo=UTC)
    minute = int(now.timestamp()) // 60
    old, young = minute - 32 * 1440, minute - 30 * 1440
    rows = [CountRow(7, "events", "", one, 1, "", 1) for one in (old, young)]
    await put(database, add_counts, *rows)
    assert await database.write(lambda conn: delete_old_counts(conn, now)) == 1
    assert await database.write(lambda conn: delete_old_counts(conn, now)) == 0


def test_points_are_whole_minutes_at_multiples_of_their_width():
    window = make_window(61_000, 600_000, 61)
    assert (window.first, window.last, window.width) == (1, 10, 2)
    assert window.points == [0, 2, 4, 6, 8]
