"""The replay window: which record numbers were seen. Spec: RFC 6347 §4.1.2.6.

Kept as two integers by their owner: the highest number seen (-1: none yet) and a window whose bit
``n`` stands for ``highest - n``.
"""

from roadstead.protocol.dtls.limits import REPLAY_WINDOW

ALL_SEEN = (1 << REPLAY_WINDOW) - 1
"""A window in which nothing below the highest number is accepted."""


def is_repeat(highest: int, window: int, sequence: int) -> bool:
    """True if this number was seen before, or is too old to know."""
    age = highest - sequence
    if age < 0:
        return False
    return age >= REPLAY_WINDOW or bool(window >> age & 1)


def note(highest: int, window: int, sequence: int) -> tuple[int, int]:
    """Highest number and window after ``sequence``, which must be no repeat, authenticated."""
    step = sequence - highest
    if step <= 0:
        return highest, window | 1 << -step
    if step >= REPLAY_WINDOW:
        return sequence, 1
    return sequence, (window << step | 1) & ALL_SEEN
