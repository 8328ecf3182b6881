"""What people do with their devices: claim, name, note, ask and call."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from roadstead.devices import announcing, store
from roadstead.devices.errors import belongs_to_someone_else, device_not_found
from roadstead.devices.link import DeviceLink
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
from roadstead.devices.registry import DeviceRegistry
from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid, NotFound
from roadstead.kit.ids import parse_device_id
from roadstead.storage.database import Database

PING_TIMEOUT_S = 10.0
"""Longest wait for the answer to a ping: two retransmissions of the message are in it."""


class DeviceService:
    """The devices of one account, for whoever acts for it.

    Everywhere ``ref`` is the id of a device in any case, or the name of one of the actor's own;
    what is not the actor's is not found.

    Args:
        database: where devices are kept.
        clock: for the time of a change.
        registry: told of changes, so that the gateway knows them at once.
        presence: who is online now.
        link: the way to connected devices.
        announce: called after a change was committed that other processes must hear of.
        function_timeout_s: how long a connected device may take to answer.
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
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._presence = presence
        self._link = link
        self._announce = announce
        self._timeout_s = function_timeout_s

    async def list_devices(self, actor: Actor) -> list[DeviceView]:
        """The actor's devices; the one with the latest full handshake first."""

        def work(conn: Connection) -> tuple[list[Device], dict[str, Presence]]:
            mine = store.list_owned(conn, actor.user_id) if actor.user_id else []
            mine = [device for device in mine if _is_within(actor, device)]
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

    async def get_device(self, actor: Actor, ref: str) -> DeviceView:
        """One of the actor's devices.

        Raises:
            NotFound: ``device_not_found``.
        """

        def work(conn: Connection) -> tuple[Device, Presence | None]:
            device = _resolve(conn, actor, ref)
            return device, find_presence_of(conn, device.id)

        device, stored = await self._database.read(work)
        return self._view(actor, device, stored)

    async def resolve(self, actor: Actor, ref: str) -> Device:
        """The actor's device that ``ref`` names.

        Raises:
            NotFound: ``device_not_found``.
        """
        return await self._database.read(lambda conn: _resolve(conn, actor, ref))

    async def claim(self, actor: Actor, device_id: str) -> str:
        """Makes the actor the owner of a device that nobody owns and that is online.

        Claiming one's own again changes nothing.

        Returns:
            The device id.

        Raises:
            NotFound: ``device_unknown``.
            Conflict: ``device_owned``; ``claim_needs_online`` when the device is not connected.
            Invalid: ``no_account`` for the operator.
        """
        known_id = parse_device_id(device_id.strip())
        if not actor.user_id:
            raise Invalid("no_account", "Only an account can own a device.")
        if known_id is None:
            raise _device_unknown()
        is_online = self._presence.is_online(known_id)
        at = self._clock.now()

        def work(conn: Connection) -> bool:
            return _claim(conn, actor, known_id, is_online, at)

        if await self._database.write(work, durable=True):
            self._settle(known_id)
        return known_id

    async def unclaim(self, actor: Actor, ref: str) -> str:
        """Ends the actor's ownership; name and notes go with it. Gives the device id.

        Raises:
            NotFound: ``device_not_found``.
        """
        at = self._clock.now()

        def work(conn: Connection) -> str:
            device = _resolve(conn, actor, ref)
            store.release_owned(conn, actor.user_id, device.id, at)
            before: announcing.Facts = {"owner_id": device.owner_id, "name": device.name}
            return _tell(conn, actor, "device.unclaim", device.id, before, {"owner_id": None}, at)

        return self._settle(await self._database.write(work, durable=True))

    async def rename(self, actor: Actor, ref: str, name: str) -> Renamed:
        """Names the device.

        Raises:
            NotFound: ``device_not_found``.
            Invalid: ``bad_device_name``.
            Conflict: ``device_name_taken`` by another of the actor's devices, in any case.
        """
        new_name, at = parse_name(name), self._clock.now()

        def work(conn: Connection) -> str:
            device = _resolve(conn, actor, ref)
            holder = store.find_owned_by_name(conn, actor.user_id, name_key(new_name))
            if holder is not None and holder.id != device.id:
                raise _name_taken(new_name)
            store.rename_owned(conn, actor.user_id, device.id, new_name, at)
            before, after = {"name": device.name}, {"name": new_name}
            return _tell(conn, actor, "device.rename", device.id, {**before}, {**after}, at)

        try:
            device_id = await self._database.write(work)
        except IntegrityError as error:
            raise _name_taken(new_name) from error
        return Renamed(self._settle(device_id), new_name, at)

    async def set_notes(self, actor: Actor, ref: str, notes: str | None) -> Noted:
        """Sets the device's notes; None removes them.

        Raises:
            NotFound: ``device_not_found``.
            Invalid: ``bad_device_notes``.
        """
        new_notes, at = parse_notes(notes), self._clock.now()

        def work(conn: Connection) -> str:
            device = _resolve(conn, actor, ref)
            store.note_owned(conn, actor.user_id, device.id, new_notes, at)
            before, after = {"notes": device.notes}, {"notes": new_notes}
            return _tell(conn, actor, "device.set_notes", device.id, {**before}, {**after}, at)

        device_id = self._settle(await self._database.write(work))
        return Noted(device_id, new_notes, at)

    async def call_function(self, actor: Actor, ref: str, name: str, argument: str) -> FunctionCall:
        """Calls a function of the device and waits for what it returns.

        Raises:
            NotFound: ``device_not_found`` or ``function_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
            Invalid: ``argument_too_long``.
        """
        device = await self.resolve(actor, ref)
        value = await self._link.call_function(device.id, name, argument, timeout_s=self._timeout_s)
        return FunctionCall(device.id, device.name, True, value)

    async def read_variable(self, actor: Actor, ref: str, name: str) -> VariableReading:
        """Reads a variable of the device.

        Raises:
            NotFound: ``device_not_found`` or ``variable_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
        """
        view = await self.get_device(actor, ref)
        device = view.device
        value = await self._link.read_variable(device.id, name, timeout_s=self._timeout_s)
        return VariableReading(
            name=name,
            result=value,
            device_id=device.id,
            device_name=device.name,
            connected=True,
            last_handshake_at=view.presence.last_handshake_at,
        )

    async def signal(self, actor: Actor, ref: str, on: bool) -> Signaling:
        """Starts or stops the device's light signal.

        Raises:
            NotFound: ``device_not_found``.
            TimedOut: ``device_offline`` or ``timed_out``.
        """
        device = await self.resolve(actor, ref)
        await self._link.signal(device.id, on, timeout_s=self._timeout_s)
        return Signaling(device.id, connected=True, signaling=on)

    async def ping(self, actor: Actor, ref: str) -> bool:
        """True if the device answers just now.

        Raises:
            NotFound: ``device_not_found``.
        """
        device = await self.resolve(actor, ref)
        return await self._link.ping(device.id, timeout_s=min(PING_TIMEOUT_S, self._timeout_s))

    def _view(self, actor: Actor, device: Device, stored: Presence | None) -> DeviceView:
        return DeviceView(device, self._presence.overlay(device.id, stored), actor.username)

    def _settle(self, device_id: str) -> str:
        self._registry.forget(device_id)
        self._announce()
        return device_id


