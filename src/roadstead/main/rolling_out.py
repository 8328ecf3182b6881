"""Builds the rollouts: engine, watcher, the way to the deliveries, the service for people."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from roadstead.bus.local import LocalBus
from roadstead.kit.clock import Clock
from roadstead.rollouts.delivering import Deliveries, RolloutDeliveries
from roadstead.rollouts.engine import RolloutEngine
from roadstead.rollouts.joining import MemberChanges
from roadstead.rollouts.releasing import ReleaseRollouts
from roadstead.rollouts.service import RolloutService
from roadstead.rollouts.watching import Watcher
from roadstead.storage.database import Database
from roadstead.storage.journal import Journal


@dataclass(frozen=True, slots=True)
class RolloutParts:
    """What runs beside everything else."""

    service: RolloutService
    engine: RolloutEngine
    watcher: Watcher
    deliveries: RolloutDeliveries
    changes: MemberChanges
    releases: ReleaseRollouts

    def background(self) -> dict[str, Coroutine[object, object, None]]:
        """What runs until the server stops, by name."""
        return {
            "rollouts": self.engine.run(),
            "device traces": self.watcher.run(),
            "rollout deliveries": self.deliveries.run(),
            "rollout members": self.changes.run(),
        }


def build_rollouts(
    database: Database,
    journal: Journal,
    bus: LocalBus,
    clock: Clock,
    announce: Callable[[], None],
    deliveries: Deliveries,
) -> RolloutParts:
    """Builds every part; nothing runs yet."""
    engine = RolloutEngine(database, clock, announce)
    changes = MemberChanges(database, clock, bus, engine.wake)
    watcher = Watcher(database, journal, clock, bus, changes.ended)
    bridge = RolloutDeliveries(database, bus, deliveries, watcher, changes, engine.wake, clock)
    service = RolloutService(database, clock, announce, engine.wake)
    releases = ReleaseRollouts(engine.wake)
    return RolloutParts(service, engine, watcher, bridge, changes, releases)
