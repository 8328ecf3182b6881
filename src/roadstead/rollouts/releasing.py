"""Releases that are to go out at once, as rollouts: by the product's own policy, or as shipped.

As shipped a release reaches everybody who is connected, in one stage, with the gate watching: it is
in force at once, and is taken out of force again when it is halted. A product whose policy has
stages wants more care: the version is in force only once its rollout is finished.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from roadstead.firmware.release_store import DEFAULT
from roadstead.firmware.store import find_facts
from roadstead.identity.model import Actor
from roadstead.kit.ids import new_object_id
from roadstead.rollouts import recording, store
from roadstead.rollouts.ending import forget_working_state, stopped
from roadstead.rollouts.model import AT_ONCE, Rollout
from roadstead.rollouts.policy_store import find_policy


class ReleaseRollouts:
    """Begins a rollout for a release; see ``firmware.ports.Rollouts``.

    Args:
        wake: wakes the engine of this process.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def supersede(self, conn: Connection, product_id: int, at: datetime) -> None:
        """Ends the watch over earlier releases of the product: another release takes their place.

        In the transaction of the release; rollouts that people made go on.
        """
        for one in store.list_unfinished(conn, product_id):
            if one.is_watch:
                text = "Another release of the product took its place."
                ended = stopped(one, "finished", "superseded", text, at)
                if store.save_rollout(conn, one, ended):
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
    ) -> bool:
        """Begins the rollout of a release, in its transaction.

        Args:
            conn: the unit of work that releases.
            actor: who releases.
            product_id: in which product.
            version: what is released.
            changes: what becomes of each group, by id, and of all, by an empty id.
            in_force: what was released before, likewise.
            names: of groups by id.
            at: when.

        Returns:
            True when the rollout itself puts the version in force, at its end.
        """
        gains = [key for key, value in changes.items() if value == version]
        facts = find_facts(conn, product_id, [version])
        if not gains or version not in facts:
            return False
        own = find_policy(conn, product_id)
        policy = own or AT_ONCE
        careful = own is not None and own.stages != AT_ONCE.stages
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
            intelligent=True,
            replaced={} if careful else {key: in_force.get(key) for key in gains},
        )
        recording.record(conn, actor, "create", rollout, None, {"version": version}, at)
        store.insert_rollout(conn, rollout)
        return careful

    def wake(self) -> None:
        """The transaction was committed."""
        self._wake()
