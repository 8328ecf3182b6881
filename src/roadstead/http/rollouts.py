"""Rollouts of a product: plan, create, follow, steer, report, explain.

Ours; the words are those of docs/rollouts.md.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.http.paging import PAGE_PARAMETERS, page_of
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.rollouts.model import AT_ONCE, USUAL, Look, Policy, Rollout
from roadstead.rollouts.planning import Plan, reason_text
from roadstead.rollouts.reporting import CSV_HEADER, Progress, ReportedDevice, to_csv
from roadstead.rollouts.service import Draft

_TAG = "Rollouts"

REPORT_PAGE = 1000
"""Devices read at a time for a report."""

PLAN_DEVICES = 1000
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


async def create_rollout(call: Call) -> object:
    """Plans a rollout, or makes it."""
    body: RolloutBody = call.body
    draft = Draft(
        version=body.version,
        groups=body.groups,
        filter_text=body.filter,
        policy=body.policy,
        id=body.id,
        override_reason=body.override_reason,
    )
    service = call.parts.rollouts
    if body.dry_run:
        rollout, plan = await service.plan(call.actor, call.product, draft)
        return _plan_answer(call, rollout, plan)
    made = await service.create(call.actor, call.product, draft)
    document = {"rollout": _document(made)}
    return Response(msgspec.json.encode(document), 201, media_type="application/json")


async def get_policy(call: Call) -> PolicyAnswer:
    """By which policy releases of the product go out at once."""
    policy = await call.parts.rollouts.policy(call.product)
    return PolicyAnswer(policy or AT_ONCE, policy is None)


async def put_policy(call: Call) -> PolicyAnswer:
    """Keeps the product's own policy; null goes back to the shipped one."""
    policy = await call.parts.rollouts.set_policy(call.actor, call.product, call.body.policy)
    return PolicyAnswer(policy or AT_ONCE, policy is None)


async def list_rollouts(call: Call) -> RolloutsAnswer:
    """Rollouts of the product."""
    page, per_page = page_of(call.query)
    found = await call.parts.rollouts.list_rollouts(call.product, page=page, per_page=per_page)
    return RolloutsAnswer(
        rollouts=[_document(one) for one in found.items],
        page=found.page,
        per_page=found.per_page,
        total=found.total,
    )


async def get_rollout(call: Call) -> RolloutAnswer:
    """One rollout as it stands."""
    rollout, progress, looks = await call.parts.rollouts.get(call.product, call.path["rollout"])
    return RolloutAnswer(
        rollout=_document(rollout),
        counts=progress.counts,
        stages=_stages(progress),
        looks=[_look(one) for one in looks],
    )


async def get_plan(call: Call) -> PlanAnswer:
    """What the rollout would do if it began now."""
    rollout, plan = await call.parts.rollouts.plan_of(call.product, call.path["rollout"])
    return _plan_answer(call, rollout, plan)


async def pause_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Sends nothing new until it is resumed."""
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": _document(await call.parts.rollouts.pause(*where))}


async def resume_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Goes on; a stage that waits for a person is released by it."""
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": _document(await call.parts.rollouts.resume(*where))}


async def approve_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Lets a rollout start that needs a second person."""
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": _document(await call.parts.rollouts.approve(*where))}


async def abort_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Ends it for good; what is on its way is cut within seconds."""
    rollback = call.body.rollback if call.body is not None else False
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": _document(await call.parts.rollouts.abort(*where, rollback=rollback))}


async def get_report(call: Call) -> object:
    """The report, as JSON or (``format=csv``) one line for each device."""
    service, rollout_id = call.parts.rollouts, call.path["rollout"]
    rollout, progress, looks = await service.get(call.product, rollout_id)
    pages = _report_pages(call, rollout_id)
    wants_csv = call.query.get("format") == "csv" or "text/csv" in call.headers.get("accept", "")
    if wants_csv:
        name = f"rollout-{rollout.id}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(_csv(pages), media_type="text/csv; charset=utf-8", headers=headers)
    head = ReportAnswer(
        rollout=_document(rollout),
        counts=progress.counts,
        stages=_stages(progress),
        looks=[_look(one) for one in looks],
        devices=[],
    )
    return StreamingResponse(_json(head, pages), media_type="application/json")


async def _report_pages(call: Call, rollout_id: str) -> AsyncIterator[list[ReportedDevice]]:
    after = ""
    while True:
        page = await call.parts.rollouts.report(
            call.product, rollout_id, after=after, limit=REPORT_PAGE
        )
        yield page
        if len(page) < REPORT_PAGE:
            return
        after = page[-1].order


async def _csv(pages: AsyncIterator[list[ReportedDevice]]) -> AsyncIterator[bytes]:
    yield CSV_HEADER.encode()
    async for page in pages:
        yield to_csv(page).encode()


async def _json(
    head: ReportAnswer, pages: AsyncIterator[list[ReportedDevice]]
) -> AsyncIterator[bytes]:
    yield msgspec.json.encode(head).removesuffix(b"]}")
    first = True
    async for page in pages:
        for one in page:
            yield (b"" if first else b",") + msgspec.json.encode(_reported(one))
            first = False
    yield b"]}"


