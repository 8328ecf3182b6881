"""Devices that change while a rollout runs: some come into its audience, some install it.

Each device is looked at when it changes, by itself; nothing goes through the fleet. Who comes into
the audience after the draw cannot be part of the trial and gets the version after the last stage.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.devices.announcing import DEVICE_CHANGED
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Unavailable
from roadstead.rollouts import store
from roadstead.rollouts.candidates import (
    audience_of,
    find_candidates,
    is_wanted,
    member_of,
    taken_by_others,
)
from roadstead.rollouts.model import Rollout
from roadstead.storage.database import Database
from roadstead.storage.outbox import OutboxMessage

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
"""Changes are gathered for so long: a group that is filled makes many at once."""

AT_ONCE: Final = 500

TRIES: Final = 5
"""The engine changes a rollout now and then in the same moment."""

WAITING_LIMIT: Final = 100_000
"""Changes kept in memory while the database is away; beyond, the finish looks at devices anyway."""


class MemberChanges:
    """Follows changes of devices for the rollouts that run.

    Args:
        database, clock: as ever.
        bus: brings changes of devices.
        wake: wakes the engine of this process.
    """

    def __init__(
        self, database: Database, clock: Clock, bus: LocalBus, wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._products: frozenset[int] = frozenset()
        self._changed: dict[str, None] = {}
        self._ended: dict[str, tuple[str, int]] = {}
        bus.subscribe(DEVICE_CHANGED, self._on_changed)

    def follow(self, products: Iterable[int]) -> None:
        """The products with a rollout that is not over; changes elsewhere cost nothing."""
        self._products = frozenset(products)

    def _on_changed(self, message: object) -> None:
        if not self._products:
            return
        if isinstance(message, OutboxMessage) and len(self._changed) < WAITING_LIMIT:
            self._changed[message.key] = None

    def ended(self, device_id: str, product_id: int, what: str, version: int) -> None:
        """A device runs a version, or its installation failed; see ``Watcher``."""
        if product_id in self._products and len(self._ended) < WAITING_LIMIT:
            self._ended[device_id] = (what, version)

    async def run(self) -> None:
        """Until it is cancelled; an unreachable database only delays it."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.step()
            except Unavailable as error:
                log.warning("changes of devices wait for rollouts: %s", error.message)
            except Exception:
                log.exception("a change of a device could not be told to its rollout")

    async def step(self) -> None:
        """Looks at what changed since the last step.

        Raises:
            Unavailable: the database; the changes are kept.
        """
        ended = dict(list(self._ended.items())[:AT_ONCE])
        changed = list(self._changed)[:AT_ONCE]
        if not ended and not changed:
            return
        at = self._clock.now()
        news = await self._database.write(lambda conn: _take(conn, ended, changed, at))
        for device_id, value in ended.items():
            if self._ended.get(device_id) == value:
                del self._ended[device_id]
        for device_id in changed:
            self._changed.pop(device_id, None)
        if news:
            self._wake()


def _take(
    conn: Connection, ended: dict[str, tuple[str, int]], changed: list[str], at: datetime
) -> bool:
    news = _note_ended(conn, ended, at)
    if changed:
        for rollout in store.list_unfinished(conn):
            if rollout.rollback_of is None and rollout.state != "preparing":
                news |= _join(conn, rollout, changed, at)
    return news


def _note_ended(conn: Connection, ended: dict[str, tuple[str, int]], at: datetime) -> bool:
    """Notes devices that are done; True when any of them was waited for."""
    news = False
    rollouts: dict[str, Rollout | None] = {}
    for member in store.memberships_of(conn, list(ended)):
        if member.state != "offered":
            continue
        if member.rollout_id not in rollouts:
            rollouts[member.rollout_id] = store.find_any(conn, member.rollout_id)
        rollout = rollouts[member.rollout_id]
        if rollout is None:
            continue
        what, version = ended[member.device_id]
        taken_back = rollout.rollback_of is not None
        wanted = member.previous_version if taken_back else rollout.version
        key = (conn, rollout.id, member.device_id)
        ended_now = False
        if what == "failed":
            ended_now = store.end_member(*key, "failed", "install_failed", at)
        elif version == wanted:
            ended_now = store.end_member(*key, "updated", "", at)
        if ended_now and rollout.policy.concurrent is not None:
            store.hasten(conn, rollout.id, at)
        news |= ended_now
    return news


def _join(conn: Connection, rollout: Rollout, changed: list[str], at: datetime) -> bool:
    """Adds devices that are in the audience now and were not drawn."""
    found = find_candidates(conn, rollout.product_id, at, rollout, changed)
    audience, test = audience_of(rollout)
    wanted = {key: one for key, one in found.items() if is_wanted(audience, test, one) is None}
    if not wanted:
        return False
    known = {
        one.device_id
        for one in store.memberships_of(conn, list(wanted))
        if one.rollout_id == rollout.id
    }
    taken = taken_by_others(conn, rollout, list(wanted))
    new = [one for key, one in wanted.items() if key not in known and key not in taken]
    if not new:
        return False
    for _ in range(TRIES):
        joined = replace(rollout, late=rollout.late + len(new))
        if store.save_rollout(conn, rollout, joined):
            break
        again = store.find_any(conn, rollout.id)
        if again is None or again.is_ended:
            return False
        rollout = again
    else:
        raise Unavailable("rollout_busy", f"Rollout {rollout.id} changes in this moment.")
    store.insert_members(conn, [member_of(rollout, one, late=True) for one in new])
    return True
