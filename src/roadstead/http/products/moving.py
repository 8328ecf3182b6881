"""A product changes hands: what that changes, and doing it; ours.

In the field this takes a support ticket. Source: particle cloud notes §2.10.
"""

import msgspec

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.products.moving import Move

_TAG = "Products"


class MoveBody(msgspec.Struct):
    """Where to: an organization's id or slug, or ``me`` for your own account."""

    to: str


class MoveAnswer(msgspec.Struct):
    """What the move changes; all that belongs to the product goes along."""

    product_id: int
    source: str
    target: str
    source_plan: str
    target_plan: str
    devices: int
    groups: int
    customers: int
    gaining: list[str]
    losing: list[str]
    leaving_team: list[str]
    features_lost: list[str]
    features_gained: list[str]


async def preview(call: Call) -> MoveAnswer:
    """What a move would change; changes nothing."""
    target = call.query.get("to", "")
    move = await call.parts.people.moves.preview(call.actor, call.product.id, target)
    return _answer(move)


async def move(call: Call) -> MoveAnswer:
    """Moves the product."""
    body: MoveBody = call.body
    moved = await call.parts.people.moves.move(call.actor, call.product.id, body.to)
    return _answer(moved)


def _answer(one: Move) -> MoveAnswer:
    return MoveAnswer(
        product_id=one.product_id,
        source=one.source,
        target=one.target,
        source_plan=one.source_plan,
        target_plan=one.target_plan,
        devices=one.devices,
        groups=one.groups,
        customers=one.customers,
        gaining=one.gaining,
        losing=one.losing,
        leaving_team=one.leaving_team,
        features_lost=[*one.features_lost],
        features_gained=[*one.features_gained],
    )


OPERATIONS = (
    Operation(
        name="preview_move",
        method="GET",
        path="/v1/products/{product}/move",
        tag=_TAG,
        summary="See what changes when a product is moved",
        handler=preview,
        permission=Permission.PRODUCTS_MOVE,
        query=(QueryParameter("to", "An organization's id or slug, or me for your own account."),),
        answer=MoveAnswer,
        errors=(403, 409),
    ),
    Operation(
        name="move_product",
        method="POST",
        path="/v1/products/{product}/move",
        tag=_TAG,
        summary="Move a product to an organization, or back to your own account",
        handler=move,
        permission=Permission.PRODUCTS_MOVE,
        body=MoveBody,
        answer=MoveAnswer,
        errors=(403, 409),
    ),
)
