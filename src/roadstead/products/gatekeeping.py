"""What products say to the room of devices: who may act, and what an arriving device becomes.

Fills the port ``devices.membership.DeviceProducts``. Everything but the note that a device came
online happens in the transaction of the caller.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from roadstead.audit import trail
from roadstead.bus.local import LocalBus
from roadstead.devices import product_store
from roadstead.devices.announcing import DEVICE_CHANGED
from roadstead.devices.membership import Arrival
from roadstead.devices.naming import name_key
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import to_ms
from roadstead.products import membership_store, store
from roadstead.products.access import OwnerAccess, ProductAccess
from roadstead.products.admitting import Admission, admit, clear_waiting
from roadstead.products.allowance import DeviceAllowance, Unlimited
from roadstead.products.arrival_rules import ArrivalFacts, judge_arrival
from roadstead.products.firmware_port import NO_FIRMWARE, ProductFirmware
from roadstead.products.model import Product, ProductDevice
from roadstead.storage.journal import Journal
from roadstead.storage.outbox import OutboxMessage

MAX_QUARANTINED = 10_000
"""Devices that may wait in one product's quarantine: whoever can make devices must not be able to
fill the list of a stranger. Those beyond are muted all the same, and listed once there is room."""

MAX_KNOWN_IN_SERVICE = 200_000
"""Devices remembered as in service, so that one that comes and goes all day is not written again:
twice the devices of one process, a hundred bytes each."""


class Gatekeeper:
    """Judges devices by the products that they belong to or that their firmware names.

    Args:
        journal: writes first connections, some at a time.
        access: who may do what with a product.
        allowance: what the plan of a product's owner has room for.
        firmware: told which versions members run.
        bus: where changes made by other processes arrive.
    """

    def __init__(
        self,
        journal: Journal,
        access: ProductAccess | None = None,
        allowance: DeviceAllowance | None = None,
        firmware: ProductFirmware = NO_FIRMWARE,
        bus: LocalBus | None = None,
    ) -> None:
        if bus is not None:
            bus.subscribe(DEVICE_CHANGED, self._hear_changed)
        self._firmware = firmware
        self._journal = journal
        self._access = access or OwnerAccess()
        self._allowance = allowance or Unlimited()
        self._in_service: dict[str, None] = {}

    def arrived(self, conn: Connection, arrival: Arrival) -> bool:
        """Takes note of a Hello; True when what the gateway knows of the device changed."""
        if arrival.product_id is not None:
            # Whether its firmware names another product is decided where events are accepted and
            # firmware is chosen, by ``devices.membership.product_of_events``.
            _note_hello(conn, arrival.product_id, arrival)
            if arrival.firmware_version != arrival.former_version:
                changes = {arrival.firmware_version: 1, arrival.former_version: -1}
                self._firmware.counts_changed(conn, arrival.product_id, changes)
            return _settle(conn, arrival, muted=False)
        named = _find(conn, arrival.named_product_id)
        if named is None:
            return _settle(conn, arrival, muted=False)
        verdict = judge_arrival(self._learn(conn, arrival, named))
        if verdict == "admit":
            return _admit(conn, named, arrival, self._firmware)
        if verdict == "quarantine":
            _quarantine(conn, named, arrival)
        return _settle(conn, arrival, muted=True)

    def came_online(self, device_id: str, at: datetime) -> None:
        """Takes note that a device is connected, with a new session or an old one."""
        if device_id in self._in_service:
            return
        row = (device_id, to_ms(at))
        self._journal.append(
            membership_store.write_first_connections, row, self._remember(device_id)
        )

    def forget(self, device_id: str) -> None:
        """What the device is to products changed; its next connection is looked at anew."""
        self._in_service.pop(device_id, None)

    def rights_of(self, conn: Connection, actor: Actor, product_id: int) -> frozenset[Permission]:
        """What somebody may do with devices of a product; empty for a stranger."""
        product = _find(conn, product_id)
        return frozenset() if product is None else self._access.rights_of(conn, actor, product)

    def may_own(self, conn: Connection, user_id: str, product_id: int) -> bool:
        """Whether a person may come to own devices of a product."""
        product = _find(conn, product_id)
        return product is not None and self._access.may_own(conn, user_id, product)

    def in_team(self, conn: Connection, user_id: str, product_id: int) -> bool:
        """Whether a person belongs to the team of a product."""
        product = _find(conn, product_id)
        return product is not None and self._access.in_team(conn, user_id, product)

    def take_room(self, conn: Connection, user_id: str, at: datetime) -> None:
        """Takes room in a person's plan for one more device outside products.

        Raises:
            Forbidden: ``plan_limit``.
        """
        self._allowance.take_outside(conn, user_id, at)

    def trusts_first_key(self, conn: Connection, product_id: int) -> bool:
        """Whether the first key that a device of the product shows is taken for its own."""
        product = _find(conn, product_id)
        return product is not None and product.settings.trust_first_key

    def some_trust_first_keys(self, conn: Connection) -> bool:
        """Whether any product trusts first keys."""
        return store.some_trust_first_keys(conn)

    def renamed(self, conn: Connection, product_id: int, device_id: str, name: str | None) -> None:
        """Takes note of a device's name, by which lists are sorted."""
        key = "" if name is None else name_key(name)
        membership_store.set_name_key(conn, product_id, device_id, key)

    def _learn(self, conn: Connection, arrival: Arrival, named: Product) -> ArrivalFacts:
        entry = membership_store.find_in_product(conn, named.id, arrival.device_id)
        automatic = named.settings.quarantine == "automatic"
        facts = ArrivalFacts(
            denied=entry is not None and entry.standing == "denied",
            automatic=automatic,
            fits=arrival.platform_id == named.platform_id,
        )
        if not automatic or facts.denied:
            return facts
        return replace(
            facts,
            acceptable=self._is_acceptable(conn, arrival, named),
            has_room=self._allowance.reserve(conn, named, 1, arrival.at) == 1,
        )

    def _is_acceptable(self, conn: Connection, arrival: Arrival, named: Product) -> bool:
        if arrival.owner_id is not None:
            return self._access.in_team(conn, arrival.owner_id, named)
        known = product_store.find_standings(conn, [arrival.device_id]).get(arrival.device_id)
        registered_by = None if known is None else known.registered_by
        return registered_by is None or self._access.in_team(conn, registered_by, named)

    def _hear_changed(self, message: object) -> None:
        if isinstance(message, OutboxMessage):
            self.forget(message.key)

    def _remember(self, device_id: str) -> "Callable[[Exception | None], None]":
        def settled(error: Exception | None) -> None:
            if error is None:
                if len(self._in_service) >= MAX_KNOWN_IN_SERVICE:
                    self._in_service.pop(next(iter(self._in_service)))
                self._in_service[device_id] = None

        return settled


