"""Takes note of what devices of products do, from the events that were committed.

A message costs constant time and no SQL: traces live in memory while their devices do something,
are loaded in batches when a device is heard first, and are written behind. What a stage's clocks
need is written within seconds, sums within minutes; a process that dies loses so much, in both
groups alike.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import TOPIC
from roadstead.events.model import Event
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.rollouts import trace as traces
from roadstead.rollouts.trace import Opening, Trace
from roadstead.rollouts.trace_store import find_traces, to_row, write_traces
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

log = logging.getLogger(__name__)

WRITE_AFTER_S: Final = 300
"""Seconds after which the sums of a device that goes on as ever are written."""

STEP_S: Final = 1.0
"""Seconds between two rounds of loading and writing."""

FORGET_AFTER_S: Final = 900
"""A trace leaves memory so long after its device was heard last."""

LOAD_LIMIT: Final = 2_000
"""Traces loaded in one round."""

WAITING_LIMIT: Final = 200_000
"""Notes kept while traces are loaded; more are dropped and counted."""

_FAULT_WORDS: Final = frozenset({"error", "errors", "fault", "panic", "crash", "exception"})

Note = Callable[[Trace], None]


class Watcher:
    """Keeps the traces of this process's devices.

    Args:
        database, journal: where traces are read and written.
        clock: for the time of a round.
        bus: brings committed events.
        ended: told of each installation that failed, and of each device that runs a version:
            device, product, kind (``failed`` or ``runs``) and version.

    Attributes:
        dropped: notes that were dropped because loading could not keep up.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        clock: Clock,
        bus: LocalBus,
        ended: Callable[[str, int, str, int], None] | None = None,
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._ended = ended
        self._openings: dict[int, dict[str, Opening]] = {}
        self._traces: dict[str, Trace] = {}
        self._waiting: dict[str, list[Note]] = {}
        self._products: dict[str, int] = {}
        self._notes = 0
        self._urgent: dict[str, None] = {}
        self._due: deque[tuple[int, str]] = deque()
        self._queued: set[str] = set()
        self.dropped = 0
        bus.subscribe(TOPIC, self._on_event)

    def set_openings(self, openings: Mapping[int, Mapping[str, Opening]]) -> None:
        """The stages that are open now, by product and rollout."""
        self._openings = {product: dict(of_product) for product, of_product in openings.items()}

    def _on_event(self, event: object) -> None:
        if isinstance(event, Event) and event.device_id and event.product_id is not None:
            note = _note_of(event, self._openings.get(event.product_id, {}))
            if note is not None:
                self._take(event.device_id, event.product_id, note, urgent=_is_urgent(event))
            if self._ended is not None:
                self._tell_ended(event, event.device_id, event.product_id)

    def _tell_ended(self, event: Event, device_id: str, product_id: int) -> None:
        assert self._ended is not None
        payload = event.payload or b""
        if event.name == "spark/flash/status" and payload.startswith(b"failed"):
            self._ended(device_id, product_id, "failed", 0)
        elif event.name == "spark/status" and payload == b"online":
            self._ended(device_id, product_id, "runs", event.firmware_version)

    def _take(self, device_id: str, product_id: int, note: Note, *, urgent: bool) -> None:
        trace = self._traces.get(device_id)
        if trace is None:
            if self._notes >= WAITING_LIMIT:
                self.dropped += 1
                return
            self._notes += 1
            self._products[device_id] = product_id
            self._waiting.setdefault(device_id, []).append(note)
            return
        clocks_before = trace.clocks
        trace.product_id = product_id
        started = len(clocks_before)
        note(trace)
        if urgent or len(trace.clocks) != started:
            self._urgent[device_id] = None
        if device_id not in self._queued:
            self._queued.add(device_id)
            self._due.append((self._now_s() + WRITE_AFTER_S, device_id))

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())

    async def run(self) -> None:
        """Loads and writes until it is cancelled; then writes once more."""
        try:
            while True:
                await asyncio.sleep(STEP_S)
                try:
                    await self.step()
                except Unavailable as error:
                    log.warning("traces of devices wait: %s", error.message)
        finally:
            self.write_all()

    async def step(self) -> None:
        """One round: what waits is loaded, what is due is written."""
        if self._waiting:
            await self._load()
        now_s = self._now_s()
        urgent, self._urgent = self._urgent, {}
        for device_id in urgent:
            self._write(device_id)
        while self._due and self._due[0][0] <= now_s:
            _, device_id = self._due.popleft()
            self._queued.discard(device_id)
            self._write(device_id)
            trace = self._traces.get(device_id)
            if trace is not None and trace.last_contact_s < now_s - FORGET_AFTER_S:
                del self._traces[device_id]

    async def _load(self) -> None:
        ids = list(self._waiting)[:LOAD_LIMIT]
        found = await self._database.read(lambda conn: find_traces(conn, ids))
        for device_id in ids:
            notes = self._waiting.pop(device_id)
            self._notes -= len(notes)
            product_id = self._products.pop(device_id)
            trace = found.get(device_id)
            if trace is None or trace.product_id != product_id:
                trace = Trace(product_id)
            self._traces[device_id] = trace
            for note in notes:
                self._take(device_id, product_id, note, urgent=True)

    def _write(self, device_id: str) -> None:
        trace = self._traces.get(device_id)
        if trace is None:
            return
        row = to_row(device_id, trace)
        kept = partial(self._written, device_id, row.closed)
        if not self._journal.append(write_traces, row, kept):
            kept(RuntimeError("the journal is full"))

    def _written(self, device_id: str, closed: tuple[Any, ...], error: Exception | None) -> None:
        """Slices that were not stored go back to their trace."""
        trace = self._traces.get(device_id)
        if error is not None and trace is not None:
            trace.closed[:0] = closed
            self._urgent[device_id] = None

    def write_all(self) -> None:
        """Hands everything to the journal, as a server that stops must."""
        for device_id in list(self._traces):
            self._write(device_id)


