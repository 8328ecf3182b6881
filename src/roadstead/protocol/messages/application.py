"""Functions and variables that an application registers, as JSON.

Spec: device protocol notes §3.5.5.
"""

from typing import Any, Final

import msgspec

from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.variable import VariableType, variable_type

ENTRIES_MAX: Final = 256
"""Functions, and variables, taken of one application; Device OS 6.2 allows 100 of each."""


class Application(msgspec.Struct, frozen=True):
    """What an application offers.

    Attributes:
        functions: names, in the order of registration.
        variables: name of the type (``bool``, ``int32``, ``double``, ``string``) by name.
    """

    functions: tuple[str, ...] = ()
    variables: dict[str, str] = {}


class _Document(msgspec.Struct):
    f: list[str] = []
    v: dict[str, int] = {}


_decoder: Final = msgspec.json.Decoder(_Document)


def parse_application(payload: bytes) -> Application:
    """The functions and variables in an application describe, or in one that has all in one.

    Variables of an unknown type are left out.

    Raises:
        MessageFormatError: no JSON of that form, or more than 256 of either.
    """
    try:
        document = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MessageFormatError("application describe is not of its form") from None
    if max(len(document.f), len(document.v)) > ENTRIES_MAX:
        raise MessageFormatError("more than 256 functions or variables")
    known = {kind.value: kind.api_name for kind in VariableType}
    variables = {name: known[kind] for name, kind in document.v.items() if kind in known}
    return Application(tuple(document.f), variables)


def format_application(application: Application) -> dict[str, Any]:
    """The JSON document of an application, to be encoded alone or with ``modules``."""
    types = {name: int(variable_type(kind)) for name, kind in application.variables.items()}
    return {"f": list(application.functions), "v": types}


def encode_application(application: Application) -> bytes:
    """The payload of an application describe."""
    return msgspec.json.encode(format_application(application))
