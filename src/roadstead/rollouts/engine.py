"""Takes rollouts step by step: facts in one transaction, a decision, its effects in another.

Rollouts that are due are rows; a worker leases some, takes one step of each and gives them back. A
step is written only if nobody has changed the rollout since its facts were read, together with all
that follows from it, so that a worker that dies or freezes at any point leaves either all of a step
or nothing, and another one goes on. Nothing is kept in memory between two steps.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection

from roadstead.firmware.store import mark_released
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.rollouts import look_store, recording, store
from roadstead.rollouts.ending import (
    forget_working_state,
    halt,
    pause_release,
    promote,
    stop_sending,
    stopped,
)
from roadstead.rollouts.evidence import Evidence, Verdict
from roadstead.rollouts.gate import judge
from roadstead.rollouts.gathering import evidence_document, gather_evidence, schedule_of
from roadstead.rollouts.model import Look, Rollout
from roadstead.rollouts.offering import keep_windows, offer_next
from roadstead.rollouts.preparing import prepare_page
from roadstead.rollouts.progress import (
    Advance,
    Finish,
    Halt,
    Hold,
    Pause,
    ProgressFacts,
    Wait,
    next_step,
)
from roadstead.rollouts.stages import ASSISTED_BELOW
from roadstead.storage.database import Database

log = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=60)
"""A worker that has not given a rollout back by then is taken for dead."""

LEASED_AT_ONCE: Final = 4
"""Rollouts that one worker has at a time; several products are served in turn."""

IDLE_S: Final = 30.0
"""Longest sleep of a worker that nothing wakes."""

TAKING_BACK: Final = timedelta(days=7)
TAKING_BACK_AGAIN: Final = timedelta(minutes=10)
"""How long devices are waited for that shall take back what they had, and how often one looks."""

QUEUE_AGAIN: Final = timedelta(seconds=60)
"""A queued rollout looks so often whether its turn has come; it is woken earlier as a rule."""


class RolloutEngine:
    """Moves rollouts on.

    Args:
        database: where they are.
        clock: the time; a simulation moves it by hand.
        announce: called after a step was committed that other processes must hear of.
    """

    def __init__(self, database: Database, clock: Clock, announce: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._worker = secrets.token_hex(8)
        self._wake = asyncio.Event()
        self.steps = 0
        self.failures = 0

    def wake(self) -> None:
        """Says that a rollout may have become due."""
        self._wake.set()

    async def run(self) -> None:
        """Works until it is cancelled; an unreachable database only delays it."""
        while True:
            pause_s = IDLE_S
            try:
                if await self.work():
                    continue
                pause_s = await self._until_due_s()
            except Unavailable as error:
                log.warning("rollouts wait: %s", error.message)
                pause_s = 2.0
            except Exception:
                log.exception("a step of a rollout failed; it is tried again")
                self.failures += 1
                pause_s = 2.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            self._wake.clear()

    async def _until_due_s(self) -> float:
        due = await self._database.read(store.next_due_at)
        if due is None:
            return IDLE_S
        return min(max((due - self._clock.now()).total_seconds(), 0.5), IDLE_S)

    async def work(self) -> int:
        """Takes one step of each of some due rollouts; gives their number."""
        now = self._clock.now()
        leased = await self._database.write(
            lambda conn: store.lease_due(conn, self._worker, now, now + LEASE, LEASED_AT_ONCE)
        )
        for rollout in leased:
            try:
                await self.step(rollout)
            finally:
                await self._give_back(rollout.id)
        return len(leased)

    async def _give_back(self, rollout_id: str) -> None:
        with contextlib.suppress(Unavailable):
            await self._database.write(lambda conn: store.end_lease(conn, rollout_id, self._worker))

    async def step(self, rollout: Rollout) -> None:
        """One step of a rollout as it was read."""
        now = self._clock.now()
        verdict: Verdict | None = None
        evidence: Evidence | None = None
        if _is_look_due(rollout, now):
            evidence = await self._database.read(lambda conn: gather_evidence(conn, rollout, now))
            rules = rollout.rules
            # Exact chances may take a second; the event loop goes on meanwhile.
            verdict = await asyncio.to_thread(judge, evidence, rules)

        def apply(conn: Connection) -> bool:
            # First of all: whoever comes second, on old facts, does not even begin.
            begun = store.begin_step(conn, rollout)
            if begun is None:
                raise _ChangedMeanwhile
            changed = _take_step(conn, begun, evidence, verdict, now)
            if not store.save_rollout(conn, begun, changed):
                raise _ChangedMeanwhile
            pause_release(conn, rollout, changed, now)
            if _is_news(rollout, changed):
                recording.tell_changed(conn, changed)
            return True

        try:
            await self._database.write(apply, durable=True)
        except _ChangedMeanwhile:
            return
        self.steps += 1
        self._announce()


class _ChangedMeanwhile(Exception):
    """Somebody changed the rollout since its facts were read; the unit of work is undone."""


def _is_news(before: Rollout, after: Rollout) -> bool:
    return (before.state, before.clocks_from) != (after.state, after.clocks_from)


def _is_look_due(rollout: Rollout, now: datetime) -> bool:
    if rollout.state not in ("running", "paused_by_gate") or not rollout.policy.gate:
        return False
    if not 0 <= rollout.stage < rollout.stages or rollout.released:
        return False
    at = schedule_of(rollout).next_look_at()
    return at is not None and now >= at


def _take_step(
    conn: Connection,
    rollout: Rollout,
    evidence: Evidence | None,
    verdict: Verdict | None,
    now: datetime,
) -> Rollout:
    if rollout.state == "preparing":
        return prepare_page(conn, rollout, now)
    if rollout.state == "queued":
        return _leave_queue(conn, rollout, now)
    if rollout.state not in ("running", "paused_by_gate"):
        return replace(rollout, due_at=None)
    if rollout.stage < 0:
        return _open_stage(rollout, 0, now)
    changed, window_at = keep_windows(conn, rollout, now)
    if changed:
        return replace(rollout, due_at=now)
    if verdict is not None and evidence is not None:
        store.note_updated(conn, rollout, now)
        _write_look(conn, rollout, evidence, verdict, now)
        return _apply(conn, rollout, verdict, now, window_at)
    if rollout.state == "paused_by_gate":
        return replace(rollout, due_at=schedule_of(rollout).next_look_at())
    offered = offer_next(conn, rollout, now)
    if offered.offered < offered.target():
        return offered
    return _apply(conn, offered, None, now, window_at)


def _leave_queue(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
    """Starts the rollout unless another one that goes first has some of its devices."""
    for other in store.list_unfinished(conn, rollout.product_id):
        if rollout.is_watch or other.is_watch or other.id == rollout.id:
            continue
        if not _overlaps(conn, rollout, other):
            continue
        if rollout.policy.priority > other.policy.priority:
            _overtake(conn, rollout, other, now)
            continue
        if other.created_at > rollout.created_at and other.state in ("preparing", "queued"):
            continue
        text = f"Rollout {other.id} (version {other.version}) has some of its devices."
        return replace(rollout, reason="queued", text=text, due_at=now + QUEUE_AGAIN)
    mark_released(conn, rollout.product_id, rollout.version, now)
    recording.record(
        conn, recording.ENGINE, "start", rollout, None, {"version": rollout.version}, now
    )
    return replace(rollout, state="running", reason="", text="", started_at=now, due_at=now)


def _overlaps(conn: Connection, rollout: Rollout, other: Rollout) -> bool:
    """Whether a device is in both and not done in the other."""
    after = ""
    while page := store.list_members(
        conn, other.id, after=after, states=("waiting", "offered"), limit=500
    ):
        ids = [one.device_id for one in page]
        if any(one.rollout_id == rollout.id for one in store.memberships_of(conn, ids)):
            return True
        after = page[-1].order
    return False


def _overtake(conn: Connection, rollout: Rollout, other: Rollout, now: datetime) -> None:
    """Stops a rollout of lower priority; its control would get the other version."""
    text = f"Rollout {rollout.id} has a higher priority and some of its devices."
    changed = replace(
        other, state="held", reason="overtaken", text=text, due_at=None, paused_at=None
    )
    if not store.save_rollout(conn, other, changed):
        raise _ChangedMeanwhile
    stop_sending(conn, other)
    recording.tell_changed(conn, changed)


def _open_stage(rollout: Rollout, stage: int, now: datetime) -> Rollout:
    """Begins to offer to the devices of a stage; past the last one, to all that are left."""
    return replace(
        rollout,
        stage=stage,
        stage_cursor=rollout.cursor,
        stage_opened_at=now,
        soaking_since=None,
        looks=0,
        last_look_at=None,
        extended_at=None,
        paused_at=None,
        odd=frozenset(),
        released=False,
        due_at=now,
        state="running",
    )


def _write_look(
    conn: Connection, rollout: Rollout, evidence: Evidence, verdict: Verdict, now: datetime
) -> None:
    number = len(look_store.list_looks(conn, rollout.id)) + 1
    look_store.insert_look(
        conn,
        Look(
            rollout_id=rollout.id,
            number=number,
            stage=rollout.stage,
            at=now,
            outcome=str(verdict.outcome),
            rule=verdict.rule,
            text=verdict.text,
            evidence=evidence_document(evidence),
            verdict=msgspec.to_builtins(verdict),
        ),
    )


def _facts(rollout: Rollout, verdict: Verdict | None, now: datetime) -> ProgressFacts:
    return ProgressFacts(
        now=now,
        phase="paused" if rollout.state == "paused_by_gate" else "running",
        stage=rollout.stage,
        stages=rollout.stages,
        schedule=schedule_of(rollout),
        all_offered=rollout.offered >= rollout.target(),
        verdict=verdict,
        assisted=rollout.members < ASSISTED_BELOW,
        released=rollout.released,
        gated=rollout.policy.gate,
        watch=rollout.is_watch,
    )


def _apply(
    conn: Connection,
    rollout: Rollout,
    verdict: Verdict | None,
    now: datetime,
    window_at: datetime | None = None,
) -> Rollout:
    """Does what the decision says."""
    if rollout.rollback_of is not None and rollout.offered >= rollout.target():
        store.note_updated(conn, rollout, now)
        left = store.count_members(conn, rollout.id).get("offered", 0)
        if left and now < (rollout.started_at or now) + TAKING_BACK:
            text = f"{left} devices have not taken back what they had yet."
            return replace(rollout, text=text, due_at=now + TAKING_BACK_AGAIN)
    step = next_step(_facts(rollout, verdict, now))
    if verdict is not None:
        rollout = replace(
            rollout,
            looks=rollout.looks + 1,
            last_look_at=now,
            odd=verdict.odd if verdict.extend else rollout.odd,
        )
    match step:
        case Advance(stage, text):
            _record(conn, rollout, "advance", text, now)
            return replace(_open_stage(rollout, stage, now), text=text)
        case Wait(until, text, extend, resume):
            if rollout.offered < rollout.target():
                until = now
            due = min((one for one in (until, window_at) if one is not None), default=None)
            return replace(
                rollout,
                state="running" if resume else rollout.state,
                reason="",
                text=text,
                extended_at=now if extend else rollout.extended_at,
                paused_at=None if resume else rollout.paused_at,
                due_at=now if resume else due,
            )
        case Pause(until, rule, text):
            _record(conn, rollout, "pause", text, now)
            return replace(
                rollout,
                state="paused_by_gate",
                reason=rule,
                text=text,
                paused_at=rollout.paused_at or now,
                due_at=until,
            )
        case Hold(rule, text):
            _record(conn, rollout, "hold", text, now)
            return replace(rollout, state="held", reason=rule, text=text, due_at=None)
        case Halt(reason, text):
            _record(conn, rollout, "halt", text, now)
            return halt(conn, rollout, reason, text, now)
        case Finish(text):
            _record(conn, rollout, "finish", text, now)
            promote(conn, rollout, now)
            forget_working_state(conn, rollout)
            return stopped(rollout, "finished", "done", text, now)


def _record(conn: Connection, rollout: Rollout, action: str, text: str, now: datetime) -> None:
    after: dict[str, object] = {"stage": rollout.stage, "text": text}
    recording.record(conn, recording.ENGINE, action, rollout, None, after, now)