def _resolve(conn: Connection, actor: Actor, ref: str) -> Device:
    found: Device | None = None
    if actor.user_id:
        device_id = parse_device_id(ref)
        if device_id is not None:
            found = store.find_owned(conn, actor.user_id, device_id)
        elif ref.isprintable():
            # PostgreSQL cannot even be asked for a text with a NUL character.
            found = store.find_owned_by_name(conn, actor.user_id, name_key(ref))
    if found is None or not _is_within(actor, found):
        raise device_not_found(ref)
    return found


def _is_within(actor: Actor, device: Device) -> bool:
    """Whether the actor's token reaches the device: one of a product's app reaches no other."""
    return actor.product_id is None or actor.product_id == device.product_id


def _claim(
    conn: Connection,
    actor: Actor,
    device_id: str,
    is_online: bool,
    at: datetime,
) -> bool:
    """Claims within a transaction; False when the actor owned the device already."""
    device = store.find_device(conn, device_id)
    if device is None:
        raise _device_unknown()
    if device.owner_id == actor.user_id:
        return False
    if device.owner_id is not None:
        raise belongs_to_someone_else()
    if not is_online:
        raise Conflict(
            "claim_needs_online",
            f"Device {device_id} is not online; switch it on, then claim it.",
        )
    if not store.claim_unowned(conn, device_id, actor.user_id, at):
        raise belongs_to_someone_else()
    before: announcing.Facts = {"owner_id": None}
    after: announcing.Facts = {"owner_id": actor.user_id}
    _tell(conn, actor, "device.claim", device_id, before, after, at)
    return True


def _tell(
    conn: Connection,
    actor: Actor,
    action: str,
    device_id: str,
    before: announcing.Facts,
    after: announcing.Facts,
    at: datetime,
) -> str:
    announcing.record(conn, actor, action, device_id, before, after, at)
    announcing.announce(conn, [announcing.DEVICE_CHANGED], device_id)
    return device_id


def _handshake_order(view: DeviceView) -> tuple[float, str]:
    moment = view.presence.last_handshake_at
    return (0.0 if moment is None else moment.timestamp(), view.device.id)


def _device_unknown() -> NotFound:
    # The official CLI's own tests compare this sentence; it shows the id itself.
    return NotFound("device_unknown", "device not found")


def _name_taken(name: str) -> Conflict:
    return Conflict("device_name_taken", f"Another of your devices is named {name!r}.")
