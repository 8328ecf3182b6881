"""Rollouts over real sockets: simulated devices take the version, through kills and an abort."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from tests.builders.delivering import PRODUCT, Yard, running_yard
from tests.builders.edge import until

from roadstead.identity.model import OPERATOR
from roadstead.main.rolling_out import RolloutParts, build_rollouts
from roadstead.rollouts import store
from roadstead.rollouts.ending import stop_sending, stopped
from roadstead.rollouts.model import Policy, Rollout
from roadstead.simulator.device import VirtualDevice
from roadstead.simulator.network import NetworkConditions
from roadstead.storage.outbox import OutboxFollower

pytestmark = pytest.mark.system

ROLLOUT = "a" * 24
COUNT = 8
SLOW = NetworkConditions(delay_ms=5)
ALL = Policy(stages=("2", "100%"), holdback="2", gate=False)


@dataclass
class Rolling:
    """A yard with rollouts; a restart kills everything and builds it anew."""

    yard: Yard
    parts: RolloutParts = field(init=False)

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        edge = self.yard.edge
        follower = OutboxFollower(edge.database, edge.bus, poll_s=0.05)
        self.parts = build_rollouts(
            edge.database, edge.journal, edge.bus, edge.clock, follower.wake, self.yard.engine
        )
        work = [follower.run(), *self.parts.background().values()]
        edge.tasks += [asyncio.create_task(one) for one in work]

    async def restart(self) -> None:
        await self.yard.restart()
        self._begin()

    async def begin(self, policy: Policy = ALL) -> None:
        now = self.yard.edge.clock.now()
        rollout = Rollout(
            id=ROLLOUT,
            product_id=PRODUCT,
            version=2,
            policy=policy,
            size_bytes=20_000,
            created_at=now,
            due_at=now - timedelta(seconds=1),
        )
        await self.yard.edge.database.write(lambda conn: store.insert_rollout(conn, rollout))
        self.parts.engine.wake()

    async def rollout(self) -> Rollout:
        found = await self.yard.edge.database.read(lambda conn: store.find_any(conn, ROLLOUT))
        assert found is not None
        return found


@pytest.fixture
async def rolling(tmp_path: Path) -> AsyncIterator[Rolling]:
    async with running_yard(tmp_path) as yard:
        yield Rolling(yard)


async def put_devices(rolling: Rolling, **what: object) -> list[VirtualDevice]:
    return [await rolling.yard.put(**what) for _ in range(COUNT)]  # type: ignore[arg-type]


def updated(devices: list[VirtualDevice]) -> int:
    return sum(one.firmware.product_version == 2 for one in devices)


async def test_every_device_gets_the_version_once(rolling: Rolling) -> None:
    await rolling.yard.add_versions(2)
    devices = await put_devices(rolling)
    await asyncio.sleep(0.5)
    await rolling.begin()
    await until(lambda: updated(devices) == COUNT, 40)
    assert (await rolling.rollout()).state == "finished"
    assert [one.updates.begun for one in devices] == [1] * COUNT


@pytest.mark.parametrize("done", [0, 1, 3, 6])
async def test_a_server_killed_in_a_rollout_forgets_no_device(rolling: Rolling, done: int) -> None:
    await rolling.yard.add_versions(2)
    devices = await put_devices(rolling, conditions=SLOW)
    await asyncio.sleep(0.5)
    await rolling.begin(Policy(stages=("100%",), holdback="0", gate=False, concurrent=2))
    await until(lambda: updated(devices) >= done, 60)
    await rolling.restart()
    await until(lambda: updated(devices) == COUNT, 90)
    await asyncio.sleep(1.0)
    for one in devices:
        ends = [delivery.state for delivery in await rolling.yard.history(one)]
        assert ends == ["succeeded"], "flashed twice"


async def test_no_chunk_leaves_after_an_abort(rolling: Rolling) -> None:
    await rolling.yard.add_versions(2, size=200_000)
    devices = await put_devices(rolling, conditions=NetworkConditions(delay_ms=20))
    await asyncio.sleep(0.5)
    # Without a gate it would be finished once everybody has an offer, and a release by then.
    await rolling.begin(Policy(stages=("100%",), holdback="0"))
    await until(lambda: sum(one.updates.chunks for one in devices) > 50, 30)

    def abort(conn) -> None:
        rollout = store.find_any(conn, ROLLOUT)
        assert rollout is not None
        stop_sending(conn, rollout)
        at = rolling.yard.edge.clock.now()
        changed = stopped(rollout, "aborted", "person", f"Aborted by {OPERATOR.username}.", at)
        assert store.save_rollout(conn, rollout, changed)

    await rolling.yard.edge.database.write(abort)
    await asyncio.sleep(5)
    before = [one.updates.chunks for one in devices]
    assert sum(before) < COUNT * 200, "it was over before the abort"
    await asyncio.sleep(3)
    assert [one.updates.chunks for one in devices] == before
    assert updated(devices) == 0
    assert list(rolling.yard.engine) == []
