"""What a virtual device reads of a firmware image before it takes it.

Of one's own and not the server's reader, as a device's is: it checks what a device checks and reads
what a device tells in its next Hello. Spec: device protocol notes §4.4, §4.5.
"""

import struct
import zlib

import msgspec

ERROR_NO_HEADER = -1300
ERROR_CHECKSUM = -1330
ERROR_DEPENDENCY = -1340
ERROR_PLATFORM = -1360

NO_NUMBER = 0xFFFF
SYSTEM_PART = 4
"""Function of a part of Device OS."""

_HEADER = struct.Struct("<IIBBHHBBBBHBBH")
_HEADER_PLACES = (0, 0x200, 0x184, 0x10C, 0xC0, 0x20)
_SCAN_END = 8192
_CRC_BYTES = 4
_SUFFIX_WITH_PRODUCT = 40
_SUFFIX_FULL = 44
"""Bytes from the product id to the end of the file."""


class ImageRefused(Exception):
    """The device does not take it.

    Attributes:
        code: the device's error.
    """

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class ImageFacts(msgspec.Struct, frozen=True):
    """An application image, as it is kept over restarts.

    Attributes:
        platform_id: hardware that it is for.
        module_version: of its header.
        product_id: 0xFFFF for none.
        product_version: 0xFFFF for none.
        digest: of its suffix, 32 bytes.
        needs: function, index and least version of each module that it needs.
    """

    platform_id: int
    module_version: int
    product_id: int
    product_version: int
    digest: bytes
    needs: tuple[tuple[int, int, int], ...]

    def system_version_needed(self) -> int:
        """Least version of the system parts, 0 for any."""
        return max((one[2] for one in self.needs if one[0] == SYSTEM_PART), default=0)


def read_image(file: bytes, platform_id: int) -> ImageFacts:
    """Checks an image and reads it.

    Raises:
        ImageRefused: no header, a bad checksum, or another platform.
    """
    header = _find_header(file)
    if zlib.crc32(file[:-_CRC_BYTES]) != int.from_bytes(file[-_CRC_BYTES:], "big"):
        raise ImageRefused(ERROR_CHECKSUM)
    _, _, _, _, version, platform, _, _, *needs = header
    if platform != platform_id:
        raise ImageRefused(ERROR_PLATFORM)
    product_id = product_version = NO_NUMBER
    if int.from_bytes(file[-6:-4], "little") >= _SUFFIX_WITH_PRODUCT and len(file) >= _SUFFIX_FULL:
        product_id, product_version = struct.unpack_from("<HH", file, len(file) - _SUFFIX_FULL)
    pairs = (tuple(needs[:3]), tuple(needs[3:]))
    return ImageFacts(
        platform,
        version,
        product_id,
        product_version,
        file[-38:-6],
        tuple((one[0], one[1], one[2]) for one in pairs if one[0] not in (0, 0xFF)),
    )


def _find_header(file: bytes) -> tuple[int, ...]:
    places = [*_HEADER_PLACES, *range(0, min(len(file), _SCAN_END), 4)]
    for place in places:
        if place + _HEADER.size > len(file):
            continue
        header = _HEADER.unpack_from(file, place)
        start, end = header[:2]
        if start < end and end - start + _CRC_BYTES == len(file):
            return header
    raise ImageRefused(ERROR_NO_HEADER)
