"""What reads, indexes and deletes events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.config import Settings
from roadstead.events.history import EventHistory
from roadstead.events.indexing import HistoryIndexer
from roadstead.events.retention import EventRetention
from roadstead.events.retention_rules import Retention
from roadstead.events.store import newest_id
from roadstead.events.streams import EventStreams
from roadstead.events.subscriptions import EventSubscriptions
from roadstead.events.visibility import NOBODY, product_scope
from roadstead.http.parts import EventReading
from roadstead.kit.clock import Clock
from roadstead.kit.ids import EventIds
from roadstead.organizations.plans import PlanService
from roadstead.products.store import find_product
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class EventParts:
    """Parts with a life of their own, and what the HTTP edge reads by.

    Attributes:
        reading: streams, history, subscriptions.
        indexer: writes the history's index.
        retention: deletes what is old.
    """

    reading: EventReading
    indexer: HistoryIndexer
    retention: EventRetention
    _database: Database
    _ids: EventIds

    async def start(self) -> None:
        """Goes on behind the newest event; before any is accepted."""
        self._ids.go_on_after(await self._database.read(newest_id))


def build_event_parts(
    settings: Settings,
    database: Database,
    journal: Journal,
    bus: LocalBus,
    clock: Clock,
    ids: EventIds,
    plans: PlanService,
) -> EventParts:
    """Builds them; nothing runs yet."""
    streams, history = EventStreams(bus), EventHistory(database, clock)
    subscriptions = EventSubscriptions(database, journal, clock, streams, history)
    retention_of = _RetentionByPlan(settings, database, plans)
    return EventParts(
        EventReading(streams, history, subscriptions),
        HistoryIndexer(database, clock),
        EventRetention(database, clock, retention_of),
        database,
        ids,
    )


class _RetentionByPlan:
    """The retention of a payer is that of its plan, a product's that of its owner's."""

    def __init__(self, settings: Settings, database: Database, plans: PlanService) -> None:
        self._settings = settings
        self._database = database
        self._plans = plans

    async def __call__(self, payers: Sequence[str]) -> Mapping[str, Retention]:
        owners = await self._database.read(lambda conn: _owners_of(conn, payers))
        return {payer: await self._of(owner_id) for payer, owner_id in owners.items()}

    async def _of(self, owner_id: str) -> Retention:
        plan = await self._plans.plan_of(owner_id)
        return Retention(self._settings.events_days[plan], self._settings.events_size[plan])


def _owners_of(conn: Connection, payers: Sequence[str]) -> dict[str, str]:
    """The owner of each payer; empty, and so on the default plan, where there is none any more."""
    owners = {}
    for payer in payers:
        owner_id = "" if payer == NOBODY else payer[1:]
        if payer.startswith(product_scope(0)[0]):
            product = find_product(conn, int(payer[1:]))
            owner_id = "" if product is None else product.owner.id
        owners[payer] = owner_id
    return owners
