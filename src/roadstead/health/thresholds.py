"""From which figure on a device counts as in trouble; set for each product. Pure.

The defaults are choices: the field publishes none. They are meant to be quiet for a device that is
well and early enough for one that is not; docs/fleet-health.md says why each is what it is.
"""

from typing import Final

import msgspec

from roadstead.kit.errors import Invalid

MOST: Final = 1_000_000_000.0
"""No threshold lies above this."""


class HealthLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two figures of one check; null switches that step off.

    Attributes:
        warning: from here on a device is worth a look.
        unhealthy: from here on it needs somebody.
    """

    warning: float | None = None
    unhealthy: float | None = None


class HealthThresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All thresholds of a product.

    Attributes:
        contact_h: hours without a sign of life, of a device that is not connected.
        vitals_age_h: hours since the last vitals.
        memory_used_percent: used memory of all.
        restarts_per_day: restarts that nobody asked for, within a day.
        battery_percent: charge; below.
        signal_strength_percent: below.
        signal_quality_percent: below.
        network_disconnects_per_day: since the device started, at least a day taken.
        cloud_disconnects_per_day: likewise.
        round_trip_ms: of the device's messages.
        unacknowledged_percent: messages that nobody acknowledged, of all since it started.
        rate_limited: events that the device held back because it published too fast.
    """

    contact_h: HealthLimit = HealthLimit(24, 72)
    vitals_age_h: HealthLimit = HealthLimit(48, None)
    memory_used_percent: HealthLimit = HealthLimit(80, 95)
    restarts_per_day: HealthLimit = HealthLimit(1, 3)
    battery_percent: HealthLimit = HealthLimit(25, 10)
    signal_strength_percent: HealthLimit = HealthLimit(35, 15)
    signal_quality_percent: HealthLimit = HealthLimit(35, 15)
    network_disconnects_per_day: HealthLimit = HealthLimit(3, 20)
    cloud_disconnects_per_day: HealthLimit = HealthLimit(3, 20)
    round_trip_ms: HealthLimit = HealthLimit(2_000, 10_000)
    unacknowledged_percent: HealthLimit = HealthLimit(5, 20)
    rate_limited: HealthLimit = HealthLimit(1, None)


SHIPPED: Final = HealthThresholds()

BELOW: Final = frozenset({"battery_percent", "signal_strength_percent", "signal_quality_percent"})
"""Where less is worse."""


def limit_of(thresholds: HealthThresholds, name: str) -> HealthLimit:
    """The limit of one check, by the name of its field."""
    found: HealthLimit = getattr(thresholds, name)
    return found


def check_thresholds(thresholds: HealthThresholds) -> HealthThresholds:
    """The thresholds themselves, if they make sense.

    Raises:
        Invalid: ``bad_threshold``: a figure outside its range, or "unhealthy" on the milder side.
    """
    for name in HealthThresholds.__struct_fields__:
        limit = limit_of(thresholds, name)
        most = 100.0 if name.endswith("_percent") else MOST
        for step in ("warning", "unhealthy"):
            figure = getattr(limit, step)
            if figure is not None and not 0 <= figure <= most:
                raise _bad(f"{name}.{step} must lie between 0 and {most:,.0f}, or be null.")
            if figure == 0 and name not in BELOW:
                raise _bad(f"{name}.{step} must be above 0: at 0 every device would be in trouble.")
        mild, grave = limit.warning, limit.unhealthy
        if mild is None or grave is None:
            continue
        if name in BELOW and grave > mild:
            raise _bad(f"{name}: less is worse, so unhealthy must not be above warning.")
        if name not in BELOW and grave < mild:
            raise _bad(f"{name}: more is worse, so unhealthy must not be below warning.")
    return thresholds


def _bad(text: str) -> Invalid:
    return Invalid("bad_threshold", text)
