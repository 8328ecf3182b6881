"""The releases behind the table in docs/rollouts.md."""

from dataclasses import dataclass
from typing import Final

from roadstead.simulator.fleet_file import QUIET, USUAL_KINDS, FleetFile, Nuisance, Truth

OLD: Final = 1
NEW: Final = 2


@dataclass(frozen=True, slots=True)
class Case:
    """A release to try.

    Attributes:
        name: as in the table.
        truth: how the new version behaves.
        nuisance: what happens to all devices meanwhile.
        good: it changes nothing: any stop is false.
    """

    name: str
    truth: Truth
    nuisance: Nuisance = QUIET
    good: bool = False

    @property
    def is_shaken(self) -> bool:
        """Whether more happens to all devices than is usual."""
        return self.nuisance != QUIET

    def fleet(self, devices: int, seed: int = 1) -> FleetFile:
        """The usual mix of devices, with this release."""
        return FleetFile(
            devices=devices,
            seed=seed,
            kind=USUAL_KINDS,
            version={str(NEW): self.truth},
            runs=OLD,
            nuisance=self.nuisance,
        )


GOOD_CASE: Final = Case("good", Truth(), good=True)

CASES: Final = (
    GOOD_CASE,
    Case("bricks 2 %", Truth(bricks=0.02)),
    Case("bricks 10 %", Truth(bricks=0.10)),
    Case("5 times the resets", Truth(resets_times=5)),
    Case("leak, 5 % per hour", Truth(leaks_percent_per_h=5, leak_resets_after_h=20)),
    Case("drains 30 % more", Truth(drains_more=0.3)),
    Case("loses 10 % of messages", Truth(loses_messages=0.1)),
    Case("drops sessions 5 times as often", Truth(reconnects_times=5)),
    Case("application silent on 30 %", Truth(silences=0.3)),
    Case("good, seasonal shift", Truth(), Nuisance(shift_times=1.5), good=True),
    Case("good, outages", Truth(), Nuisance(region_days=0.2, server_days=0.1), good=True),
)
