"""A modelled device: what it does in a span of time, by its kind and the version it runs.

The distributions are pessimistic: devices differ much from each other, days differ much from each
other, and counts scatter around both. What they are is said with the figures in docs/rollouts.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from roadstead.rollouts.signals import QUARTER_S
from roadstead.rollouts.trace import Opening, Trace, account, note_offline, note_online
from roadstead.simulator.fleet_file import (
    DAYTIME,
    FREE_MEMORY_BYTES,
    GOOD,
    Kind,
    Nuisance,
    Truth,
)
from roadstead.simulator.radio import RADIOS
from roadstead.testbed.chance import binomial, poisson, student4, unit_gamma

HOUR_S: Final = 3600
DAY_S: Final = 86_400

DELAY_S: Final = {"always": (0, 720), "hourly": (0, HOUR_S), "daily": (0, DAY_S)}
"""From the opening of a stage to a device's next contact, by its pattern."""

GAP_BUCKET: Final = {"always": 1, "hourly": 10, "daily": 19}
"""Where the usual times without contact of a pattern lie (``trace.GAP_BUCKETS``)."""


@dataclass(slots=True)
class Weather:
    """What a day brings to everybody.

    Attributes:
        regions: regions with a bad connection today.
        server: everybody has one.
    """

    regions: frozenset[int] = frozenset()
    server: bool = False


def _shift_s(zone: str, at_s: int) -> int:
    """What a zone's clocks are ahead of UTC."""
    ahead = datetime.fromtimestamp(at_s, ZoneInfo(zone)).utcoffset()
    return 0 if ahead is None else int(ahead.total_seconds())


