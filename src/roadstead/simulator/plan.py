"""What a simulated fleet shall be and what shall happen to it."""

from dataclasses import dataclass, field
from itertools import cycle, islice
from random import Random
from typing import Literal

from roadstead.simulator.cold_chain import Fridge
from roadstead.simulator.firmware import Firmware
from roadstead.simulator.generation import LATEST
from roadstead.simulator.network import NetworkConditions
from roadstead.simulator.updating import UpdateHabits
from roadstead.simulator.workbench import Workbench

ProductName = Literal["fridge", "workbench"]

PRODUCTS: dict[str, type[Fridge] | type[Workbench]] = {"fridge": Fridge, "workbench": Workbench}
"""The applications that simulated devices can run, by name."""

DEVICE_LIMIT = 50_000
"""Devices of one process: each has a socket, and source ports end near 64,000."""


@dataclass(frozen=True, slots=True)
class SleepCycle:
    """Devices that stay awake for a while, say goodbye and sleep; both in seconds."""

    awake_s: float
    asleep_s: float


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """A fleet; everything random in it follows from the seed.

    Attributes:
        devices: how many.
        product: what they are.
        generations: releases of Device OS, dealt out in turn.
        platform_id: their platform.
        conditions: their network.
        report_every_s: seconds between two reports of one device.
        connect_per_s: devices that start per second.
        sleep: their sleep, if they sleep.
        move_every_s: seconds after which a device's source port changes under a live session.
        reboot_every_s: seconds after which a device restarts.
        lose_session: share of restarts in which the device has lost its session.
        firmware_version: version that a device runs before its first update; None for none.
        updates: what happens to their updates.
        updates_disabled: share of devices that do not agree to updates.
        seed: of everything that is left to chance, keys included.
    """

    devices: int
    product: ProductName = "fridge"
    generations: tuple[str, ...] = (LATEST.name,)
    platform_id: int = 12
    conditions: NetworkConditions = field(default_factory=NetworkConditions)
    report_every_s: float = 10.0
    connect_per_s: float = 100.0
    sleep: SleepCycle | None = None
    move_every_s: float | None = None
    reboot_every_s: float | None = None
    lose_session: float = 0.0
    firmware_version: int | None = None
    updates: UpdateHabits = field(default_factory=UpdateHabits)
    updates_disabled: float = 0.0
    seed: int = 0

    def of(self, number: int) -> "FleetPlan":
        """The plan of one device, counted from 0: where all are alike, this one."""
        return self

    def groups(self) -> tuple[str, ...]:
        """Groups that a device of this plan joins in a product."""
        return ()

    def device_seeds(self) -> list[tuple[int, str]]:
        """Seed and generation of each device; a longer fleet begins with the shorter one."""
        source = Random(self.seed)
        generations = islice(cycle(self.generations), self.devices)
        return [(source.getrandbits(63), generation) for generation in generations]

    def device_name(self, number: int) -> str:
        """The name of a device, counted from 1: ``fridge-07``."""
        return f"{self.product}-{number:0{max(2, len(str(self.devices)))}d}"

    def make_firmware(self, seed: int, now: float) -> Firmware:
        """The application of one device at ``now`` (monotonic seconds)."""
        made = PRODUCTS[self.product](Random(seed), now, self.report_every_s)
        if self.firmware_version is not None:
            made.product_version = self.firmware_version
        return made

    def disables_updates(self, seed: int) -> bool:
        """Whether the device of this seed does not agree to updates."""
        return Random(f"consent {seed}").random() < self.updates_disabled
