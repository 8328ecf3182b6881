"""Asking a connected device: functions, variables, ping.

Source: particle cloud notes §2.4; clients notes §4, §6.
"""

import msgspec
from starlette.responses import Response

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid

_TAG = "Device calls"

_RAW = (QueryParameter("format", "`raw` answers the bare value as text."),)


class FunctionBody(msgspec.Struct):
    """The argument of a function; clients name it in one of three ways."""

    arg: str | None = None
    args: str | None = None
    params: str | None = None
    format: str | None = None


class FunctionAnswer(msgspec.Struct):
    """What a function returned; ``name`` is the device's."""

    id: str
    name: str | None
    connected: bool
    return_value: int


class CoreInfo(msgspec.Struct):
    """The device that was read."""

    name: str | None
    deviceID: str
    connected: bool
    last_handshake_at: str | None


class VariableAnswer(msgspec.Struct):
    """The value of a variable in its own type; ``name`` is the variable's."""

    name: str
    result: bool | int | float | str
    coreInfo: CoreInfo


class PingAnswer(msgspec.Struct):
    """Whether the device answered just now."""

    online: bool
    ok: bool = True


async def call_function(call: Call) -> FunctionAnswer | Response:
    """Calls a function of a device and waits for its answer."""
    body: FunctionBody = call.body or FunctionBody()
    outcome = await call.parts.devices.call_function(
        call.actor,
        call.path["device"],
        call.path["function"],
        _argument(body),
        product_id=call.product_id,
    )
    if call.wants_raw:
        return _raw(outcome.return_value)
    return FunctionAnswer(outcome.id, outcome.name, outcome.connected, outcome.return_value)


async def ping(call: Call) -> PingAnswer:
    """Asks a device for a sign of life."""
    ref, product_id = call.path["device"], call.product_id
    return PingAnswer(await call.parts.devices.ping(call.actor, ref, product_id=product_id))


async def read_variable(call: Call) -> VariableAnswer | Response:
    """Reads a variable of a device."""
    reading = await call.parts.devices.read_variable(
        call.actor, call.path["device"], call.path["variable"], product_id=call.product_id
    )
    if call.wants_raw:
        return _raw(reading.result)
    handshake = reading.last_handshake_at
    device = CoreInfo(
        reading.device_name,
        reading.device_id,
        reading.connected,
        iso_ms(handshake) if handshake else None,
    )
    return VariableAnswer(reading.name, reading.result, device)


def _argument(body: FunctionBody) -> str:
    given = {text for text in (body.arg, body.args, body.params) if text is not None}
    if len(given) > 1:
        raise Invalid("invalid_request", "Fields 'arg' and 'args' are given and differ.")
    return given.pop() if given else ""


def _raw(value: bool | int | float | str) -> Response:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Response(text, media_type="text/plain")


def _operations(prefix: str, of: str) -> tuple[Operation, ...]:
    """The calls to a device below a path; ``of`` goes into their names."""
    return (
        Operation(
            name=f"ping_{of}device",
            method="PUT",
            path=f"{prefix}/{{device}}/ping",
            tag=_TAG,
            summary="Ask a device for a sign of life",
            handler=ping,
            permission=Permission.DEVICES_PING,
            answer=PingAnswer,
        ),
        Operation(
            name=f"read_{of}variable",
            method="GET",
            path=f"{prefix}/{{device}}/{{variable}}",
            tag=_TAG,
            summary="Read a variable",
            handler=read_variable,
            permission=Permission.DEVICES_VARIABLE_GET,
            answer=VariableAnswer,
            query=_RAW,
            errors=(408,),
        ),
        Operation(
            name=f"call_{of}function",
            method="POST",
            path=f"{prefix}/{{device}}/{{function}}",
            tag=_TAG,
            summary="Call a function and wait for its answer",
            handler=call_function,
            permission=Permission.DEVICES_FUNCTION_CALL,
            body=FunctionBody,
            answer=FunctionAnswer,
            query=_RAW,
            errors=(408,),
        ),
    )


OPERATIONS = (
    *_operations("/v1/devices", ""),
    *_operations("/v1/products/{product}/devices", "product_"),
)
