"""Counts of a fleet over time: what is counted, and how minutes become points. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Metric = Literal[
    "online",
    "events",
    "functions.success",
    "functions.failure",
    "functions.offline",
    "variables.success",
    "variables.failure",
    "variables.offline",
    "hooks.success",
    "hooks.failure",
    "hooks.sleep",
]

Panel = Literal["online", "events", "integration", "functions", "variables"]

PANELS: Mapping[Panel, Mapping[str, Metric]] = {
    "online": {"count": "online"},
    "events": {"received": "events"},
    "integration": {
        "success": "hooks.success",
        "failure": "hooks.failure",
        "sleep": "hooks.sleep",
    },
    "functions": {
        "success": "functions.success",
        "failure": "functions.failure",
        "offline": "functions.offline",
    },
    "variables": {
        "success": "variables.success",
        "failure": "variables.failure",
        "offline": "variables.offline",
    },
}
"""The keys of each panel's points, and what they count. Source: particle cloud notes §2.16."""

MINUTE_MS = 60_000

MAX_POINTS = 3_000
"""Points of one answer: thirty days in quarters of an hour."""


@dataclass(frozen=True, slots=True)
class FleetFilter:
    """Which devices count; None for any.

    Attributes:
        group: name of a group.
        firmware: product firmware version.
        system: release of Device OS, as ``6.2.0``.
    """

    group: str | None = None
    firmware: int | None = None
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A range of time cut into points.

    Attributes:
        first, last: minutes since 1970, the last one exclusive.
        width: minutes of a point.
    """

    first: int
    last: int
    width: int

    @property
    def points(self) -> list[int]:
        """The minute at which each point begins."""
        return list(range(self.first - self.first % self.width, self.last, self.width))


def make_window(start_ms: int, end_ms: int, bucket_s: int) -> Window:
    """The window of a question; points are whole minutes, and begin at multiples of their width."""
    return Window(start_ms // MINUTE_MS, -(-end_ms // MINUTE_MS), max(1, -(-bucket_s // 60)))


def to_points(
    panel: Panel, window: Window, counts: Iterable[tuple[str, int, int]]
) -> list[tuple[int, dict[str, int]]]:
    """The points of a panel, each by the minute at which it begins; zeros have no key.

    Args:
        panel: which.
        window: from when to when.
        counts: (metric, minute at which its point begins, how many).
    """
    names = {metric: key for key, metric in PANELS[panel].items()}
    found: dict[int, dict[str, int]] = {}
    for metric, minute, count in counts:
        if count:
            point = found.setdefault(minute, {})
            point[names[metric]] = point.get(names[metric], 0) + count  # type: ignore[index]
    return [(minute, found.get(minute, {})) for minute in window.points]