class ModelDevice:
    """One device.

    Attributes:
        device_id: 24 hex digits.
        kind: what it is.
        zone: where it is.
        version: what it runs.
        truth: how that behaves.
        trace: what the gate knows of it.
        bricked: it will never come back.
        installed_s: when its last installation ended; 0 for never.
        at_s: up to when it has lived.
    """

    def __init__(
        self,
        device_id: str,
        kind: Kind,
        version: int,
        random: Random,
        start_s: int,
        region: int,
        zone: str = "UTC",
    ) -> None:
        self.device_id = device_id
        self.kind = kind
        self.version = version
        self.truth = GOOD
        self.bricked = False
        self.silent = False
        self.installed_s = 0
        self.at_s = start_s
        self.region = region
        self.zone = zone
        self._zone_shift_s = _shift_s(zone, start_s)
        radio = RADIOS[kind.radio]
        self._random = random
        self._resets = kind.resets_per_h * unit_gamma(random, 0.5)
        self._reconnects = kind.reconnects_per_h * unit_gamma(random, 0.7)
        self._errors = kind.errors_per_h * unit_gamma(random, 0.3)
        self._loss = kind.lost_messages * unit_gamma(random, 0.5) + radio.loses_messages
        self._offline = kind.offline * unit_gamma(random, 0.5)
        self._battery = random.random() < kind.battery
        self._strength = random.uniform(*radio.strength)
        self._leaking_since_s = 0
        self._dark_until_s = 0
        self.trace = Trace(1)
        self.trace.version = version
        self.trace.online = kind.contact == "always"
        self.trace.gaps[GAP_BUCKET[kind.contact]] = 40.0
        self.trace.last_contact_s = start_s
        account(self.trace, start_s)
        self.new_day(Nuisance(), 1.0)

    def new_day(self, nuisance: Nuisance, shift: float) -> None:
        """Another day: busy or quiet, at each rate for itself."""
        shape = nuisance.busy_days
        self._day_resets = unit_gamma(self._random, shape) * shift
        self._day_reconnects = unit_gamma(self._random, shape) * shift
        self._day_errors = unit_gamma(self._random, shape) * shift
        self._day_loss = unit_gamma(self._random, shape) * shift
        self._day_strength = self._random.gauss(0, 2)
        self._day_drain = 0.1 if shift > 1 else 0.0
        if self._random.random() < self.kind.fails_per_day and not self.bricked:
            self._dark_until_s = self.at_s + self._random.randrange(8 * HOUR_S, 36 * HOUR_S)
            self._go_dark()

    def next_contact_s(self, after_s: int) -> int | None:
        """When it is heard next after a stage opened; None for never again."""
        if self.bricked:
            return None
        low, high = DELAY_S[self.kind.contact]
        return max(after_s + self._random.randint(low, high) + 1, self._dark_until_s)

    def install(self, version: int, truth: Truth, openings: Mapping[str, Opening]) -> bool:
        """The new version runs from now on, or the installation fails; False when it fails.

        Either way the device restarts, as a real one does: the gate must not hold that against it.
        """
        if self.bricked:
            return False
        fails = self._random.random() < truth.fails_install
        note_offline(self.trace, self.at_s)
        note_online(self.trace, self.at_s, openings, self.version if fails else version)
        if self.kind.contact != "always":
            note_offline(self.trace, self.at_s)
        if fails:
            return False
        self.version, self.truth, self.installed_s = version, truth, self.at_s
        self._leaking_since_s = self.at_s if truth.leaks_percent_per_h else 0
        self.silent = self._random.random() < truth.silences
        if self._random.random() < truth.bricks:
            self.bricked = True
            self._go_dark()
        return True

    def _go_dark(self) -> None:
        account(self.trace, self.at_s)
        self.trace.online = False

    def live(self, until_s: int, weather: Weather) -> None:
        """Lives up to ``until_s``, at most to the end of a quarter of a day."""
        span_s = until_s - self.at_s
        if span_s <= 0:
            return
        if self._dark_until_s and self.at_s >= self._dark_until_s and not self.bricked:
            self._dark_until_s = 0
            self.trace.online = self.kind.contact == "always"
        awake = not self.bricked and not self._dark_until_s
        if awake:
            self._act(span_s / HOUR_S, weather)
        account(self.trace, until_s)
        self.at_s = until_s
        if awake and self.kind.contact != "always":
            self._touch(until_s)

    def _touch(self, now_s: int) -> None:
        """The last of the contacts in this span; a daily waker has one in four quarters."""
        if self.kind.contact == "daily" and now_s // QUARTER_S % 4 != self.region % 4:
            return
        trace = self.trace
        trace.last_contact_s = now_s
        for clock in trace.clocks.values():
            if not clock.back_at_s and now_s >= clock.back_from_s:
                clock.back_at_s = now_s

    def _act(self, hours: float, weather: Weather) -> None:
        random, truth = self._random, self.truth
        current = account(self.trace, self.at_s)
        busy = DAYTIME[(self.at_s + self._zone_shift_s) // QUARTER_S % 4] * hours
        outage = weather.server or self.region in weather.regions
        current.resets += poisson(
            random, self._resets * self._day_resets * busy * truth.resets_times
        )
        rate = self._reconnects * self._day_reconnects * truth.reconnects_times
        current.reconnects += poisson(random, rate * busy + (2 * hours if outage else 0))
        rate = self._errors * self._day_errors * truth.errors_times
        current.errors += poisson(random, rate * busy)
        published = 0 if self.silent else poisson(random, self.kind.publishes_per_h * hours)
        lost = self._loss * self._day_loss + truth.loses_messages + (0.15 if outage else 0)
        current.published += published
        current.transmitted += published
        current.unacknowledged += binomial(random, published, min(lost, 1.0))
        if published:
            self.trace.published_s = self.at_s
            self.trace.published_day = self.at_s // DAY_S
            self.trace.published_days = 0xFF
        share = self._offline * random.expovariate(1.0) + (random.random() * 0.2 if outage else 0)
        if self.kind.contact == "always":
            current.offline_s += int(min(share, 1.0) * hours * HOUR_S)
        self._vitals(hours)

    def _vitals(self, hours: float) -> None:
        random, truth, slices = self._random, self.truth, account(self.trace, self.at_s)
        noise = student4(random) * 0.025 * FREE_MEMORY_BYTES
        leak = truth.leaks_percent_per_h / 100 * FREE_MEMORY_BYTES * hours
        slices.memory_lost_bytes += int(noise * (hours / 6) ** 0.5 + leak)
        slices.memory_s += int(hours * HOUR_S)
        full_after_s = truth.leak_resets_after_h * HOUR_S
        if full_after_s and 0 < self._leaking_since_s <= self.at_s - full_after_s:
            slices.resets += 1
            self._leaking_since_s = self.at_s
        if self._battery:
            drain = 1.0 + student4(random) * 0.28 * (6 / max(hours, 0.5)) ** 0.5
            slices.battery_lost += (drain + truth.drains_more + self._day_drain) * hours * 0.4
            slices.battery_s += int(hours * HOUR_S)
        slices.strength_sum += self._strength + self._day_strength + random.gauss(0, 2)
        slices.strength_count += 1
