"""How a fleet is: takes note of what its devices do, and answers from sums.

A message costs a place in a list; every five seconds the list goes to the journal, which changes
one row for each device in it and the sums that it stands under. A process that is killed loses
those seconds of the trends. No question and no timer ever looks at all devices.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

import msgspec
from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import TOPIC
from roadstead.events.model import Event
from roadstead.firmware.count_store import find_counts
from roadstead.firmware.delivery.model import DELIVERY_ENDED, DeliveryEnded
from roadstead.health import trend_store
from roadstead.health.check_rules import State
from roadstead.health.condition import HOUR_MS, Note
from roadstead.health.condition_store import WorstDevice, list_worst, write_notes
from roadstead.health.fleet_metrics import STATUS_EVENT, Allow, FleetMetrics
from roadstead.health.fleet_series import FleetFilter
from roadstead.health.resets import EVENT_NAME as RESET_EVENT
from roadstead.health.resets import UNEXPECTED
from roadstead.health.service import EVENT_NAME as VITALS_EVENT
from roadstead.health.trend_rules import (
    TRENDS,
    Gauge,
    Hours,
    Points,
    TrendName,
    sum_by,
    to_levels,
    to_points,
)
from roadstead.kit.clock import Clock
from roadstead.products.group_store import list_group_names
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 5.0

WAITING_LIMIT = 200_000
"""Notes kept until they are handed on; more are dropped and counted."""

WORST_SHOWN = 20

LOOK_BACK_HOURS = 30 * 24
"""What is said of versions is of the last thirty days."""

_decode = msgspec.json.decode


@dataclass(slots=True)
class FleetPart:
    """Devices of one firmware version, one group or one release of Device OS.

    Attributes:
        devices: heard of since they are counted.
        states: how many are in each state.
        restarts: that nobody asked for, in the last thirty days.
        connects: sessions begun in the last thirty days.
        updates: updates to this version in the last thirty days, by how they ended.
    """

    devices: int = 0
    states: dict[State, int] = field(default_factory=dict)
    restarts: int = 0
    connects: int = 0
    updates: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """How a fleet is now.

    Attributes:
        members: devices of the product; None when only some are looked at.
        heard: of them, those that did something since they are counted.
        online: connected now.
        states: how many are in each state.
        reasons: how many are in trouble by each check.
        battery, signal, memory: how many are in each ten per cent, by its beginning.
        by_firmware, by_group, by_system: the same devices, apart.
        worst: those with the most trouble.
    """

    members: int | None
    heard: int
    online: int
    states: Mapping[str, int]
    reasons: Mapping[str, int]
    battery: Mapping[str, int]
    signal: Mapping[str, int]
    memory: Mapping[str, int]
    by_firmware: Mapping[int, FleetPart]
    by_group: Mapping[str, FleetPart]
    by_system: Mapping[str, FleetPart]
    worst: list[WorstDevice]


Key = TypeVar("Key")


class FleetHealth:
    """Takes note, and answers.

    Args:
        metrics: knows who is online.
        allow: asked before figures are given.

    Attributes:
        dropped: notes for which there was no room.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        bus: LocalBus,
        clock: Clock,
        metrics: FleetMetrics,
        allow: Allow,
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._allow = allow
        self._notes: list[Note] = []
        self.dropped = 0
        bus.subscribe(TOPIC, self._on_event)
        bus.subscribe(DELIVERY_ENDED, self._on_delivery)

    async def run(self) -> None:
        """Hands notes on until it is cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY_S)
                self.flush()
        finally:
            self.flush()

    def flush(self) -> None:
        """Hands the notes to the journal; those that find no room there wait."""
        notes, self._notes = self._notes, []
        for number, note in enumerate(notes):
            if not self._journal.append(write_notes, note):
                self._notes = notes[number:] + self._notes
                return

    async def summary(self, product: Product, wanted: FleetFilter) -> FleetSummary:
        """How the fleet is now.

        Raises:
            Forbidden: ``plan_limit``.
        """
        return await self._database.read(lambda conn: self._summary(conn, product, wanted))

    async def trend(
        self, product: Product, name: TrendName, hours: Hours, wanted: FleetFilter
    ) -> Points:
        """The points of a trend, each by the hour at which it begins.

        Raises:
            Forbidden: ``plan_limit``.
        """
        trend = TRENDS[name]

        def work(conn: Connection) -> Points:
            self._allow(conn, product)
            found = trend_store.list_trend(
                conn,
                product.id,
                trend.measure,
                hours,
                wanted,
                by_firmware=trend.by_firmware,
                to_now=trend.gauge,
            )
            if not trend.gauge:
                return to_points(hours, found)
            gauges = trend_store.list_gauges(conn, product.id, wanted, {trend.measure})
            if trend.by_firmware:
                gauges = [one._replace(label=str(one.firmware)) for one in gauges]
            return to_levels(hours, sum_by(gauges, trend.measure), found)

        return await self._database.read(work)

    def _summary(self, conn: Connection, product: Product, wanted: FleetFilter) -> FleetSummary:
        self._allow(conn, product)
        chosen = trend_store.list_gauges(conn, product.id, wanted)
        apart = ("devices", "state")
        groups = trend_store.list_gauges(conn, product.id, wanted, apart, all_groups=True)
        by_firmware = _apart(chosen, lambda one: one.firmware)
        self._add_past(conn, product.id, wanted, by_firmware)
        names = set(list_group_names(conn, [product.id]).get(product.id, ()))
        of_groups = [one for one in groups if one.device_group in names]
        everybody = wanted == FleetFilter()
        states = sum_by(chosen, "state")
        return FleetSummary(
            members=sum(find_counts(conn, product.id).values()) if everybody else None,
            heard=sum(sum_by(chosen, "devices").values()),
            online=self._metrics.online_now(product.id, wanted),
            states=states,
            reasons=sum_by(chosen, "reason"),
            battery=sum_by(chosen, "battery"),
            signal=sum_by(chosen, "signal"),
            memory=sum_by(chosen, "memory"),
            by_firmware=by_firmware,
            by_group=_apart(of_groups, lambda one: one.device_group),
            by_system=_apart(chosen, lambda one: one.system),
            worst=list_worst(conn, product.id, wanted, WORST_SHOWN),
        )

    def _add_past(
        self, conn: Connection, product_id: int, wanted: FleetFilter, parts: dict[int, FleetPart]
    ) -> None:
        first = self._clock.now_ms() // HOUR_MS - LOOK_BACK_HOURS
        for measure, firmware, label, count in trend_store.list_totals(
            conn, product_id, ("resets", "connects", "updates"), first, wanted
        ):
            part = parts.setdefault(firmware, FleetPart())
            if measure == "updates":
                part.updates[label] = count
            elif measure == "connects":
                part.connects = count
            elif label in UNEXPECTED:
                part.restarts += count

    def _on_event(self, message: object) -> None:
        if isinstance(message, Event) and message.product_id is not None and message.device_id:
            note = _note_of(message)
            if note is not None:
                self._take(note)

    def _on_delivery(self, message: object) -> None:
        if isinstance(message, DeliveryEnded):
            one = message.delivery
            if one.product_id is not None and one.version:
                at_ms = self._clock.now_ms()
                told = (one.device_id, one.product_id, one.from_version, at_ms, "update")
                self._take(Note(*told, one.state, one.version))  # type: ignore[arg-type]

    def _take(self, note: Note) -> None:
        if len(self._notes) < WAITING_LIMIT:
            self._notes.append(note)
        else:
            self.dropped += 1


def _apart(gauges: Iterable[Gauge], key: Callable[[Gauge], Key]) -> dict[Key, FleetPart]:
    """The devices of some gauges by a key of each."""
    parts: dict[Key, FleetPart] = {}
    for one in gauges:
        if one.measure not in ("devices", "state"):
            continue
        part = parts.setdefault(key(one), FleetPart())
        if one.measure == "devices":
            part.devices += one.devices
        else:
            state = cast(State, one.label)
            part.states[state] = part.states.get(state, 0) + one.devices
    return parts


def _note_of(event: Event) -> Note | None:
    """What an event tells of its device; None for those that tell nothing of its health."""
    assert event.device_id is not None and event.product_id is not None
    told = (event.device_id, event.product_id, event.firmware_version, event.published_at_ms)
    payload = event.payload or b""
    if event.source == "system" and event.name == STATUS_EVENT:
        if payload == b"online":
            return Note(*told, "online")
        return Note(*told, "offline") if payload == b"offline" else None
    if event.source == "system" and event.name == VITALS_EVENT:
        return Note(*told, "vitals", vitals=_decode(payload).get("device") or {})
    if event.source == "device" and event.name == RESET_EVENT:
        return Note(*told, "reset", payload[:100].decode("utf-8", "replace"))
    return None
