"""The health check of one device, and the thresholds of a product, for people."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from roadstead.devices.model import Device
from roadstead.devices.presence import PresenceBoard
from roadstead.devices.presence_store import find_presence_of
from roadstead.devices.service import DeviceService
from roadstead.health.check_rules import HealthFacts, Report, check
from roadstead.health.condition import DAY_MS, Condition
from roadstead.health.condition_store import find_condition
from roadstead.health.store import find_vitals
from roadstead.health.threshold_store import delete_thresholds, find_thresholds, put_thresholds
from roadstead.health.thresholds import SHIPPED, HealthThresholds, check_thresholds
from roadstead.identity.model import Actor
from roadstead.identity.permissions import Permission
from roadstead.identity.recording import record_change
from roadstead.kit.clock import Clock, to_ms
from roadstead.products.model import Product
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class CheckedDevice:
    """A device and how it is.

    Attributes:
        at: when it was looked at.
        vitals_at: when it gave its last vitals.
    """

    device: Device
    at: datetime
    vitals_at: datetime | None
    online: bool
    report: Report


class HealthChecks:
    """Looks at devices, and keeps thresholds.

    Args:
        devices: finds the actor's devices.
        presence: who is connected.
    """

    def __init__(
        self, database: Database, devices: DeviceService, presence: PresenceBoard, clock: Clock
    ) -> None:
        self._database = database
        self._devices = devices
        self._presence = presence
        self._clock = clock

    async def check(
        self, actor: Actor, ref: str, *, product_id: int | None = None
    ) -> CheckedDevice:
        """How a device is, by its last vitals and its connection; asks it nothing.

        Raises:
            NotFound: ``device_not_found``, ``not_in_product``.
        """
        permission = Permission.DEVICES_DIAGNOSTICS_GET
        device = await self._devices.resolve(actor, ref, permission, product_id=product_id)
        return await self._database.read(lambda conn: self._check(conn, device))

    async def thresholds(self, product: Product) -> HealthThresholds | None:
        """The product's own thresholds; None when it has the shipped ones."""
        return await self._database.read(lambda conn: find_thresholds(conn, product.id))

    async def set_thresholds(
        self, actor: Actor, product: Product, thresholds: HealthThresholds | None
    ) -> HealthThresholds | None:
        """Keeps the product's own thresholds, or goes back to the shipped ones.

        A single device is judged by them at once, the sums of the fleet as devices send vitals.

        Raises:
            Invalid: ``bad_threshold``.
        """
        if thresholds is not None:
            check_thresholds(thresholds)
        at = self._clock.now()

        def work(conn: Connection) -> None:
            before = find_thresholds(conn, product.id)
            record_change(
                conn,
                actor,
                "health_thresholds.set",
                f"product/{product.id}",
                {"thresholds": msgspec.to_builtins(before)},
                {"thresholds": msgspec.to_builtins(thresholds)},
                at=at,
                scope=f"product/{product.id}",
            )
            if thresholds is None:
                delete_thresholds(conn, product.id)
            else:
                put_thresholds(conn, product.id, thresholds)

        await self._database.write(work)
        return thresholds

    def _check(self, conn: Connection, device: Device) -> CheckedDevice:
        now = self._clock.now()
        vitals = find_vitals(conn, device.id)
        presence = self._presence.overlay(device.id, find_presence_of(conn, device.id))
        heard_at = presence.last_heard_at
        condition = find_condition(conn, device.id)
        own = None
        if device.product_id is not None:
            own = find_thresholds(conn, device.product_id)
        facts = HealthFacts(
            vitals=None if vitals is None else vitals[1].get("device") or {},
            vitals_age_s=None if vitals is None else (now - vitals[0]).total_seconds(),
            online=presence.online,
            silent_s=None if heard_at is None else (now - heard_at).total_seconds(),
            restarts=_restarts(condition, now),
        )
        report = check(facts, own or SHIPPED)
        vitals_at = None if vitals is None else vitals[0]
        return CheckedDevice(device, now, vitals_at, presence.online, report)


def _restarts(condition: Condition | None, now: datetime) -> int | None:
    if condition is None or condition.restarts_ms is None:
        return None
    return sum(to_ms(now) - one <= DAY_MS for one in condition.restarts_ms)
