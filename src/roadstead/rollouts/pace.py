"""How many devices get their offer now: a pace per minute, limits on what is under way. Pure."""

from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Final

BATCH: Final = 200
"""Offers written in one step, so that a step is short however large the rollout is."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a rollout may take; None for no limit of its own.

    Attributes:
        devices_per_minute: offers per minute.
        concurrent: devices under way at once: offered, connected, not yet done.
        bytes_per_minute: size of the version times offers per minute.
    """

    devices_per_minute: int | None = None
    concurrent: int | None = None
    bytes_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """Offers that may go out now; ``wait_s`` when none may, until it is worth asking again."""

    offers: int
    wait_s: float


def allow(
    pace: Pace,
    *,
    size_bytes: int,
    left: int,
    under_way: int,
    last_offer_at: datetime | None,
    now: datetime,
) -> Allowance:
    """How many of ``left`` devices may be offered now.

    The pace saves up at most one minute, so that a server that was away does not catch up at once.
    """
    offers = min(left, BATCH)
    if pace.concurrent is not None:
        offers = min(offers, pace.concurrent - under_way)
        if offers <= 0:
            return Allowance(0, 15.0)
    rate = _rate(pace, size_bytes)
    if rate is None or offers == 0:
        return Allowance(offers, 0.0)
    if last_offer_at is None:
        saved = max(1.0, rate / 6)
    else:
        saved = rate * min((now - last_offer_at).total_seconds() / 60, 1.0)
    whole = floor(saved + 1e-9)
    if whole < 1:
        return Allowance(0, (1.0 - saved) * 60 / rate)
    return Allowance(min(offers, whole), 0.0)


def _rate(pace: Pace, size_bytes: int) -> float | None:
    """Offers per minute; less than one is possible."""
    rates: list[float] = []
    if pace.devices_per_minute is not None:
        rates.append(float(pace.devices_per_minute))
    if pace.bytes_per_minute is not None and size_bytes > 0:
        rates.append(pace.bytes_per_minute / size_bytes)
    return min(rates, default=None)
