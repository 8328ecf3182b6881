"""The graded signals: what of a device's day is compared with its own days before.

For each, greater is worse. A device's time is kept in slices: sums over a part of one quarter of a
day (UTC), cut where the device's clock of a stage starts. That is all the gate reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

QUARTER_S: Final = 6 * 3600
"""A day has four quarters, so that the same hours are compared. Spec: rollout gate §4."""

BASELINE_DAYS: Final = 7

SILENCE_LEAST_S: Final = 2 * 3600
"""Shorter slices say nothing of silence: a device may just not have had anything to say."""


class Slice(msgspec.Struct, array_like=True, gc=False, kw_only=True):
    """Sums over a part of a quarter of a day of one device.

    Attributes:
        start_s: Unix seconds at which it starts.
        watched_s: seconds of it, up to now.
        offline_s: seconds without a connection.
        resets: that nobody asked for.
        reconnects: times it came online.
        errors: events that report a fault.
        published: events of the application.
        transmitted: messages by the device's own count.
        unacknowledged: those of them that nobody acknowledged.
        memory_lost_bytes: free memory that went, less what came back.
        memory_s: seconds between the readings of memory.
        battery_lost: points of charge that went while no source of power was connected.
        battery_s: seconds between those readings.
        strength_sum: of the readings of signal strength, percent.
        strength_count: readings.
    """

    start_s: int
    watched_s: int = 0
    offline_s: int = 0
    resets: int = 0
    reconnects: int = 0
    errors: int = 0
    published: int = 0
    transmitted: int = 0
    unacknowledged: int = 0
    memory_lost_bytes: int = 0
    memory_s: int = 0
    battery_lost: float = 0.0
    battery_s: int = 0
    strength_sum: float = 0.0
    strength_count: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """One graded signal.

    Attributes:
        name: stable word.
        text: what more of it means, for people.
        value: from a slice: the amount and what it is over; the rate is their ratio.
        step: rates closer than this are equal: the step of the instrument.
    """

    name: str
    text: str
    value: Callable[[Slice], tuple[float, float]]
    step: float = 0.0


def _silence(one: Slice) -> tuple[float, float]:
    """Seconds of a slice in which the application said nothing at all, and all of its seconds."""
    if one.watched_s < SILENCE_LEAST_S:
        return 0, 0
    return (0 if one.published else one.watched_s), one.watched_s


SIGNALS: Final[tuple[Signal, ...]] = (
    Signal("resets", "restart unexpectedly", lambda s: (s.resets, s.watched_s)),
    Signal("reconnects", "connect anew", lambda s: (s.reconnects, s.watched_s)),
    Signal("offline", "are without a connection", lambda s: (s.offline_s, s.watched_s), 0.01),
    Signal("lost_messages", "lose messages", lambda s: (s.unacknowledged, s.transmitted), 0.0),
    Signal("errors", "report faults", lambda s: (s.errors, s.watched_s)),
    Signal("memory", "lose free memory", lambda s: (s.memory_lost_bytes, s.memory_s)),
    Signal("battery", "drain their battery", lambda s: (s.battery_lost, s.battery_s)),
    Signal(
        "signal_strength", "have a weak signal", lambda s: (-s.strength_sum, s.strength_count), 1.0
    ),
    Signal("silence", "publish nothing", _silence),
)
"""Each more costs power. The published simulation of the method had the first eight; silence counts
quarters of a day without any event, not the rate of events: that a busy device is quieter than
usual means little, that it says nothing where it always spoke means all."""

SIGNAL_NAMES: Final = tuple(one.name for one in SIGNALS)
