"""Acceptance of events: an id, the journal, and after the commit everybody who waits for it."""

from collections.abc import Callable, Sequence

from roadstead.bus.local import LocalBus
from roadstead.events.model import Event, Source
from roadstead.events.reactions import ReactedEvent, Reaction, Reactions
from roadstead.events.receipt import too_busy
from roadstead.events.store import write_events
from roadstead.kit.clock import Clock
from roadstead.kit.ids import EventIds
from roadstead.storage.journal import Journal

TOPIC = "event"
"""Bus topic on which each committed Event is published, in the order of commits."""

Committed = Callable[[Exception | None], None]
"""Told of the commit with None, or of the reason why the event was not kept."""


class EventIngest:
    """The one door by which events enter.

    Args:
        journal: writes them in small batches.
        bus: where committed events are published on ``TOPIC``.
        clock: for the time of acceptance.
        ids: hands out event ids; one per process.

    Attributes:
        accepted: events taken into the journal.
        refused: events turned away because the journal was full.
        committed: events that are in the database.
        failed: events that the database did not take.
    """

    def __init__(self, journal: Journal, bus: LocalBus, clock: Clock, ids: EventIds) -> None:
        self._append = journal.append
        self._publish = bus.publish
        self._clock = clock
        self._next_id = ids.next
        self._reactions: tuple[Reactions, ...] = ()
        self.accepted = 0
        self.refused = 0
        self.committed = 0
        self.failed = 0

    def react_with(self, reactions: Reactions) -> None:
        """Asks ``reactions``, too, about every later event."""
        self._reactions = (*self._reactions, reactions)

    def accept(
        self,
        *,
        name: str,
        payload: bytes | None,
        content_format: int | None,
        ttl_s: int,
        source: Source,
        device_id: str | None,
        owner_id: str | None,
        product_id: int | None,
        firmware_version: int,
        message_id: int | None = None,
        on_committed: Committed | None = None,
        reacted_to: bool = True,
    ) -> Event | None:
        """Takes an event whose name and payload were checked (``events.limits``).

        The arguments are the fields of ``Event``. ``on_committed`` is called on the event loop
        once the event is kept or known to be lost, before its readers get it. An event that is
        itself a reaction is not ``reacted_to``, or there would be no end.

        Returns:
            The event, not committed yet; None when the journal is full and nothing was taken.
        """
        now_ms = self._clock.now_ms()
        event = Event(
            id=self._next_id(now_ms),
            name=name,
            payload=payload,
            content_format=content_format,
            ttl_s=ttl_s,
            published_at_ms=now_ms,
            source=source,
            device_id=device_id,
            owner_id=owner_id,
            product_id=product_id,
            firmware_version=firmware_version,
            message_id=message_id,
        )
        reactions = self._plan(event) if reacted_to else ()
        if not self._append(
            write_events,
            ReactedEvent(event, reactions) if reactions else event,
            lambda error: self._settle(event, error, on_committed, reactions),
        ):
            self.refused += 1
            for reaction in reactions:
                reaction.settled(too_busy())
            return None
        self.accepted += 1
        return event

    def _plan(self, event: Event) -> Sequence[Reaction]:
        found: list[Reaction] = []
        for reactions in self._reactions:
            reaction = reactions.plan(event)
            if reaction is not None:
                found.append(reaction)
        return found

    def _settle(
        self,
        event: Event,
        error: Exception | None,
        on_committed: Committed | None,
        reactions: Sequence[Reaction],
    ) -> None:
        if error is None:
            self.committed += 1
        else:
            self.failed += 1
        try:
            if on_committed is not None:
                on_committed(error)
        finally:
            for reaction in reactions:
                reaction.settled(error)
            if error is None:
                self._publish(TOPIC, event)
