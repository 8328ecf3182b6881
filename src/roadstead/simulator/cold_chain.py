"""A believable product: refrigerators of a cold chain.

A cabinet takes up heat through its walls and, much faster, through its open door; a compressor with
hysteresis takes it out again; frost on the evaporator weakens the compressor until it is defrosted.
Every fridge has its own walls, place and habits from its seed.
"""

import json
import math
from collections.abc import Sequence
from random import Random

from roadstead.simulator.firmware import Firmware, Publication, Subscription, Vital

FIRMWARE_VERSION = "2.4.1"
"""What the variable ``firmware`` says."""

TARGET_RANGE_C = (-25, 12)
"""Targets that the thermostat takes, degrees Celsius."""

TARGET_OUT_OF_RANGE = -1
"""What ``setTarget`` returns when it refuses."""

HYSTERESIS_C = 0.6
"""The compressor starts this far above the target and stops this far below it."""

ALARM_MARGIN_C = 4.0
"""This far above the target for ALARM_AFTER_S the fridge raises an alarm."""

ALARM_AFTER_S = 60.0
"""Seconds above the margin until the alarm; a door opened for a moment is no alarm."""

DEFROST_S = 45.0
"""Seconds of a defrost, in which the compressor rests and the evaporator is warmed."""

STEP_S = 5.0
"""Longest step of the calculation in seconds; the exact exponential keeps longer ones stable."""

CATCH_UP_LIMIT_S = 600.0
"""After a longer pause (a sleep) only this much is calculated; the rest changes nothing visible."""

MEAN_DOOR_CLOSED_S = 240.0
"""Seconds between two openings of the door, on average: a kitchen in use."""

MEAN_DOOR_OPEN_S = 14.0
"""Seconds for which the door stays open, on average."""


class Cabinet:
    """The physics of one fridge; temperatures in degrees Celsius, times in seconds.

    Attributes:
        temperature: of the air inside.
        target: of the thermostat.
        door_open: whether the door is open.
        compressor_on: whether heat is being taken out.
        frost: 0 (free) to 1 (the evaporator is closed by ice).
    """

    def __init__(self, random: Random, target: int = 4) -> None:
        self._random = random
        self.ambient = random.uniform(19.0, 26.0)
        self.wall_time_s = random.uniform(5000.0, 9000.0)
        self.cooling_c_per_s = random.uniform(0.014, 0.022)
        self.target = target
        self.temperature = target + random.uniform(-0.5, 0.9)
        self.compressor_on = random.random() < 0.5
        self.door_open = False
        self.frost = random.uniform(0.0, 0.3)
        self.defrost_left_s = 0.0
        self._door_changes_in_s = random.expovariate(1 / MEAN_DOOR_CLOSED_S)

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        left = min(seconds, CATCH_UP_LIMIT_S)
        while left > 1e-9:
            step = min(STEP_S, left, max(self._door_changes_in_s, 0.05))
            self._step(step)
            left -= step

    def start_defrost(self) -> None:
        """Stops the compressor and warms the evaporator for DEFROST_S."""
        self.defrost_left_s = DEFROST_S

    def _step(self, seconds: float) -> None:
        self._move_door(seconds)
        self._exchange_heat(seconds)
        self._switch_compressor(seconds)

    def _move_door(self, seconds: float) -> None:
        self._door_changes_in_s -= seconds
        if self._door_changes_in_s > 0:
            return
        self.door_open = not self.door_open
        mean = MEAN_DOOR_OPEN_S if self.door_open else MEAN_DOOR_CLOSED_S
        self._door_changes_in_s = self._random.expovariate(1 / mean)

    def _exchange_heat(self, seconds: float) -> None:
        time_constant_s = 180.0 if self.door_open else self.wall_time_s
        share = 1 - math.exp(-seconds / time_constant_s)
        self.temperature += (self.ambient - self.temperature) * share
        if self.defrost_left_s > 0:
            self.temperature += 0.008 * seconds
        elif self.compressor_on:
            self.temperature -= self.cooling_c_per_s * (1 - 0.7 * self.frost) * seconds

    def _switch_compressor(self, seconds: float) -> None:
        if self.defrost_left_s > 0:
            self.defrost_left_s = max(0.0, self.defrost_left_s - seconds)
            self.frost = max(0.0, self.frost - seconds / DEFROST_S)
            self.compressor_on = False
            return
        self.frost = min(1.0, self.frost + (seconds / 20_000 if self.compressor_on else 0.0))
        if self.temperature > self.target + HYSTERESIS_C:
            self.compressor_on = True
        elif self.temperature < self.target - HYSTERESIS_C:
            self.compressor_on = False


class Fridge(Firmware):
    """The fridge's application.

    Publishes ``fridge/temperature`` (JSON) every ``report_every_s``, and ``fridge/door``,
    ``fridge/compressor`` and ``fridge/alarm`` on change. Functions ``setTarget`` (degrees; returns
    the target, or -1) and ``defrost``; variables ``temperature`` (double), ``door`` (bool, open),
    ``target`` (int), ``firmware`` (string). An event ``coldchain/target`` sets the target of every
    fridge of its owner.

    Args:
        random: the fridge's own source of chance; the same seed gives the same fridge.
        start: monotonic seconds now.
        report_every_s: seconds between two temperature reports.
    """

    def __init__(self, random: Random, start: float, report_every_s: float = 10.0) -> None:
        super().__init__(
            functions={"setTarget": self._set_target, "defrost": self._defrost},
            variables={
                "temperature": lambda: round(self.cabinet.temperature, 2),
                "door": lambda: self.cabinet.door_open,
                "target": lambda: self.cabinet.target,
                "firmware": lambda: FIRMWARE_VERSION,
            },
            subscriptions=(Subscription("coldchain/target", self._on_target_event),),
        )
        self.cabinet = Cabinet(random)
        self.report_every_s = report_every_s
        self._started = self._updated = start
        self._random = random
        self._report_at = start + random.uniform(0, report_every_s)
        self._run_at = start
        self._warm_since: float | None = None
        self._alarm = False

    def next_run(self) -> float | None:
        """At least every STEP_S, so that an opened door is reported when it opens."""
        return min(self._run_at, self._report_at)

    def run(self, now: float, online: bool) -> Sequence[Publication]:
        """Lets the cabinet live up to ``now``; gives its reports and what has changed."""
        cabinet = self.cabinet
        door, compressor = cabinet.door_open, cabinet.compressor_on
        cabinet.advance(now - self._updated)
        self._updated = now
        self._run_at = now + min(STEP_S, self.report_every_s)
        events = []
        if cabinet.door_open != door:
            events.append(_text("fridge/door", "open" if cabinet.door_open else "closed"))
        if cabinet.compressor_on != compressor:
            events.append(_text("fridge/compressor", "on" if cabinet.compressor_on else "off"))
        events += self._judge_temperature(now)
        if now >= self._report_at:
            self._report_at = now + self.report_every_s * self._random.uniform(0.9, 1.1)
            events.append(self._report())
        return events if online else ()

    def vitals(self, now: float) -> Sequence[Vital]:
        """Uptime, memory and a plausible radio."""
        strength_dbm = -60 - int(self._random.random() * 20)
        return (
            Vital(1, 40),
            Vital(2, 61_000 + self._random.randrange(4096)),
            Vital(3, -210, is_error=True),
            Vital(6, int(now - self._started)),
            Vital(8, 4),
            Vital(10, 2),
            Vital(25, 163_840),
            Vital(26, 98_304),
            Vital(33, 70 * 256),
            Vital(34, 64 * 256),
            Vital(37, strength_dbm << 16),
        )

    def _report(self) -> Publication:
        cabinet = self.cabinet
        report = {
            "celsius": round(cabinet.temperature, 2),
            "target": cabinet.target,
            "compressor": cabinet.compressor_on,
        }
        return _text("fridge/temperature", json.dumps(report, separators=(",", ":")))

    def _judge_temperature(self, now: float) -> list[Publication]:
        if self.cabinet.temperature <= self.cabinet.target + ALARM_MARGIN_C:
            self._warm_since = None
            was, self._alarm = self._alarm, False
            return [_text("fridge/alarm", "cleared")] if was else []
        if self._warm_since is None:
            self._warm_since = now
        if self._alarm or now - self._warm_since < ALARM_AFTER_S:
            return []
        self._alarm = True
        return [_text("fridge/alarm", f"too warm: {self.cabinet.temperature:.1f}")]

    def _set_target(self, argument: str) -> int:
        low, high = TARGET_RANGE_C
        try:
            target = int(argument)
        except ValueError:
            return TARGET_OUT_OF_RANGE
        if not low <= target <= high:
            return TARGET_OUT_OF_RANGE
        self.cabinet.target = target
        return target

    def _defrost(self, argument: str) -> int:
        self.cabinet.start_defrost()
        return round(DEFROST_S)

    def _on_target_event(self, name: str, payload: bytes) -> None:
        self._set_target(payload.decode(errors="replace"))


def _text(name: str, text: str) -> Publication:
    return Publication(name, text.encode())
