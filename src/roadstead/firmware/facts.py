"""Gathers what the target decision looks at, of one device or of many at once.

Some queries for a batch, whatever its size; what only the gateway and the deliveries know (who is
connected, what is on its way) is asked through ``Surroundings``.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Text, select, type_coerce

from roadstead.devices.store import devices
from roadstead.firmware import assignment_store, release_store, store
from roadstead.firmware.model import Assignment, InForce
from roadstead.firmware.reported import membership_of, parse_modules
from roadstead.firmware.target_rules import Occasion, TargetFacts, VersionFacts
from roadstead.firmware.targeting import choose_version
from roadstead.products.group_store import groups_of_devices
from roadstead.products.membership_store import product_devices

BATCH_IDS: Final = 500
"""Devices in one query; both engines bound the number of parameters."""

_D = devices.c
_P = product_devices.c


@dataclass(frozen=True, slots=True)
class TransferState:
    """What is known of deliveries to one device.

    Attributes:
        running: a file is on its way.
        failures: attempts that failed in a row, by version.
        retry_at: not before, because of failures, by version.
    """

    running: bool = False
    failures: Mapping[int, int] = field(default_factory=dict)
    retry_at: Mapping[int, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is not in this room's tables.

    Attributes:
        now: the time.
        occasion: why somebody looks.
        online: which of the devices are connected.
        transfers: state of deliveries by device; a device without one is missing.
        in_force: what to take for released instead of what is; for looking ahead.
    """

    now: datetime
    occasion: Occasion = "none"
    online: frozenset[str] = frozenset()
    transfers: Mapping[str, TransferState] = field(default_factory=dict)
    in_force: InForce | None = None


def gather(conn: Connection, device_id: str, around: Surroundings) -> TargetFacts | None:
    """The facts of one device; None for one that no product knows."""
    return gather_many(conn, [device_id], around).get(device_id)


def gather_many(
    conn: Connection, device_ids: Sequence[str], around: Surroundings
) -> dict[str, TargetFacts]:
    """The facts of devices, each in the product that it belongs to, by id.

    Devices that belong to no product and wait in none are missing.
    """
    found: dict[str, TargetFacts] = {}
    for start in range(0, len(device_ids), BATCH_IDS):
        some = device_ids[start : start + BATCH_IDS]
        row_of: dict[str, Row[Any]] = {}
        for row in conn.execute(_SELECT.where(_P.device_id.in_(some))).all():
            # A device may have been refused by one product and belong to another.
            if row.standing == "member" or row.id not in row_of:
                row_of[row.id] = row
        by_product: defaultdict[int, list[Row[Any]]] = defaultdict(list)
        for row in row_of.values():
            by_product[row.in_product].append(row)
        for product_id, rows in by_product.items():
            found |= _gather_in(conn, product_id, rows, around)
    return found


def gather_in_product(
    conn: Connection, product_id: int, device_ids: Sequence[str], around: Surroundings
) -> dict[str, TargetFacts]:
    """The facts of devices in this product, whatever they are in it; others are missing."""
    found: dict[str, TargetFacts] = {}
    for start in range(0, len(device_ids), BATCH_IDS):
        some = device_ids[start : start + BATCH_IDS]
        query = _SELECT.where(_P.product_id == product_id, _P.device_id.in_(some))
        found |= _gather_in(conn, product_id, list(conn.execute(query)), around)
    return found


_SELECT: Final[Select[Any]] = select(
    _P.product_id.label("in_product"),
    _P.standing,
    _P.development,
    _P.desired_firmware_version,
    _D.id,
    _D.platform_id,
    _D.firmware_product_id,
    _D.firmware_version,
    _D.safe_mode,
    # Its text: most of it is not looked at.
    type_coerce(_D.system_description, Text).label("system_description"),
    _D.max_binary_bytes,
    _D.updates_enabled,
    _D.updates_forced,
).join_from(product_devices, devices, _P.device_id == _D.id)


def _gather_in(
    conn: Connection, product_id: int, rows: Sequence[Row[Any]], around: Surroundings
) -> dict[str, TargetFacts]:
    ids = [row.id for row in rows]
    in_force = around.in_force or release_store.find_in_force(conn, product_id)
    groups = groups_of_devices(conn, product_id, ids) if in_force.groups else {}
    assigned = assignment_store.find_assignments(conn, product_id, ids)
    paused = {
        device_id: frozenset(
            in_force.groups[group.id] for group in mine if group.id in in_force.paused
        )
        for device_id, mine in groups.items()
    }
    if release_store.DEFAULT in in_force.paused and in_force.default is not None:
        everybody = frozenset([in_force.default])
        paused = {device_id: paused.get(device_id, frozenset()) | everybody for device_id in ids}
    releases = {
        device_id: {
            group.name: in_force.groups[group.id] for group in mine if group.id in in_force.groups
        }
        for device_id, mine in groups.items()
    }
    wanted = {row.desired_firmware_version for row in rows} | {
        one.version for one in assigned.values()
    }
    wanted |= {in_force.default, *in_force.groups.values()}
    versions = store.find_facts(conn, product_id, (one for one in wanted if one is not None))
    return {
        row.id: _facts_of(
            row,
            in_force.default,
            releases.get(row.id, {}),
            paused.get(row.id, frozenset()),
            assigned.get(row.id),
            versions,
            around,
        )
        for row in rows
    }


def _facts_of(
    row: Row[Any],
    default: int | None,
    releases: Mapping[str, int],
    paused: frozenset[int],
    assigned: Assignment | None,
    versions: Mapping[int, VersionFacts],
    around: Surroundings,
) -> TargetFacts:
    facts = TargetFacts(
        now=around.now,
        membership=membership_of(
            row.standing, row.in_product, row.platform_id, row.firmware_product_id
        ),
        development=row.development,
        locked_version=row.desired_firmware_version,
        assigned_version=None if assigned is None else assigned.version,
        taken_back=assigned is not None and assigned.reason == "rollback",
        paused_versions=paused,
        group_releases=releases,
        default_version=default,
        versions=versions,
        running_version=row.firmware_version or None,
        safe_mode=row.safe_mode,
        platform_id=row.platform_id,
        modules=parse_modules(row.system_description),
        max_binary_bytes=row.max_binary_bytes or 0,
        online=row.id in around.online,
        updates_enabled=row.updates_enabled is not False,
        updates_forced=row.updates_forced is True,
        occasion=around.occasion,
    )
    state = around.transfers.get(row.id)
    return facts if state is None else with_transfer(facts, state)


def with_transfer(facts: TargetFacts, state: TransferState) -> TargetFacts:
    """The facts with what is known of deliveries of the version that is chosen by them."""
    version = choose_version(facts)
    failures = state.failures.get(version, 0) if version is not None else 0
    retry_at = state.retry_at.get(version) if version is not None else None
    return replace(facts, transfer_running=state.running, failures=failures, retry_at=retry_at)
