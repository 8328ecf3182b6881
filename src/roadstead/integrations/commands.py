"""What a broker may ask of the server: to call a function, or to publish an event.

A bridge acts for its owner and reaches what its owner has: the devices of an account, of a product,
or of an organization's products. All else is unknown to it.
"""

from sqlalchemy import Connection

from roadstead.devices import store
from roadstead.devices.link import DeviceLink
from roadstead.devices.model import Device
from roadstead.events import limits
from roadstead.events.ingest import EventIngest
from roadstead.events.receipt import CommitReceipt, too_busy
from roadstead.integrations.engine import OrganizationOf
from roadstead.integrations.model import Owner
from roadstead.kit.errors import Invalid, NotFound
from roadstead.kit.ids import parse_device_id
from roadstead.storage.database import Database


class Commands:
    """Carries commands out.

    Args:
        database: where devices are.
        link: to connected devices.
        ingest: takes events.
        organization_of: organization of a product.
        timeout_s: how long a device may take to answer.
    """

    def __init__(
        self,
        database: Database,
        link: DeviceLink,
        ingest: EventIngest,
        organization_of: OrganizationOf,
        timeout_s: float,
    ) -> None:
        self._database = database
        self._link = link
        self._ingest = ingest
        self._organization_of = organization_of
        self._timeout_s = timeout_s

    async def call(self, owner: Owner, device: str, function: str, argument: str) -> int:
        """Calls a function of one of the owner's devices; gives what it returned.

        Raises:
            NotFound: ``device_not_found`` or ``function_not_found``.
            TimedOut, Invalid: as ``DeviceLink.call_function``.
        """
        device_id = parse_device_id(device)
        found = await self._database.read(lambda conn: _find(conn, device_id))
        if found is None or not self._has(owner, found):
            raise NotFound("device_not_found", f"There is no device {device} here.")
        return await self._link.call_function(
            found.id, function, argument, timeout_s=self._timeout_s
        )

    async def publish(self, owner: Owner, name: str, data: bytes) -> None:
        """Publishes an event of the owner; returns when it is committed.

        Raises:
            Invalid, Forbidden: as ``EventPublishing.publish``; an organization has no events.
            Unavailable: it was not stored.
        """
        if owner.kind == "organization":
            raise Invalid("no_stream", "Events are published into an account or a product.")
        limits.validate_public_name(name)
        limits.validate_payload(data)
        receipt = CommitReceipt()
        event = self._ingest.accept(
            name=name,
            payload=data or None,
            content_format=None,
            ttl_s=limits.DEFAULT_TTL_S,
            source="api",
            device_id=None,
            owner_id=owner.id if owner.kind == "user" else None,
            product_id=int(owner.id) if owner.kind == "product" else None,
            firmware_version=0,
            on_committed=receipt,
        )
        if event is None:
            raise too_busy()
        await receipt.wait()

    def _has(self, owner: Owner, device: Device) -> bool:
        if device.quarantined:
            return False
        if owner.kind == "user":
            return device.owner_id == owner.id
        if device.product_id is None:
            return False
        if owner.kind == "product":
            return str(device.product_id) == owner.id
        return self._organization_of(device.product_id) == owner.id


def _find(conn: Connection, device_id: str | None) -> Device | None:
    return store.find_device(conn, device_id) if device_id else None
