"""What is written in the very transaction of an event because somebody reacts to it.

A webhook must not miss an event that was acknowledged, whenever the process dies. So the rows of
its deliveries are committed with the event: none can be lost in between, and an event that nobody
reacts to costs nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from roadstead.events.model import Event
from roadstead.storage.journal import RowWriter


@dataclass(frozen=True, slots=True)
class Reaction:
    """Rows that belong to one event.

    Attributes:
        write_rows: the store function that writes them, together with those of other events.
        rows: at least one. The event's id is final when they are written and not before: a row
            that names it holds the Event.
        settled: told on the event loop that event and rows are committed (None), or lost (why).
    """

    write_rows: RowWriter
    rows: Sequence[Any]
    settled: Callable[[Exception | None], None]


class ReactedEvent(NamedTuple):
    """An event and what is written with it."""

    event: Event
    reactions: Sequence[Reaction]


class Reactions(Protocol):
    """Who reacts to events."""

    def plan(self, event: Event) -> Reaction | None:
        """What to write with this event; quick, because a device waits.

        It is called before the event is known to be kept, and ``settled`` follows in any case.
        """
