"""Open deliveries and their turns: so many transfers at once, and a deadline for every state."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from functools import partial

from roadstead.devices.link import DeviceLink
from roadstead.devices.model import DeviceIdentity
from roadstead.firmware.delivery import store as delivery_store
from roadstead.firmware.delivery.agenda import Agenda
from roadstead.firmware.delivery.files import SendingFiles
from roadstead.firmware.delivery.keeping import LEASE_S, DeliveryKeeping
from roadstead.firmware.delivery.missing_modules import missing_modules
from roadstead.firmware.delivery.model import Delivery
from roadstead.firmware.delivery.queue import DeliveryQueue
from roadstead.firmware.delivery.rules import (
    Again,
    Await,
    End,
    Verdict,
    after_deadline,
    after_hello,
)
from roadstead.firmware.delivery.sending import Sending
from roadstead.firmware.delivery.telling import DeliveryTelling
from roadstead.kit.errors import DomainError
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

RECENT_FAILURES = 2000
RECENT_MS = 120_000
"""A device that fell into safe mode says so within seconds of its Hello."""

SPARE_PART = 10
"""Part of the places that is there beside them, for products that have few transfers running."""

SLACK_S = 0.05
"""Added to a deadline, so that the clock of days is past it when the other one says so."""


class DeliveryTurns:
    """Runs the open deliveries of this process.

    Args:
        at_once: transfers at the same time; a tenth more for products that have fewer than that.

    Attributes:
        queue: the open deliveries.
        ended: set each time one has ended; for whoever waits for room, who clears it.
    """

    def __init__(
        self,
        *,
        database: Database,
        agenda: Agenda,
        link: DeviceLink,
        files: SendingFiles,
        telling: DeliveryTelling,
        keeping: DeliveryKeeping,
        at_once: int,
    ) -> None:
        self.queue = DeliveryQueue()
        self.ended = asyncio.Event()
        self._database = database
        self._agenda = agenda
        self._link = link
        self._telling = telling
        self._keeping = keeping
        self._sending = Sending(link, files, telling, keeping, self._settle)
        self._at_once = at_once
        self._spare = at_once // SPARE_PART
        self._running = 0
        self._running_of: Counter[int | None] = Counter()
        self._recent: dict[str, Delivery] = {}

    @property
    def running(self) -> int:
        """Transfers that run now."""
        return self._running

    def connected(self, device_ids: Iterable[str]) -> list[str]:
        """Those of these devices that are connected here."""
        return [one for one in device_ids if self._link.is_online(one)]

    async def load(self) -> None:
        """Goes on with what an earlier process left; devices that are connected get their turn.

        Raises:
            Unavailable: the database cannot be reached.
        """
        back_offs = await self._database.read(delivery_store.list_back_offs)
        self._keeping.back_offs.update({one.device_id: one for one in back_offs})
        await self._take_over_all()
        self._agenda.after(LEASE_S / 3, self._renew_leases)

    def add(self, delivery: Delivery) -> None:
        """A new delivery, committed; it gets in line."""
        self.queue.add(delivery)
        self._watch(delivery)
        self.line_up(delivery.device_id)

    def line_up(self, device_id: str) -> None:
        """A device that waits for its transfer gets in line."""
        self.queue.line_up(device_id)
        self._agenda.after(0.0, self._fill)

    def hello(self, device_id: str, firmware_version: int) -> None:
        """A device says what it runs."""
        delivery = self.queue.find(device_id)
        end = None if delivery is None else after_hello(delivery, firmware_version)
        if delivery is not None and end is not None:
            self.end(delivery, end)

    def safe_mode(self, device_id: str, description: dict[str, object]) -> None:
        """A device runs without its application: if it was just updated, that is why it failed."""
        delivery = self._recent.get(device_id)
        now_ms = self._keeping.now_ms()
        if delivery is None or now_ms - (delivery.ended_at_ms or 0) > RECENT_MS:
            return
        lacking = missing_modules(description)
        if lacking:
            del self._recent[device_id]  # else it has not told its modules yet
        wants = "; ".join(lacking) if lacking else "modules that it does not name"
        delivery.result = "safe_mode"
        delivery.text = f"The device runs without its application, for it needs {wants}."
        self._keeping.keep(delivery)

    def end(self, delivery: Delivery, end: End, identity: DeviceIdentity | None = None) -> None:
        """Ends a delivery; readers of streams are told of a failure if its owner is known."""
        if not delivery.open:
            return
        told = delivery.state != "applying"
        self.queue.remove(delivery)
        self._keeping.end(delivery, end)
        self.ended.set()
        if end.state == "failed":
            log.info("delivery to device %s failed: %s", delivery.device_id, end.text)
            if told:
                self._agenda.spawn(self._tell_failed(delivery, identity))
            if end.result == "reports_other_version":
                self._note_recent(delivery)

    async def _take_over_all(self) -> None:
        now_ms, left_ms = self._keeping.now_ms(), 0
        for delivery in await self._database.read(delivery_store.list_open):
            if self.queue.find(delivery.device_id) is not None:
                continue
            # Whoever holds the device's session may send; nobody else while the lease runs.
            leased = delivery.owner and delivery.lease_until_ms > now_ms
            if leased and not self._link.is_online(delivery.device_id):
                left_ms = max(left_ms, delivery.lease_until_ms - now_ms)
            else:
                self._take_over(delivery)
        if len(self.queue):
            log.info("goes on with %d deliveries of firmware", len(self.queue))
        if left_ms:
            again = self._take_over_all
            self._agenda.after(left_ms / 1000 + 1, lambda: self._agenda.spawn(again()))

    def _take_over(self, delivery: Delivery) -> None:
        if delivery.state == "sending":
            delivery.state = "queued"
            if not delivery.accepted:
                self._sending.forget_outcome(delivery)
        self.queue.add(delivery)
        self._watch(delivery)
        if delivery.state == "queued" and self._link.is_online(delivery.device_id):
            self.line_up(delivery.device_id)

    def _fill(self) -> None:
        while self._running < self._at_once + self._spare:
            delivery = self.queue.next_in_line(self._may_run)
            if delivery is None:
                return
            # One that left meanwhile gets in line again when it comes back.
            if self._link.is_online(delivery.device_id):
                self._running += 1
                self._running_of[delivery.product_id] += 1
                self._agenda.spawn(self._run(delivery))

    def _may_run(self, product_id: int | None) -> bool:
        """Whether there is a place for another transfer of this product.

        When all places are taken, some more are for products that have few: slow devices of one
        product may hold theirs for hours, and another's first transfers begin all the same.
        """
        return self._running < self._at_once or self._running_of[product_id] < self._spare

    async def _run(self, delivery: Delivery) -> None:
        try:
            await self._sending.run(delivery)
        finally:
            self._running -= 1
            self._running_of[delivery.product_id] -= 1
            if not self._running_of[delivery.product_id]:
                del self._running_of[delivery.product_id]
            self._agenda.after(0.0, self._fill)

    def _settle(
        self, delivery: Delivery, verdict: Verdict, identity: DeviceIdentity | None
    ) -> None:
        match verdict:
            case Await():
                self._keeping.apply(delivery)
                self._telling.succeeded(identity, delivery)
                self._watch(delivery)
            case Again(after_s=after_s):
                self._keeping.wait(delivery)
                self._watch(delivery)
                if after_s is not None:
                    self._agenda.after(after_s, partial(self.line_up, delivery.device_id))
            case End():
                self.end(delivery, verdict, identity)

    def _watch(self, delivery: Delivery) -> None:
        left_s = (delivery.deadline_ms - self._keeping.now_ms()) / 1000 + SLACK_S
        self._agenda.after(left_s, partial(self._check_deadline, delivery, delivery.deadline_ms))

    def _check_deadline(self, delivery: Delivery, deadline_ms: int) -> None:
        if not delivery.open or delivery.deadline_ms != deadline_ms:
            return
        if delivery.state == "sending":
            self._link.cancel_update(delivery.device_id)
        self.end(delivery, after_deadline(delivery))

    async def _tell_failed(self, delivery: Delivery, identity: DeviceIdentity | None) -> None:
        try:
            known = identity or await self._telling.prepare(delivery.device_id)
        except DomainError:
            return
        if not delivery.announced:
            self._telling.started(known, delivery)
        self._telling.failed(known, delivery)

    def _note_recent(self, delivery: Delivery) -> None:
        self._recent[delivery.device_id] = delivery
        if len(self._recent) > RECENT_FAILURES:
            del self._recent[next(iter(self._recent))]

    def _renew_leases(self) -> None:
        self._agenda.after(LEASE_S / 3, self._renew_leases)
        if self._running:
            until_ms = self._keeping.now_ms() + int(LEASE_S * 1000)
            self._agenda.spawn(self._write_leases(until_ms))

    async def _write_leases(self, until_ms: int) -> None:
        owner = self._keeping.owner
        await self._database.write(lambda conn: delivery_store.renew_leases(conn, owner, until_ms))
