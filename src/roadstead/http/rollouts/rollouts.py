"""Rollouts of a product: plan, create, follow, steer, report, explain.

Ours; the words are those of docs/rollouts.md.
"""

import msgspec
from starlette.responses import Response

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.http.paging import PAGE_PARAMETERS, page_of
from roadstead.http.rollouts.rollout_documents import (
    PLAN_DEVICES,
    AbortBody,
    ExplanationAnswer,
    PlanAnswer,
    PolicyAnswer,
    PolicyBody,
    ReportAnswer,
    RolloutAnswer,
    RolloutBody,
    RolloutDocument,
    RolloutsAnswer,
    explanation_answer,
    look_document,
    plan_answer,
    rollout_document,
    stage_documents,
)
from roadstead.http.rollouts.rollout_reports import get_report
from roadstead.identity.permissions import Permission
from roadstead.rollouts.model import AT_ONCE, Rollout
from roadstead.rollouts.planning import Plan
from roadstead.rollouts.service import Draft

_TAG = "Rollouts"


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
    document = {"rollout": rollout_document(made)}
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
        rollouts=[rollout_document(one) for one in found.items],
        page=found.page,
        per_page=found.per_page,
        total=found.total,
    )


async def get_rollout(call: Call) -> RolloutAnswer:
    """One rollout as it stands."""
    rollout, progress, looks = await call.parts.rollouts.get(call.product, call.path["rollout"])
    return RolloutAnswer(
        rollout=rollout_document(rollout),
        counts=progress.counts,
        stages=stage_documents(progress),
        looks=[look_document(one) for one in looks],
    )


async def get_plan(call: Call) -> PlanAnswer:
    """What the rollout would do if it began now."""
    rollout, plan = await call.parts.rollouts.plan_of(call.product, call.path["rollout"])
    return _plan_answer(call, rollout, plan)


async def pause_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Sends nothing new until it is resumed."""
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": rollout_document(await call.parts.rollouts.pause(*where))}


async def resume_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Goes on; a stage that waits for a person is released by it."""
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": rollout_document(await call.parts.rollouts.resume(*where))}


async def approve_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Lets a rollout start that needs a second person."""
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": rollout_document(await call.parts.rollouts.approve(*where))}


async def abort_rollout(call: Call) -> dict[str, RolloutDocument]:
    """Ends it for good; what is on its way is cut within seconds."""
    rollback = call.body.rollback if call.body is not None else False
    where = (call.actor, call.product, call.path["rollout"])
    return {"rollout": rollout_document(await call.parts.rollouts.abort(*where, rollback=rollback))}


async def explain_device(call: Call) -> ExplanationAnswer:
    """Why a device has not got the version yet, with its place in the queue."""
    told = await call.parts.rollouts.explain(
        call.product, call.path["rollout"], call.path["device"]
    )
    return explanation_answer(told)


def _plan_answer(call: Call, rollout: Rollout, plan: Plan) -> PlanAnswer:
    page, _ = page_of({"page": call.query.get("page", "1")})
    return plan_answer(rollout, plan, (page - 1) * PLAN_DEVICES)


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
