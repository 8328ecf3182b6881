"""Devices that are to be looked at, in batches, and what follows from what was found."""

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from roadstead.devices.link import DeviceLink
from roadstead.firmware.delivery import store as delivery_store
from roadstead.firmware.delivery.agenda import Agenda
from roadstead.firmware.delivery.keeping import DeliveryKeeping
from roadstead.firmware.delivery.looking import BATCH, Found, Look, look_at
from roadstead.firmware.delivery.model import Delivery, new_delivery_id
from roadstead.firmware.delivery.rules import QUEUE_S, End
from roadstead.firmware.delivery.turns import DeliveryTurns
from roadstead.firmware.targeting import Hold, Offer
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.kit.fair_line import FairLine
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

LOOK_AGAIN_S: Final = 5.0
"""From a look that found the modules unknown, or the database away, to the next."""

LOOKS_MAX: Final = 4
"""Looks in a row at a device that does not tell its modules."""

TO_COME_S: Final = 0.02
"""A look waits this long for company."""

ENDING_S: Final = 0.1
"""A device whose last delivery is being written down is looked at a little later."""

STRENGTH: Final = {"none": 0, "handshake": 1, "asked": 2}


class DeliveryLooks:
    """Looks at devices, and begins what is to be sent.

    Attributes:
        forced: devices that shall take updates without their consent.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        agenda: Agenda,
        link: DeviceLink,
        keeping: DeliveryKeeping,
        turns: DeliveryTurns,
    ) -> None:
        self.forced: set[str] = set()
        self._database = database
        self._clock = clock
        self._agenda = agenda
        self._link = link
        self._keeping = keeping
        self._turns = turns
        self._wanted: dict[str, Look] = {}
        self._due: FairLine[int | None, str] = FairLine()
        self._is_due: set[str] = set()
        self._at_work = False
        self._looks_in_vain: dict[str, int] = {}

    def want(self, look: Look, delay_s: float) -> None:
        """Looks at a device soon; of two wishes the stronger counts."""
        before = self._wanted.get(look.device_id)
        if before is None or STRENGTH[before.occasion] <= STRENGTH[look.occasion]:
            self._wanted[look.device_id] = look
        self._agenda.after(delay_s, lambda: self._make_due(look.device_id))

    async def look(self, looks: Sequence[Look]) -> list[Found]:
        """Looks at devices now, and begins what is to be sent.

        Args:
            looks: each device once.

        Raises:
            Unavailable: the database cannot be reached.
        """
        found: list[Found] = []
        for start in range(0, len(looks), BATCH):
            found += await self._look_at_some(looks[start : start + BATCH])
        return found

    def _make_due(self, device_id: str) -> None:
        # Two wishes may have become one look, which is over.
        look = self._wanted.get(device_id)
        if look is not None and device_id not in self._is_due:
            self._is_due.add(device_id)
            self._due.append(look.product_id, device_id)
            self._start()

    def _start(self) -> None:
        if len(self._due) and not self._at_work:
            self._at_work = True
            self._agenda.after(TO_COME_S, lambda: self._agenda.spawn(self._look_at_due()))

    async def _look_at_due(self) -> None:
        some = []
        for _ in range(min(BATCH, len(self._due))):
            device_id = self._due.pop()
            self._is_due.discard(device_id)
            some.append(self._wanted.pop(device_id))
        try:
            await self._look_at_some(some)
        except Unavailable as error:
            log.warning("%d devices are looked at later: %s", len(some), error)
            for one in some:
                self.want(one, LOOK_AGAIN_S)
        finally:
            self._at_work = False
            self._start()

    async def _look_at_some(self, looks: Sequence[Look]) -> list[Found]:
        ready = []
        for one in looks:
            if one.device_id in self._keeping.ending:
                self.want(one, ENDING_S)
            else:
                ready.append(one)
        ids = [one.device_id for one in ready]
        now, transfers = self._clock.now(), self._keeping.states(ids, self._runs)
        online = frozenset(one for one in ids if self._link.is_online(one))
        found = await self._database.read(lambda conn: look_at(conn, ready, now, online, transfers))
        new = [made for one in found if (made := self._settle(one)) is not None]
        if new:
            await self._begin(new)
        return found

    def _runs(self, device_id: str) -> bool:
        delivery = self._turns.queue.find(device_id)
        return delivery is not None and delivery.state != "queued"

    def _settle(self, found: Found) -> Delivery | None:
        """What follows from a look; a delivery that is to begin."""
        look, decision = found.look, found.decision
        device_id = look.device_id
        open_one = self._turns.queue.find(device_id)
        if decision is None or (open_one is not None and not open_one.automatic):
            self._go_on(open_one)
            self._tell(device_id, pending=False)
            return None
        if isinstance(decision, Hold):
            self._hold(found, decision, open_one)
            return None
        self._looks_in_vain.pop(device_id, None)
        self._tell(device_id, pending=None)
        if found.version is None or (open_one is not None and self._fits(open_one, decision)):
            self._go_on(open_one)
            return None
        if open_one is not None:
            if open_one.state != "queued":
                return None
            self._turns.end(open_one, _OTHER_TARGET)
            self.want(look, ENDING_S)
            return None
        return self._make(found, decision)

    def _fits(self, delivery: Delivery, offer: Offer) -> bool:
        return delivery.version == offer.version

    def _go_on(self, delivery: Delivery | None) -> None:
        if delivery is not None and delivery.state == "queued":
            self._turns.line_up(delivery.device_id)

    def _hold(self, found: Found, hold: Hold, open_one: Delivery | None) -> None:
        device_id = found.look.device_id
        waits = open_one is not None and open_one.state == "queued"
        if waits and hold.target != (open_one.version if open_one else None):
            assert open_one is not None
            self._turns.end(open_one, _OTHER_TARGET)
        elif waits and hold.reason == "up_to_date":
            assert open_one is not None
            self._turns.end(open_one, _RUNS_ALREADY)
        elif waits and hold.reason == "awaits_handshake":
            self._go_on(open_one)
        if hold.reason == "up_to_date" and hold.target == _paused(self._keeping, device_id):
            self._keeping.forget_failures(device_id)
        if hold.reason == "modules_unknown":
            self._look_again(found.look)
        self._tell(device_id, pending=hold.reason == "updates_disabled")

    def _look_again(self, look: Look) -> None:
        looks = self._looks_in_vain.pop(look.device_id, 0) + 1
        if looks < LOOKS_MAX:
            self._looks_in_vain[look.device_id] = looks
            self.want(look, LOOK_AGAIN_S)

    def _tell(self, device_id: str, *, pending: bool | None) -> None:
        self._link.tell_consent(device_id, forced=device_id in self.forced, pending=pending)

    def _make(self, found: Found, offer: Offer) -> Delivery:
        look, version, facts = found.look, found.version, found.facts
        assert version is not None and facts is not None
        now_ms = self._keeping.now_ms()
        return Delivery(
            id=new_delivery_id(now_ms),
            device_id=look.device_id,
            product_id=look.product_id,
            version=offer.version,
            from_version=facts.running_version or 0,
            file_key=version.application_key,
            file_sha256=version.application_sha256,
            file_bytes=version.application_bytes,
            cause=look.cause,
            reason=offer.reason,
            asked_by=look.asked_by,
            state="queued",
            requested_at_ms=now_ms,
            deadline_ms=now_ms + int(QUEUE_S * 1000),
        )

    async def _begin(self, deliveries: Sequence[Delivery]) -> None:
        def work(conn: Connection) -> list[str]:
            return delivery_store.insert_open(conn, deliveries)

        added = set(await self._database.write(work))
        for delivery in deliveries:
            if delivery.device_id in added:
                self._turns.add(delivery)


def _paused(keeping: DeliveryKeeping, device_id: str) -> int | None:
    pause = keeping.back_offs.get(device_id)
    return None if pause is None else pause.version


_OTHER_TARGET: Final = End("cancelled", "other_target", "Another version is meant for the device.")
_RUNS_ALREADY: Final = End("succeeded", "succeeded", "The device runs the version.")
