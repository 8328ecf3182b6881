"""Vitals: what a device says about its health. Source: particle cloud notes §2.15, §3.7."""

import msgspec

from roadstead.http.access_tokens import Ok
from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms

_TAG = "Vitals"


class Vitals(msgspec.Struct):
    """A device's vitals as it last gave them; the payload is grouped by device and service."""

    updated_at: str
    deviceID: str
    payload: dict[str, object]


class VitalsAnswer(msgspec.Struct):
    """The last vitals."""

    diagnostics: Vitals


async def refresh(call: Call) -> Ok:
    """Asks a device for its vitals, which then come as an event."""
    ref, product_id = call.path["device"], call.product_id
    await call.parts.vitals.refresh(call.actor, ref, product_id=product_id)
    return Ok()


async def get_last(call: Call) -> VitalsAnswer:
    """The vitals that a device gave last."""
    updated_at, device_id, payload = await call.parts.vitals.last(
        call.actor, call.path["device"], product_id=call.product_id
    )
    return VitalsAnswer(Vitals(iso_ms(updated_at), device_id, payload))


def _operations(prefix: str, of: str) -> tuple[Operation, ...]:
    """Vitals below a path; ``of`` goes into the names of the operations."""
    return (
        Operation(
            name=f"refresh_{of}vitals",
            method="POST",
            path=f"{prefix}/diagnostics/{{device}}/update",
            tag=_TAG,
            summary="Ask a device for fresh vitals",
            handler=refresh,
            permission=Permission.DEVICES_DIAGNOSTICS_UPDATE,
            answer=Ok,
            status=202,
            errors=(408,),
        ),
        Operation(
            name=f"get_last_{of}vitals",
            method="GET",
            path=f"{prefix}/diagnostics/{{device}}/last",
            tag=_TAG,
            summary="Get the vitals that a device gave last",
            handler=get_last,
            permission=Permission.DEVICES_DIAGNOSTICS_GET,
            answer=VitalsAnswer,
        ),
    )


OPERATIONS = (
    *_operations("/v1", ""),
    *_operations("/v1/products/{product}", "product_"),
)
