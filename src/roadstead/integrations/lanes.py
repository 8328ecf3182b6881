"""The deliveries of one hook that are in memory, and which of them go next.

New deliveries come here straight from ingest, without a look at the database. When too many wait,
later ones stay in the database only (the lane has spilled) and are loaded when there is room, so
that a receiver that hangs costs a bounded amount of memory. None is overtaken by a later one then,
which is what ``ordered`` hooks need.

A lane decides; it touches neither sockets nor the database. Times are Unix milliseconds.
"""

from collections import deque
from collections.abc import Iterable

from roadstead.integrations.model import Delivery, Integration, WebhookSettings

CAPACITY = 500
"""Deliveries of one hook in memory."""

CONCURRENCY = 32
"""Requests of one hook under way."""


class Lane:
    """One hook's lane.

    Attributes:
        hook: as it is now.
        in_flight: requests under way.
        spilled: some wait in the database only.
        loading: somebody is loading from there.
        load_at_ms: when there may be something to load, None when there is nothing.
        held_until_ms: nothing starts before; 0 when nothing holds it.
        held_by: why.
        known: ids of all deliveries that are in memory, those under way included.
    """

    def __init__(self, hook: Integration, *, capacity: int = CAPACITY) -> None:
        self.hook = hook
        self.capacity = capacity
        self.in_flight = 0
        self.spilled = False
        self.loading = False
        self.load_at_ms: int | None = None
        self.held_until_ms = 0
        self.held_by: str | None = None
        self.known: set[int] = set()
        self._spills = 0
        self._uncommitted_spills = 0
        self._queues: dict[str, deque[Delivery]] = {}
        self._busy: set[str] = set()
        self._keys: dict[int, str] = {}
        self._waiting = 0
        self._due_since_load_ms: int | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in memory and nothing is known to wait elsewhere."""
        return not (self.known or self.spilled or self.loading or self._uncommitted_spills) and (
            self.load_at_ms is None
        )

    @property
    def waiting(self) -> int:
        """Deliveries in memory that wait for their request."""
        return self._waiting

    def reserve(self, delivery_id: int) -> bool:
        """A new delivery is about to be committed: True when its place is here, in memory."""
        overtakes = self.loading and self.hook.settings.ordered
        if self.spilled or overtakes or len(self.known) >= self.capacity:
            self.spilled = True
            self._spills += 1
            self._uncommitted_spills += 1
            return False
        self.known.add(delivery_id)
        return True

    def commit(self, delivery: Delivery, *, here: bool) -> None:
        """It is committed; ``here`` is what ``reserve`` said."""
        if here:
            self._append(delivery)
        else:
            self._uncommitted_spills -= 1

    def cancel(self, delivery_id: int, *, here: bool) -> None:
        """It was not committed: there is nothing to deliver."""
        if here:
            self.known.discard(delivery_id)
        else:
            self._uncommitted_spills -= 1

    def wants_load(self, now_ms: int) -> bool:
        """Whether to load from the database now."""
        due = self.spilled or (self.load_at_ms is not None and self.load_at_ms <= now_ms)
        return due and not self.loading and len(self.known) <= self.capacity // 2

    def begin_load(self) -> int:
        """A load begins; gives what ``end_load`` needs."""
        self.loading = True
        # A row that is not committed yet cannot be found, so the lane stays spilled after this.
        return -1 if self._uncommitted_spills else self._spills

    def end_load(
        self, token: int, found: Iterable[Delivery], *, whole: bool, next_at_ms: int | None
    ) -> None:
        """A load ended.

        Args:
            token: what ``begin_load`` gave.
            found: what was loaded.
            whole: nothing that is due was left behind.
            next_at_ms: when there is something again.
        """
        self.loading = False
        self.load_at_ms = _earlier(self._due_since_load_ms, next_at_ms)
        self._due_since_load_ms = None
        for delivery in found:
            if delivery.id not in self.known:
                self.known.add(delivery.id)
                self._append(delivery)
        self.spilled = not (whole and token == self._spills)

    def fail_load(self) -> None:
        """A load failed; another one follows."""
        self.loading = False
        self.spilled = True

    def take(self, now_ms: int) -> list[Delivery]:
        """The deliveries of the next request; empty when none may start now."""
        if now_ms < self.held_until_ms or self.in_flight >= CONCURRENCY:
            return []
        settings = self.hook.settings
        batch = settings.batch if isinstance(settings, WebhookSettings) else None
        for key in self._queues:
            queue = self._queues[key]
            if key in self._busy or (settings.ordered and queue[0].next_at_ms > now_ms):
                continue
            size = 1
            if batch is not None:
                size = min(len(queue), batch.max_events)
                waited_ms = now_ms - queue[0].since_ms
                if size < batch.max_events and waited_ms < batch.max_wait_ms:
                    continue
            return self._start(key, size)
        return []

    def wake_at_ms(self, now_ms: int) -> int | None:
        """When ``take`` or ``wants_load`` may say something else; None if only by an event."""
        moments = [self.load_at_ms] if self.load_at_ms is not None else []
        settings = self.hook.settings
        batch = settings.batch if isinstance(settings, WebhookSettings) else None
        for key, queue in self._queues.items():
            if key in self._busy:
                continue
            if settings.ordered and queue[0].next_at_ms > now_ms:
                moments.append(queue[0].next_at_ms)
            elif batch is not None and self.in_flight < CONCURRENCY:
                moments.append(queue[0].since_ms + batch.max_wait_ms)
        if self._waiting and self.held_until_ms > now_ms:
            return min([*moments, self.held_until_ms]) if moments else self.held_until_ms
        return min(moments, default=None)

    def put_back(self, deliveries: list[Delivery]) -> None:
        """A request did not start, or is repeated: its deliveries are the next ones again.

        In an ordered lane, what comes behind them waits for them.
        """
        self._end(deliveries)
        key = self._key(deliveries[0])
        queue = self._queues.setdefault(key, deque())
        queue.extendleft(reversed(deliveries))
        self._waiting += len(deliveries)

    def finish(self, deliveries: list[Delivery], *, load_at_ms: int | None = None) -> None:
        """A request ended and its deliveries leave the memory.

        Args:
            deliveries: those of the request.
            load_at_ms: when they are due again, if they wait in the database now.
        """
        self._end(deliveries)
        self.known.difference_update(one.id for one in deliveries)
        if load_at_ms is not None:
            self.note_due(load_at_ms)

    def leave(self, deliveries: list[Delivery]) -> None:
        """Some of a request's deliveries have ended before it starts; not all of them."""
        self.known.difference_update(one.id for one in deliveries)
        self._forget_keys(deliveries)

    def note_due(self, at_ms: int) -> None:
        """Something in the database is due at this time."""
        self.load_at_ms = _earlier(self.load_at_ms, at_ms)
        if self.loading:
            # The load may have looked before this was there.
            self._due_since_load_ms = _earlier(self._due_since_load_ms, at_ms)

    def hold(self, until_ms: int, reason: str) -> None:
        """Nothing starts before this time."""
        self.held_until_ms, self.held_by = until_ms, reason

    def let_go(self) -> None:
        """Nothing holds the lane any more."""
        self.held_until_ms, self.held_by = 0, None

    def reshape(self, hook: Integration) -> None:
        """The hook was changed: what waits is read anew, in the order that the hook wants now."""
        self.hook = hook
        self.forget_waiting()
        self.spilled = True

    def forget_waiting(self) -> None:
        """Drops what waits in memory; it is still in the database."""
        for key, queue in list(self._queues.items()):
            self.known.difference_update(one.id for one in queue)
            self._waiting -= len(queue)
            del self._queues[key]

    def _key(self, delivery: Delivery) -> str:
        settings = self.hook.settings
        batched = isinstance(settings, WebhookSettings) and settings.batch is not None
        return delivery.device_key if settings.ordered and not batched else ""

    def _append(self, delivery: Delivery) -> None:
        self._queues.setdefault(self._key(delivery), deque()).append(delivery)
        self._waiting += 1

    def _start(self, key: str, size: int) -> list[Delivery]:
        queue = self._queues[key]
        taken = [queue.popleft() for _ in range(size)]
        if not queue:
            del self._queues[key]
        elif key:
            # Behind the other devices: the one with the most events must not be the only one.
            self._queues[key] = self._queues.pop(key)
        self._waiting -= size
        self.in_flight += 1
        self._keys.update((one.id, key) for one in taken)
        if self.hook.settings.ordered:
            self._busy.add(key)
        return taken

    def _end(self, deliveries: list[Delivery]) -> None:
        self.in_flight -= 1
        self._busy.discard(self._keys[deliveries[0].id])
        self._forget_keys(deliveries)

    def _forget_keys(self, deliveries: Iterable[Delivery]) -> None:
        for one in deliveries:
            self._keys.pop(one.id, None)


def _earlier(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
