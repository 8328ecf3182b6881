"""Whose a device was: of one's own device, and of a product's; ours."""

import msgspec

from roadstead.devices.ownership import OwnershipView
from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms

_TAG = "Devices"


class OwnershipAnswer(msgspec.Struct):
    """A time; ``owner`` is null when it was nobody's (``owned`` is false) or is not told."""

    owner: str | None
    owned: bool
    since: str
    until: str | None
    how: str


class OwnershipHistoryAnswer(msgspec.Struct):
    """Times, newest first."""

    ownership: list[OwnershipAnswer]


async def of_own(call: Call) -> OwnershipHistoryAnswer:
    """The history of one of the caller's devices."""
    found = await call.parts.people.ownership.of_own(call.actor, call.path["device"])
    return _answer(found)


async def of_product(call: Call) -> OwnershipHistoryAnswer:
    """The history of a device of the product."""
    found = await call.parts.people.ownership.of_product(call.product.id, call.path["device"])
    return _answer(found)


def _answer(found: list[OwnershipView]) -> OwnershipHistoryAnswer:
    return OwnershipHistoryAnswer(
        [
            OwnershipAnswer(
                owner=one.owner,
                owned=one.owned,
                since=iso_ms(one.since),
                until=iso_ms(one.until) if one.until else None,
                how=one.how,
            )
            for one in found
        ]
    )


OPERATIONS = (
    Operation(
        name="get_ownership_history",
        method="GET",
        path="/v1/ownership_history/{device}",
        tag=_TAG,
        summary="See since when a device is yours, and whether it had owners before",
        handler=of_own,
        permission=Permission.DEVICES_GET,
        answer=OwnershipHistoryAnswer,
        errors=(404,),
    ),
    Operation(
        name="get_product_ownership_history",
        method="GET",
        path="/v1/products/{product}/ownership_history/{device}",
        tag=_TAG,
        summary="See whose a device of the product was",
        handler=of_product,
        permission=Permission.DEVICES_GET,
        answer=OwnershipHistoryAnswer,
        errors=(404,),
    ),
)
