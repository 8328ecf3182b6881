"""Ledgers: small documents that a device and the server keep in step.

Fields are written in ascending order and a result as a zig-zag number, as devices expect.
Spec: device protocol notes §3.20 (particle.cloud.Request, Response).
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

import msgspec

from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.protobuf import (
    FieldValue,
    as_bytes,
    as_number,
    as_text,
    bytes_field,
    decode_zigzag,
    encode_zigzag,
    fixed64_field,
    iter_fields,
    varint_field,
)


class LedgerOperation(IntEnum):
    """What a request is about; the number is that of its type."""

    GET_INFO = 1
    SET_DATA = 2
    GET_DATA = 3
    SUBSCRIBE = 4
    NOTIFY_UPDATE = 5
    RESET_INFO = 6


class LedgerResult(IntEnum):
    """Results other than these make a device try again later."""

    OK = 0
    ERROR = 1
    LEDGER_NOT_FOUND = 2
    INVALID_SYNC_DIRECTION = 3
    SCOPE_CHANGED = 4
    INVALID_DATA = 5
    TOO_LARGE_DATA = 6


_REQUEST_FIELD: Final = {operation: operation + 1 for operation in LedgerOperation}
"""Field of a request's content by operation."""

_RESPONSE_FIELD: Final = {
    LedgerOperation.GET_INFO: 3,
    LedgerOperation.SET_DATA: 4,
    LedgerOperation.GET_DATA: 5,
    LedgerOperation.SUBSCRIBE: 6,
    LedgerOperation.NOTIFY_UPDATE: 7,
    LedgerOperation.RESET_INFO: 8,
}
"""Field of a response's content by operation."""

_DATA_FIELD: Final = 10


class Ledger(msgspec.Struct, frozen=True, gc=False):
    """One ledger in a request or a response; what a message does not tell is empty or None.

    Attributes:
        name: its name.
        scope_id: whose it is, at most 32 bytes.
        scope: 1 of the device, 2 of the product, 3 of the owner.
        direction: 1 from the device to the cloud, 2 to the device.
        updated_ms: when it was last changed, Unix milliseconds.
        document: its content as CBOR.
    """

    name: str = ""
    scope_id: bytes = b""
    scope: int = 0
    direction: int = 0
    updated_ms: int | None = None
    document: bytes | None = None


class LedgerRequest(msgspec.Struct, frozen=True, gc=False):
    """A request of either side.

    Attributes:
        operation: what it is about.
        ledgers: the ledgers named; one for SET_DATA and GET_DATA, names only for GET_INFO.
    """

    operation: LedgerOperation
    ledgers: tuple[Ledger, ...] = ()


class LedgerResponse(msgspec.Struct, frozen=True, gc=False):
    """A response of either side.

    Attributes:
        result: see LedgerResult; other numbers may come.
        operation: which content it has, None for none.
        ledgers: the ledgers in it.
        text: what went wrong, in words.
    """

    result: int = LedgerResult.OK
    operation: LedgerOperation | None = None
    ledgers: tuple[Ledger, ...] = ()
    text: str = ""


def decode_ledger_request(payload: bytes) -> LedgerRequest:
    """The request in a payload.

    Raises:
        MessageFormatError: it is none, or of an unknown type.
    """
    fields = dict(iter_fields(payload))
    try:
        operation = LedgerOperation(as_number(fields.get(1, 0)))
    except ValueError:
        raise MessageFormatError("unknown ledger request") from None
    content = as_bytes(fields.get(_REQUEST_FIELD[operation], b""))
    if operation is LedgerOperation.GET_INFO:
        names = (as_text(value) for number, value in iter_fields(content) if number == 1)
        return LedgerRequest(operation, tuple(Ledger(name) for name in names))
    if operation in (LedgerOperation.SUBSCRIBE, LedgerOperation.NOTIFY_UPDATE):
        return LedgerRequest(operation, _decode_list(content, operation))
    if operation is LedgerOperation.RESET_INFO:
        return LedgerRequest(operation)
    return LedgerRequest(operation, (_decode_single(content, named=True),))


def encode_ledger_request(request: LedgerRequest) -> bytes:
    """The payload of a request."""
    operation = request.operation
    if operation is LedgerOperation.GET_INFO:
        content = b"".join(bytes_field(1, ledger.name.encode()) for ledger in request.ledgers)
    elif operation is LedgerOperation.SUBSCRIBE:
        content = _encode_list(
            bytes_field(1, ledger.name.encode()) + bytes_field(2, ledger.scope_id)
            for ledger in request.ledgers
        )
    elif operation is LedgerOperation.NOTIFY_UPDATE:
        content = _encode_list(_encode_update(ledger) for ledger in request.ledgers)
    elif operation is LedgerOperation.RESET_INFO:
        content = b""
    else:
        ledger = request.ledgers[0]
        content = (
            bytes_field(1, ledger.name.encode())
            + bytes_field(2, ledger.scope_id, always=False)
            + _encode_updated(3, ledger)
            + _encode_document(ledger)
        )
    return varint_field(1, operation) + bytes_field(_REQUEST_FIELD[operation], content)


