"""Named subscriptions: whoever comes again under a name goes on where the last reader stopped.

With ``ack=auto`` an event counts as read once it was sent whole; the position is stored every
second and when the reader leaves, so that after a crash of this server up to a second of events
comes again. With ``ack=manual`` only what the reader acknowledges counts, so that nothing is lost
whoever crashes. A name has one reader at a time: a second one takes over.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from roadstead.events import subscription_store as store
from roadstead.events.history import EventHistory
from roadstead.events.matching import EventFilter, Filters
from roadstead.events.replaying import ReplayingStream
from roadstead.events.store import newest_id
from roadstead.events.streams import EventStreams
from roadstead.events.subscription_store import Ack, Moved, Subscription
from roadstead.identity.model import Actor, User
from roadstead.identity.recording import record
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Conflict, Invalid, NotFound
from roadstead.kit.ids import new_object_id
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal

log = logging.getLogger(__name__)

MAX_SUBSCRIPTIONS = 100
"""Names of one account; each is a row, and a reader needs one."""

KEPT_DAYS = 30
"""Days after which an unused name is forgotten; no event is kept longer on the smallest plan."""

SAVE_EVERY_S = 1.0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class EventSubscriptions:
    """The named subscriptions of all accounts, and their readers in this process."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        clock: Clock,
        streams: EventStreams,
        history: EventHistory,
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._streams = streams
        self._history = history
        self._readers: dict[str, ReplayingStream] = {}
        self._automatic: set[str] = set()
        self._saved: dict[str, int] = {}

    async def open(
        self, actor: Actor, name: str, wanted: Filters, ack: Ack, after_id: int | None
    ) -> ReplayingStream:
        """A reader that begins where the last one under this name stopped; new names begin now.

        Args:
            actor: whose name it is.
            name: 1 to 64 letters, digits, ``.``, ``_`` and ``-``.
            wanted: filters that the actor may read; the same each time.
            ack: what counts as read; the same each time.
            after_id: last event that the reader has, by which it knows better; or None.

        Raises:
            Invalid: ``bad_subscription_name``.
            Conflict: ``subscription_differs``, or ``too_many_subscriptions``.
        """
        if not _NAME.fullmatch(name):
            raise Invalid(
                "bad_subscription_name",
                "A subscription's name has 1 to 64 letters, digits, '.', '_' and '-', and begins "
                "with a letter or digit.",
            )
        found = await self._database.read(
            lambda conn: store.find_subscription(conn, actor.user_id, name)
        )
        if found is None:
            insert = partial(self._find_or_insert, actor, name, wanted, ack, after_id)
            found = await self._database.write(insert)
        self._check_same(found, wanted, ack)
        position = found.position if after_id is None else after_id
        former = self._readers.get(found.id)
        if former is not None:
            if ack == "auto" and after_id is None:
                position = max(position, former.given_id)
            former.close()
        close = partial(self._left, found.id, ack)
        stream = ReplayingStream(self._streams, self._history, wanted, position, close)
        self._readers[found.id] = stream
        self._saved[found.id] = found.position
        if ack == "auto":
            self._automatic.add(found.id)
        return stream

    async def list_all(self, actor: Actor) -> list[tuple[Subscription, bool]]:
        """The actor's subscriptions, each with whether a reader is there now."""
        found = await self._database.read(
            lambda conn: store.list_subscriptions(conn, actor.user_id)
        )
        return [(one, one.id in self._readers) for one in found]

    async def acknowledge(self, actor: Actor, name: str, event_id: int) -> int:
        """Moves the position to this event, never back; gives the position.

        Raises:
            NotFound: ``subscription_not_found``.
            Invalid: ``bad_event_id`` for one that lies in the future.
        """
        now_ms = self._clock.now_ms()

        def work(conn: Connection) -> int:
            found = store.find_subscription(conn, actor.user_id, name)
            if found is None:
                raise _unknown(name)
            if event_id > newest_id(conn):
                raise Invalid("bad_event_id", f"There is no event {event_id} yet.")
            store.write_positions(conn, [Moved(found.id, event_id, now_ms)])
            return max(found.position, event_id)

        return await self._database.write(work)

    async def remove(self, actor: Actor, name: str) -> None:
        """Forgets a subscription and ends its reader.

        Raises:
            NotFound: ``subscription_not_found``.
        """
        now = self._clock.now()

        def work(conn: Connection) -> Subscription:
            found = store.find_subscription(conn, actor.user_id, name)
            if found is None or not store.delete_subscription(conn, actor.user_id, name):
                raise _unknown(name)
            record(
                conn,
                actor,
                "event_subscription.delete",
                actor.user_id,
                {"name": name},
                None,
                at=now,
            )
            return found

        found = await self._database.write(work)
        reader = self._readers.get(found.id)
        if reader is not None:
            reader.close()

    async def run(self) -> None:
        """Stores the positions of readers every second, until it is cancelled."""
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            self.save()

    def save(self) -> None:
        """Hands positions that moved to the journal."""
        for subscription_id in self._automatic:
            self._save(subscription_id, self._readers[subscription_id].given_id)

    def _save(self, subscription_id: str, position: int) -> None:
        if position <= self._saved.get(subscription_id, -1):
            return
        moved = Moved(subscription_id, position, self._clock.now_ms())
        if self._journal.append(store.write_positions, moved):
            self._saved[subscription_id] = position

    def _left(self, subscription_id: str, ack: Ack, stream: ReplayingStream) -> None:
        if self._readers.get(subscription_id) is stream:
            del self._readers[subscription_id]
            self._automatic.discard(subscription_id)
            if ack == "auto":
                self._save(subscription_id, stream.given_id)
            self._saved.pop(subscription_id, None)

    def _find_or_insert(
        self,
        actor: Actor,
        name: str,
        wanted: Filters,
        ack: Ack,
        after_id: int | None,
        conn: Connection,
    ) -> Subscription:
        found = store.find_subscription(conn, actor.user_id, name)
        if found is not None:
            return found
        if store.count_subscriptions(conn, actor.user_id) >= MAX_SUBSCRIPTIONS:
            raise Conflict(
                "too_many_subscriptions",
                f"You have {MAX_SUBSCRIPTIONS} event subscriptions, the limit; delete one first.",
            )
        now = self._clock.now()
        made = Subscription(
            id=new_object_id(),
            owner_id=actor.user_id,
            name=name,
            wanted=describe(wanted),
            ack=ack,
            position=newest_id(conn) if after_id is None else after_id,
            created_at=now,
            used_at=now,
        )
        store.insert_subscription(conn, made)
        after: dict[str, object] = {"name": name, "wanted": made.wanted, "ack": ack}
        record(conn, actor, "event_subscription.create", actor.user_id, None, after, at=now)
        return made

    @staticmethod
    def _check_same(found: Subscription, wanted: Filters, ack: Ack) -> None:
        if found.wanted != describe(wanted) or found.ack != ack:
            raise Conflict(
                "subscription_differs",
                f"The subscription {found.name!r} reads other events, or acknowledges them "
                "otherwise; open it as before, choose another name, or delete it.",
                {"wanted": found.wanted, "ack": found.ack},
            )


def forget_subscriptions(
    conn: Connection, user: User, actor: Actor, at: datetime
) -> Sequence[tuple[str, str]]:
    """Forgets all of a user, within the transaction that removes the account."""
    store.delete_all_of(conn, user.id)
    return ()


def describe(wanted: Filters) -> list[dict[str, object]]:
    """Filters as they are stored and shown."""
    return [_describe(one) for one in wanted]


def _describe(one: EventFilter) -> dict[str, object]:
    shown: dict[str, object] = {"prefix": one.prefix}
    if one.owner_id is not None:
        shown["account"] = one.owner_id
    if one.product_ids is not None:
        shown["products"] = sorted(one.product_ids)
    if one.device_ids is not None:
        shown["devices"] = sorted(one.device_ids)
    return shown


def _unknown(name: str) -> NotFound:
    return NotFound("subscription_not_found", f"You have no event subscription {name!r}.")
