"""Words for why a device started anew. Pure."""

from typing import Final

from roadstead.health.vital_words import RESET_REASONS

EVENT_NAME: Final = "spark/device/last_reset"
"""Event by which a device tells why it started; its data begins with the reason."""

UNEXPECTED: Final = ("panic", "watchdog", "power_brownout", "update_error", "update_timeout")
"""Beginnings of the reasons that nobody asked for. What people and updates cause is none."""

OTHER: Final = "other"

_WORDS: Final = frozenset(RESET_REASONS.values())


def is_unexpected(reason: str) -> bool:
    """Nobody asked for this restart."""
    return reason.strip().lower().startswith(UNEXPECTED)


def word_of(reason: str) -> str:
    """The field's word for a reason as a device wrote it; ``other`` for what is none."""
    word = reason.split(",", 1)[0].strip().lower()[:40]
    return word if word in _WORDS else OTHER
