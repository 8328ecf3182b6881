"""Whether a version has run on a device of its product that came back with it.

A delivery that ended well is written down as it ends. What ran otherwise (flashed over USB, or
before the version was uploaded) is looked for when somebody asks.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from roadstead.bus.local import LocalBus
from roadstead.firmware import store
from roadstead.firmware.delivery.model import DELIVERY_ENDED, Delivery, DeliveryEnded
from roadstead.firmware.delivery.store import firmware_deliveries
from roadstead.firmware.model import FirmwareVersion
from roadstead.kit.clock import from_ms, to_ms
from roadstead.kit.errors import Unavailable
from roadstead.products.membership_store import product_devices
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

_D = firmware_deliveries.c
_P = product_devices.c


@dataclass(frozen=True, slots=True)
class Proof:
    """That a version ran: when a device came back with it, and which."""

    at: datetime
    device_id: str | None


class ProofKeeper:
    """Writes down that a version ran, when its delivery has ended well.

    Args:
        database: where versions are kept.
        bus: tells of deliveries that have ended.
    """

    def __init__(self, database: Database, bus: LocalBus) -> None:
        self._database = database
        self._writing: set[asyncio.Task[None]] = set()
        bus.subscribe(DELIVERY_ENDED, self._hear_ended)

    def _hear_ended(self, message: object) -> None:
        if isinstance(message, DeliveryEnded) and message.delivery.state == "succeeded":
            task = asyncio.ensure_future(self._write(message.delivery))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _write(self, delivery: Delivery) -> None:
        try:
            await self._database.write(lambda conn: _note_delivery(conn, delivery))
        except Unavailable as error:
            # It is found again in the history when somebody asks for the proof.
            log.warning("a proof is not written down: %s", error.message)


def find_proof(conn: Connection, version: FirmwareVersion) -> Proof | None:
    """The proof of a version; None while there is none."""
    if version.proven_at is not None:
        return Proof(version.proven_at, version.proven_by)
    return _find_reported(conn, version) or _find_delivered(conn, version)


def _note_delivery(conn: Connection, delivery: Delivery) -> None:
    product_id = delivery.product_id
    if product_id is None:
        query = select(_P.product_id).where(
            _P.device_id == delivery.device_id, _P.standing == "member"
        )
        product_id = conn.scalar(query)
    version = store.find_version(conn, product_id, delivery.version) if product_id else None
    if version is None or not _is_of(delivery, version):
        return
    at = from_ms(delivery.ended_at_ms or delivery.requested_at_ms)
    store.mark_proven(conn, version.product_id, version.version, delivery.device_id, at)


def _is_of(delivery: Delivery, version: FirmwareVersion) -> bool:
    """A number may have been given to another build before; the file tells."""
    return delivery.file_sha256 == version.application_sha256


def _find_reported(conn: Connection, version: FirmwareVersion) -> Proof | None:
    """A member that made a new session with the version since it was uploaded."""
    row = conn.execute(
        select(_P.device_id, _P.last_handshake_ms)
        .where(
            _P.product_id == version.product_id,
            _P.standing == "member",
            _P.firmware_version == version.version,
            _P.last_handshake_ms >= to_ms(version.uploaded_at),
        )
        .limit(1)
    ).first()
    return None if row is None else Proof(from_ms(row.last_handshake_ms), row.device_id)


def _find_delivered(conn: Connection, version: FirmwareVersion) -> Proof | None:
    """A delivery of this very file that ended well, by the product or to a development device."""
    ended_well = (
        _D.version == version.version,
        _D.state == "succeeded",
        _D.file_sha256 == version.application_sha256,
    )
    of_product = select(_D.device_id, _D.ended_at_ms).where(
        _D.product_id == version.product_id,
        _D.ended_at_ms >= to_ms(version.uploaded_at),
        *ended_well,
    )
    flashed = (
        select(_D.device_id, _D.ended_at_ms)
        .join_from(firmware_deliveries, product_devices, _P.device_id == _D.device_id)
        .where(
            _D.product_id.is_(None),
            _P.product_id == version.product_id,
            _P.standing == "member",
            *ended_well,
        )
    )
    for query in (of_product, flashed):
        row = conn.execute(query.limit(1)).first()
        if row is not None:
            return Proof(from_ms(row.ended_at_ms), row.device_id)
    return None
