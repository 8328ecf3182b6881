"""How many events a device may publish, where the operator limits that.

Device OS keeps its applications to one event a second with bursts of four, and its own events to
255 in about 65 seconds. A server holds them to the same if a setting says so: a changed firmware
could do otherwise. An event beyond the limit is answered with 4.29 and not stored.
Source: particle cloud notes §3.6.2; device protocol notes §3.7.
"""

BURST_SECONDS = 4
"""An application may publish so many seconds' events at once."""

SYSTEM_BURST = 255
SYSTEM_WINDOW_S = 65.0
"""The system's own events, by Device OS's own limit."""

SYSTEM_PREFIXES = ("spark", "particle")

MAX_KEPT = 100_000
"""Devices whose allowance is remembered; the others have all of theirs."""

Allowance = tuple[float, float]
"""Events that may come now, and the monotonic time of that."""


class EventRate:
    """The allowances of all devices.

    Args:
        per_s: application events of one device in a second, on average.
    """

    __slots__ = ("_application", "_per_s", "_system")

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._application: dict[str, Allowance] = {}
        self._system: dict[str, Allowance] = {}

    def take(self, device_id: str, name: str, now: float) -> bool:
        """Counts one event; False when it is beyond the limit.

        Args:
            device_id: who publishes.
            name: the event's name, which tells the system's own.
            now: monotonic seconds.
        """
        if name.startswith(SYSTEM_PREFIXES):
            return _take(self._system, device_id, SYSTEM_BURST / SYSTEM_WINDOW_S, SYSTEM_BURST, now)
        burst = max(1.0, self._per_s * BURST_SECONDS)
        return _take(self._application, device_id, self._per_s, burst, now)


def _take(
    kept: dict[str, Allowance], device_id: str, per_s: float, burst: float, now: float
) -> bool:
    left, at = kept.get(device_id, (burst, now))
    left = min(burst, left + per_s * (now - at))
    if left < 1.0:
        kept[device_id] = (left, now)
        return False
    if len(kept) >= MAX_KEPT:
        # Whoever is forgotten has a whole burst again, which is less than a second's events.
        kept.clear()
    kept[device_id] = (left - 1.0, now)
    return True
