"""The order in which devices get a release: drawn by hash, once, for the whole rollout.

Random order is the foundation of the gate: an exact test is valid because nothing about a device
(its place, its age, whether it is online) can have put it first.
"""

from collections.abc import Iterable
from hashlib import sha256


def draw_number(rollout_id: str, device_id: str) -> int:
    """A number of 63 bits that orders the device within this rollout, and in no other alike."""
    digest = sha256(f"{rollout_id}/{device_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def in_order(rollout_id: str, device_ids: Iterable[str]) -> list[str]:
    """The devices in the order of the rollout."""
    return sorted(device_ids, key=lambda one: (draw_number(rollout_id, one), one))
