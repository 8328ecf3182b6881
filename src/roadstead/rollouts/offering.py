"""Writes assignments: the next devices of the open stage, within the pace, in their windows."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from roadstead.firmware import assignment_store
from roadstead.rollouts import store
from roadstead.rollouts.candidates import PAGE, audience_of, find_candidates, is_wanted
from roadstead.rollouts.model import Member, Rollout
from roadstead.rollouts.pace import allow
from roadstead.rollouts.recording import tell_assigned, tell_withdrawn
from roadstead.rollouts.windows import opens_at, parse_zone

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)

WINDOW_AGAIN: Final = timedelta(minutes=5)
"""Open windows are looked at so often, so that one that shuts is noticed."""


def offer_next(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
    """Offers to as many devices as the pace lets; ``due_at`` says when the next may be.

    An offer counts from here on, whether or not the device installs: that is what the gate judges.
    """
    left = rollout.target() - rollout.offered
    if left <= 0:
        return _all_offered(rollout, now)
    under_way = 0
    if rollout.policy.concurrent is not None:
        under_way = store.count_members(conn, rollout.id).get("offered", 0)
    given = allow(
        rollout.policy.pace,
        size_bytes=rollout.size_bytes,
        left=left,
        under_way=under_way,
        last_offer_at=rollout.last_offer_at,
        now=now,
    )
    if given.offers == 0:
        return replace(rollout, due_at=now + timedelta(seconds=given.wait_s))
    members = store.list_members(conn, rollout.id, after=rollout.cursor, limit=given.offers)
    if not members:
        return _all_offered(replace(rollout, offered=rollout.target()), now)
    _offer(conn, rollout, members, now)
    offered = replace(
        rollout,
        offered=rollout.offered + len(members),
        cursor=members[-1].order,
        last_offer_at=now,
        due_at=now,
    )
    return _all_offered(offered, now) if offered.offered >= offered.target() else offered


def _all_offered(rollout: Rollout, now: datetime) -> Rollout:
    if rollout.soaking_since is not None:
        return rollout
    # With a window every device must have had it once before the soak begins.
    window = rollout.policy.window
    wait = timedelta(0) if window is None else WEEK if window.days else DAY
    return replace(rollout, soaking_since=now + wait, due_at=now)


def _offer(conn: Connection, rollout: Rollout, members: list[Member], now: datetime) -> None:
    wanted: list[Member] = []
    for start in range(0, len(members), PAGE):
        wanted += _still_wanted(conn, rollout, members[start : start + PAGE], now)
    ids = [one.device_id for one in wanted]
    store.change_members(conn, rollout.id, ids, state="offered", offered_at=now)
    _assign(conn, rollout, [one for one in wanted if is_open(rollout, one.zone, now)], now)


def _still_wanted(
    conn: Connection, rollout: Rollout, members: list[Member], now: datetime
) -> list[Member]:
    """Members that are still in the audience; the others are passed over, with the reason."""
    if rollout.rollback_of is not None:
        return members
    audience, test = audience_of(rollout)
    ids = [one.device_id for one in members]
    found = find_candidates(conn, rollout.product_id, now, rollout, ids)
    wanted = []
    for member in members:
        candidate = found.get(member.device_id)
        reason = is_wanted(audience, test, candidate) if candidate else "not_a_member"
        if reason is None:
            wanted.append(member)
        else:
            values = {"state": "skipped", "reason": reason, "ended_at": now}
            store.change_members(conn, rollout.id, [member.device_id], **values)
    return wanted


def _assign(conn: Connection, rollout: Rollout, members: list[Member], now: datetime) -> None:
    """Writes assignments and asks the deliveries to look; what is released needs neither."""
    if rollout.is_watch:
        ids = [one.device_id for one in members]
        store.change_members(conn, rollout.id, ids, assigned=True)
        return
    by_version: dict[int, list[str]] = {}
    for one in members:
        version = rollout.version
        if rollout.rollback_of is not None and one.previous_version is not None:
            version = one.previous_version
        by_version.setdefault(version, []).append(one.device_id)
    reason = "rollout" if rollout.rollback_of is None else "rollback"
    for version, ids in sorted(by_version.items()):
        assignment_store.assign(
            conn,
            rollout.product_id,
            ids,
            version,
            rollout_id=rollout.id,
            reason=reason,
            at=now,
        )
        store.change_members(conn, rollout.id, ids, assigned=True)
        tell_assigned(conn, rollout, ids)


def is_open(rollout: Rollout, zone: str, now: datetime) -> bool:
    """Whether a device in this time zone may be updated now."""
    window = rollout.policy.parsed_window()
    return window is None or opens_at(window, parse_zone(zone), now) is None


def keep_windows(conn: Connection, rollout: Rollout, now: datetime) -> tuple[int, datetime | None]:
    """Writes the assignments of devices whose window opened, takes back those whose window shut.

    Returns:
        Devices that changed, at most a page; and when a window changes next.
    """
    window = rollout.policy.parsed_window()
    changed, next_at = 0, None if window is None else now + WINDOW_AGAIN
    for zone in store.list_zones(conn, rollout.id):
        opening = None if window is None else opens_at(window, parse_zone(zone), now)
        is_open_now = opening is None
        members = store.list_to_assign(conn, rollout.id, zone, assigned=not is_open_now, limit=PAGE)
        ids = [one.device_id for one in members]
        if is_open_now:
            _assign(conn, rollout, members, now)
        elif ids:
            assignment_store.withdraw(conn, rollout.product_id, ids, rollout_id=rollout.id)
            store.change_members(conn, rollout.id, ids, assigned=False)
            tell_withdrawn(conn, rollout, cut=False)
        changed += len(ids)
        if opening is not None and next_at is not None:
            next_at = min(next_at, opening)
    return changed, next_at
