"""Runs deliveries: from the commit of an event to the end of its last attempt.

Each hook has a lane; a lane with work starts requests as far as the limits of the hook, of its
owner and of the server allow, so that one receiver that hangs holds up nobody else.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from roadstead.events.model import Event
from roadstead.events.reactions import Reaction
from roadstead.integrations import delivery_store
from roadstead.integrations.breakers import Breakers, Held
from roadstead.integrations.lanes import Lane
from roadstead.integrations.matching import HookIndex
from roadstead.integrations.model import Delivery, Integration, Owner
from roadstead.integrations.retry import MAX_AGE_S
from roadstead.integrations.settling import Attempt, Settling
from roadstead.integrations.trying import Trying
from roadstead.kit.clock import Clock
from roadstead.kit.ids import EventIds
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

IN_FLIGHT = 512
"""Requests under way on the whole server."""

IN_FLIGHT_PER_OWNER = 128

LEASE_MS = 60_000
"""How long a process may keep deliveries before another one takes them for abandoned."""

POLL_S = 30.0
"""Seconds between two looks for work that no lane knows of (left by another process, or by an
outcome that was not written)."""

STOP_WAIT_S = 2.0
"""Requests under way get this long when the server stops; those cut short are sent again."""

OrganizationOf = Callable[[int], str | None]
"""The organization of a product, by its number; None when a person owns it."""


class DeliveryEngine:
    """Delivers events to integrations.

    Args:
        database: where deliveries are.
        clock: for due times.
        hooks: all integrations, kept current by somebody else.
        trying: sends single requests.
        breakers: asked before each request.
        settling: told after each.
        ids: gives ids to deliveries.
        organization_of: see there.

    Attributes:
        planned: deliveries committed with their events.
        attempted: requests begun.
        held: requests that a breaker held back.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        hooks: HookIndex,
        trying: Trying,
        breakers: Breakers,
        settling: Settling,
        ids: EventIds,
        organization_of: OrganizationOf = lambda product_id: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hooks = hooks
        self._trying = trying
        self._breakers = breakers
        self._settling = settling
        self._organization_of = organization_of
        self._ids = ids
        self._lanes: dict[str, Lane] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._starved: dict[str, Lane] = {}
        self._by_owner: Counter[Owner] = Counter()
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.in_flight = 0
        self.planned = 0
        self.attempted = 0
        self.held = 0

    @property
    def waiting(self) -> int:
        """Deliveries in memory that wait for their request."""
        return sum(lane.waiting for lane in self._lanes.values())

    def lane_of(self, hook_id: str) -> Lane | None:
        """A hook's lane, for who looks at it."""
        return self._lanes.get(hook_id)

    async def start(self) -> None:
        """Finds out what earlier processes left behind; before any event is accepted."""
        newest = await self._database.read(delivery_store.newest_id)
        if newest:
            # Ids grow even if the clock was set back: the order of deliveries depends on it.
            self._ids.next((newest >> 20) + 1)
        if self._database.dialect == "sqlite":
            # The data folder has one process, so what is taken was taken by a dead one.
            await self._database.write(delivery_store.give_back_all)
        await self._find_work()

    async def run(self) -> None:
        """Delivers until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for lane in tuple(self._lanes.values()):
                self._pump(lane)
            while True:
                await asyncio.sleep(POLL_S)
                try:
                    await self._find_work()
                except Exception as error:
                    log.warning("deliveries: cannot look for work: %s", error)

    async def stop(self) -> None:
        """Begins nothing more and lets requests under way end, if they do soon."""
        self._stopping = True
        for timer in self._timers.values():
            timer.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_WAIT_S)
        for task in tuple(self._running):
            task.cancel()

    def plan(self, event: Event) -> Reaction | None:
        """The rows of an event's deliveries, to be committed with it."""
        organization_id = None
        if event.product_id is not None and self._hooks.has_organizations():
            organization_id = self._organization_of(event.product_id)
        hooks = self._hooks.find(event, organization_id)
        if not hooks:
            return None
        encoded = delivery_store.encode_event(event)
        at_ms = event.published_at_ms
        rows, planned = [], []
        for hook in hooks:
            lane = self._lane(hook)
            delivery = Delivery(self._ids.next(at_ms), hook.id, event, at_ms, at_ms)
            here = lane.reserve(delivery.id)
            rows.append(delivery_store.new_row(delivery, encoded, at_ms + LEASE_MS if here else 0))
            planned.append((lane, delivery, here))
        return Reaction(delivery_store.write_deliveries, rows, partial(self._committed, planned))

    def on_hook_changed(self, hook_id: str) -> None:
        """The index has another version of this hook, or has it no longer."""
        lane, hook = self._lanes.get(hook_id), self._hooks.get(hook_id)
        if lane is None:
            return
        if hook is None:
            lane.forget_waiting()
            del self._lanes[hook_id]
            return
        lane.reshape(hook)
        lane.let_go()
        self._pump(lane)

    def on_due(self, hook_id: str) -> None:
        """Deliveries of this hook in the database are due now."""
        hook = self._hooks.get(hook_id)
        if hook is not None:
            lane = self._lane(hook)
            lane.note_due(self._now_ms())
            self._pump(lane)

    def wake(self, owner: Owner) -> None:
        """Breakers of this owner changed: lanes that wait for them look again."""
        for lane in tuple(self._lanes.values()):
            if lane.hook.owner == owner and lane.held_until_ms:
                lane.let_go()
                self._pump(lane)

    def _committed(
        self, planned: Sequence[tuple[Lane, Delivery, bool]], error: Exception | None
    ) -> None:
        for lane, delivery, here in planned:
            if error is not None:
                lane.cancel(delivery.id, here=here)
                continue
            self.planned += 1
            lane.commit(delivery, here=here)
            if lane.held_until_ms > self._now_ms():
                self._spawn(self._settling.tell_waiting(lane.hook, delivery))
            self._pump(lane)

    async def _find_work(self) -> None:
        for hook_id in await self._database.read(delivery_store.hooks_with_work):
            self.on_due(hook_id)

    def _lane(self, hook: Integration) -> Lane:
        lane = self._lanes.get(hook.id)
        if lane is None:
            lane = self._lanes[hook.id] = Lane(hook)
        return lane

    def _pump(self, lane: Lane) -> None:
        """Starts what may start, and sees to it that the rest is not forgotten."""
        if self._tasks is None or self._stopping or lane.hook.disabled:
            return
        if self._lanes.get(lane.hook.id) is not lane:
            return  # the hook was removed
        now_ms, owner = self._now_ms(), lane.hook.owner
        while self.in_flight < IN_FLIGHT and self._by_owner[owner] < IN_FLIGHT_PER_OWNER:
            batch = lane.take(now_ms)
            if not batch:
                break
            self._begin(lane, batch)
        else:
            self._starved[lane.hook.id] = lane
        if lane.wants_load(now_ms):
            self._spawn(self._load(lane, lane.begin_load()))
        self._set_timer(lane, now_ms)

    def _begin(self, lane: Lane, batch: list[Delivery]) -> None:
        self.in_flight += 1
        self._by_owner[lane.hook.owner] += 1
        self._spawn(self._deliver(lane, lane.hook, batch))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None or self._stopping:
            work.close()
            return
        task = self._tasks.create_task(_guarded(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _set_timer(self, lane: Lane, now_ms: int) -> None:
        old = self._timers.pop(lane.hook.id, None)
        if old is not None:
            old.cancel()
        at_ms = lane.wake_at_ms(now_ms)
        if at_ms is None or lane.loading:
            return
        if at_ms <= now_ms and len(lane.known) > lane.capacity // 2:
            return  # there is no room to load; the end of a request looks again
        delay_s = max(0.0, (at_ms - now_ms) / 1000) + 0.001
        loop = asyncio.get_running_loop()
        self._timers[lane.hook.id] = loop.call_later(delay_s, self._pump, lane)

    async def _load(self, lane: Lane, token: int) -> None:
        now_ms = self._now_ms()
        limit = lane.capacity - len(lane.known)
        work = partial(
            delivery_store.take,
            hook_id=lane.hook.id,
            now_ms=now_ms,
            until_ms=now_ms + LEASE_MS,
            limit=limit,
            in_order=lane.hook.settings.ordered,
        )
        try:
            found, next_at_ms = await self._database.write(work)
        except Exception as error:
            log.warning("deliveries of %s cannot be loaded: %s", lane.hook.id, error)
            await asyncio.sleep(1.0)
            lane.fail_load()
        else:
            whole = len(found) < limit
            lane.end_load(token, found, whole=whole, next_at_ms=next_at_ms)
        self._pump(lane)

    async def _deliver(self, lane: Lane, hook: Integration, batch: list[Delivery]) -> None:
        try:
            await self._deliver_once(lane, hook, batch)
        except Exception:
            # The row still waits: whatever went wrong here, it is found again.
            log.exception("hook %s: an attempt failed by a fault of the server", hook.id)
            lane.finish(batch, load_at_ms=self._now_ms() + LEASE_MS)
        finally:
            self.in_flight -= 1
            self._by_owner[hook.owner] -= 1
            self._pump(lane)
            self._feed_starved()

    def _feed_starved(self) -> None:
        for hook_id in tuple(self._starved):
            if self.in_flight >= IN_FLIGHT:
                return
            lane = self._starved.pop(hook_id)
            self._pump(lane)

    async def _deliver_once(self, lane: Lane, hook: Integration, batch: list[Delivery]) -> None:
        began_ms = self._now_ms()
        if not (batch := self._without_expired(lane, batch, began_ms)):
            return
        prepared = self._trying.prepare(hook, [one.event for one in batch], batch[0].id)
        if isinstance(prepared, Attempt):
            await self._settle(lane, hook, batch, prepared)
            return
        admission = self._breakers.admit(hook, prepared.host)
        if isinstance(admission, Held):
            await self._hold(lane, hook, batch, admission)
            return
        self.attempted += 1
        attempt = await self._trying.attempt(hook, prepared)
        if attempt.failure in ("refused_target", "bad_url"):
            self._breakers.give_back(admission)
        elif self._breakers.record(admission, ok=attempt.ok):
            self.wake(hook.owner)
        await self._settle(lane, hook, batch, attempt)

    def _without_expired(self, lane: Lane, batch: list[Delivery], now_ms: int) -> list[Delivery]:
        """The deliveries that are still worth a request; the others have ended."""
        expired = [one for one in batch if now_ms - one.since_ms > MAX_AGE_S * 1000]
        for one in expired:
            self._settling.expire(one, now_ms)
        if len(expired) == len(batch):
            lane.finish(batch)
            return []
        lane.leave(expired)
        return [one for one in batch if one not in expired] if expired else batch

    async def _hold(self, lane: Lane, hook: Integration, batch: list[Delivery], held: Held) -> None:
        self.held += 1
        wait_ms = int((held.until_s - self._clock.monotonic()) * 1000) + 1
        lane.put_back(batch)
        lane.hold(self._now_ms() + max(1, wait_ms), held.reason)
        for one in batch:
            await self._settling.tell_waiting(hook, one)

    async def _settle(
        self, lane: Lane, hook: Integration, batch: list[Delivery], attempt: Attempt
    ) -> None:
        retry_at_ms = await self._settling.settle(hook, batch, attempt)
        if retry_at_ms is not None and hook.settings.ordered:
            lane.put_back(batch)
        else:
            lane.finish(batch, load_at_ms=retry_at_ms)

    def _now_ms(self) -> int:
        return self._clock.now_ms()


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    """Lets a fault of one delivery end in the log and not the server."""
    try:
        await work
    except Exception:
        log.exception("deliveries: a fault of the server")
