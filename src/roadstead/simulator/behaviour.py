"""How a described device truly behaves: an application, with what its kind and its version do.

It stands between a device and its application: it lets the application fall silent, loses messages,
tells vitals that leak and drain, and draws when the device restarts, drops its session or vanishes.
The same seed gives the same device; whether a version bricks it is the same after a restart, too.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, Literal
from zoneinfo import ZoneInfo

from roadstead.simulator.firmware import Firmware, Publication, Vital
from roadstead.simulator.fleet_file import DAYTIME, FREE_MEMORY_BYTES, FleetFile, Kind, Truth
from roadstead.simulator.module_image import ImageFacts
from roadstead.simulator.radio import RADIOS

Happening = Literal["reset", "reconnect", "error", "away", "vanish"]

LOOK_AGAIN_S: Final = 60.0
"""Seconds after which a draw is repeated: rates change with the hour and with the version."""

AWAY_MIN: Final = (1.0, 10.0)
"""Minutes of a spell without a connection."""

VANISHED_H: Final = (8.0, 36.0)
"""Hours for which a device vanishes."""

MEMORY_BYTES: Final = 163_840
DRAIN_PERCENT_PER_H: Final = 0.4
RECHARGED_BELOW: Final = 5.0
"""Charge, percent, at which somebody puts in a full battery."""

_DISCHARGING, _BATTERY, _VIN = 4, 5, 1
_QUARTERS: Final = 4
_HOUR_S: Final = 3600.0


class DescribedFirmware(Firmware):
    """An application that lives as a fleet file says.

    Attributes:
        kind: what the device is.
        truth: how the version that it runs behaves.
        lost: messages that stayed unacknowledged so far.

    Args:
        application: what runs on it.
        fleet: tells how versions behave.
        kind: of the device.
        zone: where it is.
        seed: of the device.
        start: monotonic seconds now.
        speed: hours of the fleet's life in one hour.
        epoch: the time of day at ``start``; None is now.
    """

    def __init__(
        self,
        application: Firmware,
        fleet: FleetFile,
        kind: Kind,
        zone: str,
        seed: int,
        start: float,
        speed: float,
        epoch: datetime | None = None,
    ) -> None:
        super().__init__(
            functions=application.functions,
            variables=application.variables,
            subscriptions=application.subscriptions,
            product_version=fleet.runs,
        )
        self.kind = kind
        self._application = application
        self._fleet = fleet
        self._zone = ZoneInfo(zone)
        self._seed = seed
        self._started = start
        self._speed = speed
        self._epoch = epoch or datetime.now(UTC)
        self._random = random = Random(f"behaviour {seed}")
        self._own = {
            "reset": kind.resets_per_h * random.gammavariate(0.5, 2.0),
            "reconnect": kind.reconnects_per_h * random.gammavariate(0.7, 1 / 0.7),
            "error": kind.errors_per_h * random.gammavariate(0.3, 1 / 0.3),
        }
        self._loss = kind.lost_messages + RADIOS[kind.radio].loses_messages
        low, high = RADIOS[kind.radio].strength
        self._strength = random.uniform(low, high)
        self._battery = random.random() < kind.battery
        self._charge = random.uniform(40.0, 100.0)
        self._sent = self.lost = 0
        self._vitals_at = start
        self._free = float(FREE_MEMORY_BYTES)
        self._leaking_h = 0.0
        self._runs(fleet.runs)

    def _runs(self, version: int) -> None:
        self.truth: Truth = self._fleet.truth(version)
        self.dead = self._chance("bricks", version) < self.truth.bricks
        if version == self._fleet.runs:
            self.dead = False  # a fleet that begins with it has survived it
        self._silent = self._chance("silent", version) < self.truth.silences
        self._free, self._leaking_h = float(FREE_MEMORY_BYTES), 0.0

    def _chance(self, what: str, version: int) -> float:
        """The same in every run of the simulator."""
        return Random(f"{what} {self._seed} {version}").random()

    def refuses(self, image: ImageFacts) -> bool:
        """Whether this installation fails; each try is drawn anew."""
        return self._random.random() < self._fleet.truth(image.product_version).fails_install

    def install(self, image: ImageFacts, *, names_product: bool) -> None:
        """Runs the image's version from now on, as it truly behaves."""
        super().install(image, names_product=names_product)
        self._runs(image.product_version)

    def next_run(self) -> float | None:
        """As the application; a device that only wakes for a moment reports when it does."""
        return self._application.next_run()

    def run(self, now: float, online: bool) -> Sequence[Publication]:
        """What the application says, less what is lost, or nothing once it fell silent."""
        return self._said(self._application.run(now, online), online)

    def report(self) -> Sequence[Publication]:
        """What a device says that has just woken up."""
        return self._said((Publication("device/awake"),), True)

    def _said(self, publications: Sequence[Publication], online: bool) -> Sequence[Publication]:
        if self._silent or not online:
            return ()
        kept = []
        share = min(self._loss + self.truth.loses_messages, 1.0)
        for one in publications:
            self._sent += 1
            if self._random.random() < share:
                self.lost += 1
            else:
                kept.append(one)
        return kept

    def restarted(self) -> None:
        """The device started anew: its memory is free again."""
        self._free, self._leaking_h = float(FREE_MEMORY_BYTES), 0.0

    def vitals(self, now: float) -> Sequence[Vital]:
        """Memory that leaks, a battery that drains, messages that were lost, a radio."""
        self._pass(now)
        used = int(MEMORY_BYTES - self._free + self._random.uniform(-0.02, 0.02) * self._free)
        strength = min(max(self._strength + self._random.gauss(0, 2), 1.0), 100.0)
        power = (
            (Vital(3, int(self._charge * 256)), Vital(7, _DISCHARGING), Vital(24, _BATTERY))
            if self._battery
            else (Vital(3, -210, is_error=True), Vital(24, _VIN))
        )
        return (
            Vital(1, 40),
            Vital(6, int(now - self._started)),
            Vital(8, 4),
            Vital(10, 2),
            Vital(22, self.lost),
            Vital(23, self._sent),
            Vital(25, MEMORY_BYTES),
            Vital(26, min(max(used, 0), MEMORY_BYTES)),
            Vital(33, int(strength * 256)),
            *power,
        )

    def _pass(self, now: float) -> None:
        """Lets memory and battery go for the time since the last call."""
        hours = self._hours(now - self._vitals_at)
        self._vitals_at = now
        leak = self.truth.leaks_percent_per_h
        if leak:
            self._leaking_h += hours
            self._free = max(self._free - leak / 100 * FREE_MEMORY_BYTES * hours, 0.0)
        if self._battery:
            self._charge -= DRAIN_PERCENT_PER_H * (1 + self.truth.drains_more) * hours
            if self._charge < RECHARGED_BELOW:
                self._charge = 100.0

    def _hours(self, seconds: float) -> float:
        """Hours of the fleet's life in so many seconds."""
        return seconds * self._speed / _HOUR_S

    def seconds(self, hours: float) -> float:
        """Seconds that so many hours of the fleet's life take."""
        return hours * _HOUR_S / self._speed

    def local_hour(self, now: float) -> float:
        """The hour of the day where the device is."""
        at = self._epoch + timedelta(hours=self._hours(now - self._started))
        local = at.astimezone(self._zone)
        return local.hour + local.minute / 60

    def draw(self, now: float) -> tuple[float, Happening | None]:
        """What happens to the device next: seconds until then, and what; None to draw again."""
        self._pass(now)
        full_h = self.truth.leak_resets_after_h
        if full_h and self.truth.leaks_percent_per_h and self._leaking_h >= full_h:
            return 0.0, "reset"
        rates = self._rates_per_h(now)
        total = sum(rates.values())
        if total <= 0:
            return LOOK_AGAIN_S, None
        wait_s = self.seconds(self._random.expovariate(total))
        # Waiting has no memory, so that it may be cut and drawn anew with the rates of then.
        if wait_s > LOOK_AGAIN_S:
            return LOOK_AGAIN_S, None
        names: list[Happening] = list(rates)
        return wait_s, self._random.choices(names, [rates[name] for name in names])[0]

    def _rates_per_h(self, now: float) -> dict[Happening, float]:
        busy = DAYTIME[int(self.local_hour(now) * _QUARTERS / 24) % _QUARTERS]
        truth, kind = self.truth, self.kind
        away_h = sum(AWAY_MIN) / 2 / 60
        return {
            "reset": self._own["reset"] * truth.resets_times * busy,
            "reconnect": self._own["reconnect"] * truth.reconnects_times * busy,
            "error": self._own["error"] * truth.errors_times * busy,
            "away": kind.offline / max(1 - kind.offline, 0.01) / away_h,
            "vanish": kind.fails_per_day / 24,
        }

    def absence_s(self, happening: Happening) -> float:
        """How long the device is gone."""
        if happening == "vanish":
            return self.seconds(self._random.uniform(*VANISHED_H))
        return self.seconds(self._random.uniform(*AWAY_MIN) / 60)
