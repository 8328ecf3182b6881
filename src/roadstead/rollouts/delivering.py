"""The way from rollouts to the deliveries: devices to look at now, and transfers to end.

Rows say what must happen: an assignment that is there is delivered, a transfer whose assignment is
gone is ended. Messages only say that it is time to look; a process that starts looks at all rows.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.firmware import release_store
from roadstead.firmware.facts import Surroundings, gather_in_product
from roadstead.firmware.release_store import find_in_force
from roadstead.firmware.targeting import choose_version
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.rollouts import recording, store
from roadstead.rollouts.joining import MemberChanges
from roadstead.rollouts.trace import Opening
from roadstead.rollouts.watching import Watcher
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxMessage

log = logging.getLogger(__name__)

PAGE: Final = 500

RETRY_S: Final = 1.0
"""After a database that was away."""

WITHDRAWN_AGAIN: Final = "firmware.withdrawn again"
AGAIN_S: Final = 2.0
"""What is withdrawn is looked at once more after so long: a look at devices that read their
assignments just before may have begun transfers just after."""

WAITING: Final = "queued"

REASON: Final = "rollout"
RELEASED: Final = ("group_release", "product_default")
"""Why a delivery was made, in the deliveries' words: an assignment, or a release."""


class OpenDelivery(Protocol):
    """A delivery that has not ended."""

    @property
    def device_id(self) -> str:
        """To which device."""

    @property
    def product_id(self) -> int | None:
        """In which product; None for a file that somebody flashes."""

    @property
    def version(self) -> int:
        """What it brings."""

    @property
    def reason(self) -> str:
        """Which rule chose it."""

    @property
    def state(self) -> str:
        """``queued`` while it waits for its turn."""


class Deliveries(Protocol):
    """Whoever brings files to devices of this process."""

    async def ask(
        self, device_ids: Sequence[str], *, cause: Any, asked_by: str | None, anew: bool = True
    ) -> object:
        """Has devices updated now to what they should run, if they are connected and agree."""

    def cancel(self, device_id: str) -> bool:
        """Ends the open delivery to a device."""

    def __iter__(self) -> Iterator[OpenDelivery]:
        """All that have not ended."""

    def wake(self) -> None:
        """A push was committed: its devices are looked at now."""

    async def force(self, device_ids: Iterable[str], forced: bool) -> None:
        """Has devices take updates without their consent, or not any more."""


