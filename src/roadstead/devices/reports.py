"""What a device says of itself, kept so that nobody has to ask it again."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from roadstead.devices import announcing, store
from roadstead.devices.claiming import redeem
from roadstead.devices.membership import NO_PRODUCTS, Arrival, DeviceProducts, named_product
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Forbidden, Invalid
from roadstead.storage.database import Database

NO_NUMBER = 0xFFFF
"""Stands for "none" in the product fields of a Hello. Source: Device OS 6.2 wire, Hello."""

_SYSTEM_PART = "s"

_STANDING = ("product_id", "owner_id", "quarantined")
"""What products want to know of a device that says Hello."""

_OF_IDENTITY = frozenset({"platform_id", "firmware_product_id"})
"""Columns of a report that the gateway keeps; a change is told to all processes."""

_MODEM_NUMBER = re.compile(r"[0-9A-Fa-f]{1,32}")

_MAX_VERSION = 0xFFFF


@dataclass(frozen=True, slots=True)
class HelloFacts:
    """The facts of a Hello, in the units of the wire.

    Attributes:
        product_id: product id of the running firmware; 0xFFFF for none.
        product_version: its version; 0xFFFF for none.
        system_version: number of the Device OS release; 0 where the release does not say it.
        flags: capabilities.
        max_message_size: bytes; None or 0 where the release does not say it, as the next two.
    """

    product_id: int
    product_version: int
    platform_id: int
    system_version: int = 0
    flags: int = 0
    max_message_size: int | None = None
    max_binary_bytes: int | None = None
    ota_chunk_bytes: int | None = None


class DeviceReports:
    """Stores the reports of registered devices; those of unknown ones are passed over.

    Each call returns after the commit. A report that says nothing new writes nothing.

    Args:
        database: where devices are kept.
        clock: for the time of a change.
        announce: called after a change was committed that other processes must hear of.
        products: told of each Hello, and asked who may claim by a code.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        products: DeviceProducts = NO_PRODUCTS,
    ) -> None:
        self._products = products
        self._database = database
        self._clock = clock
        self._announce = announce

    async def hello(self, device_id: str, facts: HelloFacts, *, handshake: bool = True) -> bool:
        """The device began a conversation; it counts as in its normal mode until it says other.

        Args:
            device_id: who said it.
            facts: what it said.
            handshake: it began a new session with it.

        Returns:
            True when what the gateway knows of the device has changed by it.
        """
        values: dict[str, Any] = {
            "platform_id": facts.platform_id,
            "firmware_product_id": None if facts.product_id == NO_NUMBER else facts.product_id,
            "firmware_version": 0 if facts.product_version == NO_NUMBER else facts.product_version,
            "hello_flags": facts.flags,
            "max_message_bytes": facts.max_message_size or None,
            "max_binary_bytes": facts.max_binary_bytes or None,
            "ota_chunk_bytes": facts.ota_chunk_bytes or None,
            "safe_mode": False,
        }
        if facts.system_version:
            values["system_version"] = facts.system_version
        at = self._clock.now()

        def work(conn: Connection) -> bool:
            stored = store.update_reported(conn, device_id, values, at, also=_STANDING)
            if stored is None:
                return False
            changed, before = stored
            arrival = Arrival(
                device_id=device_id,
                product_id=before["product_id"],
                named_product_id=named_product(values["firmware_product_id"], facts.platform_id),
                owner_id=before["owner_id"],
                platform_id=facts.platform_id,
                firmware_version=values["firmware_version"],
                former_version=before["firmware_version"],
                quarantined=before["quarantined"],
                handshake=handshake,
                at=at,
            )
            told = self._products.arrived(conn, arrival) or bool(changed & _OF_IDENTITY)
            if told:
                announcing.announce(conn, [announcing.DEVICE_CHANGED], device_id)
            return told

        told = await self._database.write(work)
        if told:
            self._announce()
        return told

    async def application(
        self, device_id: str, functions: list[str], variables: dict[str, str]
    ) -> None:
        """The functions and variables that the application registers, all of them."""
        await self._store(device_id, {"functions": list(functions), "variables": dict(variables)})

    async def system(self, device_id: str, description: dict[str, object]) -> None:
        """The modules that the device runs, in the JSON form of the describe message.

        Releases before 3.0 tell the number of their Device OS only here.
        """
        values: dict[str, Any] = {"system_description": description}
        for name in ("imei", "iccid"):
            number = description.get(name)
            if isinstance(number, str) and _MODEM_NUMBER.fullmatch(number):
                values[name] = number
        version = system_version_of(description)
        if version:
            values["system_version"] = version
        await self._store(device_id, values)

    async def updates_flags(
        self, device_id: str, enabled: bool | None, forced: bool | None
    ) -> None:
        """Whether the device consents to updates, and whether it is forced; None says nothing."""
        told = {"updates_enabled": enabled, "updates_forced": forced}
        values = {name: value for name, value in told.items() if value is not None}
        if values:
            await self._store(device_id, values)

    async def safe_mode(self, device_id: str, active: bool) -> None:
        """Whether the device runs without its application."""
        await self._store(device_id, {"safe_mode": active})

    async def claim_code(self, device_id: str, code: str, address: str) -> bool:
        """The device said a claim code; True when it belongs to the code's person now.

        Args:
            device_id: who said it.
            code: as it was said.
            address: network address of the device, for the audit row.
        """
        at = self._clock.now()
        try:
            claimed = await self._database.write(
                lambda conn: redeem(conn, device_id, code, address, at, self._products),
                durable=True,
            )
        except (Invalid, Forbidden):
            return False
        self._announce()
        return claimed

    async def _store(self, device_id: str, values: dict[str, Any]) -> None:
        at = self._clock.now()
        await self._database.write(lambda conn: store.update_reported(conn, device_id, values, at))


def system_version_of(description: dict[str, object]) -> int:
    """The number of the Device OS release by its system modules; 0 when they do not say it."""
    modules = description.get("m")
    versions = [
        module["v"]
        for module in (modules if isinstance(modules, list) else ())
        if isinstance(module, dict)
        and module.get("f") == _SYSTEM_PART
        and isinstance(module.get("v"), int)
        and 0 <= module["v"] <= _MAX_VERSION
    ]
    return max(versions, default=0)
