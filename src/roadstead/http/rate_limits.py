"""How often one address may ask: a count per window, kept in memory.

The general limit spares callers on this very machine, among them the operator's own tools; the
limits of what guesses or makes accounts count for everybody. They end with the process.

Source: particle cloud notes §2.0.3.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from roadstead.http.callers import Caller
from roadstead.kit.addresses import caller_key
from roadstead.kit.clock import Clock
from roadstead.kit.errors import TooMany

WINDOW_S = 300.0
"""Seconds of a window. Source: particle cloud notes §2.0.3."""

REQUESTS_PER_WINDOW = 10_000
"""Requests of one address, whatever they ask."""

SENSITIVE_PER_WINDOW = 100
"""Requests of one address to each operation that guesses, makes or removes accounts."""

STREAMS_PER_WINDOW = 100
"""Event streams that one address may open."""

MAX_COUNTS = 100_000
"""Counts kept, about 20 MB; the one that was not used for longest goes first."""

SENSITIVE = frozenset(
    {
        "create_token",
        "list_tokens",
        "revoke_token",
        "create_user",
        "delete_user",
        "request_password_reset",
        "reset_password",
        "reset_password_page",
        "submit_login_page",
        "create_customer",
        "request_customer_reset",
        "decide_invitation_page",
    }
)
"""Names of the operations with a limit of their own."""

_STREAMS = "event streams"


@dataclass(slots=True)
class _Count:
    since_s: float
    number: int = 0


class RateLimits:
    """Counts requests.

    Args:
        clock: for the windows.
        enabled: False lets everything pass.
    """

    def __init__(self, clock: Clock, *, enabled: bool) -> None:
        self._clock = clock
        self._enabled = enabled
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()

    def admit(self, caller: Caller, operations: Iterable[str], *, streams: bool) -> None:
        """Counts one request.

        Args:
            caller: where it comes from.
            operations: names of the operations that it may turn out to be.
            streams: it opens an event stream.

        Raises:
            TooMany: ``rate_limited``, with the seconds until the window ends.
        """
        if not self._enabled:
            return
        key = caller_key(caller.address)
        if not caller.is_local:
            self._count(key, "", REQUESTS_PER_WINDOW)
            if streams:
                self._count(key, _STREAMS, STREAMS_PER_WINDOW)
        for name in SENSITIVE.intersection(operations):
            self._count(key, name, SENSITIVE_PER_WINDOW)

    def _count(self, address: str, what: str, limit: int) -> None:
        now = self._clock.monotonic()
        count = self._counts.get((address, what))
        if count is None or now - count.since_s >= WINDOW_S:
            count = self._counts[address, what] = _Count(now)
        self._counts.move_to_end((address, what))
        if len(self._counts) > MAX_COUNTS:
            self._counts.popitem(last=False)
        count.number += 1
        if count.number > limit:
            left_s = int(count.since_s + WINDOW_S - now) + 1
            raise TooMany(
                "rate_limited",
                f"Your address has asked this {limit} times within {WINDOW_S / 60:.0f} minutes, "
                f"the limit; come back in {left_s} s.",
                {"retry_after_s": left_s},
            )
