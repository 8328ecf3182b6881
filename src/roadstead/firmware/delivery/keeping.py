"""Writes what becomes of deliveries, through the journal, so that many changes share a commit."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from roadstead.bus.local import LocalBus
from roadstead.firmware.delivery.model import (
    DELIVERY_ENDED,
    BackOff,
    Delivery,
    DeliveryEnded,
)
from roadstead.firmware.delivery.rules import APPLYING_S, AWAY_S, End, pause_s
from roadstead.firmware.delivery.store import (
    changes_of,
    delete_back_offs,
    write_back_offs,
    write_deliveries,
)
from roadstead.firmware.facts import TransferState
from roadstead.kit.clock import Clock, from_ms
from roadstead.kit.errors import Unavailable
from roadstead.storage.journal import Journal, OnCommitted

log = logging.getLogger(__name__)

AGAIN_S = 2.0
"""Pause before a state that was not written is written again."""

LEASE_S = 30.0
"""How long a process may be silent before another may take what it sends."""


class DeliveryKeeping:
    """Changes rows, and knows the pauses after failures.

    Attributes:
        back_offs: pauses by device.
        ending: devices whose delivery has ended and is not committed yet.

    Args:
        owner: name of this process.
    """

    def __init__(self, journal: Journal, bus: LocalBus, clock: Clock, owner: str) -> None:
        self.owner = owner
        self.back_offs: dict[str, BackOff] = {}
        self.ending: set[str] = set()
        self._journal = journal
        self._bus = bus
        self._clock = clock

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self._clock.now_ms()

    async def begin(self, delivery: Delivery, deadline_s: float) -> None:
        """A transfer begins; returns when that is committed.

        Raises:
            Unavailable: it was not.
        """
        now_ms = self.now_ms()
        delivery.state = "sending"
        delivery.begins += 1
        delivery.accepted = False
        delivery.started_at_ms = delivery.started_at_ms or now_ms
        delivery.deadline_ms = now_ms + int(deadline_s * 1000)
        delivery.owner = self.owner
        delivery.lease_until_ms = now_ms + int(LEASE_S * 1000)
        try:
            await self._journal.write(write_deliveries, changes_of(delivery))
        except BaseException:
            delivery.begins -= 1
            raise

    def wait(self, delivery: Delivery) -> None:
        """It was broken off, and begins again later."""
        delivery.state = "queued"
        delivery.owner = ""
        delivery.deadline_ms = self.now_ms() + int(AWAY_S * 1000)
        self.keep(delivery)

    def apply(self, delivery: Delivery) -> None:
        """The device has the file."""
        delivery.state = "applying"
        delivery.owner = ""
        delivery.done_bytes = delivery.file_bytes
        delivery.deadline_ms = self.now_ms() + int(APPLYING_S * 1000)
        self.keep(delivery)

    def end(self, delivery: Delivery, end: End) -> None:
        """It is over; told on the bus after the commit."""
        delivery.state = end.state
        delivery.result, delivery.text, delivery.error_code = end.result, end.text, end.code
        delivery.ended_at_ms = self.now_ms()
        delivery.owner = ""
        self._note_failure(delivery, end)
        self.ending.add(delivery.device_id)

        def on_committed(error: Exception | None) -> None:
            self.ending.discard(delivery.device_id)
            if error is None:
                self._bus.publish(DELIVERY_ENDED, DeliveryEnded(delivery))

        self.keep(delivery, on_committed)

    def keep(self, delivery: Delivery, on_committed: OnCommitted | None = None) -> None:
        """Has the row written as the delivery is now."""
        self._append(partial(changes_of, delivery), on_committed)

    def states(
        self, device_ids: list[str], running: Callable[[str], bool]
    ) -> dict[str, TransferState]:
        """What the target decision wants to know of deliveries; devices without one are missing."""
        found = {}
        for device_id in device_ids:
            pause = self.back_offs.get(device_id)
            runs = running(device_id)
            if pause is not None:
                failures = {pause.version: pause.failures}
                retry_at = {pause.version: from_ms(pause.retry_at_ms)}
                found[device_id] = TransferState(runs, failures, retry_at)
            elif runs:
                found[device_id] = TransferState(True)
        return found

    def forget_failures(self, device_id: str) -> None:
        """Ends a device's pause: it succeeded, or somebody asks all the same."""
        if self.back_offs.pop(device_id, None) is not None:
            self._journal.append(delete_back_offs, device_id)

    def _note_failure(self, delivery: Delivery, end: End) -> None:
        if end.state == "succeeded":
            self.forget_failures(delivery.device_id)
        elif end.counts:
            before = self.back_offs.get(delivery.device_id)
            same = before is not None and before.version == delivery.version
            failures = (before.failures if before is not None and same else 0) + 1
            retry_at_ms = self.now_ms() + int(pause_s(failures) * 1000)
            pause = BackOff(delivery.device_id, delivery.version, failures, retry_at_ms, end.result)
            self.back_offs[delivery.device_id] = pause
            self._journal.append(write_back_offs, pause)

    def _append(
        self, row: Callable[[], dict[str, object]], on_committed: OnCommitted | None
    ) -> None:
        def on_settled(error: Exception | None) -> None:
            if error is not None:
                # As it is then: a later change may be written meanwhile.
                asyncio.get_running_loop().call_later(AGAIN_S, self._append, row, on_committed)
            elif on_committed is not None:
                on_committed(None)

        if not self._journal.append(write_deliveries, row(), on_settled):
            log.warning("the journal is full: a delivery's state is written later")
            on_settled(Unavailable("database_unavailable", "Too much waits for the database."))
