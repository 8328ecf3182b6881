"""Releases and the look ahead on both engines: serialised, whole, and the same numbers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection
from tests.builders.firmware import (
    NOW,
    OWNER,
    add_device,
    add_group,
    add_product,
    add_version,
    needs_device_os,
)

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import EventIngest
from roadstead.firmware import release_store, store
from roadstead.firmware.impact import FirmwareImpact, find_impact
from roadstead.firmware.leaving import forget_person
from roadstead.firmware.ports import NoDeliveries, NoRollouts
from roadstead.firmware.release_rules import ReleaseWish
from roadstead.firmware.releasing import FirmwareReleases
from roadstead.identity.model import Actor, User
from roadstead.kit.clock import ManualClock
from roadstead.kit.errors import Conflict
from roadstead.kit.ids import EventIds
from roadstead.main.people import build_limits
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

A = 14_000
JO = Actor("a" * 24, "jo@example.com")


async def make(database: Database, work: Callable[[Connection], Any]) -> Product:
    def all_of_it(conn: Connection) -> Product:
        product = add_product(conn, A, owner=OWNER)
        for version in (5, 7, 9):
            add_version(conn, A, version)
            store.mark_proven(conn, A, version, None, NOW)
        work(conn)
        return product

    return await database.write(all_of_it)


def releases_of(database: Database) -> FirmwareReleases:
    clock, bus = ManualClock(), LocalBus()
    ingest = EventIngest(Journal(database), bus, clock, EventIds())
    limits = build_limits("enterprise")
    nobody = (NoDeliveries(), NoRollouts())
    return FirmwareReleases(database, clock, ingest, lambda: None, limits, *nobody)


async def test_releases_at_once_come_one_after_the_other(database: Database):
    product = await make(database, lambda conn: add_group(conn, A, "beta"))
    releases = releases_of(database)

    async def release(version: int) -> Any:
        wish = ReleaseWish(version=version, groups=["beta"], product_default=True)
        return await releases.release(JO, product, wish, may_override=False)

    wanted = [5, 7, 9] * 4
    done = await asyncio.gather(*(release(version) for version in wanted))
    written = await releases.list_releases(product, limit=50)
    assert sorted(one.version for one in written) == sorted(wanted)
    in_force = await database.read(lambda conn: release_store.find_in_force(conn, A))
    last = written[0].version
    # Never one release's default with another one's group.
    assert in_force.default == last
    assert set(in_force.groups.values()) == {last}
    answered = next(one for one in done if one.release.id == written[0].id)
    assert (answered.default, answered.groups) == (last, {"beta": last})


async def test_a_version_deleted_meanwhile_is_not_released(database: Database):
    product = await make(database, lambda conn: None)
    await database.write(lambda conn: store.delete_unreleased(conn, A, 9))
    with pytest.raises(Exception, match="no firmware version 9"):
        await releases_of(database).release(
            JO, product, ReleaseWish(version=9, product_default=True), may_override=False
        )


async def test_without_proof_nothing_is_changed(database: Database):
    product = await make(database, lambda conn: add_version(conn, A, 11))
    with pytest.raises(Conflict):
        await releases_of(database).release(
            JO, product, ReleaseWish(version=11, product_default=True), may_override=False
        )
    in_force = await database.read(lambda conn: release_store.find_in_force(conn, A))
    assert in_force.default is None


async def test_the_look_ahead_counts_the_same_on_both_engines(database: Database):
    def fill(conn: Connection) -> None:
        beta = add_group(conn, A, "beta")
        add_version(conn, A, 12, dependencies=needs_device_os(6201))
        for number in range(20):
            add_device(conn, number, A, *([beta] if number % 4 == 0 else []))
        add_device(conn, 30, A, development=True)
        add_device(conn, 31, A, locked=4)
        add_device(conn, 32, A, standing="denied")
        add_device(conn, 33, A, firmware_version=9)
        add_device(conn, 34, A, system_version=6300, system_description={"p": 13, "m": []})
        release = {beta: 7, "": 5}
        release_store.put_targets(conn, A, "0" * 24, release)

    product = await make(database, fill)

    found: dict[str, dict[int, int]] = {}

    wishes = {
        "all": ReleaseWish(version=9, product_default=True),
        "beta": ReleaseWish(version=9, groups=["beta"]),
        "none": ReleaseWish(version=7, groups=[]),
        "needs": ReleaseWish(version=12, product_default=True),
    }

    def work(conn: Connection) -> None:
        for name, wish in wishes.items():
            found[name] = find_impact(conn, A, wish, NOW).by_version

    await database.read(work)
    for page in (1, 3, 7, 500):
        look = FirmwareImpact(database, ManualClock(NOW), page)
        for name, wish in wishes.items():
            assert (await look.of_release(product, wish)).by_version == found[name]
    assert found == {
        "all": {4: 16},
        "beta": {4: 5},
        "none": {4: 5},
        "needs": {4: 1},
    }


async def test_who_closes_their_account_is_taken_out_and_the_firmware_stays(database: Database):
    product = await make(database, lambda conn: None)
    releases = releases_of(database)
    await releases.release(
        JO, product, ReleaseWish(version=7, product_default=True), may_override=False
    )

    def leave(conn: Connection) -> None:
        add_version(conn, A, 13, uploaded_by=JO.user_id)
        user = User(JO.user_id, JO.username, None, False, NOW)
        assert forget_person(conn, user, JO, NOW) == ()
        found = store.find_version(conn, A, 13)
        assert found is not None
        assert found.uploaded_by is None

    await database.write(leave)
    [written] = await releases.list_releases(product, limit=5)
    assert (written.released_by, written.version) == (None, 7)
