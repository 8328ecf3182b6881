"""The engine on each engine of the database: steps, kills between them, several workers."""

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select
from tests.builders.rollouts import (
    PRODUCT,
    device_ids,
    insert_devices,
    insert_firmware,
    insert_product,
    make_rollout,
    run_version,
)

from roadstead.firmware.assignment_store import firmware_assignments
from roadstead.firmware.release_store import find_in_force
from roadstead.kit.clock import ManualClock
from roadstead.rollouts import look_store, recording, store
from roadstead.rollouts.engine import LEASE, RolloutEngine
from roadstead.rollouts.model import Policy, Rollout, WindowPolicy
from roadstead.rollouts.trace import Opening, Trace, account, note_contact
from roadstead.rollouts.trace_store import to_row, write_traces
from roadstead.storage.database import Database
from roadstead.storage.outbox import outbox_rows

QUICK = Policy(stages=("5", "50%", "100%"), holdback="10%", soak_h=4.0, rollback=True)
UNGATED = Policy(stages=("5", "100%"), holdback="0", gate=False)
COUNT = 60


class Died(Exception):
    """Stands for kill -9: what was not committed is gone."""


class Fleet:
    """Devices that do what they are assigned, in the database alone."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.engine = RolloutEngine(database, clock, lambda: None)
        self.traces = {one: Trace(PRODUCT) for one in device_ids(COUNT)}
        self.dead: set[str] = set()
        self.bricks = False
        self.flashed: dict[str, int] = {}

    def now_s(self) -> int:
        return int(self.clock.now().timestamp())

    async def start(self, policy: Policy, count: int = COUNT) -> Rollout:
        at = self.clock.now()
        rollout = make_rollout(at, policy=policy)

        def work(conn: Connection) -> None:
            insert_product(conn, at)
            insert_devices(conn, device_ids(count), at)
            for version in (1, 2):
                insert_firmware(conn, version, at)
            store.insert_rollout(conn, rollout)

        for trace in self.traces.values():
            trace.online = True
            trace.gaps[0] = 20.0
            account(trace, self.now_s())
        await self.database.write(work)
        return rollout

    async def rollout(self) -> Rollout:
        found = await self.database.read(lambda conn: store.find_rollout(conn, PRODUCT, "a" * 24))
        assert found is not None
        return found

    async def work(self) -> int:
        """All that is due, with the devices doing what they are told."""
        steps = 0
        while True:
            await self.database.write(self._live)
            done = await self.engine.work()
            steps += done
            if not done or steps > 300:
                return steps

    def _live(self, conn: Connection) -> None:
        rollout = store.find_any(conn, "a" * 24)
        assert rollout is not None
        now_s = self.now_s()
        rows = conn.execute(
            select(firmware_assignments.c.device_id, firmware_assignments.c.version)
        )
        for device_id, version in rows.all():
            if device_id not in self.dead and self.flashed.get(device_id) != version:
                self.flashed[device_id] = version
                run_version(conn, [device_id], version)
                if self.bricks and version == 2:
                    self.dead.add(device_id)
        openings = {}
        if rollout.clocks_from is not None:
            opened_s = int(rollout.clocks_from.timestamp())
            openings = {rollout.id: Opening(rollout.id, opened_s, 60, 600)}
        for device_id, trace in self.traces.items():
            if device_id not in self.dead:
                note_contact(trace, now_s, openings)
            elif trace.online:
                note_contact(trace, now_s, openings)
                trace.online = False
            account(trace, now_s)
        write_traces(conn, [to_row(key, trace) for key, trace in self.traces.items()])

    async def pass_hours(self, hours: float) -> None:
        for _ in range(int(hours * 2)):
            self.clock.advance(1800)
            await self.work()


@pytest.fixture
def fleet(database: Database) -> Fleet:
    return Fleet(database, ManualClock())


async def count_assigned(database: Database) -> int:
    query = select(func.count()).select_from(firmware_assignments)
    return await database.read(lambda conn: int(conn.execute(query).scalar_one()))


async def test_a_good_version_goes_through_stage_by_stage_and_becomes_the_release(fleet):
    await fleet.start(QUICK)
    seen = []
    for _ in range(60):
        await fleet.work()
        rollout = await fleet.rollout()
        if not seen or seen[-1][:2] != (rollout.stage, rollout.offered):
            seen.append((rollout.stage, rollout.offered))
        assert rollout.offered <= (5, 27, 54, 60)[max(rollout.stage, 0)]
        if rollout.is_ended:
            break
        fleet.clock.advance(1800)
    assert rollout.state == "finished", rollout
    assert dict(seen) == {0: 5, 1: 27, 2: 54, 3: 60}
    assert len(fleet.flashed) >= 54
    assert set(fleet.flashed.values()) == {2}
    assert await count_told(fleet.database) == COUNT
    force = await fleet.database.read(lambda conn: find_in_force(conn, PRODUCT))
    assert force.default == 2
    assert await count_assigned(fleet.database) == 0
    looks = await fleet.database.read(lambda conn: look_store.list_looks(conn, "a" * 24))
    assert [one.number for one in looks] == list(range(1, len(looks) + 1))
    assert {one.outcome for one in looks} <= {"wait", "advance"}


async def test_a_version_that_bricks_is_halted_and_taken_back(fleet):
    await fleet.start(QUICK)
    fleet.bricks = True
    await fleet.work()
    await fleet.pass_hours(6)
    rollout = await fleet.rollout()
    assert (rollout.state, rollout.reason) == ("halted", "failed_devices")
    assert len(fleet.dead) == 5
    back = await fleet.database.read(
        lambda conn: list(store.list_rollouts(conn, PRODUCT, offset=0, limit=9)[0])
    )
    (taken_back,) = [one for one in back if one.rollback_of == "a" * 24]
    assert taken_back.offered == 5
    assert taken_back.state == "running"
    assert await assigned_versions(fleet.database) == [1] * 5
    fleet.dead.clear()
    fleet.bricks = False
    await fleet.pass_hours(1)
    assert sorted(fleet.flashed.values()) == [1] * 5
    back = await fleet.database.read(lambda conn: store.find_any(conn, taken_back.id))
    assert back.state == "finished"
    assert await assigned_versions(fleet.database) == []
    force = await fleet.database.read(lambda conn: find_in_force(conn, PRODUCT))
    assert force.default is None


async def assigned_versions(database: Database) -> list[int]:
    query = select(firmware_assignments.c.version)
    return await database.read(lambda conn: list(conn.execute(query).scalars()))


async def test_a_halted_rollout_sends_nothing_ever_again(fleet):
    await fleet.start(Policy(stages=("5", "100%"), holdback="5", soak_h=4.0, rollback=False))
    fleet.bricks = True
    await fleet.work()
    await fleet.pass_hours(6)
    assert (await fleet.rollout()).state == "halted"
    flashed = dict(fleet.flashed)
    await fleet.pass_hours(48)
    assert fleet.flashed == flashed
    assert await count_assigned(fleet.database) == 0


@pytest.mark.parametrize("point", range(14))
async def test_a_kill_at_any_commit_leaves_all_of_a_step_or_nothing(fleet, point, monkeypatch):
    """The worker dies before, or right after, its n-th commit; another one goes on."""
    await fleet.start(UNGATED)
    write, commits = fleet.database.write, 0

    async def dying(work: Callable[[Connection], object], *, durable: bool = False) -> object:
        nonlocal commits
        commits += 1
        if commits == point // 2 + 1:
            if point % 2:
                await write(work, durable=durable)
            raise Died
        return await write(work, durable=durable)

    engine = RolloutEngine(_Dying(fleet.database, dying), fleet.clock, lambda: None)
    with pytest.raises(Died):
        for _ in range(20):
            await engine.work()
    fleet.clock.advance(LEASE.total_seconds() + 1)
    await fleet.work()
    rollout = await fleet.rollout()
    assert rollout.state == "finished"
    assert rollout.offered == COUNT
    members = await fleet.database.read(lambda conn: store.list_members(conn, "a" * 24, limit=1000))
    assert sorted(one.device_id for one in members) == device_ids(COUNT)
    assert await count_told(fleet.database) == COUNT


class _Dying:
    """A database whose writes pass through a function."""

    def __init__(self, database: Database, write: Callable[..., object]) -> None:
        self.dialect = database.dialect
        self.read = database.read
        self.write = write


async def count_told(database: Database) -> int:
    """Devices that the deliveries were asked to look at, each time counted."""
    query = select(outbox_rows.c.payload).where(outbox_rows.c.topic == recording.ASSIGNED)
    rows = await database.read(lambda conn: conn.execute(query).scalars().all())
    told = [device for payload in rows for device in payload["devices"]]
    assert len(told) == len(set(told)), "a device was offered twice"
    return len(told)


async def test_two_workers_share_the_work_and_do_nothing_twice(fleet):
    await fleet.start(UNGATED)
    engines = [RolloutEngine(fleet.database, fleet.clock, lambda: None) for _ in range(2)]
    for _ in range(40):
        await asyncio.gather(*(one.work() for one in engines))
    assert (await fleet.rollout()).state == "finished"
    assert await count_told(fleet.database) == COUNT


async def test_a_worker_that_was_frozen_in_a_step_changes_nothing_when_it_wakes(fleet):
    await fleet.start(UNGATED)
    frozen, awake = asyncio.Event(), asyncio.Event()
    write = fleet.database.write
    calls = 0

    async def freezing(work: Callable[[Connection], object], *, durable: bool = False) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:  # it has its lease and its facts, and freezes before it writes its step
            frozen.set()
            await awake.wait()
        return await write(work, durable=durable)

    slow = RolloutEngine(_Dying(fleet.database, freezing), fleet.clock, lambda: None)
    task = asyncio.create_task(slow.work())
    await frozen.wait()
    assert await fleet.engine.work() == 0, "the lease holds"
    fleet.clock.advance(60 + LEASE.total_seconds())
    await fleet.work()
    ended = await fleet.rollout()
    assert ended.state == "finished"
    awake.set()
    await task
    assert await fleet.rollout() == ended
    assert await count_told(fleet.database) == COUNT


async def test_the_pace_holds_over_an_hour(fleet):
    await fleet.start(Policy(stages=("100%",), holdback="0", gate=False, devices_per_minute=2))
    await fleet.work()
    moments = []
    for _ in range(40):
        fleet.clock.advance(60)
        await fleet.work()
        moments.append((await fleet.rollout()).offered)
    growth = [b - a for a, b in itertools.pairwise(moments)]
    assert max(growth) <= 2
    assert moments[-1] == COUNT


async def test_devices_are_assigned_in_their_windows_only(fleet):
    window = WindowPolicy(start="02:00", end="04:00", time_zone="America/New_York")
    await fleet.start(Policy(stages=("100%",), holdback="0", soak_h=4.0, window=window))
    await fleet.work()
    assert (await fleet.rollout()).offered == COUNT
    assert await count_assigned(fleet.database) == 0
    fleet.clock.advance(7.5 * 3600)  # midnight UTC and a half past seven: 02:30 in New York
    await fleet.work()
    assert await count_assigned(fleet.database) == COUNT
    assert len(fleet.flashed) == COUNT


async def test_assignments_are_taken_back_when_a_window_shuts(fleet):
    window = WindowPolicy(start="02:00", end="04:00", time_zone="America/New_York")
    await fleet.start(Policy(stages=("100%",), holdback="0", soak_h=40.0, window=window))
    fleet.dead = set(device_ids(COUNT))  # nobody installs
    fleet.clock.advance(7.5 * 3600)
    await fleet.work()
    assert await count_assigned(fleet.database) == COUNT
    fleet.clock.advance(2 * 3600)
    await fleet.work()
    assert await count_assigned(fleet.database) == 0


async def test_a_rollout_waits_for_another_with_the_same_devices(fleet):
    await fleet.start(QUICK)
    await fleet.work()
    second = make_rollout(fleet.clock.now() + timedelta(seconds=1), version=2, policy=UNGATED)
    second = Rollout(**{**_fields(second), "id": "b" * 24})
    await fleet.database.write(lambda conn: store.insert_rollout(conn, second))
    fleet.clock.advance(2)
    await fleet.work()
    waiting = await fleet.database.read(lambda conn: store.find_any(conn, "b" * 24))
    assert (waiting.state, waiting.reason) == ("queued", "queued")
    assert waiting.offered == 0


async def test_a_rollout_of_higher_priority_overtakes(fleet):
    await fleet.start(QUICK)
    await fleet.work()
    urgent = make_rollout(fleet.clock.now(), version=2, policy=Policy(priority=5, gate=False))
    urgent = Rollout(**{**_fields(urgent), "id": "b" * 24})
    await fleet.database.write(lambda conn: store.insert_rollout(conn, urgent))
    fleet.clock.advance(1)
    await fleet.work()
    assert ((await fleet.rollout()).state, (await fleet.rollout()).reason) == ("held", "overtaken")


def _fields(rollout: Rollout) -> dict[str, object]:
    return {name: getattr(rollout, name) for name in Rollout.__dataclass_fields__}


async def test_no_step_ever_offers_more_than_the_stage_allows(fleet):
    """Random moments, kills and workers; the invariants hold after each step."""
    dice = random.Random(5)
    await fleet.start(QUICK)
    for _ in range(120):
        fleet.clock.advance(dice.choice([1, 60, 1800, 7200]))
        await fleet.database.write(fleet._live)
        await fleet.engine.work()
        rollout = await fleet.rollout()
        assert rollout.offered <= rollout.target()
        if rollout.is_ended:
            break
    assert rollout.state == "finished"
    assert await count_told(fleet.database) == COUNT
