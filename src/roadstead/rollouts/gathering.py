"""Gathers the evidence of a look from what is stored; decides nothing.

Members stand in the order of the draw, so the first some thousand are a sample of the updated and
the last some thousand one of the control, in a fleet of any size.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from roadstead.rollouts import look_store, store
from roadstead.rollouts.evidence import Evidence
from roadstead.rollouts.failing import check, grace_s
from roadstead.rollouts.gate import LEAST_JUDGED
from roadstead.rollouts.marks import LEAST_COVERED, MarkTable, freeze_baseline, mark_all
from roadstead.rollouts.model import Member, Rollout
from roadstead.rollouts.progress import Schedule
from roadstead.rollouts.signals import Slice
from roadstead.rollouts.trace import Trace, account, since_clock, usual_gap_s
from roadstead.rollouts.trace_store import find_pasts, find_traces

MARK_SAMPLE: Final = 5_000
"""Devices of each group that are graded; more would show differences that nobody minds."""

FAILURE_SAMPLE: Final = 20_000
"""Devices of each group that are asked whether they failed: a share of 0.015 % still shows."""

HISTORY: Final = timedelta(days=28)
WAITED_MOST: Final = 3
"""Soaks after which a stage waits for no sleeper any more: three days, as a rule."""

NAMED_DEVICES: Final = 10

END: Final = "~"
"""Behind every order."""


@dataclass(slots=True)
class _Group:
    """What is known of the devices of one group at a look."""

    size: int = 0
    judged: int = 0
    failed: int = 0
    failed_now: int = 0
    failed_devices: list[str] = field(default_factory=list)
    longest_grace_s: float = 0.0


def schedule_of(rollout: Rollout) -> Schedule:
    """Where the open stage stands in time."""
    assert rollout.stage_opened_at is not None
    return Schedule(
        soak=rollout.policy.soak,
        soaks=rollout.soaks,
        opened_at=rollout.stage_opened_at,
        soaking_since=rollout.soaking_since,
        looks=rollout.looks,
        last_look_at=rollout.last_look_at,
        extended_at=rollout.extended_at,
        paused_at=rollout.paused_at,
    )


def gather_evidence(conn: Connection, rollout: Rollout, now: datetime) -> Evidence:
    """What a look at this moment knows."""
    schedule = schedule_of(rollout)
    opened = schedule.opened_at
    table = MarkTable()
    cohort = _list(conn, rollout, rollout.stage_cursor, rollout.cursor)
    earlier = _list(conn, rollout, "", rollout.stage_cursor, limit=MARK_SAMPLE)
    control = _control(conn, rollout)
    now_s = int(now.timestamp())
    new = _Group()
    _look_at(conn, rollout, cohort, now_s, table, True, new)
    room = MARK_SAMPLE - min(len(cohort), MARK_SAMPLE)
    _look_at(conn, rollout, earlier[:room], now_s, table, True, _Group())
    rest = _Group()
    _look_at(conn, rollout, control, now_s, table, False, rest)
    installs, errors = _installs(conn, rollout)
    failed, judged = look_store.control_failures_since(conn, rollout.product_id, now - HISTORY)
    waited = now - (schedule.soaking_since or now)
    paused_at = rollout.paused_at
    return Evidence(
        soak_over=schedule.is_soak_over(now) and schedule.extension(now) != "running",
        offered=new.size,
        judged=new.judged,
        failed=new.failed,
        failed_now=new.failed_now,
        failed_devices=tuple(new.failed_devices[:NAMED_DEVICES]),
        control=rest.size,
        control_judged=rest.judged,
        control_failed=rest.failed,
        historic_share=failed / judged if judged else 0.0,
        installs=installs,
        install_errors=errors,
        marks=table.pairs(),
        extension=schedule.extension(now),
        odd_before=rollout.odd,
        waited_enough=waited >= _patience(rollout, new, rest),
        paused_for_soak=paused_at is not None and now >= paused_at + schedule.soak,
        missing=_what_is_missing(new, opened, now),
    )


def _patience(rollout: Rollout, new: _Group, rest: _Group) -> timedelta:
    """How long sleepers are waited for: longer where too few would be left to judge by."""
    most = WAITED_MOST * rollout.policy.soak
    if new.judged < LEAST_JUDGED <= new.size:
        return most
    return min(2 * timedelta(seconds=max(new.longest_grace_s, rest.longest_grace_s)), most)


def _what_is_missing(new: _Group, opened: datetime, now: datetime) -> str:
    if now < opened:
        return "the server's clock went back behind the opening of the stage"
    if new.size == 0:
        return "no device of the stage has its offer"
    return ""


def _list(
    conn: Connection, rollout: Rollout, after: str, up_to: str, *, limit: int = FAILURE_SAMPLE
) -> list[Member]:
    if after >= up_to:
        return []
    states = ("offered", "updated", "failed")
    return store.list_members(
        conn, rollout.id, after=after, up_to=min(up_to, "b"), states=states, limit=limit
    )


def _control(conn: Connection, rollout: Rollout) -> list[Member]:
    """Drawn devices without an offer, the last ones first; dormant ones are no control."""
    return store.list_members(
        conn,
        rollout.id,
        after=rollout.cursor,
        up_to="b",
        states=("waiting",),
        limit=FAILURE_SAMPLE,
        newest_first=True,
    )


def _look_at(
    conn: Connection,
    rollout: Rollout,
    members: Sequence[Member],
    now_s: int,
    table: MarkTable,
    updated: bool,
    group: _Group,
) -> None:
    """Counts the failed devices of a group, and the marks of its sample."""
    group.size += len(members)
    for start in range(0, len(members), MARK_SAMPLE):
        some = members[start : start + MARK_SAMPLE]
        ids = [one.device_id for one in some]
        traces = find_traces(conn, ids)
        for trace in traces.values():
            account(trace, now_s)
        _count_failed(rollout, some, traces, now_s, group)
        if start == 0:
            _count_marks(conn, rollout, some, traces, now_s, table, updated)


def _count_failed(
    rollout: Rollout,
    members: Iterable[Member],
    traces: Mapping[str, Trace],
    now_s: int,
    group: _Group,
) -> None:
    patience = rollout.policy.patience
    for member in members:
        trace = traces.get(member.device_id)
        if trace is None:
            continue
        health = check(since_clock(trace, rollout.id), now_s, patience)
        group.longest_grace_s = max(group.longest_grace_s, grace_s(usual_gap_s(trace), patience))
        group.judged += health.condition != "pending"
        group.failed_now += health.present == "failed"
        if health.condition == "failed":
            group.failed += 1
            group.failed_devices.append(member.device_id)


def _count_marks(
    conn: Connection,
    rollout: Rollout,
    members: Sequence[Member],
    traces: Mapping[str, Trace],
    now_s: int,
    table: MarkTable,
    updated: bool,
) -> None:
    ids = [one.device_id for one in members if one.device_id in traces]
    baselines = look_store.find_baselines(conn, rollout.id, ids)
    pasts = find_pasts(conn, list(baselines))
    for member in members:
        baseline, trace = baselines.get(member.device_id), traces.get(member.device_id)
        if baseline is None or trace is None:
            continue
        window = window_of(trace, pasts.get(member.device_id, []), rollout.id, now_s)
        if window:
            rates = array("d")
            rates.frombytes(baseline)
            table.add(member.kind, updated, mark_all(window, rates))


def window_of(trace: Trace, past: Iterable[Slice], rollout_id: str, now_s: int) -> list[Slice]:
    """The slices since the device's clock settled; none when too little of them was watched."""
    clock = trace.clocks.get(rollout_id)
    if clock is None or now_s <= clock.settled_s:
        return []
    slices = [*past, *trace.closed]
    if trace.current is not None:
        slices.append(trace.current)
    window = [one for one in slices if one.start_s >= clock.settled_s]
    since_opening = now_s - clock.opened_s
    if sum(one.watched_s for one in window) < LEAST_COVERED * since_opening:
        return []
    return window


