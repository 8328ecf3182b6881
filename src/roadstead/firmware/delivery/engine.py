"""The engine of deliveries: files reach devices, at the right moment, and once.

It is told when a device comes (as its ``UpdateDesk``), and asked by people, releases and rollouts.
It decides nothing itself: which version is ``targeting``'s matter, what an end means that of
``rules``. Every open delivery is a row, so that a killed process loses none of them.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, select

from roadstead.bus.local import LocalBus
from roadstead.devices.announcing import DEVICE_CHANGED
from roadstead.devices.errors import device_offline, update_running
from roadstead.devices.link import DeviceLink
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.store import devices
from roadstead.devices.updates import Occasion as Coming
from roadstead.events.ingest import EventIngest
from roadstead.firmware.delivery import push_store
from roadstead.firmware.delivery import store as delivery_store
from roadstead.firmware.delivery.agenda import Agenda
from roadstead.firmware.delivery.files import SendingFiles
from roadstead.firmware.delivery.keeping import DeliveryKeeping
from roadstead.firmware.delivery.looking import BATCH, Look
from roadstead.firmware.delivery.looks import DeliveryLooks
from roadstead.firmware.delivery.model import Cause, Delivery, new_delivery_id
from roadstead.firmware.delivery.pushes import DeliveryPushes
from roadstead.firmware.delivery.rules import QUEUE_S, End
from roadstead.firmware.delivery.telling import DeliveryTelling
from roadstead.firmware.delivery.turns import DeliveryTurns
from roadstead.firmware.facts import TransferState
from roadstead.firmware.target_rules import Occasion
from roadstead.firmware.targeting import Decision
from roadstead.kit.clock import Clock, to_ms
from roadstead.kit.errors import Conflict, Unavailable
from roadstead.kit.ids import new_object_id
from roadstead.storage.blobs import Blobs
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
from roadstead.storage.outbox import OutboxMessage

log = logging.getLogger(__name__)

SETTLE_S: Final = 1.0
"""From a device's last word on connecting to the look at it: it has said its modules by then, and
its connection has carried what it begins with."""

AGREED_S: Final = 0.05
"""The same when it has just agreed."""

AT_ONCE: Final = 500
"""Transfers at the same time: some kilobytes of memory each, and turns that are not too rare."""

RETRY_EVERY_S: Final = 5.0
"""How often devices are looked at whose pause after failures is over."""

ON_REQUEST: Final = End("cancelled", "cancelled", "It was given up on request.")
LEFT_PRODUCT: Final = End("cancelled", "left_product", "The device left the product.")

OCCASIONS: Final[dict[Coming, tuple[Occasion, Cause]]] = {
    "handshake": ("handshake", "handshake"),
    "agreed": ("asked", "agreed"),
    "resumed": ("none", "handshake"),
    "heard": ("none", "handshake"),
}


class DeliveryEngine:
    """All deliveries of one process; implements ``devices.updates.UpdateDesk``.

    Args:
        link: to connected devices.
        blobs: where the files are.
        at_once: transfers at the same time.
        settle_s: see SETTLE_S.
    """

    def __init__(
        self,
        *,
        database: Database,
        journal: Journal,
        bus: LocalBus,
        clock: Clock,
        link: DeviceLink,
        registry: DeviceRegistry,
        ingest: EventIngest,
        blobs: Blobs,
        at_once: int = AT_ONCE,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._database = database
        self._registry = registry
        self._link = link
        self._settle_s = settle_s
        self._agenda = Agenda(clock)
        self._keeping = DeliveryKeeping(journal, bus, clock, new_object_id())
        self._turns = DeliveryTurns(
            database=database,
            agenda=self._agenda,
            link=link,
            files=SendingFiles(blobs),
            telling=DeliveryTelling(ingest, registry),
            keeping=self._keeping,
            at_once=at_once,
        )
        self._looks = DeliveryLooks(
            database=database,
            clock=clock,
            agenda=self._agenda,
            link=link,
            keeping=self._keeping,
            turns=self._turns,
        )
        self._pushes = DeliveryPushes(database, self._agenda, self._turns, self.ask)
        bus.subscribe(DEVICE_CHANGED, self._hear_changed)

    def __iter__(self) -> Iterator[Delivery]:
        """The open deliveries, as they are now."""
        return iter(self._turns.queue)

    @property
    def running(self) -> int:
        """Transfers that run now."""
        return self._turns.running

    async def start(self) -> None:
        """Takes over what an earlier process left; after the gateway took its sessions over.

        Raises:
            Unavailable: the database cannot be reached.
        """
        self._looks.forced = await self._database.read(delivery_store.list_forced)
        await self._turns.load()
        self._agenda.after(0.0, self._look_at_paused)
        self.wake()

    async def run(self) -> None:
        """Until ``stop``; devices keep what they have, and a later process goes on."""
        await self._agenda.run()

    def stop(self) -> None:
        """Ends ``run``; nothing is told to devices."""
        self._agenda.stop()

    def hello(self, device_id: str, firmware_version: int) -> None:
        """See UpdateDesk."""
        self._turns.hello(device_id, firmware_version)

    def consult(self, device_id: str, product_id: int | None, occasion: Coming) -> bool:
        """See UpdateDesk."""
        nothing_open = self._turns.queue.find(device_id) is None
        if nothing_open and occasion == "heard":
            return False
        if nothing_open and product_id is None and device_id not in self._looks.forced:
            return False
        why, cause = OCCASIONS[occasion]
        delay_s = AGREED_S if occasion == "agreed" else self._settle_s
        self._looks.want(Look(device_id, product_id, why, cause), delay_s)
        return True

    def safe_mode(self, device_id: str, description: dict[str, object]) -> None:
        """See UpdateDesk."""
        self._turns.safe_mode(device_id, description)

    def find(self, device_id: str) -> Delivery | None:
        """The open delivery to a device, as it is now."""
        return self._turns.queue.find(device_id)

    def transfer_states(self, device_ids: Sequence[str]) -> dict[str, TransferState]:
        """What the target decision wants to know of deliveries, for explanations."""
        return self._keeping.states(list(device_ids), lambda one: self.find(one) is not None)

    async def ask(
        self,
        device_ids: Sequence[str],
        *,
        cause: Cause,
        asked_by: str | None,
        anew: bool | None = None,
    ) -> dict[str, Decision]:
        """Has devices updated now to what they should run, if they are connected and agree.

        What is to be sent is a row when this returns. Devices that no product knows are missing in
        the answer, as are those whose last delivery ends in this moment (they are looked at next).

        Args:
            device_ids: each once.
            cause: ``lock``, ``release`` or ``rollout``.
            asked_by: user id.
            anew: whether pauses after failures end; None: for a lock, as a person wants this
                device updated.

        Raises:
            Unavailable: the database cannot be reached; what was begun goes on.
        """
        if anew or (anew is None and cause == "lock"):
            for device_id in device_ids:
                self._keeping.forget_failures(device_id)
        looks = await self._looks_for(device_ids, cause, asked_by)
        found = await self._looks.look(looks)
        return {one.look.device_id: one.decision for one in found if one.decision is not None}

    def push(self, conn: Connection, product_id: int, asked_by: str | None, at: datetime) -> None:
        """Has all connected members of a product looked at, whatever happens to this process.

        In the transaction of the release; ``wake`` is to be called after its commit.
        """
        push_store.insert_push(conn, product_id, asked_by, to_ms(at))

    def flashing(self, user_id: str) -> int:
        """Files on their way to single devices that this person sent."""
        return sum(one.cause == "flash" and one.asked_by == user_id for one in self)

    def wake(self) -> None:
        """A push was committed (``push_store.insert_push``): its devices are looked at now."""
        self._pushes.wake()

    async def flash(
        self,
        device_id: str,
        *,
        file_key: str,
        file_sha256: str,
        file_bytes: int,
        version: int = 0,
        asked_by: str | None = None,
    ) -> Delivery:
        """Sends one file to one device; returns when it is a row, before the transfer.

        Args:
            device_id: a device that the caller may flash.
            file_key: of the blob, kept until the delivery has ended.
            file_sha256: of the file, hexadecimal.
            file_bytes: its length.
            version: what the device will say afterwards; 0 when the file has no version.
            asked_by: user id.

        Raises:
            TimedOut: ``device_offline``.
            Conflict: ``update_running``, or ``updates_disabled``.
            Unavailable: the database cannot be reached.
        """
        if not self._link.is_online(device_id):
            raise device_offline(device_id)
        now_ms = self._keeping.now_ms()
        delivery = Delivery(
            id=new_delivery_id(now_ms),
            device_id=device_id,
            product_id=None,
            version=version,
            from_version=0,
            file_key=file_key,
            file_sha256=file_sha256,
            file_bytes=file_bytes,
            cause="flash",
            reason="flash",
            asked_by=asked_by,
            state="queued",
            requested_at_ms=now_ms,
            deadline_ms=now_ms + int(QUEUE_S * 1000),
        )
        if not await self._database.write(partial(_insert_flash, delivery=delivery)):
            raise update_running(device_id)
        self._turns.add(delivery)
        return delivery

    def cancel(self, device_id: str, end: End = ON_REQUEST) -> bool:
        """Gives the open delivery to a device up; False when there is none to give up.

        A device that has the whole file cannot be stopped any more.
        """
        delivery = self.find(device_id)
        if delivery is None or delivery.state == "applying":
            return False
        if delivery.state == "sending" and self._link.cancel_update(device_id):
            return True
        self._turns.end(delivery, end)
        return True

    async def force(self, device_ids: Iterable[str], forced: bool) -> None:
        """Has devices take updates without their consent, or not any more; told at once.

        Raises:
            Unavailable: the database cannot be reached.
        """
        ids = list(device_ids)
        await self._database.write(lambda conn: delivery_store.set_forced(conn, ids, forced))
        self._looks.forced = (
            self._looks.forced.union(ids) if forced else self._looks.forced.difference(ids)
        )
        for device_id in ids:
            self._link.tell_consent(device_id, forced=forced, pending=None)

    def is_forced(self, device_id: str) -> bool:
        """Whether the device shall take updates without its consent."""
        return device_id in self._looks.forced

    def _hear_changed(self, message: object) -> None:
        """A device changed; one that left its product gets no more of the product's firmware."""
        if not isinstance(message, OutboxMessage):
            return
        delivery = self.find(message.key)
        if delivery is not None and delivery.product_id is not None:
            self._agenda.spawn(self._give_up_if_gone(delivery))

    async def _give_up_if_gone(self, delivery: Delivery) -> None:
        known = await self._registry.find_identities([delivery.device_id])
        identity = known.get(delivery.device_id)
        if identity is not None and identity.product_id == delivery.product_id:
            return
        if self.find(delivery.device_id) is delivery:
            self.cancel(delivery.device_id, LEFT_PRODUCT)

    async def _looks_for(
        self, device_ids: Sequence[str], cause: Cause, asked_by: str | None
    ) -> list[Look]:
        known = await self._registry.find_identities(device_ids)
        return [
            Look(one, known[one].product_id, "asked", cause, asked_by)
            for one in device_ids
            if one in known
        ]

    def _look_at_paused(self) -> None:
        """Devices whose pause is over and that are connected; others are seen when they come."""
        self._agenda.after(RETRY_EVERY_S, self._look_at_paused)
        now_ms = self._keeping.now_ms()
        ready = [
            one.device_id
            for one in self._keeping.back_offs.values()
            if one.retry_at_ms <= now_ms and self._link.is_online(one.device_id)
        ]
        if ready:
            self._agenda.spawn(self._retry(ready[:BATCH]))

    async def _retry(self, device_ids: Sequence[str]) -> None:
        try:
            await self._looks.look(await self._looks_for(device_ids, "retry", None))
        except Unavailable as error:
            log.warning("devices are tried again later: %s", error)


def _insert_flash(conn: Connection, delivery: Delivery) -> bool:
    found = conn.execute(
        select(
            devices.c.firmware_version, devices.c.updates_enabled, devices.c.updates_forced
        ).where(devices.c.id == delivery.device_id)
    ).first()
    if found is not None:
        if found.updates_enabled is False and not found.updates_forced:
            raise Conflict(
                "updates_disabled",
                f"Device {delivery.device_id} has disabled updates; enable them on the device, "
                "or force them.",
            )
        delivery.from_version = found.firmware_version
    return bool(delivery_store.insert_open(conn, [delivery]))
