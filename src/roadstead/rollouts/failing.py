"""Whether a device failed after its clock of a stage started: yes, no, or too early to say.

The same rule for updated devices and for the control. A device that sleeps is given the time that
its own pattern needs; one that vanishes counts as failed. Pure. Spec: rollout gate §4.
"""

from dataclasses import dataclass
from typing import Final, Literal

INSTALL_ALLOWANCE_S: Final = 3600
"""Time that an installation may take before a device is missed."""

GAP_LEAST_S: Final = 15 * 60
GAP_MOST_S: Final = 7 * 86_400
"""Bounds of a device's usual gap."""

GAPS_ALLOWED: Final = 3
"""Usual gaps that may pass before a silent device counts as not back."""

DORMANT_AFTER_GAPS: Final = 2
"""A device silent for longer than so many of its gaps belongs to neither group."""

BOOT_LOOP_RESETS: Final = 3
BOOT_LOOP_S: Final = 3600
"""So many unexpected restarts within so many seconds are a boot loop."""

QUIET_S: Final = 86_400
"""A device that published on each of the three days before must publish within this time, and its
usual gap."""

NOTHING_YET_S: Final = 22 * 3600
"""The same for one that has published nothing at all since its clock started: a little less, for
clocks start after their stage opened, and the look that ends a soak of a day must be able to tell.
One that has published since is given the whole day: it may publish once a day, at its hour."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long devices are waited for; the defaults suit products in the field.

    Attributes:
        install_s: time that an installation may take before a device is missed.
        least_gap_s: shortest usual gap that is believed.
    """

    install_s: float = INSTALL_ALLOWANCE_S
    least_gap_s: float = GAP_LEAST_S


DEFAULT_PATIENCE: Final = Patience()

Condition = Literal["pending", "fine", "failed"]
Failure = Literal["not_back", "vanished", "boot_loop", "silent_application"]

FAILURE_TEXTS: Final[dict[str, str]] = {
    "not_back": "did not come back in the time that its own pattern allows",
    "vanished": "came back and then fell silent for longer than its own pattern allows",
    "boot_loop": "restarted unexpectedly three times within one hour",
    "silent_application": "is connected but has published nothing for a day, against its habit",
}


@dataclass(frozen=True, slots=True)
class DeviceTrace:
    """What is known of a device since its clock started; times in Unix seconds.

    Attributes:
        clock_s: first contact after the stage opened; None while there was none.
        gap_s: its usual gap: 95th percentile of the last 14 days, not bounded yet.
        last_contact_s: last sign of life; of a device that is connected, now.
        back_at_s: first contact after the installation had its time; None while there was none.
        boot_loop_at_s: when it last was in a boot loop; None for never.
        last_published_s: last event of its application; None for never.
        published_daily: it published on each of the three days before the clock started.
    """

    clock_s: int | None
    gap_s: float
    last_contact_s: int
    back_at_s: int | None = None
    boot_loop_at_s: int | None = None
    last_published_s: int | None = None
    published_daily: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """The verdict on one device.

    Attributes:
        condition: ``failed`` also when it has recovered since.
        failure: why, when failed.
        present: the same by its state now: a late return is fine again.
    """

    condition: Condition
    failure: Failure | None = None
    present: Condition = "pending"


def usual_gap_s(gap_s: float, patience: Patience = DEFAULT_PATIENCE) -> float:
    """A gap within the bounds."""
    return min(max(gap_s, patience.least_gap_s), GAP_MOST_S)


def grace_s(gap_s: float, patience: Patience = DEFAULT_PATIENCE) -> float:
    """How long a device may be silent before it is missed."""
    return patience.install_s + GAPS_ALLOWED * usual_gap_s(gap_s, patience)


def is_eligible(
    last_contact_s: int, gap_s: float, now_s: int, patience: Patience = DEFAULT_PATIENCE
) -> bool:
    """Whether a device counts when a rollout is made; a dormant one is updated when it wakes."""
    return now_s - last_contact_s <= DORMANT_AFTER_GAPS * usual_gap_s(gap_s, patience)


def check(trace: DeviceTrace, now_s: int, patience: Patience = DEFAULT_PATIENCE) -> Health:
    """What became of a device."""
    clock = trace.clock_s
    if clock is None:
        return Health("pending")
    if trace.boot_loop_at_s is not None and trace.boot_loop_at_s >= clock:
        still = now_s - trace.boot_loop_at_s < BOOT_LOOP_S
        return Health("failed", "boot_loop", "failed" if still else "fine")
    grace = grace_s(trace.gap_s, patience)
    limit = clock + grace
    if now_s < limit and trace.back_at_s is None:
        return Health("pending")
    gone = now_s - trace.last_contact_s > grace
    if trace.back_at_s is None or trace.back_at_s > limit:
        away = gone or trace.back_at_s is None
        return Health("failed", "not_back", "failed" if away else "fine")
    if gone:
        return Health("failed", "vanished", "failed")
    if _application_fell_silent(trace, clock, now_s, patience):
        return Health("failed", "silent_application", "failed")
    return Health("fine", None, "fine")


def _application_fell_silent(
    trace: DeviceTrace, clock_s: int, now_s: int, patience: Patience
) -> bool:
    if not trace.published_daily:
        return False
    published_s = trace.last_published_s or 0
    gap_s = usual_gap_s(trace.gap_s, patience)
    if published_s < clock_s:
        return now_s - clock_s >= NOTHING_YET_S + gap_s
    return now_s - published_s >= QUIET_S + gap_s
