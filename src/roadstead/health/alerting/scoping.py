"""To which devices a rule applies, looked up when something would open."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, Select, and_, false, select

from roadstead.devices.store import devices
from roadstead.health.alerting.alert_store import KEYS_AT_ONCE
from roadstead.health.alerting.model import AlertScope
from roadstead.products.group_store import device_group_members, device_groups
from roadstead.products.membership_store import product_devices

_P = product_devices.c


def fitting(
    conn: Connection, product_id: int, scope: AlertScope, device_ids: Iterable[str]
) -> dict[str, str]:
    """Those of these devices to which the rule applies, with their names (empty without one)."""
    found: dict[str, str] = {}
    wanted = list(device_ids)
    for begin in range(0, len(wanted), KEYS_AT_ONCE):
        some = wanted[begin : begin + KEYS_AT_ONCE]
        query = (
            select(_P.device_id, devices.c.name)
            .join(devices, devices.c.id == _P.device_id)
            .where(_P.device_id.in_(some), *conditions(product_id, scope))
        )
        found |= {row.device_id: row.name or "" for row in conn.execute(query)}
    return found


def conditions(product_id: int, scope: AlertScope) -> list[ColumnElement[bool]]:
    """What a row of ``product_devices`` must be."""
    found = [_P.product_id == product_id, _P.standing == "member"]
    if not scope.development:
        found.append(_P.development == false())
    if scope.firmware_version is not None:
        found.append(_P.firmware_version == scope.firmware_version)
    if scope.groups:
        found.append(_P.device_id.in_(_members(product_id, scope.groups)))
    return found


def unknown_groups(conn: Connection, product_id: int, names: Sequence[str]) -> list[str]:
    """Those of these names that no group of the product has."""
    if not names:
        return []
    query = select(device_groups.c.name).where(
        device_groups.c.product_id == product_id, device_groups.c.name.in_(list(names))
    )
    known = set(conn.execute(query).scalars())
    return [one for one in names if one not in known]


def _members(product_id: int, names: Sequence[str]) -> Select[tuple[str]]:
    members, groups = device_group_members.c, device_groups.c
    joined = select(members.device_id).join(device_groups, groups.id == members.group_id)
    return joined.where(and_(groups.product_id == product_id, groups.name.in_(list(names))))
