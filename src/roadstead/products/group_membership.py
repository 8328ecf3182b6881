"""Which groups devices are in: joined, left, set, within the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from roadstead.kit.errors import Invalid
from roadstead.kit.ids import new_object_id
from roadstead.products import group_store
from roadstead.products.group_naming import parse_group_name
from roadstead.products.group_plan import require_groups
from roadstead.products.model import DeviceGroup

MAX_GROUPS = 500
"""Groups of one product: people choose among them in a list."""

MAX_GROUPS_OF_DEVICE = 50
"""Groups that one device may be in; a target decision looks at all of them."""


def ensure_groups(
    conn: Connection, product_id: int, names: Collection[str], at: datetime
) -> dict[str, DeviceGroup]:
    """The groups with these names, by name; those that are missing are made.

    Raises:
        Invalid: ``bad_group_name`` or ``too_many_groups``.
        Forbidden: ``plan_limit``.
    """
    wanted = sorted({parse_group_name(name) for name in names})
    found = group_store.find_groups(conn, product_id, wanted) if wanted else {}
    missing = [name for name in wanted if name not in found]
    if missing:
        require_groups(conn, product_id)
    if missing and group_store.count_groups(conn, product_id) + len(missing) > MAX_GROUPS:
        raise too_many_groups()
    for name in missing:
        found[name] = DeviceGroup(
            id=new_object_id(), product_id=product_id, name=name, created_at=at, updated_at=at
        )
        group_store.insert_group(conn, found[name])
    return found


def join_groups(
    conn: Connection,
    product_id: int,
    names: Collection[str],
    device_ids: Sequence[str],
    at: datetime,
) -> None:
    """Puts members of the product into groups, which are made if they are missing.

    Raises:
        Invalid: ``bad_group_name`` or ``too_many_groups``.
    """
    groups = ensure_groups(conn, product_id, names, at)
    for name in sorted(groups):
        group_store.add_members(conn, groups[name].id, device_ids)
    if groups:
        mine = group_store.groups_of_devices(conn, product_id, device_ids)
        if any(len(of_device) > MAX_GROUPS_OF_DEVICE for of_device in mine.values()):
            raise Invalid(
                "too_many_groups", f"A device can be in {MAX_GROUPS_OF_DEVICE} groups at most."
            )


def leave_groups(
    conn: Connection, product_id: int, names: Collection[str], device_ids: Sequence[str]
) -> None:
    """Takes devices out of groups; names that the product does not have are passed over.

    Raises:
        Invalid: ``bad_group_name``.
    """
    wanted = {parse_group_name(name) for name in names}
    groups = group_store.find_groups(conn, product_id, wanted) if wanted else {}
    for name in sorted(groups):
        group_store.remove_members(conn, groups[name].id, device_ids)


def set_groups(
    conn: Connection, product_id: int, names: Collection[str], device_id: str, at: datetime
) -> list[str]:
    """Puts a member into exactly these groups; gives their names, sorted.

    Raises:
        Invalid: ``bad_group_name`` or ``too_many_groups``.
    """
    wanted = {parse_group_name(name) for name in names}
    now = group_store.groups_of_devices(conn, product_id, [device_id]).get(device_id, [])
    leave_groups(conn, product_id, {group.name for group in now} - wanted, [device_id])
    join_groups(conn, product_id, wanted, [device_id], at)
    return sorted(wanted)


def too_many_groups() -> Invalid:
    """The product has as many groups as it can have."""
    return Invalid("too_many_groups", f"A product can have {MAX_GROUPS} groups at most.")
