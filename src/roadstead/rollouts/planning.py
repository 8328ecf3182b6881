"""What a rollout will do, before it starts and afterwards: the same answer by the same functions.

The plan looks at each device of the product once, by the rules that draw the members, and says who
gets the version in which stage, who does not and why, and what it takes.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from roadstead.rollouts.audience import REASONS
from roadstead.rollouts.candidates import (
    DRAWN,
    PAGE,
    audience_of,
    is_wanted,
    list_candidates,
    member_of,
)
from roadstead.rollouts.model import Rollout, plan_totals
from roadstead.rollouts.stages import ASSISTED_BELOW

WIRE_OVERHEAD: Final = 1.12
"""Bytes on the air for each byte of a file: CoAP, DTLS, UDP and IP around chunks of 512 bytes."""

MB: Final = 1_000_000

CONCURRENT_INSTALLS_S: Final = 120.0
"""Time that one device is under way, for the estimate where only ``concurrent`` limits."""


@dataclass(frozen=True, slots=True)
class PlannedDevice:
    """A device in a plan.

    Attributes:
        stage: from 0; the number of stages for what is held back or late; None when it is left out.
        reason: why it is left out; ``held_back`` or ``late`` for those after the last stage.
        running: version that it runs.
    """

    device_id: str
    name: str
    stage: int | None
    reason: str
    running: int | None
    online: bool


@dataclass(slots=True)
class Plan:
    """What a rollout will do.

    Attributes:
        devices: in the order in which they get the version, then those that are left out by id.
        members, late: how many are drawn, and how many are dormant and come last.
        totals: running totals of the stages.
        left_out: devices by reason.
        changes: devices by the version that they run, 0 for none.
        bytes_total: bytes on the air.
        cellular_devices: those of the devices with a SIM.
        cellular_cost: by the policy's price for a megabyte.
        expected_hours: from the start to the last offer, if every stage goes on after one soak.
        warnings: sentences that a person should read before the start.
    """

    devices: list[PlannedDevice] = field(default_factory=list)
    members: int = 0
    late: int = 0
    totals: tuple[int, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    changes: dict[int, int] = field(default_factory=dict)
    bytes_total: int = 0
    cellular_devices: int = 0
    cellular_cost: float = 0.0
    expected_hours: float = 0.0
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Drawing:
    """Candidates seen so far: by the order of the draw, and those that are left out."""

    wanted: list[tuple[str, PlannedDevice, bool]] = field(default_factory=list)
    left_out: list[PlannedDevice] = field(default_factory=list)


def make_plan(conn: Connection, rollout: Rollout, now: datetime) -> Plan:
    """The plan of a rollout that may not exist yet; nothing is written."""
    drawing = _Drawing()
    audience, test = audience_of(rollout)
    after = ""
    while page := list_candidates(conn, rollout.product_id, now, rollout, after=after):
        for one in page:
            facts = one.facts
            reason = is_wanted(audience, test, one)
            device = PlannedDevice(
                facts.device_id, facts.name, None, reason or "", one.running, facts.online
            )
            if reason is None:
                order = member_of(rollout, one).order
                drawing.wanted.append((order, device, one.cellular))
            else:
                drawing.left_out.append(device)
        after = page[-1].facts.device_id
        if len(page) < PAGE:
            break
    drawing.wanted.sort(key=lambda one: one[0])
    return _to_plan(rollout, drawing)


def _to_plan(rollout: Rollout, drawing: _Drawing) -> Plan:
    members = sum(order.startswith(DRAWN) for order, _, _ in drawing.wanted)
    totals = plan_totals(rollout.policy, members)
    plan = Plan(members=members, late=len(drawing.wanted) - members, totals=totals)
    stage = 0
    for rank, (order, device, cellular) in enumerate(drawing.wanted):
        while stage < len(totals) and rank >= totals[stage]:
            stage += 1
        after_last = "held_back" if order.startswith(DRAWN) else "late"
        reason = after_last if stage == len(totals) else ""
        plan.devices.append(
            PlannedDevice(
                device.device_id, device.name, stage, reason, device.running, device.online
            )
        )
        plan.cellular_devices += cellular
    plan.devices += drawing.left_out
    plan.left_out = dict(Counter(one.reason for one in drawing.left_out))
    plan.changes = dict(Counter(one.running or 0 for _, one, _ in drawing.wanted))
    per_device = round(rollout.size_bytes * WIRE_OVERHEAD)
    plan.bytes_total = per_device * len(drawing.wanted)
    plan.cellular_cost = rollout.policy.cost_per_mb * per_device * plan.cellular_devices / MB
    plan.expected_hours = _expected(rollout, totals, len(drawing.wanted)) / timedelta(hours=1)
    plan.warnings = _warnings(rollout, plan)
    return plan


def _expected(rollout: Rollout, totals: tuple[int, ...], devices: int) -> timedelta:
    policy = rollout.policy
    rates = []
    if policy.devices_per_minute:
        rates.append(float(policy.devices_per_minute))
    if policy.bytes_per_minute and rollout.size_bytes:
        rates.append(policy.bytes_per_minute / rollout.size_bytes)
    if policy.concurrent:
        rates.append(policy.concurrent * 60 / CONCURRENT_INSTALLS_S)
    offering = timedelta(minutes=devices / min(rates)) if rates else timedelta(0)
    judged = len(totals) if policy.gate else 0
    window = timedelta(days=1) if policy.window is not None else timedelta(0)
    return offering + judged * (policy.soak + window)


def _warnings(rollout: Rollout, plan: Plan) -> list[str]:
    warnings: list[str] = []
    if not plan.devices or plan.members + plan.late == 0:
        warnings.append("No device is in the audience; the rollout would end at once.")
    elif rollout.policy.gate and plan.members < ASSISTED_BELOW:
        warnings.append(
            f"With {plan.members} devices the gate cannot tell a bad version from chance;"
            " it shows the figures and each stage waits for a person."
        )
    if rollout.policy.gate and plan.totals and plan.totals[-1] == plan.members:
        warnings.append(
            "Nothing is held back: the last stage has no control group, so that it can be paused"
            " or held, but not halted, on how devices do."
        )
    return warnings


def reason_text(reason: str) -> str:
    """A reason in a sentence."""
    own = {
        "held_back": "It is held back as a control and gets the version after the last stage.",
        "late": "It was not heard of for longer than it uses to be away; it gets the version last.",
        "not_a_candidate": "The product does not have it.",
    }
    return own.get(reason) or REASONS.get(reason, reason)
