"""What is written in the transaction of an event because a rule watches it.

Constant time for each event and no query: an event that no rule watches costs a look into a
dictionary. What is written is read again by the engine, in this process or in another one.
"""

from collections.abc import Callable
from typing import Any

from roadstead.events.model import Event
from roadstead.events.reactions import Reaction
from roadstead.health.alerting.catalogue import RuleCatalogue
from roadstead.health.alerting.evidence_store import write_evidence, write_presence_changes
from roadstead.health.alerting.reading import evidence_of, presence_of
from roadstead.storage.journal import RowWriter


class AlertReactions:
    """Reacts to the events of devices in products; fills the port ``events.Reactions``.

    Args:
        catalogue: the rules.
        wake: called after the commit of what may open or end an alert.
    """

    def __init__(self, catalogue: RuleCatalogue, wake: Callable[[], None]) -> None:
        self._catalogue = catalogue
        self._wake = wake

    def plan(self, event: Event) -> Reaction | None:
        """The rows that go with an event."""
        if event.product_id is None or not event.name.startswith("spark/"):
            return None
        change = presence_of(event)
        if change is not None:
            return self._reaction(write_presence_changes, [change])
        rules = self._catalogue.rules_of(event.product_id)
        found = evidence_of(event, rules) if rules else []
        return self._reaction(write_evidence, found) if found else None

    def _reaction(self, write_rows: RowWriter, rows: list[Any]) -> Reaction:
        return Reaction(write_rows, rows, self._settled)

    def _settled(self, error: Exception | None) -> None:
        if error is None:
            self._wake()
