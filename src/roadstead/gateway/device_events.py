"""What an event of a device means to the server, told by its name alone.

Device OS speaks to the server by events with reserved names; applications publish under all
others. Names that the server itself uses to speak about a device are refused from devices, so that
no firmware can pretend that another thing happened to it.
Source: device protocol notes §3.15, §3.16, §5.1, §5.5, §5.7.
"""

from enum import Enum, auto
from typing import Literal


class Meaning(Enum):
    """What the server does with an event beside, or instead of, publishing it."""

    ORDINARY = auto()
    """Published and nothing else."""
    CLAIM_CODE = auto()
    """A secret that proves who set the device up; never published."""
    SAFE_MODE = auto()
    """Published; the device runs without its application."""
    UPDATES_ENABLED = auto()
    """Published and kept; comes with every connect."""
    UPDATES_FORCED = auto()
    """Published and kept."""
    ASKS_FACT = auto()
    """A question to the server, answered to this device; never published."""
    HARDWARE_FACT = auto()
    """A number that the Hello of Device OS 3.0 and later carries; kept, never published."""
    REFUSED = auto()
    """A name that only the server uses."""


Fact = Literal["name", "ip", "random"]

_EXACT = {
    "spark/device/claim/code": Meaning.CLAIM_CODE,
    "spark/device/safemode": Meaning.SAFE_MODE,
    "particle/device/updates/enabled": Meaning.UPDATES_ENABLED,
    "particle/device/updates/forced": Meaning.UPDATES_FORCED,
    "spark/hardware/max_binary": Meaning.HARDWARE_FACT,
    "spark/hardware/ota_chunk_size": Meaning.HARDWARE_FACT,
    "spark/device/name": Meaning.ASKS_FACT,
    "spark/device/ip": Meaning.ASKS_FACT,
    "spark/device/random": Meaning.ASKS_FACT,
    "particle/device/name": Meaning.ASKS_FACT,
    "particle/device/ip": Meaning.ASKS_FACT,
    "particle/device/random": Meaning.ASKS_FACT,
}

_SERVERS_OWN = (
    "spark/status",
    "spark/flash/",
    "spark/device/app-hash",
    "spark/device/diagnostics/",
    "spark/safe-mode-updater/",
    "particle/firmware/",
    "particle/device/updates/pending",
)

_FACTS: dict[str, Fact] = {"name": "name", "ip": "ip", "random": "random"}


def meaning_of(name: str) -> Meaning:
    """The meaning of an event that a device published under this name."""
    # Nearly every event is an application's; two letters tell it.
    if name[:1] not in "sSpP":
        return Meaning.ORDINARY
    lowered = name.lower()
    if not lowered.startswith(("spark", "particle")):
        return Meaning.ORDINARY
    if lowered.startswith(_SERVERS_OWN):
        return Meaning.REFUSED
    return _EXACT.get(name, Meaning.ORDINARY)


def asked_fact(name: str) -> Fact:
    """Which fact an event of meaning ``ASKS_FACT`` asks for."""
    return _FACTS[name.rpartition("/")[2]]
