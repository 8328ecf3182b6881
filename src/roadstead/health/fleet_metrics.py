"""What a fleet does, counted as it happens: a few additions for each message, whatever its size.

Counts are kept in memory for ten seconds and then added to the rows of their minute. A process that
is killed loses those seconds of the charts and nothing else. A device counts with the groups and
the release of Device OS that it had when it was last looked at, at most ten minutes ago.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import TOPIC
from roadstead.events.model import Event
from roadstead.health import fleet_store as store
from roadstead.health.fleet_series import (
    MINUTE_MS,
    PANELS,
    FleetFilter,
    Metric,
    Panel,
    Window,
    to_points,
)
from roadstead.health.fleet_store import (
    ALL,
    QUARTER,
    QUARTERLY,
    ROLL_UPS,
    CountRow,
    DeviceFacts,
)
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 10.0

FACTS_FOR_S = 600.0
"""How long what was read of a device is believed."""

FACTS_AT_ONCE = 500

STATUS_EVENT = "spark/status"

Point = tuple[int, dict[str, int]]
Allow = Callable[[Connection, Product], None]
"""Refuses a product whose plan has no fleet metrics."""

_Told = tuple[str, int, int]
"""Device id, product, firmware version."""


class FleetMetrics:
    """Counts, and gives counts.

    Args:
        allow: asked before counts are given.
    """

    def __init__(
        self, database: Database, journal: Journal, bus: LocalBus, clock: Clock, allow: Allow
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._allow = allow
        self._pending: Counter[tuple[_Told, Metric, int]] = Counter()
        self._changes: dict[str, _Told | None] = {}
        self._online: dict[str, list[tuple[int, str, int, str]]] = {}
        self._online_counts: Counter[tuple[int, str, int, str]] = Counter()
        self._facts: dict[str, tuple[DeviceFacts, float]] = {}
        self._snapshot_minute = 0
        self._snapshot_quarter = 0
        self._snapshot_keys: set[tuple[int, str, int, str]] = set()
        bus.subscribe(TOPIC, self._on_event)

    def count_ask(
        self, device_id: str, product_id: int | None, firmware: int, metric: Metric
    ) -> None:
        """Counts how a function call, a variable request or a delivery of an event ended."""
        if product_id is not None:
            self._count((device_id, product_id, firmware), metric)

    async def start(self) -> None:
        """Learns who is online."""
        for told in await self._database.read(store.list_online):
            self._changes.setdefault(told[0], told)

    async def run(self) -> None:
        """Writes what was counted until it is cancelled; a database that is away only delays it."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            try:
                await self.flush()
            except Unavailable as error:
                log.warning("counts of fleets wait: %s", error.message)
            except Exception:
                log.exception("counts of fleets could not be written")

    async def flush(self) -> None:
        """Hands what was counted to the journal.

        Raises:
            Unavailable: the database; what was counted is kept for the next time.
        """
        pending, changes = self._pending, self._changes
        known = {told[0] for told, _, _ in pending} | {one for one, to in changes.items() if to}
        await self._learn(known)
        self._pending, self._changes = Counter(), {}
        rows: Counter[tuple[int, str, str, int, int, str]] = Counter()
        for (told, metric, minute), count in pending.items():
            for product_id, group, firmware, system in self._keys(told):
                rows[product_id, metric, group, minute, firmware, system] += count
                for end, width in ROLL_UPS.items():
                    begin, rolled = minute - minute % width, f"{metric}{end}"
                    rows[product_id, rolled, group, begin, firmware, system] += count
        for device_id, to in changes.items():
            self._move(device_id, to)
        minute = self._clock.now_ms() // MINUTE_MS
        if minute != self._snapshot_minute:
            self._snapshot_minute = minute
            self._take_snapshot(minute)
        for key, count in rows.items():
            self._journal.append(store.add_counts, CountRow(*key, count))

    async def read(
        self, product: Product, panel: Panel, window: Window, wanted: FleetFilter
    ) -> list[Point]:
        """The points of a panel, each by the minute at which it begins.

        Raises:
            Forbidden: ``plan_limit``.
        """

        def work(conn: Connection) -> list[tuple[str, int, int]]:
            self._allow(conn, product)
            metrics = list(PANELS[panel].values())
            return store.list_counts(
                conn, product.id, metrics, window, wanted, snapshots=panel == "online"
            )

        return to_points(panel, window, await self._database.read(work))

    def online_now(self, product_id: int, wanted: FleetFilter) -> int:
        """Devices that are online, as of the last write: at most ten seconds ago."""
        group = wanted.group or ALL
        return sum(
            count
            for (product, one, firmware, system), count in self._online_counts.items()
            if product == product_id
            and one == group
            and wanted.firmware in (None, firmware)
            and wanted.system in (None, system)
        )

    def _take_snapshot(self, minute: int) -> None:
        """Who is online in this minute, which is also the newest of its quarter of an hour."""
        quarter = minute - minute % QUARTER
        if quarter != self._snapshot_quarter:
            self._snapshot_quarter = quarter
            self._snapshot_keys = set()
        gone = self._snapshot_keys - self._online_counts.keys()
        self._snapshot_keys |= self._online_counts.keys()
        for key, count in [*self._online_counts.items(), *((key, 0) for key in gone)]:
            product_id, group, firmware, system = key
            for name, begin in (("online", minute), (f"online{QUARTERLY}", quarter)):
                row = CountRow(product_id, name, group, begin, firmware, system, count)
                self._journal.append(store.put_counts, row)

    def _on_event(self, message: object) -> None:
        if not isinstance(message, Event) or message.product_id is None or not message.device_id:
            return
        told = (message.device_id, message.product_id, message.firmware_version)
        if message.source == "device":
            self._count(told, "events")
            if not self._is_counted_online(told):
                # It was online before it came into this product, and nobody told of it.
                self._changes[told[0]] = told
        elif message.name == STATUS_EVENT and message.payload in (b"online", b"offline"):
            self._changes[told[0]] = told if message.payload == b"online" else None

    def _is_counted_online(self, told: _Told) -> bool:
        """Its coming or going in this product was told."""
        device_id, product_id, _ = told
        if device_id in self._changes:
            change = self._changes[device_id]
            return change is None or change[1] == product_id
        keys = self._online.get(device_id, [])
        return any(key[0] == product_id for key in keys[:1])

    def _count(self, told: _Told, metric: Metric) -> None:
        self._pending[told, metric, self._clock.now_ms() // MINUTE_MS] += 1

    def _move(self, device_id: str, to: _Told | None) -> None:
        for key in self._online.pop(device_id, ()):
            self._online_counts[key] -= 1
            if not self._online_counts[key]:
                del self._online_counts[key]
        if to is not None:
            keys = self._online[device_id] = list(self._keys(to))
            self._online_counts.update(keys)

    def _keys(self, told: _Told) -> Iterable[tuple[int, str, int, str]]:
        device_id, product_id, firmware = told
        facts, _ = self._facts.get(device_id, (DeviceFacts("", ()), 0.0))
        for group in (ALL, *facts.groups):
            yield product_id, group, firmware, facts.system

    async def _learn(self, device_ids: Iterable[str]) -> None:
        now = self._clock.monotonic()
        old = [
            one
            for one in device_ids
            if one not in self._facts or now - self._facts[one][1] > FACTS_FOR_S
        ]
        for begin in range(0, len(old), FACTS_AT_ONCE):
            part = old[begin : begin + FACTS_AT_ONCE]
            found = await self._database.read(partial(store.facts_of, device_ids=part))
            for one, facts in found.items():
                self._facts[one] = (facts, now)
