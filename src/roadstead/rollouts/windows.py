"""Times of the day at which devices may be updated, in each device's own local time. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roadstead.kit.errors import Invalid

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")

_SEARCH_DAYS: Final = 8
"""Days ahead among which the next opening of a weekly window must be."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of local time on some days.

    Attributes:
        start_min, end_min: minutes from local midnight; an end at or before the start is on the
            next day.
        days: days of the week on which it starts, Monday is 0.
    """

    start_min: int
    end_min: int
    days: frozenset[int] = frozenset(range(7))


def parse_window(start: str, end: str, days: Sequence[str] = ()) -> Window:
    """A window as people write it: ``02:00``, ``05:00``, ``["sat", "sun"]``.

    Raises:
        Invalid: ``bad_window``.
    """
    numbers = []
    for day in days:
        if day.lower()[:3] not in DAYS:
            raise Invalid("bad_window", f"{day!r} is no day of the week, as {', '.join(DAYS)}.")
        numbers.append(DAYS.index(day.lower()[:3]))
    window = Window(_minutes(start), _minutes(end), frozenset(numbers or range(7)))
    if window.start_min == window.end_min:
        raise Invalid("bad_window", "A window must last for some time; leave it out for all day.")
    return window


def _minutes(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise Invalid("bad_window", f"{text!r} is no time of the day, as 02:30.")
    return 24 * 60 if match[1] is None else int(match[1]) * 60 + int(match[2])


def parse_zone(name: str) -> ZoneInfo:
    """A time zone by its name, as ``Europe/Berlin``.

    Raises:
        Invalid: ``bad_time_zone``.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        text = f"{name!r} is no time zone; write one as Europe/Berlin or UTC."
        raise Invalid("bad_time_zone", text) from error


def zone_of(groups: Sequence[str], by_group: Mapping[str, str], default: str) -> str:
    """The time zone of a device: of the first of its groups that has one, else the default."""
    return next((by_group[one] for one in sorted(groups) if one in by_group), default)


def opens_at(window: Window, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the window opens next; None while it is open."""
    local = now.astimezone(zone)
    openings: list[datetime] = []
    for ahead in range(-1, _SEARCH_DAYS):
        day = local.date() + timedelta(days=ahead)
        if day.weekday() not in window.days:
            continue
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        last_min = window.end_min + (24 * 60 if window.end_min <= window.start_min else 0)
        # Wall-clock arithmetic, then UTC: on the days of a clock change the hours differ.
        start = (midnight + timedelta(minutes=window.start_min)).astimezone(UTC)
        end = (midnight + timedelta(minutes=last_min)).astimezone(UTC)
        if start <= now < end:
            return None
        if start > now:
            openings.append(start)
    return min(openings)