def _is_urgent(event: Event) -> bool:
    """Whether a look of the gate should know of it soon."""
    return event.name == "spark/status" or event.name == "spark/device/last_reset"


def _note_of(event: Event, openings: Mapping[str, Opening]) -> Note | None:
    """What an event tells of its device; None for events that the API made."""
    now_s = event.published_at_ms // 1000
    name, payload = event.name, event.payload or b""
    if event.source == "device":
        if name.startswith(("spark/", "particle/")):
            return partial(_system, now_s, openings, name, payload)
        return partial(_application, now_s, openings, _is_fault(name))
    if event.source == "system" and name == "spark/status":
        if payload == b"online":
            version = event.firmware_version
            return lambda trace: traces.note_online(trace, now_s, openings, version)
        if payload == b"offline":
            return lambda trace: traces.note_offline(trace, now_s)
    if event.source == "system" and name == "spark/device/diagnostics/update":
        return partial(_vitals, now_s, openings, payload)
    return None


def _system(
    now_s: int, openings: Mapping[str, Opening], name: str, payload: bytes, trace: Trace
) -> None:
    current = traces.note_contact(trace, now_s, openings)
    if name == "spark/device/last_reset":
        traces.note_reset(trace, current, payload.decode("utf-8", "replace"), now_s)


def _application(now_s: int, openings: Mapping[str, Opening], fault: bool, trace: Trace) -> None:
    current = traces.note_contact(trace, now_s, openings)
    traces.note_published(trace, current, now_s)
    current.errors += fault


def _vitals(now_s: int, openings: Mapping[str, Opening], payload: bytes, trace: Trace) -> None:
    current = traces.note_contact(trace, now_s, openings)
    document = msgspec.json.decode(payload)
    traces.note_vitals(trace, current, document.get("device", {}), now_s)


def _is_fault(name: str) -> bool:
    """Whether an application's event reports a fault: one part of its name says so."""
    return not _FAULT_WORDS.isdisjoint(name.lower().replace("-", "/").replace("_", "/").split("/"))
