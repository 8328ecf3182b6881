"""Draws the devices of a rollout, a page in each step: a million take no long transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from roadstead.rollouts import store
from roadstead.rollouts.candidates import (
    DRAWN,
    LATE,
    PAGE,
    audience_of,
    is_wanted,
    list_candidates,
    member_of,
    order_of,
)
from roadstead.rollouts.gathering import END, freeze_baselines
from roadstead.rollouts.model import Member, Rollout, plan_totals


def prepare_page(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
    """Draws the next page; the rollout as it is then, no more ``preparing`` after the last one."""
    if rollout.rollback_of is not None:
        return _take_back_page(conn, rollout, now)
    page = list_candidates(conn, rollout.product_id, now, rollout, after=rollout.cursor)
    audience, test = audience_of(rollout)
    wanted = [one for one in page if is_wanted(audience, test, one) is None]
    members = [member_of(rollout, one) for one in wanted]
    last = page[-1].facts.device_id if page else rollout.cursor
    return _add(conn, rollout, members, last, is_last=len(page) < PAGE, now=now)


def _take_back_page(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
    """The next devices that the halted rollout had reached, each with the version it had."""
    assert rollout.rollback_of is not None
    page = store.list_members(
        conn,
        rollout.rollback_of,
        after=rollout.cursor,
        states=("offered", "updated", "failed"),
        limit=PAGE,
    )
    members = [
        replace(
            one,
            rollout_id=rollout.id,
            order=order_of(rollout.id, one.device_id),
            state="waiting",
            reason="",
            assigned=False,
            offered_at=None,
            ended_at=None,
        )
        for one in page
        if one.previous_version is not None
    ]
    last = page[-1].order if page else rollout.cursor
    return _add(conn, rollout, members, last, is_last=len(page) < PAGE, now=now)


def _add(
    conn: Connection,
    rollout: Rollout,
    members: Sequence[Member],
    last: str,
    *,
    is_last: bool,
    now: datetime,
) -> Rollout:
    store.insert_members(conn, members)
    if not is_last:
        return replace(rollout, cursor=last, due_at=now)
    drawn = store.count_range(conn, rollout.id, DRAWN, LATE)
    late = store.count_range(conn, rollout.id, LATE, END)
    prepared = replace(
        rollout,
        cursor="",
        members=drawn,
        late=late,
        totals=plan_totals(rollout.policy, drawn),
        state="awaiting_approval" if rollout.policy.approval else "queued",
        due_at=None if rollout.policy.approval else now,
    )
    if rollout.policy.gate:
        freeze_baselines(conn, prepared, now)
    return prepared
