"""Claim codes for setting up a device from an app.

Source: particle cloud notes §2.6, §3.4.2.
"""

import msgspec

from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission


class ClaimCodeBody(msgspec.Struct):
    """What clients send; neither changes anything, because SIM cards are not managed here."""

    iccid: str | None = None
    imei: str | None = None


class ClaimCodeAnswer(msgspec.Struct):
    """A code for one device, valid for a day, and the devices that the caller has already."""

    claim_code: str
    device_ids: list[str]


async def create_claim_code(call: Call) -> ClaimCodeAnswer:
    """Makes a code that gives the device which says it to the caller."""
    made = await call.parts.claim_codes.create(call.actor)
    return ClaimCodeAnswer(made.code, made.device_ids)


OPERATIONS = (
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
