"""The services of this room, built together."""

from collections.abc import Callable
from dataclasses import dataclass, field

from roadstead.bus.local import LocalBus
from roadstead.devices.link import DeviceLink
from roadstead.events.ingest import EventIngest
from roadstead.firmware.explaining import FirmwareExplaining
from roadstead.firmware.files import FirmwareFiles
from roadstead.firmware.flashing import FirmwareFlashing
from roadstead.firmware.impact import FirmwareImpact
from roadstead.firmware.library import FirmwareLibrary
from roadstead.firmware.locking import FirmwareLocks
from roadstead.firmware.orphans import OrphanFiles
from roadstead.firmware.ports import Deliveries, NoRollouts, Rollouts
from roadstead.firmware.proving import ProofKeeper
from roadstead.firmware.releasing import FirmwareReleases
from roadstead.kit.clock import Clock
from roadstead.organizations.limits import PlanLimits
from roadstead.storage.blobs import Blobs
from roadstead.storage.database import Database


@dataclass(frozen=True, slots=True)
class FirmwareServices:
    """What the edges use of this room."""

    files: FirmwareFiles
    library: FirmwareLibrary
    releases: FirmwareReleases
    impact: FirmwareImpact
    explaining: FirmwareExplaining
    locks: FirmwareLocks
    flashing: FirmwareFlashing
    proofs: ProofKeeper
    orphans: OrphanFiles


@dataclass(frozen=True, slots=True)
class FirmwareNeeds:
    """What these services are built on.

    Attributes:
        announce: called after a change was committed that other processes must hear of.
    """

    database: Database
    clock: Clock
    blobs: Blobs
    ingest: EventIngest
    announce: Callable[[], None]
    limits: PlanLimits
    link: DeviceLink
    deliveries: Deliveries
    bus: LocalBus
    rollouts: Rollouts = field(default_factory=NoRollouts)


def build_firmware(needs: FirmwareNeeds) -> FirmwareServices:
    """Builds the services; nothing runs yet."""
    database, clock = needs.database, needs.clock
    files = FirmwareFiles(needs.blobs)
    return FirmwareServices(
        files=files,
        library=FirmwareLibrary(database, clock, files, needs.ingest, needs.announce),
        releases=FirmwareReleases(
            database,
            clock,
            needs.ingest,
            needs.announce,
            needs.limits,
            needs.deliveries,
            needs.rollouts,
        ),
        impact=FirmwareImpact(database, clock),
        explaining=FirmwareExplaining(database, clock, needs.link, needs.deliveries),
        locks=FirmwareLocks(database, clock, needs.announce, needs.deliveries),
        flashing=FirmwareFlashing(
            *(database, clock, files, needs.link, needs.limits, needs.deliveries, needs.bus)
        ),
        proofs=ProofKeeper(database, needs.bus),
        orphans=OrphanFiles(database, needs.blobs, clock),
    )
