"""One rollout over a modelled fleet, from the first day of its past to its end.

The bed is the world around the engine: it moves the clock to whatever comes next (the end of a
quarter of a day, a device's contact, a step that is due), lets devices live up to then, hands the
engine what it would read from the database, and installs what the engine assigned.
"""

import heapq
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from roadstead.devices.store import devices
from roadstead.firmware.assignment_store import find_assignments
from roadstead.kit.clock import ManualClock
from roadstead.products import group_store
from roadstead.products.membership_store import product_devices
from roadstead.products.model import DeviceGroup
from roadstead.products.store import products
from roadstead.rollouts import recording, store
from roadstead.rollouts.engine import RolloutEngine
from roadstead.rollouts.model import Policy, Rollout
from roadstead.rollouts.signals import QUARTER_S
from roadstead.rollouts.trace import Opening, note_contact
from roadstead.rollouts.trace_store import to_row, write_traces
from roadstead.simulator.fleet_file import FleetFile, group_of_zone
from roadstead.simulator.radio import RADIOS
from roadstead.storage.database import Database
from roadstead.storage.outbox import outbox_rows
from roadstead.testbed.models import DAY_S, ModelDevice, Weather

PRODUCT: Final = 1
PAST_DAYS: Final = 8
"""Days that are lived before the rollout: seven for the baseline, and one to begin with."""

START: Final = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
"""When the first day begins: at no round hour, as rollouts do."""

MOST_DAYS: Final = 60
"""A rollout that has not ended by then is reported as it is."""

INSTALL_S: Final = (240, 2400)
"""From a device's contact to the end of its installation."""

PLATFORM: Final = 12


