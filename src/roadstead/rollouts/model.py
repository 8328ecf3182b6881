"""The values of this room: a rollout, the policy it goes by, its members, its looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from roadstead.kit.errors import Invalid
from roadstead.rollouts.evidence import GateRules
from roadstead.rollouts.failing import Patience
from roadstead.rollouts.pace import Pace
from roadstead.rollouts.signals import SIGNAL_NAMES
from roadstead.rollouts.stages import default_stages, plan_stages
from roadstead.rollouts.windows import Window, parse_window, parse_zone

State = Literal[
    "preparing",
    "awaiting_approval",
    "queued",
    "running",
    "paused_by_gate",
    "paused",
    "held",
    "halted",
    "aborted",
    "finished",
]
"""``preparing``: its devices are being drawn; ``queued``: another rollout that has some goes
first; ``paused``: by a person; ``held``: a person must decide."""

OPEN_STATES: Final = ("preparing", "awaiting_approval", "queued", "running", "paused_by_gate")
"""States in which something happens by itself, or a person lets it begin."""

ENDED_STATES: Final = ("halted", "aborted", "finished")

MemberState = Literal["waiting", "offered", "updated", "failed", "skipped"]
"""``offered``: it counts as updated from here on, whether or not it has installed; ``failed``: its
installation failed; ``skipped``: it left the audience before its turn."""

MAX_SOAK_H: Final = 30 * 24.0


class WindowPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time of the day in which devices are updated, by their own clocks.

    Attributes:
        start, end: ``02:00``.
        days: ``["sat", "sun"]``; empty for all.
        time_zone: of devices of which nothing else is known.
        zones_by_group: time zone by group of devices.
    """

    start: str
    end: str
    days: tuple[str, ...] = ()
    time_zone: str = "UTC"
    zones_by_group: dict[str, str] = {}


class Ignored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signal that this version changes on purpose, with the reason shown in the report."""

    signal: str
    reason: str


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a rollout goes on. What is left out is as in ``docs/rollouts.md``.

    Attributes:
        stages: running totals, ``["5", "5%", "25%"]``; empty for the usual ones.
        holdback: devices kept as a control; None for the usual number.
        soak_h: hours that a stage is watched.
        gate: whether stages are judged; without, each opens when the one before is offered.
        watch_releases: in a product's own policy: whether its standard releases are watched.
        ignore: signals that do not count.
        devices_per_minute, concurrent, bytes_per_minute: see ``pace``; None for no limit.
        window: when devices are updated; None for always.
        consent: ``device`` leaves it to the device's own switch; ``force`` overrides it.
        approval: a second person must approve before it starts.
        rollback: after a halt the devices get the version they had before.
        priority: of two rollouts that want the same device the higher goes first.
        install_minutes: time that an installation may take before a device is missed.
        least_gap_minutes: shortest usual gap between contacts that is believed.
        cost_per_mb: what a megabyte costs over a cellular network, for the plan.
    """

    stages: tuple[str, ...] = ()
    holdback: str | None = None
    soak_h: float = 24.0
    gate: bool = True
    watch_releases: bool = True
    ignore: tuple[Ignored, ...] = ()
    devices_per_minute: int | None = None
    concurrent: int | None = None
    bytes_per_minute: int | None = None
    window: WindowPolicy | None = None
    consent: Literal["device", "force"] = "device"
    approval: bool = False
    rollback: bool = True
    priority: int = 0
    install_minutes: float = 60.0
    least_gap_minutes: float = 15.0
    cost_per_mb: float = 0.0

    @property
    def soak(self) -> timedelta:
        """How long a stage is watched."""
        return timedelta(hours=self.soak_h)

    @property
    def settle_s(self) -> int:
        """Seconds after a device's clock started in which nothing is graded: half an hour."""
        return int(min(1800, self.soak.total_seconds() / 48))

    @property
    def pace(self) -> Pace:
        """Limits on offers."""
        return Pace(self.devices_per_minute, self.concurrent, self.bytes_per_minute)

    @property
    def patience(self) -> Patience:
        """How long devices are waited for."""
        return Patience(self.install_minutes * 60, self.least_gap_minutes * 60)

    def rules(self, stages: int) -> GateRules:
        """The gate's limits, for so many stages."""
        ignored = {one.signal for one in self.ignore}
        signals = tuple(name for name in SIGNAL_NAMES if name not in ignored)
        return GateRules(stages=max(stages, 1), signals=signals)

    def parsed_window(self) -> Window | None:
        """The window; its texts were checked before."""
        if self.window is None:
            return None
        return parse_window(self.window.start, self.window.end, self.window.days)


SLOW_SOAKS: Final = 7
"""Soaks for which a standard release is watched: it reaches a fleet in about a week."""

SLOW_STAGES: Final = 3
"""Stages that have as many looks together as the watch of a standard release: nine."""

USUAL: Final = Policy()
"""What a rollout goes by that says nothing."""

AT_ONCE: Final = Policy(stages=("100%",), holdback="0")
"""What a release that is to be delivered at once goes by, as shipped: one stage, everybody, the
gate watching."""


