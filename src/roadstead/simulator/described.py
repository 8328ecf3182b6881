"""A fleet file as a plan for real sockets: each device follows the plan of its kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from roadstead.simulator.behaviour import DescribedFirmware
from roadstead.simulator.firmware import Firmware
from roadstead.simulator.fleet_file import FleetFile, Kind, group_of_zone, slug
from roadstead.simulator.identity import parse_platform
from roadstead.simulator.network import NetworkConditions
from roadstead.simulator.plan import PRODUCTS, FleetPlan, SleepCycle
from roadstead.simulator.radio import RADIOS

AWAKE_S: Final = 60.0
LEAST_AWAKE_S: Final = 3.0
"""How long a device that sleeps is awake, of its own time and in real seconds."""

ASLEEP_H: Final = {"hourly": 1.0, "daily": 24.0}

LEAST_REPORT_S: Final = 0.02
NEVER_S: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class KindPlan(FleetPlan):
    """The plan of one kind of devices.

    Attributes:
        fleet: whose file it is.
        kind: of the devices.
        zone: where they are.
        speed: hours of their life in one hour.
    """

    fleet: FleetFile
    kind: Kind
    zone: str
    speed: float

    def make_firmware(self, seed: int, now: float) -> Firmware:
        """The application, with what the fleet file says of its kind and versions."""
        application = PRODUCTS[self.product](Random(seed), now, self.report_every_s)
        return DescribedFirmware(
            application, self.fleet, self.kind, self.zone, seed, now, self.speed
        )

    def groups(self) -> tuple[str, ...]:
        """Groups that the device joins in a product: its kind, and its time zone."""
        return (slug(self.kind.name), group_of_zone(self.zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedPlan(FleetPlan):
    """The plan of a whole fleet file."""

    parts: Sequence[KindPlan] = field(repr=False)

    def of(self, number: int) -> FleetPlan:
        """The plan of one device, counted from 0."""
        return self.parts[number]

    def device_seeds(self) -> list[tuple[int, str]]:
        """Seed and release of each device."""
        source = Random(self.seed)
        return [(source.getrandbits(63), part.kind.generation) for part in self.parts]

    def device_name(self, number: int) -> str:
        """By kind, counted over the whole fleet: ``in-the-field-07``."""
        width = max(2, len(str(self.devices)))
        return f"{slug(self.parts[number - 1].kind.name)}-{number:0{width}d}"


def plan_of_file(
    fleet: FleetFile, *, speed: float = 1.0, connect_per_s: float = 100.0
) -> FleetPlan:
    """The plan by which a described fleet runs.

    Args:
        fleet: as it was read.
        speed: hours of the fleet's life in one hour.
        connect_per_s: devices that start per second.
    """
    made: dict[tuple[str, str], KindPlan] = {}
    parts: list[KindPlan] = []
    for kind, zone in zip(fleet.kinds(), fleet.zones(), strict=True):
        key = (kind.name, zone)
        if key not in made:
            made[key] = _plan_of_kind(fleet, kind, zone, speed)
        parts.append(made[key])
    return DescribedPlan(
        devices=fleet.devices, seed=fleet.seed, connect_per_s=connect_per_s, parts=parts
    )


def _plan_of_kind(fleet: FleetFile, kind: Kind, zone: str, speed: float) -> KindPlan:
    radio = RADIOS[kind.radio]
    report_s = NEVER_S
    if kind.publishes_per_h > 0:
        report_s = max(3600 / kind.publishes_per_h / speed, LEAST_REPORT_S)
    sleep = None
    if kind.contact != "always":
        awake_s = max(AWAKE_S / speed, LEAST_AWAKE_S)
        sleep = SleepCycle(awake_s, max(3600 * ASLEEP_H[kind.contact] / speed - awake_s, awake_s))
    return KindPlan(
        devices=fleet.devices,
        product=kind.application,
        platform_id=parse_platform(kind.platform),
        conditions=NetworkConditions(
            loss=radio.loss if kind.loss is None else kind.loss,
            reorder=radio.reorder,
            delay_ms=radio.delay_ms if kind.delay_ms is None else kind.delay_ms,
        ),
        report_every_s=report_s,
        sleep=sleep,
        firmware_version=fleet.runs,
        seed=fleet.seed,
        fleet=fleet,
        kind=kind,
        zone=zone,
        speed=speed,
    )
