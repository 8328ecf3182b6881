"""Builds the alerts: what reacts to events, what decides, the service for people."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.events.ingest import EventIngest
from roadstead.health.alerting.acting import Alerts
from roadstead.health.alerting.catalogue import RuleCatalogue
from roadstead.health.alerting.engine import AlertEngine
from roadstead.health.alerting.reacting import AlertReactions
from roadstead.health.alerting.receivers import ReceiverReports
from roadstead.health.alerting.ruling import AlertRules
from roadstead.http.metrics import Sample
from roadstead.kit.clock import Clock
from roadstead.main.noticing import people_of_product
from roadstead.notifications.service import Notices
from roadstead.organizations.limits import PlanLimits
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal
from roadstead.storage.secret_box import SecretBox


@dataclass(frozen=True, slots=True)
class Alerting:
    """The parts, and their life."""

    alerts: Alerts
    rules: AlertRules
    engine: AlertEngine
    catalogue: RuleCatalogue
    reports: ReceiverReports

    async def start(self) -> None:
        """Before any event is accepted: from then on no rule misses one."""
        await self.catalogue.start()
        await self.reports.start()

    def background(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs beside the server, by name."""
        return {
            "alerts": self.engine.run(),
            "alert rules": self.catalogue.run(),
            "receiver reports": self.reports.run(),
        }

    def samples(self) -> Iterable[Sample]:
        """Numbers for ``/metrics``."""
        counters = {
            "alert_subjects_decided": ("Subjects that were due.", self.engine.decided),
            "alert_rules_told": ("Rules whose notices were written.", self.engine.told),
        }
        for name, (words, value) in counters.items():
            yield Sample(f"roadstead_{name}_total", words, "counter", value)


def build_alerting(
    database: Database,
    journal: Journal,
    bus: LocalBus,
    clock: Clock,
    box: SecretBox,
    ingest: EventIngest,
    notices: Notices,
    limits: PlanLimits,
    announce: Callable[[], None],
) -> Alerting:
    """Builds the parts and makes ingest ask them about each event; nothing runs yet."""

    def allow(conn: Connection, product: Product) -> None:
        limits.require(conn, product.owner, "fleet_health")

    catalogue = RuleCatalogue(database, box, bus)
    engine = AlertEngine(database, clock, box, notices, people_of_product)
    ingest.react_with(AlertReactions(catalogue, engine.wake))
    rules = AlertRules(
        *(database, clock, box, catalogue, notices, allow, announce, engine.wake),
        people_of=people_of_product,
    )
    reports = ReceiverReports(database, journal, clock, box, catalogue, notices)
    alerts = Alerts(database, clock, box)
    return Alerting(alerts, rules, engine, catalogue, reports)
