"""What a fleet's trends are, and how sums become points. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from roadstead.health.condition import HOUR_MS

TrendName = Literal[
    "states", "reasons", "versions", "connects", "sessions", "offline", "resets", "updates"
]


class Gauge(NamedTuple):
    """One sum."""

    device_group: str
    measure: str
    firmware: int
    system: str
    label: str
    devices: int


class Hours(NamedTuple):
    """A range of hours since 1970, cut into points.

    Attributes:
        first, last: the last one exclusive.
        width: hours of a point; points begin at multiples of it.
    """

    first: int
    last: int
    width: int

    @property
    def points(self) -> list[int]:
        """The hour at which each point begins."""
        return list(range(self.first - self.first % self.width, self.last, self.width))


class Trend(NamedTuple):
    """Where a trend comes from.

    Attributes:
        measure: of the sums.
        gauge: its points say how many there were at their end; others, how often in their time.
        by_firmware: a label is a firmware version.
    """

    measure: str
    gauge: bool = False
    by_firmware: bool = False


TRENDS: Final[Mapping[TrendName, Trend]] = {
    "states": Trend("state", gauge=True),
    "reasons": Trend("reason", gauge=True),
    "versions": Trend("devices", gauge=True, by_firmware=True),
    "connects": Trend("connects"),
    "sessions": Trend("sessions"),
    "offline": Trend("offline"),
    "resets": Trend("resets"),
    "updates": Trend("updates"),
}

MAX_POINTS: Final = 2_300
"""A quarter of a year by the hour."""

Points = list[tuple[int, dict[str, int]]]
"""(hour at which it begins, count by label without zeros), oldest first."""


def make_hours(start_ms: int, end_ms: int, bucket_s: int) -> Hours:
    """The hours of a question; points are whole hours, and begin at multiples of their width."""
    return Hours(start_ms // HOUR_MS, -(-end_ms // HOUR_MS), max(1, -(-bucket_s // 3600)))


def to_points(hours: Hours, added: Iterable[tuple[int, str, int]]) -> Points:
    """Points of happenings.

    Args:
        hours: from when to when.
        added: (hour at which its point begins, label, how often).
    """
    found: dict[int, dict[str, int]] = {}
    for hour, label, count in added:
        if count:
            found.setdefault(hour, {})[label] = count
    return [(hour, found.get(hour, {})) for hour in hours.points]


def to_levels(
    hours: Hours, now: Mapping[str, int], changed: Iterable[tuple[int, str, int]]
) -> Points:
    """Points of a gauge: how many there were at the end of each.

    Args:
        hours: from when to when.
        now: what the gauge says, by label.
        changed: (hour at which its point begins, label, by how much), up to now.
    """
    by_hour: dict[int, list[tuple[str, int]]] = {}
    for hour, label, by in changed:
        by_hour.setdefault(hour, []).append((label, by))
    level = dict(now)
    points: Points = []
    for hour in sorted({*hours.points, *by_hour}, reverse=True):
        if hours.points[0] <= hour < hours.last:
            points.append((hour, {label: count for label, count in level.items() if count > 0}))
        for label, by in by_hour.get(hour, ()):
            level[label] = level.get(label, 0) - by
    return points[::-1]


def sum_by(gauges: Iterable[Gauge], measure: str) -> dict[str, int]:
    """The gauges of one measure, by label."""
    found: dict[str, int] = {}
    for one in gauges:
        if one.measure == measure:
            found[one.label] = found.get(one.label, 0) + one.devices
    return found
