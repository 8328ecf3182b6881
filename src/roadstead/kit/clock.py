"""Time, read in one place.

Pure modules take ``now`` (monotonic seconds) or a ``datetime`` as an argument; the edges hold a
Clock and pass its readings inwards, so that tests can move time by hand.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Where the edges read time from."""

    def now(self) -> datetime:
        """The wall-clock time, aware, UTC."""

    def now_ms(self) -> int:
        """The wall-clock time in Unix milliseconds; for hot paths."""

    def monotonic(self) -> float:
        """Seconds that only grow; for deadlines and timers."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The wall-clock time, aware, UTC."""
        return datetime.now(UTC)

    def now_ms(self) -> int:
        """The wall-clock time in Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that only grow; for deadlines and timers."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved; for simulations and tests."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """The wall-clock time that was set."""
        return self._now

    def now_ms(self) -> int:
        """The wall-clock time that was set, in Unix milliseconds."""
        return to_ms(self._now)

    def monotonic(self) -> float:
        """The monotonic time that was set."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Moves both readings forward by ``seconds``."""
        self._now = datetime.fromtimestamp(self._now.timestamp() + seconds, UTC)
        self._monotonic += seconds


def to_ms(moment: datetime) -> int:
    """Unix milliseconds of an aware datetime."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC datetime of Unix milliseconds."""
    return _EPOCH + milliseconds * _MILLISECOND


def iso_ms(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and ``Z``, as the public API writes times."""
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )
