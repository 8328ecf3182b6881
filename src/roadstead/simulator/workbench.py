"""An application that exercises everything a device can offer; for tests and load."""

from collections.abc import Sequence
from random import Random

from roadstead.simulator.firmware import Firmware, Publication, Subscription, Vital

LONG_TEXT_LENGTH = 400
"""Length of the variable ``longText``, more than one option or small packet holds."""


class Workbench(Firmware):
    """Functions, variables of each type, subscriptions, and an event at a fixed rate.

    Functions: ``led`` (``on`` 1, ``off`` 0, else -1), ``length`` (of its argument in bytes),
    ``never`` (no answer). Variables: ``flag`` (bool), ``count`` (int, calls of functions so far),
    ``ratio`` (double), ``text`` and ``longText`` (string). Subscribes to ``bench/``; publishes
    ``bench/tick`` with a counter.

    Args:
        random: decides when the first tick comes.
        start: monotonic seconds now.
        report_every_s: seconds between two ticks; None never ticks.
    """

    def __init__(self, random: Random, start: float, report_every_s: float | None = 10.0) -> None:
        super().__init__(
            functions={"led": self._led, "length": self._length, "never": lambda _: None},
            variables={
                "flag": lambda: self.led_on,
                "count": lambda: self.calls,
                "ratio": lambda: 20.4,
                "text": lambda: "on" if self.led_on else "off",
                "longText": lambda: "x" * LONG_TEXT_LENGTH,
            },
            subscriptions=(Subscription("bench/", self._on_event),),
        )
        self.led_on = False
        self.calls = 0
        self.ticks = 0
        self.events: list[tuple[str, bytes]] = []
        self._report_every_s = report_every_s
        self._started = start
        self._tick_at = (
            None if report_every_s is None else start + random.uniform(0, report_every_s)
        )

    def next_run(self) -> float | None:
        """The time of the next tick."""
        return self._tick_at

    def run(self, now: float, online: bool) -> Sequence[Publication]:
        """A tick, when it is due."""
        if self._tick_at is None or self._report_every_s is None or now < self._tick_at:
            return ()
        self._tick_at = max(self._tick_at + self._report_every_s, now)
        if not online:
            return ()
        self.ticks += 1
        return (Publication("bench/tick", str(self.ticks).encode()),)

    def vitals(self, now: float) -> Sequence[Vital]:
        """Uptime, free memory and an error in the battery's place."""
        return (
            Vital(2, 61_000),
            Vital(3, -210, is_error=True),
            Vital(6, int(now - self._started)),
            Vital(37, -61 << 16),
        )

    def _led(self, argument: str) -> int:
        self.calls += 1
        if argument not in ("on", "off"):
            return -1
        self.led_on = argument == "on"
        return int(self.led_on)

    def _length(self, argument: str) -> int:
        self.calls += 1
        return len(argument.encode())

    def _on_event(self, name: str, payload: bytes) -> None:
        self.events.append((name, payload))
        del self.events[:-100]
