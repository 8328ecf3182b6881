"""The modules that a device runs, as protocol buffers (Device OS 5.5 and later).

Reads into, and writes from, the JSON form of ``modules``.
Spec: device protocol notes §3.5.4 (SystemDescribe, FirmwareModule).
"""

from collections.abc import Callable
from typing import Any, Final

from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.protobuf import (
    FieldValue,
    as_bytes,
    as_number,
    as_text,
    bytes_field,
    fixed32_field,
    iter_fields,
    varint_field,
)

FUNCTION_LETTERS: Final = "nrbmsu_cat"
"""Letters of the functions of modules by number: none, resource, bootloader, monolithic, system
part, user part, settings, network processor, radio stack, asset."""

STORE_LETTERS: Final = "mfbt"
"""Letters of the places of modules by number: main, factory, backup, scratchpad."""

_SECURITY_MODES: Final = ("none", "protected")

_Read = Callable[[FieldValue], Any]
_Fields = dict[int, tuple[str, _Read]]


def _letter(letters: str) -> _Read:
    def read(value: FieldValue) -> str:
        number = as_number(value)
        return letters[number] if number < len(letters) else str(number)

    return read


def _hex(value: FieldValue) -> str:
    return as_bytes(value).hex()


def _index(value: FieldValue) -> str:
    return str(as_number(value))


def _mode(value: FieldValue) -> str:
    number = as_number(value)
    return _SECURITY_MODES[number] if number < len(_SECURITY_MODES) else str(number)


def _flag(value: FieldValue) -> bool:
    return as_number(value) != 0


def _message(fields: _Fields, repeated: frozenset[int], defaults: dict[str, Any]) -> _Read:
    def read(value: FieldValue) -> dict[str, Any]:
        document = {name: [] if item == [] else item for name, item in defaults.items()}
        for number, content in iter_fields(as_bytes(value)):
            if number not in fields:
                continue
            name, convert = fields[number]
            if number in repeated:
                document.setdefault(name, []).append(convert(content))
            else:
                document[name] = convert(content)
        return document

    return read


_DEPENDENCY: Final = _message(
    {1: ("f", _letter(FUNCTION_LETTERS)), 2: ("n", _index), 3: ("v", as_number)},
    frozenset(),
    {"f": "n", "n": "0", "v": 0},
)
_ASSET: Final = _message(
    {
        1: ("hash", _hex),
        2: ("name", as_text),
        3: ("size", as_number),
        4: ("storage_size", as_number),
    },
    frozenset(),
    {},
)
_SECURITY: Final = _message(
    {1: ("mode", _mode), 2: ("certificate_fingerprint", _hex)}, frozenset(), {"mode": "none"}
)
_MODULE: Final = _message(
    {
        1: ("f", _letter(FUNCTION_LETTERS)),
        2: ("n", _index),
        3: ("v", as_number),
        4: ("l", _letter(STORE_LETTERS)),
        5: ("s", as_number),
        6: ("vc", as_number),
        7: ("vv", as_number),
        8: ("u", _hex),
        9: ("d", _DEPENDENCY),
        10: ("assets", _ASSET),
        11: ("size", as_number),
        12: ("security", _SECURITY),
    },
    frozenset({9, 10}),
    {"f": "n", "n": "0", "v": 0, "l": "m", "s": 0, "vc": 0, "vv": 0, "d": []},
)
_SYSTEM: Final = _message(
    {
        1: ("m", _MODULE),
        2: ("imei", as_text),
        3: ("iccid", as_text),
        4: ("cellfw", as_text),
        5: ("assets", _ASSET),
        6: ("protected", _flag),
        7: ("env_vars_hash", _hex),
    },
    frozenset({1, 5}),
    {"m": []},
)


def decode_modules(payload: bytes) -> dict[str, Any]:
    """The document in a SystemDescribe; unknown fields are left out.

    Raises:
        MessageFormatError: it is none.
    """
    document: dict[str, Any] = _SYSTEM(payload)
    return document


def encode_modules(document: dict[str, Any]) -> bytes:
    """A SystemDescribe as a device sends it, with the modules of a document in the JSON form.

    Raises:
        MessageFormatError: a letter or a hash is none.
    """
    encoded = b"".join(bytes_field(1, _encode_module(module)) for module in document["m"])
    for number, name in ((2, "imei"), (3, "iccid"), (4, "cellfw")):
        if name in document:
            encoded += bytes_field(number, document[name].encode())
    return encoded


def _encode_module(module: dict[str, Any]) -> bytes:
    dependencies = b"".join(bytes_field(9, _encode_dependency(one)) for one in module.get("d", ()))
    return (
        _encode_dependency(module)
        + varint_field(4, _number(STORE_LETTERS, module.get("l", "m")))
        + varint_field(5, module.get("s", 0))
        + fixed32_field(6, module.get("vc", 0))
        + fixed32_field(7, module.get("vv", 0))
        + bytes_field(8, _unhex(module.get("u", "")), always=False)
        + dependencies
        + varint_field(11, module.get("size", 0))
    )


def _encode_dependency(dependency: dict[str, Any]) -> bytes:
    return (
        varint_field(1, _number(FUNCTION_LETTERS, dependency["f"]))
        + varint_field(2, int(dependency.get("n", "0")))
        + varint_field(3, dependency.get("v", 0))
    )


def _number(letters: str, letter: str) -> int:
    if letter not in letters:
        raise MessageFormatError(f"no module has the letter {letter!r}")
    return letters.index(letter)


def _unhex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MessageFormatError("hash is not hexadecimal") from None