def _find(conn: Connection, product_id: int | None) -> Product | None:
    return None if product_id is None else store.find_product(conn, product_id)


def _settle(conn: Connection, arrival: Arrival, *, muted: bool) -> bool:
    """Mutes the device or lets it speak; one that waits does so for the product it names alone."""
    if arrival.quarantined:
        waits_in = membership_store.find_quarantines(conn, [arrival.device_id])
        elsewhere = waits_in.get(arrival.device_id)
        if elsewhere is not None and (not muted or elsewhere != arrival.named_product_id):
            gone = [arrival.device_id]
            membership_store.delete_entries(conn, elsewhere, gone, "quarantined")
            store.count_devices(conn, elsewhere, quarantined=-1)
    if arrival.quarantined == muted:
        return False
    product_store.set_quarantined(conn, arrival.device_id, muted)
    return True


def _note_hello(conn: Connection, product_id: int, arrival: Arrival) -> None:
    membership_store.note_hello(
        conn,
        product_id,
        arrival.device_id,
        version=arrival.firmware_version,
        at=arrival.at,
        handshake=arrival.handshake,
    )


def _admit(conn: Connection, product: Product, arrival: Arrival, firmware: ProductFirmware) -> bool:
    known = product_store.find_standings(conn, [arrival.device_id])[arrival.device_id]
    admit(conn, product, Admission([], [known], None, arrival.at), firmware)
    _note_hello(conn, product.id, arrival)
    _record(conn, "device.approve_automatically", product, arrival)
    return True


def _quarantine(conn: Connection, product: Product, arrival: Arrival) -> None:
    entry = membership_store.find_in_product(conn, product.id, arrival.device_id)
    if entry is not None or product.quarantined_count >= MAX_QUARANTINED:
        return
    clear_waiting(conn, product.id, [arrival.device_id])
    waiting = ProductDevice(
        product_id=product.id,
        device_id=arrival.device_id,
        standing="quarantined",
        firmware_version=arrival.firmware_version,
        last_handshake_at=arrival.at,
        updated_at=arrival.at,
    )
    membership_store.insert_entries(conn, [waiting], {})
    store.count_devices(conn, product.id, quarantined=1)
    _record(conn, "device.quarantine", product, arrival)


def _record(conn: Connection, action: str, product: Product, arrival: Arrival) -> None:
    trail.record(
        conn,
        actor_id="",
        actor_name="device",
        address="",
        action=action,
        target=f"device/{arrival.device_id}",
        before=None,
        after={"product_id": product.id},
        at=arrival.at,
        scope=f"product/{product.id}",
    )
