"""What people do with their devices: claim, name, note, ask and call."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.devices import announcing, store
from roadstead.devices.errors import device_unknown
from roadstead.devices.link import DeviceLink
from roadstead.devices.membership import NO_PRODUCTS, DeviceProducts
from roadstead.devices.model import (
    Device,
    FunctionCall,
    Noted,
    Presence,
    Renamed,
    Signaling,
    VariableReading,
)
from roadstead.devices.model import DeviceView as DeviceView
from roadstead.devices.naming import name_key, parse_name, parse_notes
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.presence_store import find_presence, find_presence_of
from roadstead.devices.reaching import is_within, reach, reach_own
from roadstead.devices.registry import DeviceRegistry
from roadstead.devices.taking import take, tell
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission
from roadstead.identity.store import find_user
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid, TimedOut
from roadstead.kit.ids import parse_device_id
from roadstead.storage.database import Database

PING_TIMEOUT_S = 10.0
"""Longest wait for the answer to a ping: two retransmissions of the message are in it."""


AskKind = Literal["functions", "variables"]
AskOutcome = Literal["success", "failure", "offline"]
WatchAsks = Callable[[Device, AskKind, AskOutcome], None]
"""Told of a function call or variable request, and how it ended: answered, not answered well, or
not tried because the device was not connected."""


class DeviceService:
    """The devices of one account, for whoever acts for it.

    Everywhere ``ref`` is the id of a device in any case, or the name of one of the actor's own, and
    ``product_id`` the product within which it is looked for, once the actor's permission in it was
    checked. Without one it may be the actor's own or one of a product in which the actor has the
    right; what the actor reaches in neither way is not found.

    Args:
        database: where devices are kept.
        clock: for the time of a change.
        registry: told of changes, so that the gateway knows them at once.
        presence: who is online now.
        link: the way to connected devices.
        announce: called after a change was committed that other processes must hear of.
        function_timeout_s: how long a connected device may take to answer.
        products: what products have to say about their devices.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        registry: DeviceRegistry,
        presence: PresenceBoard,
        link: DeviceLink,
        announce: Callable[[], None],
        function_timeout_s: float = 30.0,
        products: DeviceProducts = NO_PRODUCTS,
    ) -> None:
        self._products = products
        self._database = database
        self._clock = clock
        self._registry = registry
        self._presence = presence
        self._link = link
        self._announce = announce
        self._timeout_s = function_timeout_s
        self._watch: WatchAsks | None = None

    def watch_asks(self, watch: "WatchAsks") -> None:
        """Tells ``watch`` how every later function call and variable request ended."""
        self._watch = watch

    @contextlib.contextmanager
    def _asking(self, device: Device, what: AskKind) -> Iterator[None]:
        outcome: AskOutcome = "failure"
        try:
            yield
            outcome = "success"
        except TimedOut as error:
            outcome = "offline" if error.code == "device_offline" else "failure"
            raise
        finally:
            if self._watch is not None:
                self._watch(device, what, outcome)

    async def list_devices(self, actor: Actor) -> list[DeviceView]:
        """The actor's devices; the one with the latest full handshake first."""

        def work(conn: Connection) -> tuple[list[Device], dict[str, Presence]]:
            mine = store.list_owned(conn, actor.user_id) if actor.user_id else []
            mine = [device for device in mine if is_within(actor, device)]
            return mine, find_presence(conn, [device.id for device in mine])

        mine, stored = await self._database.read(work)
        views = [self._view(actor, device, stored.get(device.id)) for device in mine]
        views.sort(key=_handshake_order, reverse=True)
        return views

    async def list_of_owners(self, owner_ids: list[str], product_id: int) -> list[DeviceView]:
        """The devices of a product that these accounts own, by id."""

        def work(conn: Connection) -> tuple[list[Device], dict[str, Presence]]:
            found = store.list_owned_in_product(conn, owner_ids, product_id)
            return found, find_presence(conn, [device.id for device in found])

        found, stored = await self._database.read(work)
        return [
            DeviceView(one, self._presence.overlay(one.id, stored.get(one.id))) for one in found
        ]

    async def count_devices(self, actor: Actor) -> dict[int | None, int]:
        """How many devices of each platform the actor has; None is an unknown platform."""
        return await self._database.read(lambda conn: store.count_owned(conn, actor.user_id))

    async def get_device(
        self,
        actor: Actor,
        ref: str,
        permission: Permission = Permission.DEVICES_GET,
        *,
        product_id: int | None = None,
    ) -> DeviceView:
        """A device with all that is known of it.

        Raises:
            NotFound: ``device_not_found``; ``not_in_product``.
            Forbidden: ``permission_denied``.
        """

        def work(conn: Connection) -> tuple[Device, Presence | None, str | None]:
            device = reach(conn, self._products, actor, ref, permission, product_id)
            stored = find_presence_of(conn, device.id)
            return device, stored, _owner_name(conn, actor, device)

        device, known, owner_name = await self._database.read(work)
        return DeviceView(device, self._presence.overlay(device.id, known), owner_name)

    async def resolve(
        self,
        actor: Actor,
        ref: str,
        permission: Permission = Permission.DEVICES_GET,
        *,
        product_id: int | None = None,
    ) -> Device:
        """The device that ``ref`` means.

        Raises:
            NotFound: ``device_not_found``; ``not_in_product``.
            Forbidden: ``permission_denied``.
        """
        return await self._database.read(
            lambda conn: reach(conn, self._products, actor, ref, permission, product_id)
        )

    async def claim(self, actor: Actor, device_id: str) -> str:
        """Makes the actor the owner of a device that nobody owns and that is online.

        Claiming one's own again changes nothing.

        Returns:
            The device id.

        Raises:
            NotFound: ``device_unknown``.
            Conflict: ``device_owned``; ``claim_needs_online`` when the device is not connected.
            Forbidden: ``product_device`` for a product's device, unless the actor is of its team,
                who may claim it when it is offline, too.
            Invalid: ``no_account`` for the operator.
        """
        known_id = parse_device_id(device_id.strip())
        if not actor.user_id:
            raise Invalid("no_account", "Only an account can own a device.")
        if known_id is None:
            raise device_unknown()
        is_online = self._presence.is_online(known_id)
        at = self._clock.now()

        def work(conn: Connection) -> bool:
            return take(conn, self._products, actor, known_id, is_online, at)

        if await self._database.write(work, durable=True):
            self._settle(known_id)
        return known_id

    async def unclaim(self, actor: Actor, ref: str) -> str:
        """Ends the actor's ownership. Gives the device id.

        Name and notes go with it, unless the device belongs to a product, which it goes on to do.

        Raises:
            NotFound: ``device_not_found``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> str:
            device = reach_own(conn, actor, ref, Permission.DEVICES_RELEASE)
            store.release_owned(conn, actor.user_id, device.id, at)
            before: announcing.Facts = {"owner_id": device.owner_id, "name": device.name}
            return tell(conn, actor, "device.unclaim", device.id, before, {"owner_id": None}, at)

        return self._settle(await self._database.write(work, durable=True))

    async def rename(
        self, actor: Actor, ref: str, name: str, *, product_id: int | None = None
    ) -> Renamed:
        """Names the device.

        Raises:
            NotFound: ``device_not_found``; ``not_in_product``.
            Forbidden: ``permission_denied``.
            Invalid: ``bad_device_name``.
            Conflict: ``device_name_taken`` by another of the actor's devices, in any case.
        """
        new_name, at = parse_name(name), self._clock.now()

        def work(conn: Connection) -> str:
            device = reach(conn, self._products, actor, ref, Permission.DEVICES_UPDATE, product_id)
            free = _is_free(conn, device, new_name)
            if not free and device.owner_id == actor.user_id:
                raise _name_taken(new_name)
            findable = free and device.owner_id is not None
            store.rename_device(conn, device.id, new_name, at, findable=findable)
            if device.product_id is not None:
                self._products.renamed(conn, device.product_id, device.id, new_name)
            before, after = {"name": device.name}, {"name": new_name}
            return tell(conn, actor, "device.rename", device.id, {**before}, {**after}, at)

        try:
            device_id = await self._database.write(work)
        except IntegrityError as error:
            raise _name_taken(new_name) from error
        return Renamed(self._settle(device_id), new_name, at)

    async def set_notes(
        self, actor: Actor, ref: str, notes: str | None, *, product_id: int | None = None
    ) -> Noted:
        """Sets the device's notes; None removes them.

        Raises:
            NotFound: ``device_not_found``; ``not_in_product``.
            Forbidden: ``permission_denied``.
            Invalid: ``bad_device_notes``.
        """
        new_notes, at = parse_notes(notes), self._clock.now()

        def work(conn: Connection) -> str:
            device = reach(conn, self._products, actor, ref, Permission.DEVICES_UPDATE, product_id)
            store.note_device(conn, device.id, new_notes, at)
            before, after = {"notes": device.notes}, {"notes": new_notes}
            return tell(conn, actor, "device.set_notes", device.id, {**before}, {**after}, at)

        device_id = self._settle(await self._database.write(work))
        return Noted(device_id, new_notes, at)

    async def call_function(
        self, actor: Actor, ref: str, name: str, argument: str, *, product_id: int | None = None
    ) -> FunctionCall:
        """Calls a function of the device and waits for what it returns.

        Raises:
            NotFound: ``device_not_found`` or ``function_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
            Invalid: ``argument_too_long``.
        """
        permission = Permission.DEVICES_FUNCTION_CALL
        device = await self.resolve(actor, ref, permission, product_id=product_id)
        with self._asking(device, "functions"):
            value = await self._link.call_function(
                device.id, name, argument, timeout_s=self._timeout_s
            )
        return FunctionCall(device.id, device.name, True, value)

    async def read_variable(
        self, actor: Actor, ref: str, name: str, *, product_id: int | None = None
    ) -> VariableReading:
        """Reads a variable of the device.

        Raises:
            NotFound: ``device_not_found`` or ``variable_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
        """
        permission = Permission.DEVICES_VARIABLE_GET
        view = await self.get_device(actor, ref, permission, product_id=product_id)
        device = view.device
        with self._asking(device, "variables"):
            value = await self._link.read_variable(device.id, name, timeout_s=self._timeout_s)
        return VariableReading(
            name=name,
            result=value,
            device_id=device.id,
            device_name=device.name,
            connected=True,
            last_handshake_at=view.presence.last_handshake_at,
        )

    async def signal(
        self, actor: Actor, ref: str, on: bool, *, product_id: int | None = None
    ) -> Signaling:
        """Starts or stops the device's light signal.

        Raises:
            NotFound: ``device_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
        """
        permission = Permission.DEVICES_SIGNAL
        device = await self.resolve(actor, ref, permission, product_id=product_id)
        await self._link.signal(device.id, on, timeout_s=self._timeout_s)
        return Signaling(device.id, connected=True, signaling=on)

    async def ping(self, actor: Actor, ref: str, *, product_id: int | None = None) -> bool:
        """True if the device answers just now.

        Raises:
            NotFound: ``device_not_found``.
        """
        permission = Permission.DEVICES_PING
        device = await self.resolve(actor, ref, permission, product_id=product_id)
        return await self._link.ping(device.id, timeout_s=min(PING_TIMEOUT_S, self._timeout_s))

    def _view(self, actor: Actor, device: Device, stored: Presence | None) -> DeviceView:
        return DeviceView(device, self._presence.overlay(device.id, stored), actor.username)

    def _settle(self, device_id: str) -> str:
        self._registry.forget(device_id)
        self._announce()
        return device_id


def _owner_name(conn: Connection, actor: Actor, device: Device) -> str | None:
    if device.owner_id is None or device.owner_id == actor.user_id:
        return None if device.owner_id is None else actor.username
    owner = find_user(conn, device.owner_id)
    return None if owner is None else owner.username


def _is_free(conn: Connection, device: Device, name: str) -> bool:
    """Whether no other device of this one's owner has the name."""
    if device.owner_id is None:
        return True
    holder = store.find_owned_by_name(conn, device.owner_id, name_key(name))
    return holder is None or holder.id == device.id


def _handshake_order(view: DeviceView) -> tuple[float, str]:
    moment = view.presence.last_handshake_at
    return (0.0 if moment is None else moment.timestamp(), view.device.id)


def _name_taken(name: str) -> Conflict:
    return Conflict("device_name_taken", f"Another of your devices is named {name!r}.")
