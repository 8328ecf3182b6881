"""How many devices each stage offers the release to.

A stage is a running total: "20, then 100" means that the second stage offers to 80 more. What the
last stage leaves is the holdback, the control group of that stage; it is updated afterwards.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from roadstead.kit.errors import Invalid

ASSISTED_BELOW: Final = 30
"""Devices below which no method can tell a bad release by itself; each stage waits for a person.
Source: simulated in docs/rollouts.md."""

MAX_STAGES: Final = 20

HOLDBACK_SHARE: Final = 0.05
HOLDBACK_LEAST: Final = 3
HOLDBACK_MOST: Final = 500

_SIZE = re.compile(r"(\d{1,7})|(\d{1,3}(?:\.\d{1,3})?)\s*%")


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The running totals of the stages.

    Attributes:
        totals: devices offered when each stage is open; they grow strictly.
        holdback: devices that are left as a control, and offered after the last stage.
    """

    totals: tuple[int, ...]
    holdback: int

    @property
    def devices(self) -> int:
        """All devices of the rollout."""
        return (self.totals[-1] if self.totals else 0) + self.holdback

    def size(self, stage: int) -> int:
        """Devices that the stage adds, counted from 0."""
        return self.totals[stage] - (self.totals[stage - 1] if stage else 0)


def default_stages(devices: int) -> StagePlan:
    """The usual plan: a canary, then ever larger parts, and a holdback."""
    holdback = default_holdback(devices)
    last = devices - holdback
    if devices <= 12:
        wanted = [2, 5]
    elif devices < 40:
        wanted = [3, 10]
    else:
        wanted = [
            max(ceil(devices * 0.01), 5),
            max(ceil(devices * 0.05), 20),
            max(ceil(devices * 0.25), 60),
        ]
        wanted = [one for one in wanted if one <= 0.6 * devices]
    return StagePlan(_growing([*wanted, last], last), holdback)


def default_holdback(devices: int) -> int:
    """Devices that stay without the release until the last stage was judged."""
    if devices <= HOLDBACK_LEAST:
        return 0
    wanted = min(max(ceil(devices * HOLDBACK_SHARE), HOLDBACK_LEAST), HOLDBACK_MOST)
    return wanted if devices > 12 else 1


def plan_stages(sizes: Sequence[str], holdback: str | None, devices: int) -> StagePlan:
    """The plan that a person wrote: ``["5", "10%", "100%"]``, running totals.

    Args:
        sizes: counts or percentages; a percentage is of the devices that are not held back.
        holdback: a count or a percentage of all; None for the usual one.
        devices: all devices of the rollout.

    Raises:
        Invalid: ``bad_stages``.
    """
    if not 1 <= len(sizes) <= MAX_STAGES:
        raise Invalid("bad_stages", f"A rollout has 1 to {MAX_STAGES} stages.")
    kept = default_holdback(devices) if holdback is None else _count(holdback, devices)
    kept = min(kept, max(devices - 1, 0))
    last = devices - kept
    counts = [_count(one, last) for one in sizes]
    if any(later <= earlier for earlier, later in zip(_raw(sizes), _raw(sizes)[1:], strict=False)):
        raise Invalid(
            "bad_stages", "Each stage must be larger than the one before, as 5, 10%, 100%."
        )
    return StagePlan(_growing([*counts, last], last), kept)


def _raw(sizes: Sequence[str]) -> list[tuple[bool, float]]:
    """Sizes that compare: counts before percentages, as a canary is before a share."""
    return [(one.strip().endswith("%"), float(one.strip().rstrip("% "))) for one in sizes]


def _count(text: str, devices: int) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise Invalid(
            "bad_stages", f"{text!r} is no number of devices and no percentage, as 5 or 10%."
        )
    if match[1]:
        return int(match[1])
    share = float(match[2])
    if share > 100:
        raise Invalid("bad_stages", f"{text!r} is more than all devices.")
    return ceil(devices * share / 100)


def _growing(totals: Sequence[int], last: int) -> tuple[int, ...]:
    """The totals without what adds nothing, none above ``last``."""
    kept: list[int] = []
    for total in totals:
        limited = min(total, last)
        if limited > (kept[-1] if kept else 0):
            kept.append(limited)
    return tuple(kept)
