"""How a rollout ends: halted, aborted or finished, with what that does to devices and releases."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from roadstead.firmware import assignment_store, release_store
from roadstead.firmware.delivery.push_store import insert_push
from roadstead.firmware.model import Release
from roadstead.kit.clock import to_ms
from roadstead.kit.ids import new_object_id
from roadstead.products.group_store import list_groups
from roadstead.rollouts import look_store, store
from roadstead.rollouts.model import Policy, Rollout, State
from roadstead.rollouts.recording import tell_changed, tell_withdrawn

PAUSED_STATES: Final = ("paused_by_gate", "paused", "held")
"""States in which nothing new is sent."""


def stop_sending(conn: Connection, rollout: Rollout, *, cut: bool = True) -> None:
    """Takes back every assignment of the rollout; the deliveries hear of it with the commit.

    With ``cut`` they also end what is on its way; else nothing new begins.
    """
    assignment_store.withdraw_all(conn, rollout.product_id, rollout_id=rollout.id)
    store.unassign_all(conn, rollout.id)
    tell_withdrawn(conn, rollout, cut=cut)


def halt(
    conn: Connection,
    rollout: Rollout,
    reason: str,
    text: str,
    now: datetime,
    *,
    rollback: bool | None = None,
) -> Rollout:
    """Stops a rollout for good; its devices get back what they had, if the policy says so."""
    undo_release(conn, rollout)
    stop_sending(conn, rollout)
    wanted = rollout.policy.rollback if rollback is None else rollback
    if wanted and rollout.rollback_of is None and rollout.offered:
        back = make_rollback(rollout, now)
        store.insert_rollout(conn, back)
        tell_changed(conn, back)
    forget_working_state(conn, rollout)
    return stopped(rollout, "halted", reason, text, now)


def pause_release(conn: Connection, before: Rollout, after: Rollout, at: datetime) -> None:
    """Where a rollout watches a release: lets nothing more be sent of it, or lets it go on.

    Audit rows are written before, as outbox rows follow.
    """
    was, now = before.state in PAUSED_STATES, after.state in PAUSED_STATES
    if not after.is_watch or was == now:
        return
    by = after.id if now else None
    release_store.set_paused(conn, after.product_id, after.version, after.replaced, by)
    if now:
        tell_withdrawn(conn, after, cut=False)
    elif after.intelligent and not after.is_ended:
        insert_push(conn, after.product_id, after.created_by or None, to_ms(at))


def stopped(rollout: Rollout, state: State, reason: str, text: str, at: datetime) -> Rollout:
    """The rollout once it is over."""
    return replace(
        rollout, state=state, reason=reason, text=text, due_at=None, ended_at=at, paused_at=None
    )


def undo_release(conn: Connection, rollout: Rollout) -> None:
    """Restores what was released before a rollout that began as a release.

    Only where its version is still the one in force: a person may have released another since.
    """
    if not rollout.replaced:
        return
    release_store.lock_releases(conn, rollout.product_id)
    force = release_store.find_in_force(conn, rollout.product_id)
    now = {release_store.DEFAULT: force.default, **force.groups}
    changes = {
        key: version for key, version in rollout.replaced.items() if now.get(key) == rollout.version
    }
    if changes:
        release_store.put_targets(conn, rollout.product_id, rollout.id, changes)


def make_rollback(rollout: Rollout, at: datetime) -> Rollout:
    """The rollout that gives each device back what it had; judged by nothing but coming back."""
    policy = rollout.policy
    return Rollout(
        id=new_object_id(),
        product_id=rollout.product_id,
        version=rollout.previous_version or 0,
        policy=Policy(
            stages=("100%",),
            holdback="0",
            gate=False,
            rollback=False,
            consent=policy.consent,
            priority=policy.priority,
            devices_per_minute=policy.devices_per_minute,
            concurrent=policy.concurrent,
            bytes_per_minute=policy.bytes_per_minute,
        ),
        text=f"Takes back rollout {rollout.id}.",
        created_by=rollout.created_by,
        created_by_name="rollouts",
        created_at=at,
        due_at=at,
        rollback_of=rollout.id,
    )


def promote(conn: Connection, rollout: Rollout, at: datetime) -> None:
    """Makes a finished rollout's version what is released to its audience.

    A rollout to a whole product or to groups leaves a release behind, and its assignments go: what
    is released next then reaches its devices. Devices that were chosen by a filter keep theirs.
    """
    if rollout.rollback_of is not None:
        assignment_store.withdraw_all(conn, rollout.product_id, rollout_id=rollout.id)
        return
    if rollout.filter_text:
        return
    release_store.lock_releases(conn, rollout.product_id)
    ids = {one.name: one.id for one in list_groups(conn, rollout.product_id)}
    keys = [ids[name] for name in rollout.groups if name in ids]
    if rollout.groups and not keys:
        return
    changes: dict[str, int | None] = dict.fromkeys(keys or [release_store.DEFAULT], rollout.version)
    force = release_store.find_in_force(conn, rollout.product_id)
    in_force = {release_store.DEFAULT: force.default, **force.groups}
    if any(in_force.get(key) != version for key, version in changes.items()):
        release = Release(
            id=new_object_id(),
            product_id=rollout.product_id,
            version=rollout.version,
            groups=rollout.groups or None,
            product_default=None if rollout.groups else True,
            intelligent=rollout.intelligent,
            released_by=rollout.created_by or None,
            released_at=at,
        )
        release_store.insert_release(conn, release)
        release_store.put_targets(conn, rollout.product_id, release.id, changes)
    assignment_store.withdraw_all(conn, rollout.product_id, rollout_id=rollout.id)


def forget_working_state(conn: Connection, rollout: Rollout) -> None:
    """Deletes what only a running rollout needs."""
    look_store.delete_baselines(conn, rollout.id)
