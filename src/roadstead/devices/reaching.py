"""Which device a request means, and whether whoever asks may reach it.

A person reaches their own devices by id or name; devices of a product by id, with the rights that
they have in the product. What they reach in neither way is unknown to them.
"""

from sqlalchemy import Connection

from roadstead.devices import store
from roadstead.devices.errors import device_not_found, not_in_product
from roadstead.devices.membership import DeviceProducts
from roadstead.devices.model import Device
from roadstead.devices.naming import name_key
from roadstead.identity.model import AccountKind, Actor
from roadstead.identity.permissions import Permission, allows, role_for_oneself
from roadstead.kit.errors import Forbidden
from roadstead.kit.ids import parse_device_id


def reach(
    conn: Connection,
    products: DeviceProducts,
    actor: Actor,
    ref: str,
    permission: Permission,
    product_id: int | None = None,
) -> Device:
    """The device that ``ref`` means.

    Args:
        conn: the unit of work.
        products: knows the rights in products.
        actor: who asks.
        ref: a device id in any case, or the name of one of the actor's own.
        permission: what is to be done with it.
        product_id: the product in which it is looked for, where the actor's permission was checked
            with the request; None to look among the actor's own and those of all products.

    Raises:
        NotFound: ``device_not_found``; ``not_in_product``.
        Forbidden: ``permission_denied``: the actor may see the device and not do this.
    """
    if product_id is not None:
        inside = reach_in_product(conn, product_id, ref)
        if not may_see(actor, inside.owner_id):
            raise not_in_product()
        return inside
    own = find_own(conn, actor, ref)
    if own is not None and allows(actor, permission, role=role_for_oneself(actor)):
        return own
    device_id = parse_device_id(ref)
    device = own or (store.find_device(conn, device_id) if device_id else None)
    if device is None:
        raise device_not_found(ref)
    rights: frozenset[Permission] = frozenset()
    if device.product_id is not None:
        rights = products.rights_of(conn, actor, device.product_id)
    if own is None and not (rights and may_see(actor, device.owner_id)):
        raise device_not_found(ref)
    if permission not in rights:
        raise _denied()
    return device


def reach_in_product(conn: Connection, product_id: int, ref: str) -> Device:
    """The device of a product that ``ref`` means.

    Raises:
        NotFound: ``not_in_product``.
    """
    device_id = parse_device_id(ref)
    device = store.find_in_product(conn, product_id, device_id) if device_id else None
    if device is None:
        raise not_in_product()
    return device


def reach_own(conn: Connection, actor: Actor, ref: str, permission: Permission) -> Device:
    """The actor's own device that ``ref`` means.

    Raises:
        NotFound: ``device_not_found``.
        Forbidden: ``permission_denied``.
    """
    device = find_own(conn, actor, ref)
    if device is None:
        raise device_not_found(ref)
    if not allows(actor, permission, role=role_for_oneself(actor)):
        raise _denied()
    return device


def may_see(actor: Actor, owner_id: str | None) -> bool:
    """Whether an actor with rights in a product sees a device of it: customers see their own."""
    return actor.kind is not AccountKind.CUSTOMER or owner_id == actor.user_id


def find_own(conn: Connection, actor: Actor, ref: str) -> Device | None:
    """The actor's own device that ``ref`` means, by id or name."""
    found: Device | None = None
    if actor.user_id:
        device_id = parse_device_id(ref)
        if device_id is not None:
            found = store.find_owned(conn, actor.user_id, device_id)
        elif ref.isprintable():
            # PostgreSQL cannot even be asked for a text with a NUL character.
            found = store.find_owned_by_name(conn, actor.user_id, name_key(ref))
    return found if found is not None and is_within(actor, found) else None


def is_within(actor: Actor, device: Device) -> bool:
    """Whether the actor's token reaches the device: one of a product's app reaches no other."""
    return actor.product_id is None or actor.product_id == device.product_id


def _denied() -> Forbidden:
    return Forbidden("permission_denied", "Permission denied: your account may not do this.")