async def explain_device(call: Call) -> ExplanationAnswer:
    """Why a device has not got the version yet, with its place in the queue."""
    told = await call.parts.rollouts.explain(
        call.product, call.path["rollout"], call.path["device"]
    )
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


def _document(one: Rollout) -> RolloutDocument:
    def moment(at: Any) -> str | None:
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


def _stages(progress: Progress) -> list[StageDocument]:
    return [
        StageDocument(one.stage + 1, one.size, one.offered, one.state) for one in progress.stages
    ]


def _look(one: Look) -> LookDocument:
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


def _reported(one: ReportedDevice) -> dict[str, Any]:
    return {
        "device_id": one.device_id,
        "stage": one.stage + 1,
        "state": one.state,
        "reason": one.reason,
        "previous_version": one.previous_version,
        "offered_at": None if one.offered_at is None else iso_ms(one.offered_at),
        "ended_at": None if one.ended_at is None else iso_ms(one.ended_at),
    }


def _plan_answer(call: Call, rollout: Rollout, plan: Plan) -> PlanAnswer:
    page, _ = page_of({"page": call.query.get("page", "1")})
    start = (page - 1) * PLAN_DEVICES
    listed = plan.devices[start : start + PLAN_DEVICES]
    return PlanAnswer(
        rollout=_document(rollout),
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


_PATH = "/v1/products/{product}/rollouts"
_ONE = _PATH + "/{rollout}"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="create_rollout",
        method="POST",
        path=_PATH,
        tag=_TAG,
        summary="Plan a rollout, or make it",
        handler=create_rollout,
        permission=Permission.ROLLOUTS_CREATE,
        body=RolloutBody,
        answer=PlanAnswer,
        query=(QueryParameter("page", "of the devices in a plan"),),
        errors=(409,),
    ),
    Operation(
        name="get_rollout_policy",
        method="GET",
        path="/v1/products/{product}/rollout_policy",
        tag=_TAG,
        summary="By which policy releases go out at once",
        handler=get_policy,
        permission=Permission.ROLLOUTS_GET,
        answer=PolicyAnswer,
    ),
    Operation(
        name="set_rollout_policy",
        method="PUT",
        path="/v1/products/{product}/rollout_policy",
        tag=_TAG,
        summary="Set the policy by which releases go out at once",
        handler=put_policy,
        permission=Permission.ROLLOUTS_UPDATE,
        body=PolicyBody,
        answer=PolicyAnswer,
    ),
    Operation(
        name="list_rollouts",
        method="GET",
        path=_PATH,
        tag=_TAG,
        summary="List rollouts",
        handler=list_rollouts,
        permission=Permission.ROLLOUTS_GET,
        answer=RolloutsAnswer,
        query=PAGE_PARAMETERS,
    ),
    Operation(
        name="get_rollout",
        method="GET",
        path=_ONE,
        tag=_TAG,
        summary="Follow a rollout: stages, devices, verdicts of the gate",
        handler=get_rollout,
        permission=Permission.ROLLOUTS_GET,
        answer=RolloutAnswer,
    ),
    Operation(
        name="get_rollout_plan",
        method="GET",
        path=_ONE + "/plan",
        tag=_TAG,
        summary="What the rollout would do if it began now",
        handler=get_plan,
        permission=Permission.ROLLOUTS_GET,
        answer=PlanAnswer,
        query=(QueryParameter("page", "of the devices"),),
    ),
    Operation(
        name="pause_rollout",
        method="POST",
        path=_ONE + "/pause",
        tag=_TAG,
        summary="Send nothing new",
        handler=pause_rollout,
        permission=Permission.ROLLOUTS_UPDATE,
        answer=dict[str, RolloutDocument],
        errors=(409,),
    ),
    Operation(
        name="resume_rollout",
        method="POST",
        path=_ONE + "/resume",
        tag=_TAG,
        summary="Go on; release a stage that waits for a person",
        handler=resume_rollout,
        permission=Permission.ROLLOUTS_UPDATE,
        answer=dict[str, RolloutDocument],
        errors=(409,),
    ),
    Operation(
        name="approve_rollout",
        method="POST",
        path=_ONE + "/approve",
        tag=_TAG,
        summary="Let a rollout start that another person made",
        handler=approve_rollout,
        permission=Permission.ROLLOUTS_UPDATE,
        answer=dict[str, RolloutDocument],
        errors=(409,),
    ),
    Operation(
        name="abort_rollout",
        method="POST",
        path=_ONE + "/abort",
        tag=_TAG,
        summary="End a rollout for good",
        handler=abort_rollout,
        permission=Permission.ROLLOUTS_UPDATE,
        body=AbortBody,
        answer=dict[str, RolloutDocument],
        errors=(409,),
    ),
    Operation(
        name="get_rollout_report",
        method="GET",
        path=_ONE + "/report",
        tag=_TAG,
        summary="What became of each device",
        handler=get_report,
        permission=Permission.ROLLOUTS_GET,
        answer=ReportAnswer,
        query=(QueryParameter("format", "json or csv"),),
    ),
    Operation(
        name="explain_rollout_device",
        method="GET",
        path=_ONE + "/devices/{device}",
        tag=_TAG,
        summary="Why a device has not got the version yet",
        handler=explain_device,
        permission=Permission.ROLLOUTS_GET,
        answer=ExplanationAnswer,
    ),
)
