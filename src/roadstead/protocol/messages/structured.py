"""Structured data of events and ledgers: CBOR on the wire, JSON for people.

Bytes in CBOR become ``{"_type": "buffer", "_data": "<base64>"}`` in JSON, and back, as the field's
own cloud shows them. Numbers that JSON has not (NaN, infinity) and ``undefined`` become null. Tags
are refused, as devices write none and some of them make a small document a huge one.
Spec: RFC 8949; device protocol notes §3.7, §3.9, §3.20.
"""

import base64
import binascii
import io
import math
from typing import Any, Final, NoReturn

import cbor2
import msgspec

from roadstead.protocol.messages.errors import MessageFormatError

STRUCTURED_BYTES_MAX: Final = 16_384
"""Longest document; the largest of any message is a ledger's. Device protocol notes §3.20."""

DEPTH_MAX: Final = 32
"""Deepest nesting; devices have little stack and documents of people rarely go beyond five."""

_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 64) - 1


def _refuse_tag(*_: Any) -> NoReturn:
    raise MessageFormatError("tagged CBOR")


_TAGS: Final = dict.fromkeys(
    [
        *range(6),
        25,
        28,
        29,
        30,
        35,
        36,
        37,
        43,
        52,
        54,
        100,
        256,
        258,
        260,
        261,
        1004,
        43000,
        55799,
    ],
    _refuse_tag,
)
"""Every tag that the CBOR library would act on."""


def decode_structured(payload: bytes) -> Any:
    """The JSON value in a CBOR document.

    Raises:
        MessageFormatError: not CBOR, longer than 16,384 bytes, nested deeper than 32, with keys
            that are not text, with tags or integers beyond 64 bits, or with something behind it.
    """
    if len(payload) > STRUCTURED_BYTES_MAX:
        raise MessageFormatError("structured data longer than 16384 bytes")
    source = io.BytesIO(payload)
    decoder = cbor2.CBORDecoder(
        source, semantic_decoders=_TAGS, max_depth=DEPTH_MAX, strict_hashable_types=True
    )
    try:
        value = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, MemoryError, RecursionError):
        raise MessageFormatError("structured data is not plain CBOR") from None
    if source.tell() != len(payload):
        raise MessageFormatError("something behind the structured data")
    return _to_json(value)


def _to_json(value: Any) -> Any:
    if value is None or value is cbor2.undefined or isinstance(value, bool | str):
        return None if value is cbor2.undefined else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and _INT_MIN <= value <= _INT_MAX:
        return value
    if isinstance(value, bytes):
        return {"_type": "buffer", "_data": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _to_json(item) for key, item in value.items()}
    raise MessageFormatError("structured data with something that JSON has not")


def encode_structured(value: Any) -> bytes:
    """The CBOR document of a JSON value.

    Raises:
        MessageFormatError: longer than 16,384 bytes, nested deeper than 32, integers beyond 64
            bits, or base64 of a buffer that is none.
    """
    encoded = cbor2.dumps(_to_cbor(value, 0))
    if len(encoded) > STRUCTURED_BYTES_MAX:
        raise MessageFormatError("structured data longer than 16384 bytes")
    return encoded


def _to_cbor(value: Any, depth: int) -> Any:
    if depth > DEPTH_MAX:
        raise MessageFormatError("structured data nested deeper than 32")
    if isinstance(value, dict):
        if value.keys() == {"_type", "_data"} and value["_type"] == "buffer":
            return _unpack_buffer(value["_data"])
        return {str(key): _to_cbor(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_cbor(item, depth + 1) for item in value]
    if isinstance(value, int) and not _INT_MIN <= value <= _INT_MAX:
        raise MessageFormatError("integer of more than 64 bits")
    return value


def _unpack_buffer(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise MessageFormatError("buffer is not base64") from None


def structured_to_json(payload: bytes) -> bytes:
    """The JSON text of a CBOR document, for streams, webhooks and subscribers to text.

    Raises:
        MessageFormatError: as ``decode_structured``.
    """
    return msgspec.json.encode(decode_structured(payload))


def json_to_structured(text: bytes) -> bytes:
    """The CBOR document of a JSON text.

    Raises:
        MessageFormatError: no JSON, or as ``encode_structured``.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MessageFormatError("no JSON") from None
    return encode_structured(value)
