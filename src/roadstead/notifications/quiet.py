"""When is it night for somebody? Pure."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roadstead.kit.errors import Invalid
from roadstead.notifications.model import QuietTime

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def quiet_until(now: datetime, quiet: QuietTime) -> datetime | None:
    """The end of the quiet time that ``now`` lies in; None when it lies in none.

    Clock times are those of the time zone, also where a day has 23 or 25 hours.
    """
    zone = ZoneInfo(quiet.time_zone)
    begin, end = _time(quiet.begin), _time(quiet.end)
    local = now.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        starts = datetime.combine(day, begin, zone).astimezone(UTC)
        last = day if begin < end else day + timedelta(days=1)
        ends = datetime.combine(last, end, zone).astimezone(UTC)
        if starts <= now < ends:
            return ends
    return None


def check_quiet(quiet: QuietTime) -> None:
    """Refuses what cannot be meant.

    Raises:
        Invalid: ``bad_preferences``.
    """
    for name, text in (("begin", quiet.begin), ("end", quiet.end)):
        if not _CLOCK.fullmatch(text):
            raise Invalid("bad_preferences", f"quiet.{name} must be a clock time like 22:00.")
    if quiet.begin == quiet.end:
        raise Invalid("bad_preferences", "quiet.begin and quiet.end must differ.")
    try:
        ZoneInfo(quiet.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            "bad_preferences", f"quiet.timeZone {quiet.time_zone!r} is no time zone."
        ) from None


def _time(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    assert found is not None
    return time(int(found[1]), int(found[2]))