def with_zones(policy: Policy, fleet: FleetFile) -> Policy:
    """The policy, with its window in the local time of the fleet's devices if it says nothing."""
    window = policy.window
    if window is None or window.zones_by_group:
        return policy
    local = msgspec.structs.replace(window, zones_by_group=fleet.zones_by_group())
    return msgspec.structs.replace(policy, window=local)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one rollout.

    Attributes:
        state: ``finished``, ``halted``, ``held`` …; ``running`` when time was up.
        rule: what stopped it, or empty.
        paused: the gate paused it at least once.
        extended: a stage got a second soak.
        stage: the stage in which it ended, from 0.
        offered: devices that had been offered the version when it stopped.
        installed: devices that had installed it by then.
        hurt: devices that it had bricked by then.
        days: from the start to its end.
        detail: the sentence that ended it.
    """

    state: str
    rule: str
    paused: bool
    extended: bool
    stage: int
    offered: int
    installed: int
    hurt: int
    days: float
    detail: str

    @property
    def stopped(self) -> bool:
        """Whether it did not go through: halted, held or paused at any time."""
        return self.state in ("halted", "held") or self.paused


class Bed:
    """A fleet and an engine on one clock.

    Args:
        database: migrated and empty of rollouts of this product.
        fleet: the fleet.
        seed: of this run.
    """

    def __init__(self, database: Database, fleet: FleetFile, seed: int) -> None:
        self._database = database
        self._fleet = fleet
        self._random = Random(f"{fleet.seed}/{seed}")
        self.clock = ManualClock(START)
        self.engine = RolloutEngine(database, self.clock, lambda: None)
        start_s = int(START.timestamp())
        kinds = fleet.kinds()
        self.devices = {
            one.device_id: one
            for one in (
                ModelDevice(
                    f"{self._random.getrandbits(96):024x}",
                    kind,
                    fleet.runs,
                    self._random,
                    start_s,
                    index // kind.regions,
                    zone,
                )
                for index, (kind, zone) in enumerate(zip(kinds, fleet.zones(), strict=True))
            )
        }
        self._regions = 1 + max((one.region for one in self.devices.values()), default=0)
        self._events: list[tuple[int, str, str]] = []
        self._openings: dict[str, Opening] = {}
        self._seen_outbox = 0
        self._weather = Weather()
        self._started = False
        self._stored_s = 0
        self._updated: dict[str, int] = {}
        self._failed: dict[str, str] = {}
        self._pausing = self._extending = False
        self._windowed = False

    @property
    def now_s(self) -> int:
        """The bed's time, Unix seconds."""
        return int(self.clock.now().timestamp())

    async def run(self, version: int, policy: Policy) -> Outcome:
        """Lives the past, starts a rollout, and lives until it has ended."""
        await self._database.write(self._make_fleet)
        self._new_day()
        await self._live_until(self.now_s + PAST_DAYS * DAY_S, None)
        await self._database.write(self._store)
        self._started = True
        self._windowed = policy.window is not None
        rollout = Rollout(
            id=f"{self._random.getrandbits(96):024x}",
            product_id=PRODUCT,
            version=version,
            policy=with_zones(policy, self._fleet),
            size_bytes=100_000,
            created_at=self.clock.now(),
            due_at=self.clock.now(),
        )
        await self._database.write(lambda conn: store.insert_rollout(conn, rollout))
        end_s = self.now_s + MOST_DAYS * DAY_S
        ended = await self._live_until(end_s, rollout.id)
        return self._outcome(ended or rollout, rollout.created_at, version)

    def _outcome(self, rollout: Rollout, started: datetime, version: int) -> Outcome:
        ran = self.clock.now() - started
        return Outcome(
            state=rollout.state,
            rule="" if rollout.state == "finished" else rollout.reason,
            paused=self._pausing,
            extended=self._extending,
            stage=rollout.stage,
            offered=rollout.offered,
            installed=sum(one.version == version for one in self.devices.values()),
            hurt=sum(one.bricked for one in self.devices.values()),
            days=ran / timedelta(days=1),
            detail=rollout.text,
        )

    async def _live_until(self, end_s: int, rollout_id: str | None) -> Rollout | None:
        """Moves from one moment to the next; the rollout once it waits for nothing any more."""
        rollout: Rollout | None = None
        while self.now_s < end_s:
            if rollout_id is not None:
                if rollout is None or self._is_due(rollout):
                    rollout = await self._engine_steps(rollout_id)
                if rollout.state not in ("preparing", "queued", "running", "paused_by_gate"):
                    return rollout
            self._move_to(self._next_moment(end_s, rollout))
        return rollout

    async def _engine_steps(self, rollout_id: str) -> Rollout:
        """Lets the engine do all that is due, with the database as it would be."""
        rollout = await self._find(rollout_id)
        while self._is_due(rollout):
            if self._stored_s != self.now_s:
                await self._database.write(self._store)
            await self.engine.work()
            rollout = await self._find(rollout_id)
            await self._database.read(self._read_assignments)
            self._note(rollout)
            if rollout.state not in ("preparing", "queued", "running", "paused_by_gate"):
                break
        return rollout

    def _is_due(self, rollout: Rollout) -> bool:
        return rollout.due_at is not None and rollout.due_at <= self.clock.now()

    def _note(self, rollout: Rollout) -> None:
        self._pausing |= rollout.state == "paused_by_gate"
        self._extending |= rollout.extended_at is not None
        if rollout.clocks_from is None:
            return
        opened_s = int(rollout.clocks_from.timestamp())
        before = self._openings.get(rollout.id)
        if before is None or before.opened_s != opened_s:
            policy = rollout.policy
            self._openings[rollout.id] = Opening(
                rollout.id, opened_s, policy.settle_s, int(policy.patience.install_s)
            )
            for device in self.devices.values():
                self._schedule_contact(device, opened_s)

    def _schedule_contact(self, device: ModelDevice, opened_s: int) -> None:
        at_s = device.next_contact_s(opened_s)
        if at_s is not None:
            heapq.heappush(self._events, (at_s, "contact", device.device_id))

    def _next_moment(self, end_s: int, rollout: Rollout | None) -> int:
        moments = [end_s, (self.now_s // QUARTER_S + 1) * QUARTER_S]
        if self._events:
            moments.append(self._events[0][0])
        if rollout is not None and rollout.due_at is not None:
            moments.append(int(rollout.due_at.timestamp()) + 1)
        return max(min(moments), self.now_s)

    def _move_to(self, moment_s: int) -> None:
        self.clock.advance(moment_s - self.clock.now().timestamp())
        while self._events and self._events[0][0] <= moment_s:
            _, what, device_id = heapq.heappop(self._events)
            self._happen(what, self.devices[device_id], moment_s)
        if moment_s % QUARTER_S == 0:
            for device in self.devices.values():
                device.live(moment_s, self._weather)
            if moment_s % DAY_S == 0:
                self._new_day()

    def _happen(self, what: str, device: ModelDevice, now_s: int) -> None:
        device.live(now_s, self._weather)
        if device.bricked:
            return
        if what == "contact":
            note_contact(device.trace, now_s, self._openings)
            for clock in device.trace.clocks.values():
                if clock.settled_s > now_s:
                    heapq.heappush(self._events, (clock.settled_s, "settled", device.device_id))
            if device.device_id in self._updated:
                wait_s = self._random.randint(*INSTALL_S)
                wait_s = int(wait_s * RADIOS[device.kind.radio].install_times)
                heapq.heappush(self._events, (now_s + wait_s, "install", device.device_id))
        elif what == "install" and device.device_id in self._updated:
            version = self._updated.pop(device.device_id)
            if device.version != version and not device.install(
                version, self._fleet.truth(version), self._openings
            ):
                self._failed[device.device_id] = "install_failed"

    def _new_day(self) -> None:
        nuisance = self._fleet.nuisance
        shift = nuisance.shift_times if self._started else 1.0
        regions = frozenset(
            region
            for region in range(self._regions)
            if self._random.random() < nuisance.region_days
        )
        self._weather = Weather(regions, self._random.random() < nuisance.server_days)
        for device in self.devices.values():
            device.new_day(nuisance, shift)

    def _make_fleet(self, conn: Connection) -> None:
        at = self.clock.now()
        zero = {"device_count": len(self.devices), "quarantined_count": 0, "denied_count": 0}
        conn.execute(
            insert(products).values(
                id=PRODUCT,
                slug="testbed",
                name="testbed",
                name_key="testbed",
                description="",
                platform_id=PLATFORM,
                owner_user_id="0" * 24,
                settings={},
                created_at=at,
                updated_at=at,
                **zero,
            )
        )
        rows: list[dict[str, Any]] = [
            {
                "id": one.device_id,
                "product_id": PRODUCT,
                "platform_id": PLATFORM,
                "firmware_version": one.version,
                "system_version": 6200,
                "hello_flags": 0,
                "safe_mode": False,
                "quarantined": False,
                "created_at": at,
                "updated_at": at,
            }
            for one in self.devices.values()
        ]
        conn.execute(insert(devices), rows)
        members: list[dict[str, Any]] = [
            {
                "product_id": PRODUCT,
                "device_id": one.device_id,
                "standing": "member",
                "development": False,
                "last_handshake_ms": 0,
                "firmware_version": one.version,
                "name_key": one.device_id,
                "updated_at": at,
            }
            for one in self.devices.values()
        ]
        conn.execute(insert(product_devices), members)
        self._make_groups(conn, at)

    def _make_groups(self, conn: Connection, at: datetime) -> None:
        """A group for each time zone, by which windows know what time it is at a device."""
        by_zone: dict[str, list[str]] = {}
        for one in self.devices.values():
            by_zone.setdefault(one.zone, []).append(one.device_id)
        for number, (zone, ids) in enumerate(sorted(by_zone.items()), 1):
            group = DeviceGroup(
                id=f"{number:024x}",
                product_id=PRODUCT,
                name=group_of_zone(zone),
                description="",
                color="",
                device_count=0,
                created_at=at,
                updated_at=at,
            )
            group_store.insert_group(conn, group)
            for start in range(0, len(ids), 500):
                group_store.add_members(conn, group.id, ids[start : start + 500])

    def _store(self, conn: Connection) -> None:
        """What the gateway would have written by now: traces, versions, failed installations."""
        self._stored_s = self.now_s
        for one in self.devices.values():
            one.live(self.now_s, self._weather)
        write_traces(conn, [to_row(one.device_id, one.trace) for one in self.devices.values()])
        by_version: dict[int, list[str]] = {}
        for one in self.devices.values():
            by_version.setdefault(one.version, []).append(one.device_id)
        for version, ids in by_version.items():
            if version != self._fleet.runs or self._started:
                for start in range(0, len(ids), 500):
                    conn.execute(
                        update(devices)
                        .where(devices.c.id.in_(ids[start : start + 500]))
                        .values(firmware_version=version)
                    )
        for device_id, reason in self._failed.items():
            for rollout_id in self._openings:
                store.end_member(conn, rollout_id, device_id, "failed", reason, self.clock.now())
        self._failed.clear()

    def _read_assignments(self, conn: Connection) -> None:
        """Devices that the engine asked the deliveries to look at."""
        rows = conn.execute(
            select(outbox_rows.c.id, outbox_rows.c.topic, outbox_rows.c.payload)
            .where(outbox_rows.c.id > self._seen_outbox)
            .order_by(outbox_rows.c.id)
        ).all()
        for row_id, topic, payload in rows:
            self._seen_outbox = row_id
            if topic == recording.ASSIGNED:
                found = find_assignments(conn, PRODUCT, payload["devices"])
                self._updated.update((key, one.version) for key, one in found.items())
                if self._windowed:  # its first contact of the stage may be long past
                    for device_id in found:
                        self._schedule_contact(self.devices[device_id], self.now_s)
        if self._windowed and self._updated:  # a window that shut takes back what it gave
            kept = find_assignments(conn, PRODUCT, list(self._updated))
            self._updated = {key: one.version for key, one in kept.items()}

    async def _find(self, rollout_id: str) -> Rollout:
        found = await self._database.read(
            lambda conn: store.find_rollout(conn, PRODUCT, rollout_id)
        )
        assert found is not None
        return found
