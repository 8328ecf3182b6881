"""Diagnostics of a device ("vitals"), in their binary form. Spec: device protocol notes §3.5.6.

They are asked for with ``describe_request(DescribeFlag.METRICS)``, and posted as a describe.
"""

import struct
from collections.abc import Iterable
from typing import Final

import msgspec

from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.vital_table import USER_VITALS_FROM, VITALS, VitalForm

_HEADER: Final = struct.Struct("<BHHH")
_ENTRY: Final = struct.Struct("<HI")
_HEADER_VALUES: Final = (0, 4, 2, 4)
"""Binary form; describe type metrics; bytes of an id; bytes of a value."""

_ERROR_BIT: Final = 0x8000


class VitalReading(msgspec.Struct, frozen=True, gc=False):
    """One diagnostic value.

    Attributes:
        id: its number, without the mark of an error.
        name: its name, for example ``sys:uptime``; None if the number is not known.
        raw: the 32 bits as sent, unsigned.
        value: what they mean, fixed point converted; None in case of an error.
        error: the system error (negative) that the device has instead of a value.
    """

    id: int
    name: str | None
    raw: int
    value: int | float | None
    error: int | None = None


def decode_vitals(payload: bytes) -> list[VitalReading]:
    """The readings, in the order sent.

    The mark of an error is also the mark of an id that an application defined. A marked id of which
    the rest is known is taken for an error, any other one for the application's.

    Raises:
        MessageFormatError: another header, or a cut-off entry.
    """
    if len(payload) < _HEADER.size or _HEADER.unpack_from(payload) != _HEADER_VALUES:
        raise MessageFormatError("diagnostics with an unknown header")
    if (len(payload) - _HEADER.size) % _ENTRY.size:
        raise MessageFormatError("diagnostics that are cut off")
    entries = _ENTRY.iter_unpack(payload[_HEADER.size :])
    return [_read(number, raw) for number, raw in entries]


def _read(number: int, raw: int) -> VitalReading:
    base = number & ~_ERROR_BIT
    if number >= USER_VITALS_FROM and base in VITALS:
        return VitalReading(base, VITALS[base][0], raw, None, _signed(raw))
    name, form = VITALS.get(number, (None, VitalForm.SIGNED))
    return VitalReading(number, name, raw, _convert(raw, form))


def _convert(raw: int, form: VitalForm) -> int | float:
    match form:
        case VitalForm.UNSIGNED:
            return raw
        case VitalForm.UNSIGNED_8_8:
            return raw / 0x100
        case VitalForm.SIGNED_16_16:
            return _signed(raw) / 0x10000
        case VitalForm.SIGNED:
            return _signed(raw)


def _signed(raw: int) -> int:
    return raw - 0x100000000 if raw & 0x80000000 else raw


def encode_vitals(entries: Iterable[tuple[int, int, bool]]) -> bytes:
    """Diagnostics as a device sends them.

    Args:
        entries: id, raw value (32 bits, signed or not), and whether the value is an error.
    """
    encoded = bytearray(_HEADER.pack(*_HEADER_VALUES))
    for number, raw, is_error in entries:
        marked = number | _ERROR_BIT if is_error else number
        encoded += _ENTRY.pack(marked, raw & 0xFFFFFFFF)
    return bytes(encoded)