def _installs(conn: Connection, rollout: Rollout) -> tuple[int, int]:
    """Installations that ended in this rollout, and those of them that failed."""
    counts = store.count_members(conn, rollout.id)
    failed = counts.get("failed", 0)
    return counts.get("updated", 0) + failed, failed


def freeze_baselines(conn: Connection, rollout: Rollout, at: datetime) -> int:
    """Freezes the past of the devices that can ever be graded; gives their number."""
    first = store.list_members(conn, rollout.id, up_to="b", limit=MARK_SAMPLE)
    last = store.list_members(conn, rollout.id, up_to="b", limit=MARK_SAMPLE, newest_first=True)
    ids = sorted({one.device_id for one in (*first, *last)})
    before_s = int(at.timestamp())
    for start in range(0, len(ids), MARK_SAMPLE // 5):
        some = ids[start : start + MARK_SAMPLE // 5]
        rates = {
            device_id: freeze_baseline(past, before_s).tobytes()
            for device_id, past in find_pasts(conn, some).items()
        }
        look_store.put_baselines(conn, rollout.id, rates)
    return len(ids)


def evidence_document(evidence: Evidence) -> dict[str, Any]:
    """The evidence as JSON, from which the look can be replayed."""
    document: dict[str, Any] = msgspec.to_builtins(evidence)
    return document