def encode_info(ledgers: Sequence[Ledger]) -> bytes:
    """The answer to GET_INFO; unknown ledgers are left out, and more than asked for is an error."""
    content = _encode_list(
        bytes_field(1, ledger.name.encode())
        + bytes_field(2, ledger.scope_id)
        + varint_field(3, ledger.scope)
        + varint_field(4, ledger.direction)
        + _encode_updated(5, ledger)
        for ledger in ledgers
    )
    return bytes_field(_RESPONSE_FIELD[LedgerOperation.GET_INFO], content)


def encode_empty_info() -> bytes:
    """The answer to GET_INFO of a server that keeps no ledgers; 2.04 as all answers."""
    return encode_info(())


def encode_stored() -> bytes:
    """The answer to SET_DATA."""
    return bytes_field(_RESPONSE_FIELD[LedgerOperation.SET_DATA], b"")


def encode_document(ledger: Ledger) -> bytes:
    """The answer to GET_DATA; a ledger without content is given as an empty map."""
    whole = ledger if ledger.document is not None else Ledger(ledger.name, document=b"\xa0")
    content = _encode_updated(1, ledger) + _encode_document(whole)
    return bytes_field(_RESPONSE_FIELD[LedgerOperation.GET_DATA], content)


def encode_subscribed(ledgers: Sequence[Ledger]) -> bytes:
    """The answer to SUBSCRIBE; it must name every ledger asked for."""
    content = _encode_list(_encode_update(ledger) for ledger in ledgers)
    return bytes_field(_RESPONSE_FIELD[LedgerOperation.SUBSCRIBE], content)


def encode_failure(result: LedgerResult, text: str = "") -> bytes:
    """The answer to what cannot be done; to be sent with a code of class 4."""
    return varint_field(1, encode_zigzag(result)) + bytes_field(2, text.encode(), always=False)


def decode_ledger_response(payload: bytes) -> LedgerResponse:
    """The response in a payload; an empty one is a plain success.

    Raises:
        MessageFormatError: it is none.
    """
    fields = dict(iter_fields(payload))
    result = decode_zigzag(as_number(fields.get(1, 0)))
    text = as_text(fields.get(2, b""))
    for operation, number in _RESPONSE_FIELD.items():
        if number in fields:
            content = as_bytes(fields[number])
            if operation is LedgerOperation.GET_DATA:
                ledgers: tuple[Ledger, ...] = (_decode_single(content, named=False),)
            else:
                ledgers = _decode_list(content, operation)
            return LedgerResponse(result, operation, ledgers, text)
    return LedgerResponse(result, text=text)


def _decode_list(content: bytes, operation: LedgerOperation) -> tuple[Ledger, ...]:
    values = (as_bytes(value) for number, value in iter_fields(content) if number == 1)
    if operation is LedgerOperation.GET_INFO:
        return tuple(_decode_info(value) for value in values)
    return tuple(_decode_named(value) for value in values)


def _decode_info(content: bytes) -> Ledger:
    fields = dict(iter_fields(content))
    return Ledger(
        as_text(fields.get(1, b"")),
        as_bytes(fields.get(2, b"")),
        as_number(fields.get(3, 0)),
        as_number(fields.get(4, 0)),
        _optional_number(fields.get(5)),
    )


def _decode_named(content: bytes) -> Ledger:
    """A name, and as field 2 either whose it is or when it was changed."""
    fields = dict(iter_fields(content))
    second = fields.get(2, b"")
    name = as_text(fields.get(1, b""))
    if isinstance(second, int):
        return Ledger(name, updated_ms=second)
    return Ledger(name, second)


def _decode_single(content: bytes, *, named: bool) -> Ledger:
    fields = dict(iter_fields(content))
    document = fields.get(_DATA_FIELD)
    return Ledger(
        as_text(fields.get(1, b"")) if named else "",
        as_bytes(fields.get(2, b"")) if named else b"",
        updated_ms=_optional_number(fields.get(3 if named else 1)),
        document=None if document is None else as_bytes(document),
    )


def _optional_number(value: FieldValue | None) -> int | None:
    return None if value is None else as_number(value)


def _encode_list(items: Iterable[bytes]) -> bytes:
    return b"".join(bytes_field(1, item) for item in items)


def _encode_update(ledger: Ledger) -> bytes:
    return bytes_field(1, ledger.name.encode()) + _encode_updated(2, ledger)


def _encode_updated(number: int, ledger: Ledger) -> bytes:
    return b"" if ledger.updated_ms is None else fixed64_field(number, ledger.updated_ms)


def _encode_document(ledger: Ledger) -> bytes:
    return b"" if ledger.document is None else bytes_field(_DATA_FIELD, ledger.document)