class RolloutDeliveries:
    """Carries what rollouts committed to the deliveries and to the watcher of this process.

    Args:
        database: where the rows are.
        bus: brings the outbox's messages.
        deliveries: of this process.
        watcher: is told which stages are open.
        changes: is told which products have rollouts.
        wake: wakes the engine of this process.
        clock: for times.
    """

    def __init__(
        self,
        database: Database,
        bus: LocalBus,
        deliveries: Deliveries,
        watcher: Watcher,
        changes: MemberChanges,
        wake: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._watcher = watcher
        self._changes = changes
        self._wake_engine = wake
        self._work: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        for topic in (recording.CHANGED, recording.ASSIGNED, recording.WITHDRAWN):
            bus.subscribe(topic, self._on_message)

    def _on_message(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._work.put_nowait((message.topic, message.payload or {}))

    async def run(self) -> None:
        """Looks at everything once, then does what is told, until it is cancelled."""
        await self._patiently("start", {})
        while True:
            topic, payload = await self._work.get()
            await self._patiently(topic, payload)

    async def _patiently(self, topic: str, payload: dict[str, Any]) -> None:
        """Does one thing; again and again while the database is away."""
        while True:
            try:
                await self.handle(topic, payload)
                return
            except Unavailable as error:
                log.warning("rollouts and deliveries wait: %s", error.message)
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("what a rollout asked for could not be done: %s", topic)
                return

    async def handle(self, topic: str, payload: dict[str, Any]) -> None:
        """Does one thing that was told.

        Raises:
            Unavailable: the database; nothing is lost, the same may be asked again.
        """
        if topic == "start":
            await self._read_openings()
            await self.end_withdrawn()
            await self._ask_all()
        elif topic == recording.CHANGED:
            await self._read_openings()
            self._wake_engine()
            self._deliveries.wake()
        elif topic == recording.ASSIGNED:
            await self._ask(payload["devices"], forced=bool(payload.get("force")))
        elif topic == recording.WITHDRAWN:
            await self._withdraw(payload)
            loop = asyncio.get_running_loop()
            loop.call_later(AGAIN_S, self._work.put_nowait, (WITHDRAWN_AGAIN, payload))
        elif topic == WITHDRAWN_AGAIN:
            await self._withdraw(payload)

    async def _withdraw(self, payload: dict[str, Any]) -> None:
        """Ends what is withdrawn: all of it, or only what waits for its turn."""
        waiting_only = not payload.get("cut")
        await self.end_withdrawn(waiting_only=waiting_only)
        if "released" not in payload:
            return
        product_id, version = payload["product"], payload["released"]
        force = await self._database.read(lambda conn: find_in_force(conn, product_id))
        released = {release_store.DEFAULT: force.default, **force.groups}
        goes_on = {one for key, one in released.items() if key not in force.paused}
        if version not in goes_on:
            self._end_released(product_id, version, waiting_only)

    async def _read_openings(self) -> None:
        """Tells the watcher which stages are open."""
        unfinished = await self._database.read(store.list_unfinished)
        self._changes.follow(one.product_id for one in unfinished)
        openings: dict[int, dict[str, Opening]] = {}
        for one in unfinished:
            if one.clocks_from is not None and one.policy.gate:
                openings.setdefault(one.product_id, {})[one.id] = Opening(
                    one.id,
                    int(one.clocks_from.timestamp()),
                    one.policy.settle_s,
                    int(one.policy.patience.install_s),
                )
        self._watcher.set_openings(openings)

    async def _ask(self, device_ids: Sequence[str], *, forced: bool) -> None:
        if forced:
            await self._deliveries.force(device_ids, True)
        await self._deliveries.ask(device_ids, cause="rollout", asked_by=None, anew=False)

    async def _ask_all(self) -> None:
        """Devices that were assigned something which the process before may not have asked for."""
        for rollout in await self._database.read(store.list_unfinished):
            if rollout.is_slow_watch:
                continue  # its devices get the release with their next session
            after = ""
            while True:
                page = await self._database.read(
                    lambda conn, key=rollout.id, at=after: store.list_members(  # type: ignore[misc]
                        conn, key, after=at, states=("offered",), limit=PAGE
                    )
                )
                ids = [one.device_id for one in page if one.assigned]
                if ids:
                    await self._ask(ids, forced=rollout.policy.consent == "force")
                if len(page) < PAGE:
                    break
                after = page[-1].order

    def _end_released(self, product_id: int, version: int, waiting_only: bool) -> None:
        """Ends the transfers of a release that was halted; locks and flashes go on."""
        for one in list(self._deliveries):
            if waiting_only and one.state != WAITING:
                continue
            if (one.product_id, one.version) == (product_id, version) and one.reason in RELEASED:
                self._deliveries.cancel(one.device_id)

    async def end_withdrawn(self, *, waiting_only: bool = False) -> None:
        """Ends every transfer of a rollout to a device that shall run something else now.

        With ``waiting_only`` those that run go on.

        Raises:
            Unavailable: the database.
        """
        wanted: dict[int, dict[str, int]] = {}
        for one in self._deliveries:
            if waiting_only and one.state != WAITING:
                continue
            if one.product_id is not None and one.reason == REASON:
                wanted.setdefault(one.product_id, {})[one.device_id] = one.version

        for product_id, versions in wanted.items():
            ids = list(versions)

            around = Surroundings(self._clock.now())

            def work(
                conn: Connection, product: int = product_id, of: Any = ids, at: Any = around
            ) -> dict[str, int | None]:
                # Not only what is assigned: a finished rollout leaves a release behind, and what
                # it still sends goes on.
                found = gather_in_product(conn, product, of, at)
                return {key: choose_version(one) for key, one in found.items()}

            wanted_now = await self._database.read(work)
            for device_id, version in versions.items():
                if wanted_now.get(device_id) != version:
                    self._deliveries.cancel(device_id)
