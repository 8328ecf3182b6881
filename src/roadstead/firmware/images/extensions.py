"""The records that lie before the suffix of a module, or behind its header.

Spec: device protocol notes §4.4.
"""

import struct
from typing import Final

import msgspec

EXTENSION_END: Final = 0
EXTENSION_PRODUCT: Final = 0x01
EXTENSION_LOCATION: Final = 0x02
EXTENSION_DEPENDENCY: Final = 0x03
EXTENSION_ASSET: Final = 0x12

RECORD: Final = struct.Struct("<HH")
_DEPENDENCY: Final = struct.Struct("<BBH")

HASH_SHA256: Final = 0
SHA256_BYTES: Final = 32
RECORDS_MAX: Final = 256
"""More than any module has; a device takes 100 assets."""


class Dependency(msgspec.Struct, frozen=True, order=True):
    """Another module that one needs: its function, index and least version."""

    function: int
    index: int
    version: int


class AssetReference(msgspec.Struct, frozen=True):
    """A file that a module expects on the device: its name and its SHA-256 (32 bytes)."""

    name: str
    sha256: bytes


def parse_extensions(region: bytes) -> tuple[tuple[int, bytes], ...]:
    """The records of a region as (type, content), up to its end record or its end.

    Raises:
        ValueError: a record goes beyond the region, or there are more than 256.
    """
    records: list[tuple[int, bytes]] = []
    position = 0
    while position + RECORD.size <= len(region):
        kind, length = RECORD.unpack_from(region, position)
        if kind == EXTENSION_END:
            break
        if length < RECORD.size or position + length > len(region):
            raise ValueError(f"an extension record of {length} bytes does not fit")
        if len(records) == RECORDS_MAX:
            raise ValueError(f"more than {RECORDS_MAX} extension records")
        records.append((kind, region[position + RECORD.size : position + length]))
        position += length
    return tuple(records)


def parse_dependency(content: bytes) -> Dependency:
    """A dependency record.

    Raises:
        ValueError: it is too short.
    """
    if len(content) < _DEPENDENCY.size:
        raise ValueError("a dependency record is too short")
    return Dependency(*_DEPENDENCY.unpack_from(content))


def parse_asset(content: bytes) -> AssetReference:
    """An asset record.

    Raises:
        ValueError: it is too short, its hash is no SHA-256, or its name no UTF-8.
    """
    if len(content) < 2 or content[0] != HASH_SHA256 or content[1] != SHA256_BYTES:
        raise ValueError("an asset record without a SHA-256")
    end = 2 + SHA256_BYTES
    if len(content) <= end:
        raise ValueError("an asset record without a name")
    try:
        name = content[end:].rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the name of an asset is not UTF-8") from None
    return AssetReference(name, content[2:end])


def encode_record(kind: int, content: bytes) -> bytes:
    """A record."""
    return RECORD.pack(kind, RECORD.size + len(content)) + content


def encode_asset(asset: AssetReference) -> bytes:
    """An asset record."""
    content = bytes((HASH_SHA256, SHA256_BYTES)) + asset.sha256 + asset.name.encode()
    return encode_record(EXTENSION_ASSET, content)
