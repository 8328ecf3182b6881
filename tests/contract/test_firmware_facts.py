"""The facts of the target decision, gathered from real tables, and the tables themselves."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from tests.builders.firmware import (
    NOW,
    P2,
    add_device,
    add_group,
    add_product,
    add_version,
    describe,
    make_id,
    needs_device_os,
    release,
)

from roadstead.firmware import assignment_store, count_store, release_store, store
from roadstead.firmware.facts import (
    Surroundings,
    TransferState,
    gather,
    gather_in_product,
    gather_many,
)
from roadstead.firmware.model import InForce, Release
from roadstead.firmware.targeting import Hold, Offer, decide
from roadstead.storage.database import Database

A, B = 14_000, 14_001
ROLLOUT = "f" * 24


async def make_fleet(database: Database) -> None:
    def work(conn: Connection) -> None:
        for product_id in (A, B):
            add_product(conn, product_id)
            for version in range(1, 10):
                add_version(conn, product_id, version)
        beta, old, silent = (add_group(conn, A, name) for name in ("beta", "old", "silent"))
        release(conn, A, 5)
        release(conn, A, 7, beta)
        release(conn, A, 3, old)
        for number, groups in enumerate([(), (beta,), (old,), (beta, old), (silent,)]):
            add_device(conn, number, A, *groups)
        add_device(conn, 5, A, beta, locked=4)
        add_device(conn, 6, A, beta, locked=2)
        add_device(conn, 7, A, beta, locked=2, development=True)
        add_device(conn, 8, A, standing="quarantined")
        add_device(conn, 9, B)
        add_device(conn, 10, A, beta, firmware_version=7)

    await database.write(work)


IDS = [make_id(number) for number in range(11)]


async def test_the_table_of_the_notes_holds_on_real_rows(database: Database):
    await make_fleet(database)
    around = Surroundings(NOW, "handshake", frozenset(IDS))
    found = await database.read(lambda conn: gather_many(conn, [*IDS, make_id(99)], around))
    assert sorted(found) == IDS
    decisions = [decide(found[device_id]) for device_id in IDS]
    targets = [one.version if isinstance(one, Offer) else one.target for one in decisions]
    assert targets == [5, 7, 3, 7, 5, 4, 2, None, None, None, 7]
    holds = [one.reason for one in decisions if isinstance(one, Hold)]
    assert holds == ["up_to_date", "development", "quarantined", "no_release", "up_to_date"]


async def test_one_device_is_gathered_as_among_many(database: Database):
    await make_fleet(database)
    around = Surroundings(NOW, "asked", frozenset(IDS[:2]))

    def work(conn: Connection) -> None:
        many = gather_many(conn, IDS, around)
        for device_id in IDS:
            alone = gather(conn, device_id, around)
            assert alone is not None
            assert decide(alone) == decide(many[device_id])
        assert many[IDS[1]].online
        assert not many[IDS[2]].online
        assert gather_in_product(conn, B, IDS, around).keys() == {IDS[9]}
        assert gather(conn, make_id(99), around) is None

    await database.read(work)


async def test_an_assignment_counts_behind_a_lock_and_before_releases(database: Database):
    await make_fleet(database)

    def work(conn: Connection) -> None:
        ids = IDS[:7]
        assignment_store.assign(conn, A, ids, 9, rollout_id=ROLLOUT, reason="rollout", at=NOW)
        assignment_store.assign(conn, A, IDS[:1], 8, rollout_id=ROLLOUT, reason="rollback", at=NOW)
        facts = gather_many(conn, IDS, Surroundings(NOW))
        decided = [decide(facts[device_id]) for device_id in ids]
        chosen = [one.version if isinstance(one, Offer) else one.target for one in decided]
        assert chosen == [8, 9, 9, 9, 9, 4, 2]
        rows = assignment_store.list_assigned(conn, A, ROLLOUT, after=IDS[0], limit=2)
        assert [row.device_id for row in rows] == IDS[1:3]
        assert assignment_store.withdraw(conn, A, IDS, rollout_id="0" * 24) == 0
        assert assignment_store.withdraw(conn, A, IDS[:2], rollout_id=ROLLOUT) == 2
        assert assignment_store.withdraw_all(conn, A, rollout_id=ROLLOUT) == 5

    await database.write(work)


async def test_what_is_looked_at_of_a_device_and_its_deliveries(database: Database):
    def work(conn: Connection) -> None:
        add_product(conn, A)
        add_version(conn, A, 5, dependencies=needs_device_os(6301), application_bytes=777)
        release(conn, A, 5)
        add_device(
            conn,
            0,
            A,
            system_description=describe(6200),
            max_binary_bytes=1_000_000,
            updates_enabled=False,
            updates_forced=True,
        )
        add_device(
            conn,
            1,
            A,
            safe_mode=True,
            firmware_version=0,
            firmware_product_id=B,
            system_description=None,
        )
        later = NOW + timedelta(hours=1)
        state = TransferState(True, {5: 3, 4: 9}, {5: later})
        facts = gather_many(conn, IDS[:2], Surroundings(NOW, transfers={IDS[0]: state}))
        first, second = facts[IDS[0]], facts[IDS[1]]
        assert first.modules == {(2, 0): 2400, (4, 1): 6200, (5, 2): 6}
        assert first.versions[5].dependencies == needs_device_os(6301)
        assert (first.versions[5].size_bytes, first.max_binary_bytes) == (777, 1_000_000)
        assert (first.updates_enabled, first.updates_forced) == (False, True)
        assert (first.transfer_running, first.failures, first.retry_at) == (True, 3, later)
        decision = decide(first)
        assert isinstance(decision, Hold)
        assert decision.reason == "needs_newer_device_os"
        assert second.membership == "other_firmware"
        assert (second.running_version, second.safe_mode, second.modules) == (None, True, None)

    await database.write(work)


async def test_a_look_ahead_takes_other_releases_for_granted(database: Database):
    await make_fleet(database)

    def work(conn: Connection) -> None:
        ahead = InForce(default=9, groups={})
        facts = gather_many(conn, IDS[:3], Surroundings(NOW, in_force=ahead))
        assert {one.default_version for one in facts.values()} == {9}
        assert all(not one.group_releases for one in facts.values())

    await database.read(work)


async def test_versions_are_kept_whole_and_apart(database: Database):
    def work(conn: Connection) -> None:
        add_product(conn, A)
        add_product(conn, B)
        kept = add_version(conn, A, 5, dependencies=needs_device_os(6301), platform_id=P2)
        assert store.find_version(conn, A, 5) == kept
        assert store.find_version(conn, B, 5) is None
        add_version(conn, A, 6)
        assert [one.version for one in store.list_versions(conn, A)] == [6, 5]
        assert store.mark_proven(conn, A, 5, IDS[0], NOW)
        assert not store.mark_proven(conn, A, 5, IDS[1], NOW)
        store.mark_released(conn, A, 5, NOW)
        store.mark_released(conn, A, 5, NOW + timedelta(days=1))
        marked = dataclasses.replace(kept, proven_at=NOW, proven_by=IDS[0], released_at=NOW)
        assert store.find_version(conn, A, 5) == marked
        assert not store.delete_unreleased(conn, A, 5)
        assert not store.delete_unreleased(conn, B, 6)
        assert store.delete_unreleased(conn, A, 6)

    await database.write(work)
    with pytest.raises(IntegrityError):
        await database.write(lambda conn: add_version(conn, A, 5, id="1" * 24))


async def test_releases_and_counts(database: Database):
    def work(conn: Connection) -> None:
        add_product(conn, A)
        release_store.lock_releases(conn, A)
        release_store.put_targets(conn, A, "1" * 24, {"": 5, "g" * 24: 7, "h" * 24: 7})
        release_store.put_targets(conn, A, "2" * 24, {"": None, "g" * 24: 8})
        assert release_store.find_in_force(conn, A) == InForce(groups={"g" * 24: 8, "h" * 24: 7})
        release_store.drop_groups(conn, A, ["h" * 24, ""])
        assert release_store.find_in_force(conn, A).groups == {"g" * 24: 8}
        made = Release(
            id="3" * 24,
            product_id=A,
            version=8,
            groups=("beta",),
            product_default=None,
            intelligent=True,
            released_by=None,
            released_at=NOW,
            override_reason="tested by hand",
        )
        release_store.insert_release(conn, made)
        assert release_store.list_releases(conn, A, limit=5) == [made]
        assert release_store.find_intelligent(conn, A) == {8}
        count_store.shift_counts(conn, A, {0: 3, 5: 2})
        count_store.shift_counts(conn, A, {0: -3, 5: 3, 6: 0})
        assert count_store.find_counts(conn, A) == {5: 5}

    await database.write(work)
