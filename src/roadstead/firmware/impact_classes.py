"""Counts the devices that a release would update, a page of members at a time.

For the target decision the members of a product differ in a few facts only. The database counts
them in classes of equal facts, and each class is decided once: a page costs the database a walk
over an index and the decision a handful of calls, however many devices are in it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, exists, func, literal, select

from roadstead.devices.store import devices
from roadstead.firmware import store
from roadstead.firmware.assignment_store import firmware_assignments
from roadstead.firmware.facts import Surroundings, gather_in_product
from roadstead.firmware.images.image import ModuleFunction
from roadstead.firmware.model import InForce
from roadstead.firmware.reported import membership_of
from roadstead.firmware.target_rules import TargetFacts, VersionFacts
from roadstead.firmware.targeting import Hold, choose_version, decide
from roadstead.products.group_store import device_group_members, groups_of_devices
from roadstead.products.membership_store import product_devices

PAGE_MEMBERS: Final = 5000
"""Members counted in one read: some tens of milliseconds, after which others have their turn."""

PAGE_ONE_BY_ONE: Final = 500
"""The same where each device has to be looked at."""

SYSTEM_PARTS: Final = 3
"""System parts of a device; the oldest generation has three, all of one version."""

ANY_GROUP: Final = ""
"""Stands for the group of a class, which is known by what is released to it alone."""

_D = devices.c
_P = product_devices.c
_M = device_group_members.c
_A = firmware_assignments.c


@dataclass(frozen=True, slots=True)
class LookAhead:
    """A release that is looked at.

    Attributes:
        product_id: whose.
        version: what is to be released.
        before: what is in force.
        after: what would be.
        groups: ids of the groups whose members are concerned; None when all members are.
    """

    product_id: int
    version: int
    before: InForce
    after: InForce
    groups: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Page:
    """What one page tells.

    Attributes:
        by_version: devices that would be updated, by the version that they run; 0 for none.
        last_id: where the next page begins; None after the last one.
    """

    by_version: Counter[int]
    last_id: str | None


def count_page(
    conn: Connection, ahead: LookAhead, after_id: str, now: datetime, limit: int | None = None
) -> Page:
    """Counts the members behind ``after_id``, in the order of their ids.

    Args:
        conn: reads only.
        ahead: what is looked at.
        after_id: where the page begins; empty for the first.
        now: the time, for the decision.
        limit: members in a page; None for as many as are quickly counted.
    """
    wanted = {ahead.before.default, ahead.after.default}
    wanted |= {*ahead.before.groups.values(), *ahead.after.groups.values()}
    versions = store.find_facts(conn, ahead.product_id, (one for one in wanted if one is not None))
    by_class = all(_needs_system_only(one) for one in versions.values())
    size = limit or (PAGE_MEMBERS if by_class else PAGE_ONE_BY_ONE)
    last_id = _end_of_page(conn, ahead, after_id, size)
    conditions = _concerned(ahead, after_id, last_id)
    if by_class:
        return Page(_count_classes(conn, ahead, conditions, versions, now), last_id)
    return Page(_count_one_by_one(conn, ahead, conditions, now), last_id)


def would_update(facts: TargetFacts, target_today: int | None, version: int) -> bool:
    """Whether a device would be updated because of a release, sooner or later.

    Args:
        facts: as they would be after the release.
        target_today: what the device should run without it.
        version: what is released.
    """
    willing = replace(
        facts,
        # What a device has not told yet is asked for when it is connected, and is no hindrance now.
        online=facts.modules is not None,
        occasion="asked",
        updates_enabled=True,
        transfer_running=False,
        retry_at=None,
    )
    decision = decide(willing)
    if isinstance(decision, Hold) and decision.reason != "offline":
        return False
    target = decision.target if isinstance(decision, Hold) else decision.version
    return target == version or target != target_today


def _needs_system_only(version: VersionFacts) -> bool:
    return all(need.function == ModuleFunction.SYSTEM for need in version.dependencies)


def _end_of_page(conn: Connection, ahead: LookAhead, after_id: str, size: int) -> str | None:
    if ahead.groups is None:
        query = select(_P.device_id).where(
            _P.product_id == ahead.product_id, _P.standing == "member", _P.device_id > after_id
        )
        return conn.scalar(query.order_by(_P.device_id).offset(size - 1).limit(1))
    members = select(_M.device_id).where(_M.group_id.in_(ahead.groups), _M.device_id > after_id)
    return conn.scalar(members.order_by(_M.device_id).offset(size - 1).limit(1))


def _concerned(ahead: LookAhead, after_id: str, last_id: str | None) -> list[ColumnElement[bool]]:
    """Members of the page whom a release can reach: a lock or a rollout's step counts before."""
    conditions: list[ColumnElement[bool]] = [
        _P.product_id == ahead.product_id,
        _P.standing == "member",
        _P.development.is_(False),
        _P.desired_firmware_version.is_(None),
        _P.device_id > after_id,
        ~exists().where(_A.product_id == ahead.product_id, _A.device_id == _P.device_id),
    ]
    if last_id is not None:
        conditions.append(_P.device_id <= last_id)
    if ahead.groups is not None:
        some = select(_M.device_id).where(
            _M.group_id.in_(ahead.groups), *_between(after_id, last_id)
        )
        conditions.append(_P.device_id.in_(some))
    return conditions


