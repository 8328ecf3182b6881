"""The modules that a device runs, in the JSON form that the public API shows.

The document: ``p`` platform id, ``imei``, ``iccid``, ``cellfw`` of the modem, and ``m``, a list of
modules: ``s`` largest size, ``l`` store, ``vc`` and ``vv`` what was checked and what was found
valid, ``u`` hash, ``f`` function, ``n`` index as text, ``v`` version, ``d`` dependencies (``f``,
``n``, ``v``). What only the form of 5.5 and later tells is added under words: ``size``, ``assets``
and ``security`` of a module; ``assets``, ``protected`` and ``env_vars_hash`` of the device.
Spec: device protocol notes §3.5.3, §3.5.4.
"""

from typing import Any, Final

import msgspec

from roadstead.protocol.messages.application import Application, format_application
from roadstead.protocol.messages.describe import FORMAT_PROTOBUF
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.module_protobuf import decode_modules

Document = dict[str, Any]

MODULES_MAX: Final = 64
"""Modules taken of one device; real ones report at most about ten."""


def parse_modules(payload: bytes, content_format: int | None) -> Document:
    """The document in a system describe of any release, or in one that has all in one.

    Args:
        payload: the describe.
        content_format: as told; 42 (5.5 and later) says protocol buffers, all else JSON.

    Raises:
        MessageFormatError: it has not that form, or more than 64 modules.
    """
    if content_format == FORMAT_PROTOBUF and not payload.startswith(b"{"):
        document = decode_modules(payload)
    else:
        document = _parse_json(payload)
    if len(document.get("m", ())) > MODULES_MAX:
        raise MessageFormatError("more than 64 modules")
    return document


def _parse_json(payload: bytes) -> Document:
    try:
        document = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MessageFormatError("system describe is not of its form") from None
    modules = document.get("m", [])
    if not isinstance(modules, list) or not all(isinstance(one, dict) for one in modules):
        raise MessageFormatError("modules are not of their form")
    return {name: value for name, value in document.items() if name not in ("f", "v")}


def encode_modules_json(document: Document) -> bytes:
    """The payload of a system describe up to 5.4."""
    return msgspec.json.encode(document)


def encode_combined(document: Document, application: Application) -> bytes:
    """The payload of a describe up to 1.x: functions, variables and modules in one."""
    return msgspec.json.encode(format_application(application) | document)
