"""The registry: which devices there are and by which key each is known."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.bus.local import LocalBus
from roadstead.devices import announcing, registering, store
from roadstead.devices.first_keys import FirstKeys
from roadstead.devices.identity_cache import IdentityCache
from roadstead.devices.keys import digest_of, parse_algorithm, parse_public_key
from roadstead.devices.membership import NO_PRODUCTS, DeviceProducts
from roadstead.devices.model import DeviceIdentity as DeviceIdentity
from roadstead.devices.model import Registration, RegistrationReport, SelfDescription
from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Forbidden, Invalid
from roadstead.kit.ids import parse_device_id
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxMessage

BATCH_ROWS = 500
"""Registrations in one transaction: few enough that other writers hardly wait."""

P256_SPKI_BYTES = 91
"""Length of a P-256 key as SubjectPublicKeyInfo in DER. Spec: RFC 5480 §2."""

MAX_READS = 4
"""How often an identity is read while changes keep arriving: what was read before a change must not
be given after it, lest a former owner be taken for the present one."""


class DeviceRegistry:
    """Registration for people, identities for the gateway.

    Args:
        database: where devices and keys are kept.
        clock: for times and the age of cached entries.
        bus: where changes made by other processes arrive.
        announce: called after a change was committed that other processes must hear of.
        products: what products have to say about their devices.

    Attributes:
        first_keys: keys of devices that were imported by their ids alone.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bus: LocalBus,
        announce: Callable[[], None],
        products: DeviceProducts = NO_PRODUCTS,
    ) -> None:
        self._products = products
        self._database = database
        self._clock = clock
        self._announce = announce
        self._cache = IdentityCache()
        self.first_keys = FirstKeys(database, clock, products)
        bus.subscribe(announcing.DEVICE_CHANGED, self._hear_changed)
        bus.subscribe(announcing.KEY_CHANGED, self._hear_key_changed)

    async def register(self, registration: Registration, *, actor: Actor) -> bool:
        """Makes a device and its key known, or changes what is registered of it.

        Args:
            registration: what to register.
            actor: an administrator or the operator.

        Returns:
            False when it was registered exactly so.

        Raises:
            Invalid: ``bad_device_id``, ``bad_public_key`` or ``bad_platform_id``.
            Conflict: ``key_in_use``.
            Forbidden: ``permission_denied``.
        """
        _require_admin(actor)
        verdicts = await self._register_batch([registration], actor)
        if isinstance(verdicts[0], Exception):
            raise verdicts[0]
        return verdicts[0]

    async def register_many(
        self, registrations: Iterable[Registration], actor: Actor
    ) -> RegistrationReport:
        """Registers a list; what is wrong with one costs the others nothing.

        Args:
            registrations: the list, of any length.
            actor: an administrator or the operator.

        Returns:
            The report; lines are counted from 1 in the order of the list.

        Raises:
            Forbidden: ``permission_denied``.
        """
        _require_admin(actor)
        waiting = list(registrations)
        verdicts: list[bool | registering.Refusal] = []
        for start in range(0, len(waiting), BATCH_ROWS):
            verdicts += await self._register_batch(waiting[start : start + BATCH_ROWS], actor)
        return RegistrationReport(
            registered=sum(verdict is True for verdict in verdicts),
            unchanged=sum(verdict is False for verdict in verdicts),
            refused=[
                (number, verdict.message)
                for number, verdict in enumerate(verdicts, 1)
                if not isinstance(verdict, bool)
            ],
        )

    async def provision_key(
        self,
        actor: Actor,
        device_id: str,
        public_key: str | bytes,
        algorithm: str,
        product_id: int | None = None,
    ) -> str:
        """Registers the public key that a person read from a device; gives the device id.

        Anybody who is signed in may register a new id. The key of a known device may be changed by
        its owner, that of a product's device by the product's team, any by an administrator; the
        key that is registered already may be sent again by anybody.

        Args:
            actor: who asks.
            device_id: 24 hex digits in any case.
            public_key: PEM or DER.
            algorithm: ``rsa`` or ``ecc``.
            product_id: the number of a platform, as the field's tools send it for new devices.

        Raises:
            Invalid: ``bad_device_id``, ``bad_algorithm``, ``bad_public_key`` or
                ``unknown_product``.
            Forbidden: ``device_known``.
            Conflict: ``key_in_use``.
        """
        known_id = parse_device_id(device_id)
        if known_id is None:
            raise Invalid("bad_device_id", f"{device_id!r} is not 24 hexadecimal digits.")
        key = parse_public_key(known_id, public_key, parse_algorithm(algorithm))
        platform_id = registering.platform_of_product(product_id)
        at = self._clock.now()

        def work(conn: Connection) -> bool:
            return registering.provision(conn, actor, key, platform_id, at, self._products)

        if await self._write(work):
            self._settle([known_id])
        return known_id

    async def find_by_key(self, spki: bytes) -> DeviceIdentity | None:
        """The device whose public key (SubjectPublicKeyInfo in DER) this is.

        Raises:
            Unavailable: the database cannot be asked.
        """
        digest, cache = digest_of(spki), self._cache
        found = cache.find_by_digest(digest)
        if found is not None or cache.is_unknown(digest, self._clock.monotonic()):
            return found
        epoch = cache.epoch
        found = await self._database.read(lambda conn: store.find_identity_by_key(conn, digest))
        if found is None:
            cache.put_unknown(digest, self._clock.monotonic(), epoch=epoch)
        else:
            cache.put_for_digest(digest, found, epoch=epoch)
            if len(spki) == P256_SPKI_BYTES:
                # By id the elliptic key is the one named, too, and a handshake asks for it next.
                cache.put(found, epoch=epoch)
        return found

    async def find_identity(self, device_id: str) -> DeviceIdentity | None:
        """The device with this id (24 lower-case hex digits).

        Raises:
            Unavailable: the database cannot be asked.
        """
        found = self._cache.find(device_id)
        if found is not None:
            return found
        for _ in range(MAX_READS):
            epoch = self._cache.epoch
            found = await self._database.read(lambda conn: store.find_identity(conn, device_id))
            if epoch == self._cache.epoch:
                break
        if found is not None:
            self._cache.put(found, epoch=epoch)
        return found

    async def find_identities(self, device_ids: Sequence[str]) -> dict[str, DeviceIdentity]:
        """Those of these devices that are known, by id; for a process that takes sessions over.

        Raises:
            Unavailable: the database cannot be asked.
        """
        found: dict[str, DeviceIdentity] = {}
        for start in range(0, len(device_ids), BATCH_ROWS):
            batch = device_ids[start : start + BATCH_ROWS]
            found |= await self._database.read(partial(store.find_identities, device_ids=batch))
        return found

    async def find_description(self, device_id: str) -> SelfDescription | None:
        """What the device last said of itself; never cached, asked once per session."""
        return await self._database.read(lambda conn: store.find_description(conn, device_id))

    def forget(self, device_id: str) -> None:
        """Drops what is cached of a device that this process has just changed."""
        self._cache.drop(device_id)

    async def _register_batch(
        self, batch: Sequence[Registration], actor: Actor
    ) -> list[bool | registering.Refusal]:
        at = self._clock.now()

        def work(conn: Connection) -> list[bool | registering.Refusal]:
            return registering.register(conn, actor, batch, at)

        verdicts = await self._write(work)
        self._settle(
            one.device_id.lower()
            for one, verdict in zip(batch, verdicts, strict=True)
            if verdict is True
        )
        return verdicts

    async def _write(
        self, work: Callable[[Connection], registering.Verdict]
    ) -> registering.Verdict:
        try:
            return await self._database.write(work, durable=True)
        except IntegrityError:
            # Somebody registered the same id or key at the same time; now it can be seen.
            try:
                return await self._database.write(work, durable=True)
            except IntegrityError as error:
                raise Conflict("key_in_use", "Another registration was faster.") from error

    def _settle(self, device_ids: Iterable[str]) -> None:
        for device_id in device_ids:
            self._cache.drop_keys(device_id)
        self._announce()

    def _hear_changed(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._cache.drop(message.key)

    def _hear_key_changed(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self._cache.drop_keys(message.key)


def _require_admin(actor: Actor) -> None:
    if not actor.is_admin:
        raise Forbidden("permission_denied", "Only an administrator may register devices.")
