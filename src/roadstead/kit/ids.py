"""Identifiers as the field writes them.

Shapes: an object id (users, firmware, webhooks …) is 24 lower-case hex digits, a device id too;
an access token is 40 lower-case hex digits; an event id is a 63-bit number that grows with time.
"""

import re
import secrets
import time

_DEVICE_ID = re.compile(r"[0-9a-fA-F]{24}")

EVENT_COUNTER_BITS = 20
"""Low bits of an event id that count events within one millisecond (a million of them)."""


def new_object_id() -> str:
    """A new 24-hex id: four bytes of Unix time, then eight random bytes."""
    return int(time.time()).to_bytes(4, "big").hex() + secrets.token_hex(8)


def new_access_token() -> str:
    """A new access token: 40 hex digits, 160 random bits."""
    return secrets.token_hex(20)


def parse_device_id(text: str) -> str | None:
    """The device id in its one written form (24 lower-case hex digits), or None if it is none."""
    return text.lower() if _DEVICE_ID.fullmatch(text) else None


class EventIds:
    """Hands out event ids that grow strictly: Unix milliseconds, then a counter.

    Not safe to share between threads; one process holds one.
    """

    def __init__(self) -> None:
        self._last = 0

    def go_on_after(self, last: int) -> None:
        """Every later id is above this one, whatever the clock says."""
        self._last = max(self._last, last)

    def next(self, now_ms: int) -> int:
        """The next id, never below or equal to the one before, even if the clock steps back."""
        candidate = now_ms << EVENT_COUNTER_BITS
        self._last = candidate if candidate > self._last else self._last + 1
        return self._last
