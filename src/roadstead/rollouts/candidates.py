"""The devices of a product as a rollout sees them, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select

from roadstead.devices.presence_store import find_presence
from roadstead.devices.store import devices
from roadstead.firmware.images.platforms import platform_name
from roadstead.products.group_store import groups_of_devices
from roadstead.products.membership_store import product_devices
from roadstead.rollouts import store
from roadstead.rollouts.audience import Audience, DeviceFacts, Test, parse_filter, why_not
from roadstead.rollouts.failing import is_eligible
from roadstead.rollouts.model import Member, Rollout
from roadstead.rollouts.ordering import draw_number
from roadstead.rollouts.trace import Trace, account, usual_gap_s
from roadstead.rollouts.trace_store import find_traces
from roadstead.rollouts.windows import zone_of

PAGE: Final = 500
"""Devices looked at in one go; both engines bound the number of parameters."""

DRAWN: Final = "a"
LATE: Final = "b"
"""Tiers of members: those that are drawn, and those that get the version after all the others."""

RADIO_CELLULAR: Final = "cellular"

_P = product_devices.c
_D = devices.c

_SELECT: Final[Select[Any]] = select(
    _P.device_id,
    _P.standing,
    _P.development,
    _P.desired_firmware_version,
    _D.platform_id,
    _D.firmware_version,
    _D.system_version,
    _D.name,
    _D.iccid,
).join_from(product_devices, devices, _P.device_id == _D.id)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that a rollout looks at.

    Attributes:
        facts: what the audience asks for.
        kind: hardware and version, within which marks are compared.
        running: version that it runs; None when it never said.
        eligible: heard of lately, by its own pattern.
        cellular: it has a SIM, so that bytes cost.
    """

    facts: DeviceFacts
    kind: str
    running: int | None
    eligible: bool
    cellular: bool


def audience_of(rollout: Rollout) -> tuple[Audience, Test | None]:
    """Whom the rollout is for, and its parsed filter."""
    audience = Audience(rollout.version, frozenset(rollout.groups), rollout.filter_text)
    return audience, parse_filter(rollout.filter_text) if rollout.filter_text else None


def list_candidates(
    conn: Connection, product_id: int, now: datetime, rollout: Rollout, *, after: str
) -> list[Candidate]:
    """A page of the product's devices by id, behind ``after``."""
    query = (
        _SELECT.where(_P.product_id == product_id, _P.standing == "member", _P.device_id > after)
        .order_by(_P.device_id)
        .limit(PAGE)
    )
    return _to_candidates(conn, product_id, now, rollout, conn.execute(query).all())


def find_candidates(
    conn: Connection, product_id: int, now: datetime, rollout: Rollout, ids: Sequence[str]
) -> dict[str, Candidate]:
    """Devices by id; those that the product does not know are missing. At most a page."""
    query = _SELECT.where(_P.product_id == product_id, _P.device_id.in_(ids))
    rows = conn.execute(query).all()
    found = _to_candidates(conn, product_id, now, rollout, rows)
    return {one.facts.device_id: one for one in found}


def _to_candidates(
    conn: Connection,
    product_id: int,
    now: datetime,
    rollout: Rollout,
    rows: Sequence[Row[Any]],
) -> list[Candidate]:
    ids = [row.device_id for row in rows]
    groups = groups_of_devices(conn, product_id, ids)
    presence = find_presence(conn, ids)
    traces = find_traces(conn, ids)
    return [
        _to_candidate(
            row,
            frozenset(group.name for group in groups.get(row.device_id, ())),
            row.device_id in presence and presence[row.device_id].online,
            traces.get(row.device_id),
            int(now.timestamp()),
            rollout,
        )
        for row in rows
    ]


def _to_candidate(
    row: Row[Any],
    groups: frozenset[str],
    online: bool,
    trace: Trace | None,
    now_s: int,
    rollout: Rollout,
) -> Candidate:
    platform = "" if row.platform_id is None else platform_name(row.platform_id).lower()
    running = row.firmware_version or None
    facts = DeviceFacts(
        row.device_id,
        groups,
        running,
        row.system_version or None,
        platform,
        row.name or "",
        online,
        row.development,
        row.standing == "member",
        row.desired_firmware_version is not None,
    )
    eligible = online
    if trace is not None and not online:
        account(trace, now_s)
        eligible = is_eligible(
            trace.last_contact_s, usual_gap_s(trace), now_s, rollout.policy.patience
        )
    kind = f"{platform or 'unknown'}/{running or 0}"[:40]
    return Candidate(facts, kind, running, eligible, bool(row.iccid))


def member_of(rollout: Rollout, candidate: Candidate, *, late: bool = False) -> Member:
    """The candidate as a member: where it stands was drawn by lot."""
    window = rollout.policy.window
    zone = "UTC"
    if window is not None:
        groups = sorted(candidate.facts.groups)
        zone = zone_of(groups, window.zones_by_group, window.time_zone)
    device_id = candidate.facts.device_id
    tier = LATE if late or not candidate.eligible else DRAWN
    return Member(
        rollout_id=rollout.id,
        device_id=device_id,
        order=order_of(rollout.id, device_id, tier),
        kind=candidate.kind,
        zone=zone,
        previous_version=candidate.running,
    )


def order_of(rollout_id: str, device_id: str, tier: str = DRAWN) -> str:
    """The key that puts a device in its place."""
    return f"{tier}{draw_number(rollout_id, device_id):019d}-{device_id}"


def is_wanted(audience: Audience, test: Test | None, candidate: Candidate) -> str | None:
    """Why a candidate is not in the audience; None when it is."""
    return why_not(audience, candidate.facts, test)


def taken_by_others(conn: Connection, rollout: Rollout, ids: Sequence[str]) -> dict[str, str]:
    """Devices that are members of another rollout that is not over: its id."""
    return {
        one.device_id: one.rollout_id
        for one in store.memberships_of(conn, ids)
        if one.rollout_id != rollout.id and one.state in ("waiting", "offered")
    }
