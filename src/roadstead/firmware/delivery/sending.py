"""One transfer of a delivery: from its turn to what follows its end."""

import logging
from collections.abc import Callable

from roadstead.devices.link import DeviceLink
from roadstead.devices.model import DeviceIdentity
from roadstead.devices.updates import UpdateResult, UpdateStep
from roadstead.firmware.delivery.files import SendingFiles
from roadstead.firmware.delivery.keeping import DeliveryKeeping
from roadstead.firmware.delivery.model import Delivery
from roadstead.firmware.delivery.rules import (
    BEGINS_MAX,
    SENDING_S,
    Again,
    End,
    Verdict,
    after_transfer,
)
from roadstead.firmware.delivery.telling import DeliveryTelling
from roadstead.kit.errors import DomainError, TimedOut, Unavailable

log = logging.getLogger(__name__)

STILL_ACCEPTED = frozenset({"stalled", "no_answer", "busy", "went_offline"})
"""Ends after which the device may still wait for the rest of a classic transfer."""

FILE_GONE = End("failed", "file_missing", "The file is not there any more.")
GIVEN_UP = End("cancelled", "cancelled", "It was given up on request.")
INSIDE = End("failed", "internal", "The server failed; its log tells more.")

STORE_AWAY_S = 10.0
"""Pause when the file or the database cannot be reached."""


class Sending:
    """Runs transfers.

    Args:
        settle: takes what follows the end of one.
    """

    def __init__(
        self,
        link: DeviceLink,
        files: SendingFiles,
        telling: DeliveryTelling,
        keeping: DeliveryKeeping,
        settle: Callable[[Delivery, Verdict, DeviceIdentity | None], None],
    ) -> None:
        self._link = link
        self._files = files
        self._telling = telling
        self._keeping = keeping
        self._settle = settle
        self._unknown: set[str] = set()

    def forget_outcome(self, delivery: Delivery) -> None:
        """Notes that an earlier process offered the file and did not learn the answer."""
        self._unknown.add(delivery.id)

    async def run(self, delivery: Delivery) -> None:
        """One transfer; ends when it has ended."""
        identity = None
        try:
            identity = await self._telling.prepare(delivery.device_id)
            verdict = await self._transfer(delivery, identity)
        except TimedOut:
            verdict = Again(None)  # the device left before its turn
        except Unavailable as error:
            log.warning(
                "delivery %s to device %s waits: %s", delivery.id, delivery.device_id, error
            )
            verdict = FILE_GONE if error.code == "blob_missing" else Again(STORE_AWAY_S)
        except DomainError as error:
            log.warning(
                "delivery %s to device %s waits: %s", delivery.id, delivery.device_id, error
            )
            verdict = Again(1.0)
        except Exception:
            log.exception("delivery %s to device %s failed inside", delivery.id, delivery.device_id)
            verdict = Again(STORE_AWAY_S) if delivery.begins < BEGINS_MAX else INSIDE
        if delivery.open:
            self._settle(delivery, verdict, identity)

    async def _transfer(self, delivery: Delivery, identity: DeviceIdentity | None) -> Verdict:
        continues = delivery.accepted
        async with self._files.open(delivery.file_key, delivery.file_sha256) as file:
            if not delivery.open:
                return GIVEN_UP  # while its file was read
            # What a process that dies now leaves behind says that the device may have the offer.
            await self._keeping.begin(delivery, SENDING_S)
            if not delivery.open:
                return GIVEN_UP  # while its beginning was written

            def on_step(step: UpdateStep) -> None:
                delivery.done_bytes = step.done_bytes
                if step.accepted:
                    self._on_accepted(delivery, identity)

            sent_before = delivery.sent_bytes
            result = await self._link.update(
                delivery.device_id, file, continues=continues, on_step=on_step
            )
        delivery.sent_bytes = sent_before + result.sent_bytes
        unknown = delivery.id in self._unknown
        self._unknown.discard(delivery.id)
        verdict = after_transfer(delivery, result, outcome_unknown=unknown)
        goes_on = isinstance(verdict, Again) and verdict.continues
        delivery.accepted = goes_on or _still_accepted(result)
        return verdict

    def _on_accepted(self, delivery: Delivery, identity: DeviceIdentity | None) -> None:
        delivery.accepted = True
        if not delivery.announced:
            delivery.announced = True
            self._telling.started(identity, delivery)
        self._keeping.keep(delivery)


def _still_accepted(result: UpdateResult) -> bool:
    return result.accepted and result.end in STILL_ACCEPTED