def check_policy(policy: Policy) -> Policy:
    """The policy, if it makes sense.

    Raises:
        Invalid: ``bad_policy``, ``bad_stages``, ``bad_window``, ``bad_time_zone``.
    """
    if policy.stages:
        plan_stages(policy.stages, policy.holdback, 1000)
    elif policy.holdback is not None:
        plan_stages(("100%",), policy.holdback, 1000)
    if policy.window is not None:
        policy.parsed_window()
        for zone in (policy.window.time_zone, *policy.window.zones_by_group.values()):
            parse_zone(zone)
    for one in policy.ignore:
        if one.signal not in SIGNAL_NAMES or not one.reason.strip():
            names = ", ".join(SIGNAL_NAMES)
            raise _bad(f"ignore names a signal ({names}) and a reason.")
    numbers = {
        "soak_h": (policy.soak_h, 0.005, MAX_SOAK_H),
        "devices_per_minute": (policy.devices_per_minute, 1, 1_000_000),
        "concurrent": (policy.concurrent, 1, 1_000_000),
        "bytes_per_minute": (policy.bytes_per_minute, 1, 10**12),
        "priority": (policy.priority, -100, 100),
        "install_minutes": (policy.install_minutes, 0.1, 7 * 1440),
        "least_gap_minutes": (policy.least_gap_minutes, 0.05, 7 * 1440),
        "cost_per_mb": (policy.cost_per_mb, 0, 1e6),
    }
    for name, (value, least, most) in numbers.items():
        if value is not None and not least <= value <= most:
            raise _bad(f"{name} must be between {least:g} and {most:g}.")
    return policy


def _bad(text: str) -> Invalid:
    return Invalid("bad_policy", f"The policy of the rollout cannot be used: {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A rollout.

    Attributes:
        id: 24 hex digits.
        version: what it brings.
        previous_version: what devices get after a halt; None for what each of them had.
        groups, filter_text: its audience.
        reason, text: why it is in this state: a word and a sentence.
        members: devices drawn; ``late`` are those beside them that were dormant or came later.
        totals: running totals of the stages.
        stage: the open one, from 0; ``len(totals)`` for what was held back; -1 before the start.
        offered: members that have their offer.
        cursor: draw number of the last of them; the order of members is that of their numbers.
        stage_cursor: where the open stage began.
        step: grows with each change; who writes must have seen the last one.
        due_at: when something must be done next; None when only a person or a device can.
        odd: signals that were odd at the end of the first soak of the stage.
        intelligent: it began as a release that was to be delivered at once.
        rollback_of: the rollout whose devices it takes back.
        replaced: what was released before it, by group id, empty for all; restored by a halt.
    """

    id: str
    product_id: int
    version: int
    previous_version: int | None = None
    groups: tuple[str, ...] = ()
    filter_text: str = ""
    policy: Policy = USUAL
    state: State = "preparing"
    reason: str = ""
    text: str = ""
    size_bytes: int = 0
    members: int = 0
    late: int = 0
    totals: tuple[int, ...] = ()
    stage: int = -1
    offered: int = 0
    cursor: str = ""
    stage_cursor: str = ""
    stage_opened_at: datetime | None = None
    soaking_since: datetime | None = None
    looks: int = 0
    last_look_at: datetime | None = None
    extended_at: datetime | None = None
    paused_at: datetime | None = None
    odd: frozenset[str] = frozenset()
    released: bool = False
    last_offer_at: datetime | None = None
    step: int = 0
    due_at: datetime | None = None
    created_by: str = ""
    created_by_name: str = ""
    created_at: datetime
    approved_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    intelligent: bool = False
    rollback_of: str | None = None
    replaced: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def is_ended(self) -> bool:
        """Whether it is over for good."""
        return self.state in ENDED_STATES

    @property
    def is_watch(self) -> bool:
        """Whether it only watches a release that is in force already, and sends nothing itself."""
        return bool(self.replaced)

    @property
    def is_slow_watch(self) -> bool:
        """Whether what it watches reaches each device with its next session: over days."""
        return self.is_watch and not self.intelligent

    @property
    def soaks(self) -> int:
        """How many soaks a stage is watched for."""
        return SLOW_SOAKS if self.is_slow_watch else 1

    @property
    def rules(self) -> GateRules:
        """The gate's limits; the looks of a longer watch share the same budget."""
        return self.policy.rules(SLOW_STAGES if self.is_slow_watch else self.stages)

    @property
    def stages(self) -> int:
        """Stages that are judged."""
        return len(self.totals)

    @property
    def clocks_from(self) -> datetime | None:
        """When devices' clocks begin: with the stage, and anew with its second soak.

        A second soak that still held the first one's days would find the same odd days again.
        """
        return self.extended_at or self.stage_opened_at

    def target(self) -> int:
        """Members that have their offer once the open stage is offered."""
        if self.stage < 0:
            return 0
        if self.stage < len(self.totals):
            return self.totals[self.stage]
        return self.members + self.late


def plan_totals(policy: Policy, members: int) -> tuple[int, ...]:
    """Running totals of the stages for so many members."""
    if policy.stages:
        return plan_stages(policy.stages, policy.holdback, members).totals
    if policy.holdback is not None:
        plan = plan_stages(("100%",), policy.holdback, members)
        usual = default_stages(members).totals
        last = plan.totals[-1] if plan.totals else 0
        return tuple(sorted({min(one, last) for one in (*usual[:-1], last)} - {0}))
    return default_stages(members).totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A device of a rollout.

    Attributes:
        order: where it stands: a letter for its tier (``a`` drawn, ``b`` late) and its number.
        kind: hardware and the version before, by which marks are compared.
        zone: its time zone.
        assigned: the assignment is written; False while its window is shut.
        previous_version: what it ran when it was drawn.
    """

    rollout_id: str
    device_id: str
    order: str
    kind: str
    zone: str = "UTC"
    state: MemberState = "waiting"
    reason: str = ""
    assigned: bool = False
    previous_version: int | None = None
    offered_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look of the gate, as it was: it can be replayed.

    Attributes:
        evidence: what it knew, as JSON.
        verdict: what it said, as JSON.
    """

    rollout_id: str
    number: int
    stage: int
    at: datetime
    outcome: str
    rule: str
    text: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    verdict: Mapping[str, Any] = field(default_factory=dict)
