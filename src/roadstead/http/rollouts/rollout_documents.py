"""The documents of the rollout API, made of the values of the room.

The command line prints the same documents.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from roadstead.kit.clock import iso_ms
from roadstead.rollouts.explaining import Explanation
from roadstead.rollouts.model import USUAL, Look, Policy, Rollout
from roadstead.rollouts.planning import Plan, reason_text
from roadstead.rollouts.reporting import Progress, ReportedDevice

PLAN_DEVICES: Final = 1000
"""Most devices that a plan lists in one answer; ``page`` gives the others."""


class RolloutBody(msgspec.Struct, kw_only=True):
    """A rollout that is to be. With ``dry_run`` it is planned and not made.

    ``id`` is that of an earlier plan: the rollout then draws the same devices in the same order.
    """

    version: int
    groups: tuple[str, ...] = ()
    filter: str = ""
    policy: Policy = USUAL
    dry_run: bool = False
    id: str | None = None
    override_reason: str | None = None


class PolicyBody(msgspec.Struct, kw_only=True):
    """The product's own policy, or null for the shipped one."""

    policy: Policy | None


class PolicyAnswer(msgspec.Struct):
    """By which policy releases go out at once; ``shipped`` when it is nobody's own."""

    policy: Policy
    shipped: bool


class AbortBody(msgspec.Struct, kw_only=True):
    """How to abort: with ``rollback`` devices get back what they had."""

    rollback: bool = False


class RolloutDocument(msgspec.Struct, kw_only=True):
    """A rollout. ``stage`` counts from 1; 0 before the start."""

    id: str
    product_id: int
    version: int
    state: str
    reason: str
    text: str
    groups: tuple[str, ...]
    filter: str
    policy: Policy
    stage: int
    stages: tuple[int, ...]
    devices: int
    late_devices: int
    offered: int
    intelligent: bool
    rollback_of: str | None
    created_by: str
    created_at: str
    approved_by: str | None
    started_at: str | None
    stage_opened_at: str | None
    ended_at: str | None
    next_at: str | None


class StageDocument(msgspec.Struct):
    """A stage: ``waiting``, ``open`` or ``done``; what comes after the last one is counted on."""

    stage: int
    devices: int
    offered: int
    state: str


class LookDocument(msgspec.Struct, kw_only=True):
    """A look of the gate: what it said, and all that it said it by."""

    number: int
    stage: int
    at: str
    outcome: str
    rule: str
    text: str
    unseen: str
    signals: list[dict[str, Any]]
    evidence: dict[str, Any]


class RolloutAnswer(msgspec.Struct, kw_only=True):
    """A rollout with its progress."""

    rollout: RolloutDocument
    counts: dict[str, int]
    stages: list[StageDocument]
    looks: list[LookDocument]


class RolloutsAnswer(msgspec.Struct, kw_only=True):
    """Rollouts, the newest first."""

    rollouts: list[RolloutDocument]
    page: int
    per_page: int
    total: int


class PlannedDocument(msgspec.Struct, kw_only=True):
    """A device in a plan; ``stage`` counts from 1, null when it is left out."""

    device_id: str
    name: str
    stage: int | None
    reason: str
    text: str
    running: int | None
    online: bool


class PlanAnswer(msgspec.Struct, kw_only=True):
    """What a rollout will do: exactly who, who not and why, and what it takes."""

    rollout: RolloutDocument
    devices: int
    late_devices: int
    stages: tuple[int, ...]
    left_out: dict[str, int]
    from_versions: dict[str, int]
    bytes: int
    cellular_devices: int
    cellular_cost: float
    expected_hours: float
    warnings: list[str]
    list: list[PlannedDocument]
    listed_from: int
    listed_of: int


class RuleDocument(msgspec.Struct):
    """What one rule says: ``passes``, ``waits`` or ``stops``."""

    rule: str
    verdict: str
    text: str


