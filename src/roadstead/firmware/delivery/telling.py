"""What readers of event streams are told of a delivery.

The order of a product's update: ``spark/status auto-update``, ``spark/flash/status "started "``,
``"success "``; then the device restarts and the rest comes of what it says. A file that somebody
flashes has no ``auto-update``. The space at the end is part of the text.
Source: product notes §3.1.8.
"""

from roadstead.devices.model import DeviceIdentity
from roadstead.devices.registry import DeviceRegistry
from roadstead.events.ingest import EventIngest
from roadstead.events.limits import DEFAULT_TTL_S
from roadstead.firmware.delivery.model import Delivery

STATUS_EVENT = "spark/status"
FLASH_EVENT = "spark/flash/status"


class DeliveryTelling:
    """Publishes the events of deliveries into the streams of their devices."""

    def __init__(self, ingest: EventIngest, registry: DeviceRegistry) -> None:
        self._ingest = ingest
        self._registry = registry

    async def prepare(self, device_id: str) -> DeviceIdentity | None:
        """Whose events they are; looked up before something happens, so that telling is quick."""
        return await self._registry.find_identity(device_id)

    def started(self, identity: DeviceIdentity | None, delivery: Delivery) -> None:
        """The device took the offer."""
        if delivery.automatic:
            self._publish(identity, delivery, STATUS_EVENT, b"auto-update")
        self._publish(identity, delivery, FLASH_EVENT, b"started ")

    def succeeded(self, identity: DeviceIdentity | None, delivery: Delivery) -> None:
        """The device has the file; whether it runs it is told by its next ``online``."""
        self._publish(identity, delivery, FLASH_EVENT, b"success ")

    def failed(self, identity: DeviceIdentity | None, delivery: Delivery) -> None:
        """The file did not get to the device, or the device does not take it."""
        self._publish(identity, delivery, FLASH_EVENT, b"failed ")

    def _publish(
        self, identity: DeviceIdentity | None, delivery: Delivery, name: str, payload: bytes
    ) -> None:
        if identity is None or identity.quarantined:
            return
        self._ingest.accept(
            name=name,
            payload=payload,
            content_format=None,
            ttl_s=DEFAULT_TTL_S,
            source="system",
            device_id=delivery.device_id,
            owner_id=identity.owner_id,
            product_id=identity.product_id,
            firmware_version=delivery.from_version,
        )
