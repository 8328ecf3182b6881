"""May a request go to this host, for this hook, now? Pure.

Both are the same machine with different rules for when it opens. Closed: everything goes. Open:
nothing goes until a time. Then one request is the probe: its success closes the breaker, its
failure opens it for twice as long.

A host is put to sleep when its errors exceed its successes, as in the field. There the events that
come meanwhile are skipped; here they wait and are sent afterwards.
Source: particle cloud notes §3.9.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

State = Literal["closed", "open", "probing"]

WINDOW_S = 60.0
"""Seconds over which errors and successes are compared."""

HOST_MIN_ERRORS = 10
"""Fewer errors than this put no host to sleep: one device with a bad minute is no outage."""

FIRST_PAUSE_S = 30.0
"""Seconds of the first opening; each one that follows at once lasts twice as long."""

MAX_PAUSE_S = 600.0

PROBE_LIMIT_S = 60.0
"""Seconds after which a probe that nobody reported back from is given to another request."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known; times are monotonic seconds.

    Attributes:
        until_s: open until then; while probing, when the probe is given up.
        openings: how often it opened since it last worked.
        errors, successes, window_s: within the window that began at ``window_s``.
        in_a_row: failures since the last success.
    """

    state: State = "closed"
    until_s: float = 0.0
    openings: int = 0
    errors: int = 0
    successes: int = 0
    window_s: float = 0.0
    in_a_row: int = 0


@dataclass(frozen=True, slots=True)
class Go:
    """The request may go; what happens must be recorded with ``probe``."""

    breaker: Breaker
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before this time (monotonic seconds)."""

    until_s: float


Opens = Callable[[Breaker], bool]


def host_rule(breaker: Breaker) -> bool:
    """Whether a host must sleep: its errors exceed its successes."""
    return breaker.errors >= HOST_MIN_ERRORS and breaker.errors > breaker.successes


def hook_rule(failures: int) -> Opens:
    """Whether a hook's breaker opens: so many failures in a row; 0 for never."""
    return lambda breaker: 0 < failures <= breaker.in_a_row


def admit(breaker: Breaker, now_s: float) -> Go | Wait:
    """Whether a request may go now."""
    if breaker.state == "closed":
        return Go(breaker)
    if now_s < breaker.until_s:
        return Wait(breaker.until_s)
    return Go(replace(breaker, state="probing", until_s=now_s + PROBE_LIMIT_S), probe=True)


def record(
    breaker: Breaker, *, ok: bool, probe: bool, now_s: float, opens: Opens, scale: float = 1.0
) -> Breaker:
    """The breaker after a request ended.

    Args:
        breaker: as it is known now, not as ``admit`` gave it.
        ok: whether it succeeded.
        probe: what ``admit`` said of it.
        now_s: monotonic seconds.
        opens: the rule.
        scale: shrinks the pauses, for tests and measurements.
    """
    if probe:
        return Breaker(window_s=now_s) if ok else _opened(breaker, now_s, scale)
    if breaker.state != "closed":
        return breaker  # it was under way when the breaker opened, and tells nothing new
    if now_s - breaker.window_s > WINDOW_S:
        breaker = replace(breaker, errors=0, successes=0, window_s=now_s)
    if ok:
        return replace(breaker, successes=breaker.successes + 1, in_a_row=0)
    breaker = replace(breaker, errors=breaker.errors + 1, in_a_row=breaker.in_a_row + 1)
    return _opened(breaker, now_s, scale) if opens(breaker) else breaker


def give_back(breaker: Breaker, now_s: float) -> Breaker:
    """The breaker when its probe was not sent after all: the next request is one."""
    return replace(breaker, state="open", until_s=now_s) if breaker.state == "probing" else breaker


def _opened(breaker: Breaker, now_s: float, scale: float) -> Breaker:
    pause_s = min(FIRST_PAUSE_S * 2**breaker.openings, MAX_PAUSE_S) * scale
    return replace(
        breaker,
        state="open",
        until_s=now_s + pause_s,
        openings=breaker.openings + 1,
        errors=0,
        successes=0,
    )
