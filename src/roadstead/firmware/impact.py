"""What a release would do: the devices that it would update, counted by what they run now.

The target decision itself is asked, on facts as they would be afterwards. Devices of groups that
have releases, or would have them, are looked at one by one. All others differ for the decision in a
few facts only, so that the database counts them in classes and each class is decided once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, exists, func, select

from roadstead.devices.store import devices
from roadstead.firmware import release_store, store
from roadstead.firmware.assignment_store import firmware_assignments
from roadstead.firmware.facts import Surroundings, gather_in_product
from roadstead.firmware.images.image import ModuleFunction
from roadstead.firmware.library import get_version
from roadstead.firmware.model import InForce
from roadstead.firmware.release_rules import ReleaseWish, apply_changes, check_wish, find_changes
from roadstead.firmware.reported import membership_of
from roadstead.firmware.target_rules import TargetFacts, VersionFacts
from roadstead.firmware.targeting import Hold, choose_version, decide
from roadstead.kit.clock import Clock
from roadstead.products.group_store import device_group_members, groups_of_devices, list_groups
from roadstead.products.membership_store import product_devices
from roadstead.products.model import Product
from roadstead.storage.database import Database

PAGE_IDS: Final = 500
"""Devices that are looked at in one step."""

SYSTEM_PARTS: Final = 3
"""System parts of a device; the oldest generation has three, all of one version."""

_D = devices.c
_P = product_devices.c
_M = device_group_members.c
_A = firmware_assignments.c


@dataclass(frozen=True, slots=True)
class Impact:
    """Devices that would be updated, by the version that they run now; 0 for none."""

    by_version: dict[int, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_version.values())


class FirmwareImpact:
    """Looks ahead.

    Args:
        database: where devices and releases are kept.
        clock: for the facts of the decision.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of_release(self, product: Product, wish: ReleaseWish) -> Impact:
        """What this release would do.

        Raises:
            Invalid: see ``check_wish``; ``unknown_group``.
            NotFound: ``firmware_not_found``.
        """
        check_wish(wish)
        now = self._clock.now()
        return await self._database.read(lambda conn: find_impact(conn, product.id, wish, now))


def find_impact(conn: Connection, product_id: int, wish: ReleaseWish, now: datetime) -> Impact:
    """See ``FirmwareImpact.of_release``."""
    get_version(conn, product_id, wish.version)
    group_ids = {group.name: group.id for group in list_groups(conn, product_id)}
    before = release_store.find_in_force(conn, product_id)
    changes = find_changes(wish, before, group_ids)
    after = apply_changes(before, changes)
    counted: Counter[int] = Counter()
    concerned = sorted(key for key in changes if key)
    if "" in changes:
        # Whoever has no release of a group goes by the default; the groups with one do not.
        counted.update(_count_default(conn, product_id, before, after, wish.version, now))
        concerned = sorted({*before.groups, *after.groups})
    for page in _pages_of(conn, concerned):
        counted.update(_count_page(conn, product_id, page, before, after, wish.version, now))
    return Impact({version: counted[version] for version in sorted(counted) if counted[version]})


def _pages_of(conn: Connection, group_ids: list[str]) -> Iterator[list[str]]:
    """Ids of the devices in any of the groups, each once, a page at a time."""
    last = ""
    while group_ids:
        query = (
            select(_M.device_id)
            .where(_M.group_id.in_(group_ids), _M.device_id > last)
            .distinct()
            .order_by(_M.device_id)
            .limit(PAGE_IDS)
        )
        page = list(conn.scalars(query))
        if not page:
            return
        yield page
        last = page[-1]


def _count_page(
    conn: Connection,
    product_id: int,
    device_ids: list[str],
    before: InForce,
    after: InForce,
    version: int,
    now: datetime,
) -> Counter[int]:
    then = gather_in_product(conn, product_id, device_ids, Surroundings(now, in_force=after))
    groups = groups_of_devices(conn, product_id, device_ids) if before.groups else {}
    counted: Counter[int] = Counter()
    for device_id, facts in then.items():
        today = replace(
            facts,
            group_releases={
                one.name: before.groups[one.id]
                for one in groups.get(device_id, ())
                if one.id in before.groups
            },
            default_version=before.default,
        )
        if would_update(facts, choose_version(today), version):
            counted[facts.running_version or 0] += 1
    return counted


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


def _count_default(
    conn: Connection,
    product_id: int,
    before: InForce,
    after: InForce,
    version: int,
    now: datetime,
) -> Counter[int]:
    wanted = {one for one in (before.default, after.default) if one is not None}
    versions = store.find_facts(conn, product_id, wanted)
    released = sorted({*before.groups, *after.groups})
    if not all(_needs_system_only(one) for one in versions.values()):
        return _count_one_by_one(conn, product_id, released, before, after, version, now)
    counted: Counter[int] = Counter()
    for row in conn.execute(_classes(product_id, released)):
        facts = _facts_of_class(row, product_id, after.default, versions, now)
        if would_update(facts, before.default, version):
            counted[facts.running_version or 0] += row.devices
    return counted


def _needs_system_only(version: VersionFacts) -> bool:
    return all(need.function == ModuleFunction.SYSTEM for need in version.dependencies)


def _outside(product_id: int, released: list[str]) -> list[Any]:
    """The members to whom the default applies."""
    conditions: list[Any] = [
        _P.product_id == product_id,
        _P.standing == "member",
        _P.development.is_(False),
        _P.desired_firmware_version.is_(None),
        ~exists().where(_A.product_id == product_id, _A.device_id == _P.device_id),
    ]
    if released:
        conditions.append(~exists().where(_M.device_id == _P.device_id, _M.group_id.in_(released)))
    return conditions


def _classes(product_id: int, released: list[str]) -> Any:
    facts = (
        _D.firmware_version,
        _D.firmware_product_id,
        _D.platform_id,
        _D.system_version,
        _D.safe_mode,
        _D.max_binary_bytes,
        _D.system_description.is_(None).label("untold"),
    )
    return (
        select(*facts, func.count().label("devices"))
        .join_from(product_devices, devices, _P.device_id == _D.id)
        .where(*_outside(product_id, released))
        .group_by(*facts)
    )


def _facts_of_class(
    row: Any,
    product_id: int,
    default: int | None,
    versions: Mapping[int, VersionFacts],
    now: datetime,
) -> TargetFacts:
    parts = range(1, SYSTEM_PARTS + 1)
    modules = {(int(ModuleFunction.SYSTEM), part): row.system_version for part in parts}
    return TargetFacts(
        now=now,
        membership=membership_of("member", product_id, row.platform_id, row.firmware_product_id),
        default_version=default,
        versions=versions,
        running_version=row.firmware_version or None,
        safe_mode=row.safe_mode,
        platform_id=row.platform_id,
        modules=None if row.untold else modules,
        max_binary_bytes=row.max_binary_bytes or 0,
    )


def _count_one_by_one(
    conn: Connection,
    product_id: int,
    released: list[str],
    before: InForce,
    after: InForce,
    version: int,
    now: datetime,
) -> Counter[int]:
    """For a version that needs more than Device OS, which no class tells."""
    counted: Counter[int] = Counter()
    last = ""
    while True:
        query = (
            select(_P.device_id)
            .where(*_outside(product_id, released), _P.device_id > last)
            .order_by(_P.device_id)
            .limit(PAGE_IDS)
        )
        page = list(conn.scalars(query))
        if not page:
            return counted
        counted.update(_count_page(conn, product_id, page, before, after, version, now))
        last = page[-1]
