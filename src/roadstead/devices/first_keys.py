"""The first key of a device that was imported by its id alone, where its product trusts that.

A device with an unknown key may be let in far enough to say its id. If that id belongs to a product
which trusts first keys and has no key yet, the key that the handshake proved becomes the device's.
Whoever learns an id may be faster than the device; so it is a setting, off by default, and audited.
Source: design notes §6.
"""

from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.audit import trail
from roadstead.devices import announcing, store
from roadstead.devices.keys import digest_of, parse_public_key
from roadstead.devices.membership import DeviceProducts
from roadstead.kit.clock import Clock
from roadstead.kit.errors import DomainError
from roadstead.storage.database import Database

MAX_OFFERED = 1000
"""Keys remembered between a handshake and its Hello, as many as strangers may be connected."""

ASKED_AGE_S = 1.0
"""Seconds for which it is remembered whether any product trusts first keys: strangers knock often,
and a change of the setting must hold within a second or two."""


class FirstKeys:
    """Keys that were proven by devices whose key nobody registered.

    Args:
        database: where keys are kept.
        clock: for the time of a change.
        products: knows which products trust first keys.
    """

    def __init__(self, database: Database, clock: Clock, products: DeviceProducts) -> None:
        self._database = database
        self._clock = clock
        self._products = products
        self._offered: dict[bytes, bytes] = {}
        self._asked_at = float("-inf")
        self._trusted = False

    async def wanted(self) -> bool:
        """Whether any product trusts first keys."""
        now = self._clock.monotonic()
        if now - self._asked_at >= ASKED_AGE_S:
            self._asked_at = now
            self._trusted = await self._database.read(self._products.some_trust_first_keys)
        return self._trusted

    def keep(self, spki: bytes) -> None:
        """Remembers a key until its device says who it is; the oldest one goes first."""
        if len(self._offered) >= MAX_OFFERED:
            self._offered.pop(next(iter(self._offered)))
        self._offered[digest_of(spki)] = spki

    async def adopt(self, device_id: str, spki_digest: bytes) -> bool:
        """Makes a proven key that of the device which showed it; False where that must not be.

        Args:
            device_id: who the device says that it is.
            spki_digest: SHA-256 of the key that its handshake proved.
        """
        spki = self._offered.pop(spki_digest, None)
        if spki is None:
            return False
        at = self._clock.now()
        try:
            return await self._database.write(
                lambda conn: self._adopt(conn, device_id, spki, at), durable=True
            )
        except (DomainError, IntegrityError):
            return False

    def _adopt(self, conn: Connection, device_id: str, spki: bytes, at: datetime) -> bool:
        device = store.find_device(conn, device_id)
        if device is None or device.product_id is None or store.find_keys(conn, [device_id]):
            return False
        if not self._products.trusts_first_key(conn, device.product_id):
            return False
        key = parse_public_key(device_id, spki)
        if store.find_key_holder(conn, key.spki_digest) is not None:
            return False
        store.put_key(conn, key, at)
        trail.record(
            conn,
            actor_id="",
            actor_name="device",
            address="",
            action="device.trust_first_key",
            target=f"device/{device_id}",
            before=None,
            after={"key_sha256": key.spki_digest.hex()},
            at=at,
            scope=f"product/{device.product_id}",
        )
        announcing.announce(conn, [announcing.KEY_CHANGED], device_id)
        return True