def _between(after_id: str, last_id: str | None) -> list[ColumnElement[bool]]:
    upper = [] if last_id is None else [_M.device_id <= last_id]
    return [_M.device_id > after_id, *upper]


def _released_to(in_force: InForce) -> ColumnElement[int | None]:
    """The highest version among the groups of a device: of those that have a release."""
    groups_of: dict[int, list[str]] = {}
    for group_id, version in in_force.groups.items():
        groups_of.setdefault(version, []).append(group_id)
    if not groups_of:
        return literal(None)
    return func.max(case(*((_M.group_id.in_(ids), version) for version, ids in groups_of.items())))


def _count_classes(
    conn: Connection,
    ahead: LookAhead,
    conditions: Sequence[ColumnElement[bool]],
    versions: Mapping[int, VersionFacts],
    now: datetime,
) -> Counter[int]:
    facts: list[ColumnElement[Any]] = [
        _D.firmware_version,
        _D.firmware_product_id,
        _D.platform_id,
        _D.system_version,
        _D.safe_mode,
        _D.max_binary_bytes,
        _D.system_description.is_(None).label("untold"),
    ]
    source = product_devices.join(devices, _P.device_id == _D.id)
    released = sorted({*ahead.before.groups, *ahead.after.groups})
    if released:
        # Correlated: a handful of rows of an index for each member.
        of_device = [_M.device_id == _P.device_id, _M.group_id.in_(released)]
        for name, in_force in (("group_before", ahead.before), ("group_after", ahead.after)):
            found = select(_released_to(in_force)).where(*of_device).scalar_subquery()
            facts.append(found.label(name))
    members = select(*facts).select_from(source).where(*conditions).subquery()
    columns = list(members.c)
    query = select(*columns, func.count().label("devices")).group_by(*columns)
    counted: Counter[int] = Counter()
    for row in conn.execute(query):
        after = getattr(row, "group_after", None)
        before = getattr(row, "group_before", None)
        then = _facts_of_class(row, ahead, after, versions, now)
        today = before if before is not None else ahead.before.default
        if would_update(then, today, ahead.version):
            counted[then.running_version or 0] += row.devices
    return counted


def _facts_of_class(
    row: Any,
    ahead: LookAhead,
    released: int | None,
    versions: Mapping[int, VersionFacts],
    now: datetime,
) -> TargetFacts:
    parts = range(1, SYSTEM_PARTS + 1)
    modules = {(int(ModuleFunction.SYSTEM), part): row.system_version for part in parts}
    return TargetFacts(
        now=now,
        membership=membership_of(
            "member", ahead.product_id, row.platform_id, row.firmware_product_id
        ),
        group_releases={} if released is None else {ANY_GROUP: released},
        default_version=ahead.after.default,
        versions=versions,
        running_version=row.firmware_version or None,
        safe_mode=row.safe_mode,
        platform_id=row.platform_id,
        modules=None if row.untold else modules,
        max_binary_bytes=row.max_binary_bytes or 0,
    )


def _count_one_by_one(
    conn: Connection, ahead: LookAhead, conditions: Sequence[ColumnElement[bool]], now: datetime
) -> Counter[int]:
    """For versions that need more than Device OS, which no class tells."""
    ids = list(conn.scalars(select(_P.device_id).where(*conditions)))
    around = Surroundings(now, in_force=ahead.after)
    then = gather_in_product(conn, ahead.product_id, ids, around)
    before = ahead.before
    groups = groups_of_devices(conn, ahead.product_id, ids) if before.groups else {}
    counted: Counter[int] = Counter()
    for device_id, facts in then.items():
        mine = groups.get(device_id, ())
        today = replace(
            facts,
            group_releases={
                one.name: before.groups[one.id] for one in mine if one.id in before.groups
            },
            default_version=before.default,
        )
        if would_update(facts, choose_version(today), ahead.version):
            counted[facts.running_version or 0] += 1
    return counted
