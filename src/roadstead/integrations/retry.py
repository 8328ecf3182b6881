"""When is a delivery tried again? Pure.

Three attempts: at once, after 30 seconds, after a further minute; then it has failed and can be
replayed. A hook may ask for more, with longer and longer pauses. What another attempt cannot
change is not repeated.

Source: particle cloud notes §3.9; Standard Webhooks for 410 and Retry-After.
"""

from dataclasses import dataclass

from roadstead.outbound.http_messages import FailureKind

FIRST_PAUSE_S = 30.0
"""Seconds before the second attempt; each further pause is twice the one before."""

MAX_PAUSE_S = 3600.0

MAX_ATTEMPTS = 20
"""Most attempts that may be asked for: about half a day."""

MAX_RETRY_AFTER_S = 900.0
"""A receiver may ask for a later attempt, but not for ever."""

MAX_AGE_S = 86_400.0
"""A delivery that could not be tried for a day (its host asleep, its hook disabled) has expired."""

GONE = 410

_FINAL: frozenset[str] = frozenset({"refused_target", "bad_url", "bad_template"})

Reason = FailureKind | str


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after so many seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It has failed; ``rejected`` when no attempt could ever succeed."""

    rejected: bool = False


def succeeded(status: int | None) -> bool:
    """Whether an answer of this status means that the delivery arrived."""
    return status is not None and 200 <= status < 300


def next_attempt(
    made: int,
    *,
    max_attempts: int,
    status: int | None = None,
    failure: Reason | None = None,
    retry_after_s: float | None = None,
    scale: float = 1.0,
) -> Retry | GiveUp:
    """What follows a failed attempt.

    Args:
        made: attempts made so far, this one included.
        max_attempts: how many there may be.
        status: of the answer, if there was one.
        failure: why there was none.
        retry_after_s: what the receiver asked for.
        scale: shrinks the pauses, for tests and measurements.
    """
    if failure in _FINAL:
        return GiveUp(rejected=True)
    if made >= max_attempts or status == GONE:
        return GiveUp()
    pause_s = min(FIRST_PAUSE_S * 2 ** (made - 1), MAX_PAUSE_S) * scale
    if retry_after_s is not None:
        pause_s = max(pause_s, min(retry_after_s, MAX_RETRY_AFTER_S))
    return Retry(pause_s)


def parse_retry_after(text: str | None) -> float | None:
    """Seconds of a Retry-After header; None for none, and for a date. Spec: RFC 9110 §10.2.3."""
    return float(text) if text and text.isascii() and text.isdecimal() and len(text) < 8 else None
