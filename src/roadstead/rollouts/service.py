"""Rollouts for people: plan, create, follow, pause, resume, release a stage, approve, abort."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from roadstead.firmware.store import find_version
from roadstead.identity.model import Actor
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Forbidden, Invalid, NotFound
from roadstead.kit.ids import new_object_id, parse_device_id
from roadstead.kit.paging import Page
from roadstead.products.group_store import list_groups
from roadstead.products.model import Product
from roadstead.rollouts import look_store, recording, store
from roadstead.rollouts.audience import parse_filter
from roadstead.rollouts.ending import (
    forget_working_state,
    halt,
    pause_release,
    stop_sending,
    stopped,
    undo_release,
)
from roadstead.rollouts.explaining import Explanation, explain
from roadstead.rollouts.model import USUAL, Look, Policy, Rollout, State, check_policy
from roadstead.rollouts.planning import Plan, make_plan
from roadstead.rollouts.policy_store import delete_policy, find_policy, put_policy
from roadstead.rollouts.reporting import Progress, ReportedDevice, list_reported, read_progress
from roadstead.storage.database import Database

MAX_GROUPS: Final = 100
UNFINISHED_LIMIT: Final = 50
"""Rollouts of one product that are not over."""

TRIES: Final = 5
"""A change meets a step of the engine now and then; it is tried again on the new facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to roll out.

    Attributes:
        id: of an earlier plan, so that the same devices are drawn in the same order; None for new.
        groups: names; empty for the whole product.
        filter_text: see ``audience``; empty for none.
        override_reason: why a version that has not run on a device may go out all the same.
    """

    version: int
    groups: Sequence[str] = ()
    filter_text: str = ""
    policy: Policy = USUAL
    id: str | None = None
    override_reason: str | None = None


class RolloutService:
    """Rollouts of products. Whether the actor may do this is checked before.

    Args:
        database: where they are.
        clock: for times.
        announce: called after a change was committed that other processes must hear of.
        wake: wakes the engine of this process.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        announce: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._wake = wake

    async def plan(self, actor: Actor, product: Product, draft: Draft) -> tuple[Rollout, Plan]:
        """What a rollout would do; nothing is kept. Its id can be given to ``create``.

        Raises:
            Invalid, NotFound, Conflict: as ``create``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> tuple[Rollout, Plan]:
            rollout = _to_rollout(conn, actor, product, draft, now)
            return rollout, make_plan(conn, rollout, now)

        return await self._database.read(work)

    async def plan_of(self, product: Product, rollout_id: str) -> tuple[Rollout, Plan]:
        """The same for a rollout that exists.

        Raises:
            NotFound: ``rollout_not_found``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> tuple[Rollout, Plan]:
            rollout = _get(conn, product, rollout_id)
            return rollout, make_plan(conn, rollout, now)

        return await self._database.read(work)

    async def create(self, actor: Actor, product: Product, draft: Draft) -> Rollout:
        """Begins a rollout: its devices are drawn, then it starts or waits for approval.

        Raises:
            Invalid: ``bad_policy``, ``bad_filter``, ``unknown_group``, ``bad_rollout_id`` …
            NotFound: ``firmware_not_found``.
            Conflict: ``version_not_proven``, ``rollout_exists``, ``too_many_rollouts``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> Rollout:
            rollout = _to_rollout(conn, actor, product, draft, now)
            if store.find_any(conn, rollout.id) is not None:
                raise Conflict("rollout_exists", f"There is a rollout {rollout.id} already.")
            if len(store.list_unfinished(conn, product.id)) >= UNFINISHED_LIMIT:
                text = f"The product has {UNFINISHED_LIMIT} rollouts that are not over; end some."
                raise Conflict("too_many_rollouts", text)
            store.insert_rollout(conn, rollout)
            after: dict[str, object] = {
                "version": rollout.version,
                "groups": list(rollout.groups),
                "filter": rollout.filter_text,
            }
            if draft.override_reason:
                after["override_reason"] = draft.override_reason
            recording.record(conn, actor, "create", rollout, None, after, now)
            recording.tell_changed(conn, rollout)
            return rollout

        rollout = await self._database.write(work, durable=True)
        self._tell()
        return rollout

    async def policy(self, product: Product) -> Policy | None:
        """The product's own policy for releases that go out at once; None for the shipped one."""
        return await self._database.read(lambda conn: find_policy(conn, product.id))

    async def set_policy(
        self, actor: Actor, product: Product, policy: Policy | None
    ) -> Policy | None:
        """Keeps the product's own policy, or goes back to the shipped one.

        Raises:
            Invalid: see ``check_policy``.
        """
        if policy is not None:
            check_policy(policy)
        at = self._clock.now()

        def work(conn: Connection) -> None:
            before = find_policy(conn, product.id)
            recording.record_policy(conn, actor, product.id, before, policy, at)
            if policy is None:
                delete_policy(conn, product.id)
            else:
                put_policy(conn, product.id, policy)

        await self._database.write(work)
        return policy

    async def get(self, product: Product, rollout_id: str) -> tuple[Rollout, Progress, list[Look]]:
        """A rollout, how far it is, and what the gate said.

        Raises:
            NotFound: ``rollout_not_found``.
        """

        def work(conn: Connection) -> tuple[Rollout, Progress, list[Look]]:
            rollout = _get(conn, product, rollout_id)
            return rollout, read_progress(conn, rollout), look_store.list_looks(conn, rollout.id)

        return await self._database.read(work)

    async def list_rollouts(self, product: Product, *, page: int, per_page: int) -> Page[Rollout]:
        """Rollouts of the product, the newest first."""
        offset = (page - 1) * per_page
        found, total = await self._database.read(
            lambda conn: store.list_rollouts(conn, product.id, offset=offset, limit=per_page)
        )
        return Page(found, page, per_page, total)

    async def report(
        self, product: Product, rollout_id: str, *, after: str, limit: int
    ) -> list[ReportedDevice]:
        """What became of each device, in the order of the draw, behind an order.

        Raises:
            NotFound: ``rollout_not_found``.
        """

        def work(conn: Connection) -> list[ReportedDevice]:
            rollout = _get(conn, product, rollout_id)
            return list_reported(conn, rollout, after=after, limit=limit)

        return await self._database.read(work)

    async def explain(self, product: Product, rollout_id: str, device_id: str) -> Explanation:
        """Why a device has not got the version yet, rule by rule.

        Raises:
            Invalid: ``bad_device_id``.
            NotFound: ``rollout_not_found``, ``device_not_found``.
        """
        parsed = parse_device_id(device_id)
        if parsed is None:
            raise Invalid("bad_device_id", "A device id has 24 hexadecimal digits.")
        now = self._clock.now()
        return await self._database.read(
            lambda conn: explain(conn, _get(conn, product, rollout_id), parsed, now)
        )

    async def pause(self, actor: Actor, product: Product, rollout_id: str) -> Rollout:
        """Sends nothing new until it is resumed; what is on its way arrives."""

        def decide(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
            if rollout.state == "paused":
                return rollout
            if rollout.state not in ("running", "paused_by_gate", "held", "queued"):
                raise _wrong_state(rollout, "paused")
            stop_sending(conn, rollout, cut=False)
            text = f"Paused by {actor.username or 'the operator'}."
            return replace(
                rollout, state="paused", reason="person", text=text, due_at=None, paused_at=None
            )

        return await self._change(actor, product, rollout_id, "pause", decide)

    async def resume(self, actor: Actor, product: Product, rollout_id: str) -> Rollout:
        """Goes on where it was; a stage that was held for a person is released by it.

        Raises:
            Conflict: ``wrong_rollout_state``: what was halted or aborted stays so.
        """

        def decide(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
            if rollout.state not in ("paused", "held", "paused_by_gate"):
                raise _wrong_state(rollout, "resumed")
            overtaken = rollout.reason == "overtaken"
            released = rollout.state == "held" and not overtaken
            state: State = "queued" if overtaken or rollout.started_at is None else "running"
            return replace(
                rollout,
                state=state,
                reason="",
                text=f"Resumed by {actor.username or 'the operator'}.",
                released=released,
                paused_at=None,
                due_at=now,
            )

        return await self._change(actor, product, rollout_id, "resume", decide)

    async def approve(self, actor: Actor, product: Product, rollout_id: str) -> Rollout:
        """Lets a rollout start that needs a second person.

        Raises:
            Forbidden: ``same_person``: who made it cannot approve it.
        """

        def decide(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
            if rollout.state != "awaiting_approval":
                raise _wrong_state(rollout, "approved")
            if actor.user_id == rollout.created_by:
                text = "Who made a rollout cannot approve it; another person must."
                raise Forbidden("same_person", text)
            return replace(rollout, state="queued", approved_by=actor.user_id, due_at=now)

        return await self._change(actor, product, rollout_id, "approve", decide)

    async def abort(
        self, actor: Actor, product: Product, rollout_id: str, *, rollback: bool = False
    ) -> Rollout:
        """Ends it for good, and the release that it watches; with ``rollback``, as a halt does."""

        def decide(conn: Connection, rollout: Rollout, now: datetime) -> Rollout:
            if rollout.is_ended:
                raise _wrong_state(rollout, "aborted")
            text = f"Aborted by {actor.username or 'the operator'}."
            if rollback:
                changed = halt(conn, rollout, "person", text, now, rollback=True)
                return replace(changed, state="aborted")
            undo_release(conn, rollout)
            stop_sending(conn, rollout)
            forget_working_state(conn, rollout)
            return stopped(rollout, "aborted", "person", text, now)

        return await self._change(actor, product, rollout_id, "abort", decide)

    async def _change(
        self,
        actor: Actor,
        product: Product,
        rollout_id: str,
        action: str,
        decide: Callable[[Connection, Rollout, datetime], Rollout],
    ) -> Rollout:
        now = self._clock.now()

        def work(conn: Connection) -> Rollout | None:
            rollout = _get(conn, product, rollout_id)
            before: dict[str, object] = {"state": rollout.state}
            # The audit row comes before outbox rows, and both with the change or not at all.
            recording.record(conn, actor, action, rollout, before, None, now)
            changed = decide(conn, rollout, now)
            if not store.save_rollout(conn, rollout, changed):
                raise _Again
            pause_release(conn, rollout, changed, now)
            recording.tell_changed(conn, changed)
            return store.find_rollout(conn, product.id, rollout_id)

        for attempt in range(TRIES):
            try:
                changed = await self._database.write(work, durable=True)
                break
            except _Again:
                if attempt == TRIES - 1:
                    text = "The rollout changes in this moment; try again."
                    raise Conflict("rollout_busy", text) from None
        self._tell()
        assert changed is not None
        return changed

    def _tell(self) -> None:
        self._announce()
        self._wake()


class _Again(Exception):
    """The rollout was changed meanwhile."""


def _get(conn: Connection, product: Product, rollout_id: str) -> Rollout:
    rollout = store.find_rollout(conn, product.id, rollout_id)
    if rollout is None:
        raise NotFound("rollout_not_found", "There is no such rollout in this product.")
    return rollout


def _wrong_state(rollout: Rollout, wanted: str) -> Conflict:
    state = rollout.state.replace("_", " ")
    return Conflict("wrong_rollout_state", f"A rollout that is {state} cannot be {wanted}.")


def _to_rollout(
    conn: Connection, actor: Actor, product: Product, draft: Draft, now: datetime
) -> Rollout:
    policy = check_policy(draft.policy)
    if draft.filter_text:
        parse_filter(draft.filter_text)
    if len(draft.groups) > MAX_GROUPS:
        raise Invalid("too_many_groups", f"A rollout names at most {MAX_GROUPS} groups.")
    known = {one.name for one in list_groups(conn, product.id)}
    unknown = sorted(set(draft.groups) - known)
    if unknown:
        raise Invalid("unknown_group", f"The product has no group {unknown[0]!r}.")
    version = find_version(conn, product.id, draft.version)
    if version is None:
        raise NotFound("firmware_not_found", f"The product has no version {draft.version}.")
    proof_needed = product.settings.release_requires_proof and version.proven_at is None
    if proof_needed and not (draft.override_reason or "").strip():
        raise Conflict(
            "version_not_proven",
            f"Version {draft.version} has not run yet on a device of this product that came back "
            "with it. Lock one device to it and flash it first, or give an override_reason.",
        )
    return Rollout(
        id=_rollout_id(draft.id),
        product_id=product.id,
        version=draft.version,
        groups=tuple(sorted(set(draft.groups))),
        filter_text=draft.filter_text.strip(),
        policy=policy,
        size_bytes=version.application_bytes,
        created_by=actor.user_id,
        created_by_name=actor.username,
        created_at=now,
        due_at=now,
    )


def _rollout_id(text: str | None) -> str:
    if text is None:
        return new_object_id()
    parsed = parse_device_id(text)
    if parsed is None:
        raise Invalid("bad_rollout_id", "The id of a rollout has 24 hexadecimal digits.")
    return parsed
