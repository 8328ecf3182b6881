"""What counts the doings of fleets."""

from typing import cast

from sqlalchemy import Connection

from roadstead.bus.local import LocalBus
from roadstead.devices.model import Device
from roadstead.devices.service import AskKind, AskOutcome, DeviceService
from roadstead.health.fleet_metrics import FleetMetrics
from roadstead.health.fleet_series import Metric
from roadstead.kit.clock import Clock
from roadstead.organizations.limits import PlanLimits
from roadstead.products.model import Product
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal


def build_fleet_metrics(
    database: Database,
    journal: Journal,
    bus: LocalBus,
    clock: Clock,
    limits: PlanLimits,
    devices: DeviceService,
) -> FleetMetrics:
    """Builds them, and has them told of calls to devices."""

    def allow(conn: Connection, product: Product) -> None:
        limits.require(conn, product.owner, "fleet_health")

    metrics = FleetMetrics(database, journal, bus, clock, allow)

    def watch(device: Device, what: AskKind, outcome: AskOutcome) -> None:
        metric = cast(Metric, f"{what}.{outcome}")
        metrics.count_ask(device.id, device.product_id, device.firmware_version, metric)

    devices.watch_asks(watch)
    return metrics
