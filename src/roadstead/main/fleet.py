"""What knows how devices and fleets do."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.devices.model import Device
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.service import AskKind, AskOutcome, DeviceService
from roadstead.events.model import Event
from roadstead.health.checks import HealthChecks
from roadstead.health.fleet_health import FleetHealth
from roadstead.health.fleet_metrics import FleetMetrics
from roadstead.health.fleet_series import Metric
from roadstead.integrations.settling import Settling, Told
from roadstead.kit.clock import Clock
from roadstead.organizations.limits import PlanLimits
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class FleetParts:
    """The parts, and their life."""

    metrics: FleetMetrics
    health: FleetHealth
    checks: HealthChecks

    def background(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """What runs beside the server, by name."""
        return {"fleet metrics": self.metrics.run(), "fleet health": self.health.run()}


def build_fleet(
    database: Database,
    journal: Journal,
    bus: LocalBus,
    clock: Clock,
    limits: PlanLimits,
    devices: DeviceService,
    presence: PresenceBoard,
    settling: Settling,
) -> FleetParts:
    """Builds them, and has them told of calls to devices and of deliveries."""

    def allow(conn: Connection, product: Product) -> None:
        limits.require(conn, product.owner, "fleet_health")

    metrics = FleetMetrics(database, journal, bus, clock, allow)

    def watch_asks(device: Device, what: AskKind, outcome: AskOutcome) -> None:
        metric = cast(Metric, f"{what}.{outcome}")
        metrics.count_ask(device.id, device.product_id, device.firmware_version, metric)

    def watch_deliveries(event: Event, told: Told) -> None:
        metric = cast(Metric, f"hooks.{told}")
        metrics.count_ask(event.device_id or "", event.product_id, event.firmware_version, metric)

    devices.watch_asks(watch_asks)
    settling.watch_outcomes(watch_deliveries)
    return FleetParts(
        metrics,
        FleetHealth(database, journal, bus, clock, metrics, allow),
        HealthChecks(database, devices, presence, clock),
    )
