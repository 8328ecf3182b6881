"""Asking a connected device: functions, variables, ping.

Source: particle cloud notes §2.4; clients notes §4, §6.
"""

import msgspec
from starlette.responses import Response

from roadstead.http.operation import Call, Operation, QueryParameter
from roadstead.identity.permissions import Permission
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
    deviceID: str  # noqa: N815
    connected: bool
    last_handshake_at: str | None


class VariableAnswer(msgspec.Struct):
    """The value of a variable in its own type; ``name`` is the variable's."""

    name: str
    result: bool | int | float | str
    coreInfo: CoreInfo  # noqa: N815


class PingAnswer(msgspec.Struct):
    """Whether the device answered just now."""

    online: bool
    ok: bool = True