class ExplanationAnswer(msgspec.Struct, kw_only=True):
    """Why a device has not got the version of a rollout yet."""

    device_id: str
    state: str
    reason: str
    text: str
    stage: int | None
    queue_position: int | None
    until: str | None
    rules: list[RuleDocument]


class ReportAnswer(msgspec.Struct, kw_only=True):
    """The report: the rollout, its looks, and what became of each device."""

    rollout: RolloutDocument
    counts: dict[str, int]
    stages: list[StageDocument]
    looks: list[LookDocument]
    devices: list[dict[str, Any]]


def rollout_document(one: Rollout) -> RolloutDocument:
    """A rollout."""

    def moment(at: datetime | None) -> str | None:
        return None if at is None else iso_ms(at)

    return RolloutDocument(
        id=one.id,
        product_id=one.product_id,
        version=one.version,
        state=one.state,
        reason=one.reason,
        text=one.text,
        groups=one.groups,
        filter=one.filter_text,
        policy=one.policy,
        stage=one.stage + 1,
        stages=one.totals,
        devices=one.members,
        late_devices=one.late,
        offered=one.offered,
        intelligent=one.intelligent,
        rollback_of=one.rollback_of,
        created_by=one.created_by_name,
        created_at=iso_ms(one.created_at),
        approved_by=one.approved_by,
        started_at=moment(one.started_at),
        stage_opened_at=moment(one.stage_opened_at),
        ended_at=moment(one.ended_at),
        next_at=moment(one.due_at),
    )


def stage_documents(progress: Progress) -> list[StageDocument]:
    """Its stages."""
    return [
        StageDocument(one.stage + 1, one.size, one.offered, one.state) for one in progress.stages
    ]


def look_document(one: Look) -> LookDocument:
    """A look of the gate."""
    return LookDocument(
        number=one.number,
        stage=one.stage + 1,
        at=iso_ms(one.at),
        outcome=one.outcome,
        rule=one.rule,
        text=one.text,
        unseen=one.verdict.get("unseen", ""),
        signals=one.verdict.get("findings", []),
        evidence=dict(one.evidence),
    )


def reported_document(one: ReportedDevice) -> dict[str, Any]:
    """What became of a device."""
    return {
        "device_id": one.device_id,
        "stage": one.stage + 1,
        "state": one.state,
        "reason": one.reason,
        "previous_version": one.previous_version,
        "offered_at": None if one.offered_at is None else iso_ms(one.offered_at),
        "ended_at": None if one.ended_at is None else iso_ms(one.ended_at),
    }


def plan_answer(rollout: Rollout, plan: Plan, start: int = 0) -> PlanAnswer:
    """A plan, with some of its devices from ``start`` on."""
    listed = plan.devices[start : start + PLAN_DEVICES]
    return PlanAnswer(
        rollout=rollout_document(rollout),
        devices=plan.members,
        late_devices=plan.late,
        stages=plan.totals,
        left_out=plan.left_out,
        from_versions={str(key): count for key, count in sorted(plan.changes.items())},
        bytes=plan.bytes_total,
        cellular_devices=plan.cellular_devices,
        cellular_cost=round(plan.cellular_cost, 2),
        expected_hours=round(plan.expected_hours, 2),
        warnings=plan.warnings,
        list=[
            PlannedDocument(
                device_id=one.device_id,
                name=one.name,
                stage=None if one.stage is None else one.stage + 1,
                reason=one.reason,
                text=reason_text(one.reason) if one.reason else "",
                running=one.running,
                online=one.online,
            )
            for one in listed
        ],
        listed_from=start,
        listed_of=len(plan.devices),
    )


def explanation_answer(told: Explanation) -> ExplanationAnswer:
    """Why a device has not got the version yet."""
    return ExplanationAnswer(
        device_id=told.device_id,
        state=told.state,
        reason=told.reason,
        text=told.text,
        stage=None if told.stage is None else told.stage + 1,
        queue_position=told.queue_position,
        until=None if told.until is None else iso_ms(told.until),
        rules=[RuleDocument(one.rule, one.verdict, one.text) for one in told.rules],
    )
