"""Claim codes for setting up a device from an app.

Source: particle cloud notes §2.6, §3.4.2.
"""

from typing import Any

import msgspec

from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.organizations.organization_store import find_organization
from roadstead.organizations.service import organization_not_found


class ClaimCodeBody(msgspec.Struct):
    """What clients send; neither changes anything, because SIM cards are not managed here."""

    iccid: str | None = None
    imei: str | None = None


class ProductClaimCodeBody(msgspec.Struct):
    """What clients send; none of it changes anything here."""

    iccid: str | None = None
    imei: str | None = None
    activation_code: str | None = None


class ClaimCodeAnswer(msgspec.Struct):
    """A code for one device, valid for a day, and the devices that the caller has already."""

    claim_code: str
    device_ids: list[str]


async def create_claim_code(call: Call) -> ClaimCodeAnswer:
    """Makes a code that gives the device which says it to the caller."""
    made = await call.parts.claim_codes.create(call.actor)
    return ClaimCodeAnswer(made.code, made.device_ids)


async def create_product_claim_code(call: Call) -> ClaimCodeAnswer:
    """Makes a code that gives a device of the product to the caller: a customer, or the team."""
    made = await call.parts.claim_codes.create(call.actor, product_id=call.product.id)
    return ClaimCodeAnswer(made.code, made.device_ids)


async def create_organization_claim_code(call: Call) -> ClaimCodeAnswer:
    """The same at the path of older tools, which names the organization too."""
    owner_id, ref = call.product.owner.organization_id, call.path["org"].lower()
    found = await call.parts.database.read(lambda conn: find_organization(conn, ref))
    if found is None or found.id != owner_id:
        raise organization_not_found(call.path["org"])
    return await create_product_claim_code(call)


_OF_PRODUCT: dict[str, Any] = {
    "method": "POST",
    "tag": "Customers",
    "summary": "Get a code by which a device of the product becomes the customer's",
    "permission": Permission.CLAIM_CODES_CREATE,
    "body": ProductClaimCodeBody,
    "answer": ClaimCodeAnswer,
    "errors": (429,),
}

OPERATIONS = (
    Operation(
        name="create_product_claim_code",
        path="/v1/products/{product}/device_claims",
        handler=create_product_claim_code,
        **_OF_PRODUCT,
    ),
    Operation(
        name="create_organization_claim_code",
        path="/v1/orgs/{org}/products/{product}/device_claims",
        handler=create_organization_claim_code,
        **_OF_PRODUCT,
    ),
    Operation(
        name="create_claim_code",
        method="POST",
        path="/v1/device_claims",
        tag="Devices",
        summary="Get a code by which a device that you set up becomes yours",
        handler=create_claim_code,
        permission=Permission.CLAIM_CODES_CREATE,
        body=ClaimCodeBody,
        answer=ClaimCodeAnswer,
        errors=(429,),
    ),
)
