"""The words of events, and of subjects, that rules know. Pure."""

STATUS_EVENT = "spark/status"
RESET_EVENT = "spark/device/last_reset"
FLASH_EVENT = "spark/flash/status"
VITALS_EVENT = "spark/device/diagnostics/update"
"""Source of the names: particle cloud notes §3.6.1."""

INTENDED_RESETS = frozenset(
    {"update", "user", "power_management", "factory_reset", "safe_mode", "dfu_mode", "none"}
)
"""Reasons that people, updates and sleep have; every other reset counts towards a loop."""

LAST_VERSION_OF = "version-of:"
"""Begins the subject of evidence about the version that a device was sent last."""


def hook_subject(hook_id: str, *, paused: bool) -> str:
    """The subject of an integration: of what it failed to deliver, or of its being paused."""
    return f"hook:{hook_id}:paused" if paused else f"hook:{hook_id}"
