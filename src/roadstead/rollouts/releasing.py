"""Releases as rollouts: by the product's own policy, or as shipped.

As shipped a release reaches everybody who is connected, in one stage, with the gate watching: it is
in force at once, and is taken out of force again when it is halted. A product whose policy has
stages wants more care: the version is in force only once its rollout is finished.

A standard release is in force at once, too, and reaches each device with its next session. It is
watched for a week, and by the same gate, unless the product's policy says otherwise.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from roadstead.firmware import release_store
from roadstead.firmware.release_store import DEFAULT
from roadstead.firmware.store import find_facts
from roadstead.identity.model import Actor
from roadstead.kit.ids import new_object_id
from roadstead.rollouts import recording, store
from roadstead.rollouts.ending import forget_working_state, stopped
from roadstead.rollouts.model import AT_ONCE, Policy, Rollout
from roadstead.rollouts.policy_store import find_policy

USUAL_WATCH: Final = AT_ONCE
"""What a standard release is watched by: one stage, everybody; how it is judged says the product's
own policy."""

JUDGING: Final = (
    "soak_h",
    "gate",
    "watch_releases",
    "ignore",
    "rollback",
    "consent",
    "install_minutes",
    "least_gap_minutes",
    "cost_per_mb",
)
"""The fields of a policy that say how a version is judged, and what a halt does; the others say how
it is sent."""


def _kept(policy: Policy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in JUDGING}


def _takes_steps(policy: Policy) -> bool:
    """Whether a policy asks for more than to send to everybody now."""
    return policy != msgspec.structs.replace(AT_ONCE, **_kept(policy), priority=policy.priority)


class ReleaseRollouts:
    """Begins a rollout for a release; see ``firmware.ports.Rollouts``.

    Args:
        wake: wakes the engine of this process.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def supersede(
        self, conn: Connection, product_id: int, changed: Collection[str], at: datetime
    ) -> None:
        """Ends the watch over earlier releases to the same groups: another takes their place.

        In the transaction of the release; rollouts that people made go on.
        """
        for one in store.list_unfinished(conn, product_id):
            if one.is_watch and not set(one.replaced).isdisjoint(changed):
                text = "Another release of the product took its place."
                ended = stopped(one, "finished", "superseded", text, at)
                if store.save_rollout(conn, one, ended):
                    release_store.set_paused(conn, product_id, one.version, one.replaced, None)
                    forget_working_state(conn, one)

    def begin(
        self,
        conn: Connection,
        actor: Actor,
        product_id: int,
        version: int,
        changes: Mapping[str, int | None],
        in_force: Mapping[str, int | None],
        names: Mapping[str, str],
        at: datetime,
        *,
        immediate: bool,
    ) -> bool:
        """Begins the rollout of a release, or the watch over it, in its transaction.

        Args:
            conn: the unit of work that releases.
            actor: who releases.
            product_id: in which product.
            version: what is released.
            changes: what becomes of each group, by id, and of all, by an empty id.
            in_force: what was released before, likewise.
            names: of groups by id.
            at: when.
            immediate: it is to go out at once; else each device gets it with its next session.

        Returns:
            True when the rollout itself puts the version in force, at its end.
        """
        gains = [key for key, value in changes.items() if value == version]
        facts = find_facts(conn, product_id, [version])
        if not gains or version not in facts:
            return False
        own = find_policy(conn, product_id)
        policy, careful = own or AT_ONCE, immediate and own is not None and _takes_steps(own)
        if not immediate:
            if not (policy.gate and policy.watch_releases):
                return False
            policy = msgspec.structs.replace(USUAL_WATCH, **_kept(policy))
        everybody = DEFAULT in gains
        rollout = Rollout(
            id=new_object_id(),
            product_id=product_id,
            version=version,
            groups=() if everybody else tuple(sorted(names[key] for key in gains)),
            policy=policy,
            size_bytes=facts[version].size_bytes,
            created_by=actor.user_id,
            created_by_name=actor.username,
            created_at=at,
            due_at=at,
            intelligent=immediate,
            replaced={} if careful else {key: in_force.get(key) for key in gains},
        )
        recording.record(conn, actor, "create", rollout, None, {"version": version}, at)
        store.insert_rollout(conn, rollout)
        return careful

    def wake(self) -> None:
        """The transaction was committed."""
        self._wake()
