"""Registration within a transaction: who may register what, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from roadstead.devices import announcing, store
from roadstead.devices.keys import parse_public_key
from roadstead.devices.membership import DeviceProducts
from roadstead.devices.model import Device, DeviceKey, Registration
from roadstead.devices.naming import PLATFORMS
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Conflict, DomainError, Forbidden, Invalid
from roadstead.kit.ids import parse_device_id

Refusal = DomainError
"""Why one registration of a list was refused."""

Verdict = TypeVar("Verdict")

MAX_PLATFORM_ID = 0xFFFF
"""The Hello has two bytes for it. Source: Device OS 6.2 wire."""

MAX_UNCLAIMED = 1000
"""Devices that one person may have registered and not claimed yet: more than lie on a desk, some
megabytes. Whoever claims them shows that they exist; makers import theirs into a product."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """One registration, checked: what is to be written of it."""

    key: DeviceKey
    known: Device | None
    old_key: DeviceKey | None
    values: dict[str, object]

    @property
    def new_key(self) -> bool:
        return self.old_key is None or self.old_key.spki_digest != self.key.spki_digest


def platform_of_product(product_id: int | None) -> int | None:
    """The platform that the field's tools name in a provisioning request.

    Raises:
        Invalid: ``unknown_product``: devices join products by the product's own list.
    """
    if product_id is None or product_id in PLATFORMS:
        return product_id
    raise Invalid("unknown_product", f"{product_id} is not the number of a platform.")


def register(
    conn: Connection, actor: Actor, batch: Sequence[Registration], at: datetime
) -> list[bool | Refusal]:
    """Registers many devices; for each True, False when nothing changed, or the refusal.

    Rows are written in the order of ids, so that two lists at once cannot lock each other out.
    """
    verdicts: list[bool | Refusal] = [False] * len(batch)
    keys = _parse(batch, verdicts)
    planned = _plan(conn, batch, keys, verdicts)
    for _, plan in planned:
        _write(conn, actor, plan, at)
    for _, plan in planned:
        _record(conn, actor, "device.register", plan, at)
    for _, plan in planned:
        _announce(conn, plan)
    return verdicts


def provision(
    conn: Connection,
    actor: Actor,
    key: DeviceKey,
    platform_id: int | None,
    at: datetime,
    products: DeviceProducts,
) -> bool:
    """Registers one key for a person; False when it is registered already.

    Raises:
        Forbidden: ``device_known``; ``unclaimed_limit`` after MAX_UNCLAIMED new ids.
        Conflict: ``key_in_use``.
    """
    holder = store.find_key_holder(conn, key.spki_digest)
    if holder == key.device_id:
        return False
    if holder is not None:
        raise _key_in_use()
    known = store.find_device(conn, key.device_id)
    if known is not None and not _may_change_key(conn, actor, known, products):
        raise Forbidden(
            "device_known",
            f"Device {known.id} is registered already; its key may be changed by its owner, "
            "by the team of its product, or by an administrator.",
        )
    if known is None and not actor.is_admin:
        _check_unclaimed(conn, actor)
    old_key = store.find_key(conn, key.device_id, key.algorithm)
    told = known is None or known.platform_id is None
    values: dict[str, object] = {"platform_id": platform_id} if told and platform_id else {}
    plan = _Plan(key, known, old_key, values)
    _write(conn, actor, plan, at)
    _record(conn, actor, "device.provision_key", plan, at)
    _announce(conn, plan)
    return True


def _check_unclaimed(conn: Connection, actor: Actor) -> None:
    if store.count_unclaimed(conn, actor.user_id, MAX_UNCLAIMED) >= MAX_UNCLAIMED:
        raise Forbidden(
            "unclaimed_limit",
            f"You have registered {MAX_UNCLAIMED} devices that nobody has claimed yet, the limit; "
            "claim them first, or import devices into a product.",
        )


def _may_change_key(
    conn: Connection, actor: Actor, device: Device, products: DeviceProducts
) -> bool:
    if actor.is_admin:
        return True
    if device.product_id is not None:
        # A customer who claimed a device of the product must not make it another one.
        return Permission.DEVICES_IMPORT in products.rights_of(conn, actor, device.product_id)
    return device.owner_id is not None and device.owner_id == actor.user_id


def _parse(batch: Sequence[Registration], verdicts: list[bool | Refusal]) -> dict[int, DeviceKey]:
    keys: dict[int, DeviceKey] = {}
    for position, one in enumerate(batch):
        try:
            keys[position] = _parse_one(one)
        except DomainError as error:
            verdicts[position] = error
    return keys


def _parse_one(one: Registration) -> DeviceKey:
    device_id = parse_device_id(one.device_id)
    if device_id is None:
        raise Invalid("bad_device_id", f"{one.device_id!r} is not 24 hexadecimal digits.")
    if not 0 <= one.platform_id <= MAX_PLATFORM_ID:
        raise Invalid("bad_platform_id", f"{one.platform_id} is not a platform number.")
    return parse_public_key(device_id, one.public_key_der)


def _plan(
    conn: Connection,
    batch: Sequence[Registration],
    keys: dict[int, DeviceKey],
    verdicts: list[bool | Refusal],
) -> list[tuple[int, _Plan]]:
    """What is to be written, in the order of device ids; sets the verdicts of the others too."""
    ids = [key.device_id for key in keys.values()]
    known = store.find_devices(conn, ids)
    known_keys = store.find_keys(conn, ids)
    holders = store.find_key_holders(conn, (key.spki_digest for key in keys.values()))
    planned: dict[str, tuple[int, _Plan]] = {}
    for position, key in keys.items():
        one = batch[position]
        values: dict[str, object] = {"platform_id": one.platform_id}
        if one.serial_number:
            values["serial_number"] = one.serial_number
        device = known.get(key.device_id)
        plan = _Plan(key, device, known_keys.get((key.device_id, key.algorithm)), values)
        if holders.setdefault(key.spki_digest, key.device_id) != key.device_id:
            verdicts[position] = _key_in_use()
        elif key.device_id in planned:
            verdicts[position] = Conflict(
                "device_twice", f"Device {key.device_id} stands in the list twice."
            )
        elif plan.new_key or device is None or _differs(device, values):
            verdicts[position] = True
            planned[key.device_id] = (position, plan)
    return [planned[device_id] for device_id in sorted(planned)]


def _differs(device: Device, values: dict[str, object]) -> bool:
    return any(getattr(device, name) != value for name, value in values.items())


def _write(conn: Connection, actor: Actor, plan: _Plan, at: datetime) -> None:
    device_id = plan.key.device_id
    if plan.known is None:
        new = Device(
            id=device_id, registered_by=actor.user_id or None, created_at=at, updated_at=at
        )
        store.insert_device(conn, new)
    if plan.values:
        store.update_registered(conn, device_id, plan.values, at)
    if plan.new_key:
        store.put_key(conn, plan.key, at)


def _record(conn: Connection, actor: Actor, action: str, plan: _Plan, at: datetime) -> None:
    known, old_key = plan.known, plan.old_key
    before: announcing.Facts = None
    if known is not None:
        before = {name: getattr(known, name) for name in plan.values}
        before["key_sha256"] = None if old_key is None else old_key.spki_digest.hex()
    after: announcing.Facts = {**plan.values, "key_sha256": plan.key.spki_digest.hex()}
    announcing.record(conn, actor, action, plan.key.device_id, before, after, at)


def _announce(conn: Connection, plan: _Plan) -> None:
    topics = [announcing.DEVICE_CHANGED] if plan.known is not None and plan.values else []
    if plan.new_key:
        topics.append(announcing.KEY_CHANGED)
    announcing.announce(conn, topics, plan.key.device_id)


def _key_in_use() -> Conflict:
    return Conflict("key_in_use", "This public key is registered for another device.")
