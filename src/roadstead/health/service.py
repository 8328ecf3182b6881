"""Vitals for people, and the sink into which the gateway gives them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from roadstead.devices.link import DeviceLink
from roadstead.devices.membership import product_of_events
from roadstead.devices.model import Device
from roadstead.devices.service import DeviceService
from roadstead.devices.store import find_device
from roadstead.events.ingest import EventIngest
from roadstead.events.limits import DEFAULT_TTL_S
from roadstead.events.model import Event
from roadstead.events.receipt import CommitReceipt, too_busy
from roadstead.health.store import find_vitals
from roadstead.health.vitals import Document, document
from roadstead.health.vitals_history import VitalsRecord, VitalsRow, list_vitals, write_vitals
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import NotFound
from roadstead.protocol.messages.vitals import VitalReading
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

EVENT_NAME = "spark/device/diagnostics/update"
"""Event by which readers of the stream get vitals. Source: particle cloud notes §3.6.1."""


class VitalsService:
    """The vitals of devices.

    Args:
        database: where the last ones are kept.
        devices: finds the actor's devices.
        ingest: takes the event.
        link: the way to connected devices.
        journal: writes the vitals.
        timeout_s: how long a device may take to give its vitals.
    """

    def __init__(
        self,
        database: Database,
        devices: DeviceService,
        ingest: EventIngest,
        link: DeviceLink,
        journal: Journal,
        timeout_s: float = 30.0,
    ) -> None:
        self._database = database
        self._devices = devices
        self._ingest = ingest
        self._link = link
        self._journal = journal
        self._timeout_s = timeout_s

    async def refresh(self, actor: Actor, ref: str, *, product_id: int | None = None) -> None:
        """Asks a device for its vitals; returns when they are stored and published.

        Raises:
            NotFound: ``device_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
        """
        permission = Permission.DEVICES_DIAGNOSTICS_UPDATE
        device = await self._devices.resolve(actor, ref, permission, product_id=product_id)
        await self._link.request_vitals(device.id, timeout_s=self._timeout_s)

    async def last(
        self, actor: Actor, ref: str, *, product_id: int | None = None
    ) -> tuple[datetime, str, Document]:
        """When the device gave its last vitals, its id, and the document.

        Raises:
            NotFound: ``device_not_found``, or ``vitals_not_found`` when it never gave any.
        """
        permission = Permission.DEVICES_DIAGNOSTICS_GET
        device = await self._devices.resolve(actor, ref, permission, product_id=product_id)
        found = await self._database.read(lambda conn: find_vitals(conn, device.id))
        if found is None:
            raise NotFound("vitals_not_found", f"Device {device.id} has not given vitals yet.")
        updated_at, payload = found
        return updated_at, device.id, payload

    async def history(
        self,
        actor: Actor,
        ref: str,
        start: datetime,
        end: datetime,
        *,
        product_id: int | None = None,
    ) -> tuple[str, list[VitalsRecord]]:
        """The device's id and its vitals from ``start`` to ``end`` (exclusive), oldest first.

        Only those since its owner claimed it, or of its time in the product.

        Raises:
            NotFound: ``device_not_found``.
        """
        permission = Permission.DEVICES_DIAGNOSTICS_GET
        device = await self._devices.resolve(actor, ref, permission, product_id=product_id)
        if product_id is None:
            start = max(start, device.claimed_at or start)
        if start >= end:
            return device.id, []
        found = await self._database.read(
            lambda conn: list_vitals(conn, device.id, start, end, product_id=product_id)
        )
        return device.id, found

    async def store(
        self, device_id: str, readings: Sequence[VitalReading], service: Mapping[str, object]
    ) -> None:
        """Keeps what a device reported and tells its owner's streams; returns after both commits.

        Vitals of an unknown device are dropped.

        Args:
            device_id: 24 lower-case hex digits.
            readings: as decoded.
            service: what the server itself adds to the document.

        Raises:
            Unavailable: ``busy`` or ``database_unavailable``; the device may send them again.
        """
        device = await self._database.read(lambda conn: find_device(conn, device_id))
        if device is None:
            return
        payload = document(readings, service)
        receipt = CommitReceipt()
        event = self._publish(device, payload, receipt)
        row = VitalsRow(device_id, event.published_at_ms, event.product_id, payload)
        await self._journal.write(write_vitals, row)
        await receipt.wait()

    def _publish(self, device: Device, payload: Document, receipt: CommitReceipt) -> Event:
        event = self._ingest.accept(
            name=EVENT_NAME,
            payload=msgspec.json.encode(payload),
            content_format=None,
            ttl_s=DEFAULT_TTL_S,
            source="system",
            device_id=device.id,
            owner_id=None if device.quarantined else device.owner_id,
            product_id=product_of_events(
                device.product_id, device.firmware_product_id, device.platform_id
            ),
            firmware_version=device.firmware_version,
            on_committed=receipt,
        )
        if event is None:
            raise too_busy()
        return event
