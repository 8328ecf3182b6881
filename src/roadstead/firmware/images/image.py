"""Reading a module image as it is uploaded, and checking it for a product.

A module: sometimes a vector table, then the header, the code, extension records, the suffix, a
CRC-32. All numbers are little endian, the CRC is not.
Spec: device protocol notes §4.4.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Final

import msgspec

from roadstead.firmware.images.extensions import (
    EXTENSION_ASSET,
    EXTENSION_DEPENDENCY,
    AssetReference,
    Dependency,
    parse_asset,
    parse_dependency,
    parse_extensions,
)
from roadstead.firmware.images.platforms import PLATFORMS, platform_name
from roadstead.kit.errors import Invalid

IMAGE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Longest image taken. The largest that a device announces to take is 10 MiB."""
MODULES_MAX: Final = 2
"""Modules in a combined image; devices take two. Device protocol notes §4.5."""
NO_PRODUCT: Final = 0xFFFF
"""Product id or version of a module that has none."""

HEADER: Final = struct.Struct("<IIBBHHBBBBHBBH")
HEADER_OFFSETS: Final = (0, 0x200, 0x184, 0x20, 0x10C, 0xC0)
"""Where headers lie: behind vector tables of different lengths."""
CRC_BYTES: Final = 4
SUFFIX_BYTES: Final = 36
"""The suffix without product fields: reserved, SHA-256, size."""
PRODUCT_SUFFIX_BYTES: Final = 40
IMAGE_BYTES_MIN: Final = HEADER.size + SUFFIX_BYTES + CRC_BYTES

_SCAN_BYTES: Final = 8192
_FUNCTION_OFFSET: Final = 14
_COMPRESSION: Final = struct.Struct("<HBBI")


class ModuleFunction(IntEnum):
    """What a module is for."""

    NONE = 0
    RESOURCE = 1
    BOOTLOADER = 2
    MONOLITHIC = 3
    SYSTEM = 4
    USER = 5
    SETTINGS = 6
    NETWORK_COPROCESSOR = 7
    RADIO_STACK = 8
    ASSET = 9


class ModuleFlag(IntFlag):
    """How a module is stored."""

    DROP_HEADER = 0x01
    COMPRESSED = 0x02
    COMBINED = 0x04
    ENCRYPTED = 0x08
    PREFIX_EXTENSIONS = 0x10


class ImageRefused(Invalid):
    """The file is no image that can be taken; ``code`` names why, the sentence tells a person."""


class Image(msgspec.Struct, frozen=True):
    """One module.

    Attributes:
        header_offset: where in its part of the file the header lies.
        size_bytes: length of the module, with its CRC.
        start_address: where it lies in the device's memory.
        flags: see ModuleFlag.
        module_version: version of the interface between modules, not of the product.
        platform_id: hardware that it is for.
        function: see ModuleFunction.
        index: which of several modules of this function.
        dependencies: modules that it needs.
        product_id: None when there is none; from 4.0 on the platform id.
        product_version: version of the product; None when there is none.
        sha256: as written in the module, which devices report; 32 bytes.
        sha256_matches: whether it is that of the content. Devices do not look.
        crc32: of the module, which devices check.
        assets: files that it expects.
        original_bytes: length before compression; None when it is not compressed or not told.
    """

    header_offset: int
    size_bytes: int
    start_address: int
    flags: int
    module_version: int
    platform_id: int
    function: int
    index: int
    dependencies: tuple[Dependency, ...]
    product_id: int | None
    product_version: int | None
    sha256: bytes
    sha256_matches: bool
    crc32: int
    assets: tuple[AssetReference, ...] = ()
    original_bytes: int | None = None


class _Header(msgspec.Struct, frozen=True):
    offset: int
    start: int
    end: int
    flags: int
    version: int
    platform_id: int
    function: int
    index: int
    dependencies: tuple[Dependency, ...]

    @property
    def size_bytes(self) -> int:
        return self.end - self.start + CRC_BYTES

    @property
    def is_plausible(self) -> bool:
        return self.platform_id in PLATFORMS


def parse_image(file: bytes) -> Image:
    """The module that a file consists of; of a combined file the user module, else the last.

    Raises:
        ImageRefused: see ``parse_modules``.
    """
    modules = parse_modules(file)
    return next((one for one in modules if one.function == ModuleFunction.USER), modules[-1])


def parse_modules(file: bytes) -> tuple[Image, ...]:
    """The modules of a file, one or, in a combined file, two.

    Raises:
        ImageRefused: ``file_empty``, ``file_too_small``, ``file_too_large``, ``not_a_module``,
            ``bad_addresses``, ``truncated``, ``trailing_bytes``, ``bad_crc``, ``bad_suffix``,
            ``bad_extension``, ``bad_compression`` or ``too_many_modules``.
    """
    _check_length(file)
    modules: list[Image] = []
    position = 0
    while position < len(file):
        if len(modules) == MODULES_MAX:
            raise ImageRefused("too_many_modules", "The file holds more than two modules.")
        module = _parse_module(file[position:])
        modules.append(module)
        position += module.size_bytes
    if modules[-1].flags & ModuleFlag.COMBINED:
        raise ImageRefused("truncated", "The file announces another module and ends before it.")
    return tuple(modules)


def _check_length(file: bytes) -> None:
    if not file:
        raise ImageRefused("file_empty", "The file is empty.")
    if len(file) < IMAGE_BYTES_MIN:
        raise ImageRefused(
            "file_too_small",
            f"The file has {len(file)} bytes; no firmware image has fewer than {IMAGE_BYTES_MIN}.",
        )
    if len(file) > IMAGE_BYTES_MAX:
        raise ImageRefused(
            "file_too_large",
            f"The file has {len(file)} bytes; at most {IMAGE_BYTES_MAX} are taken.",
        )


def _parse_module(file: bytes) -> Image:
    header = _find_header(file)
    module = file[: header.size_bytes]
    crc32 = int.from_bytes(module[-CRC_BYTES:], "big")
    if zlib.crc32(module[:-CRC_BYTES]) != crc32:
        raise ImageRefused(
            "bad_crc", "The checksum of the image does not fit its content; the file is damaged."
        )
    suffix_bytes = _suffix_bytes(module, header)
    assets, further = _parse_suffix_extensions(module, suffix_bytes)
    product_id, product_version = _product_fields(module, suffix_bytes)
    sha256 = module[-38:-6]
    return Image(
        header.offset,
        header.size_bytes,
        header.start,
        header.flags,
        header.version,
        header.platform_id,
        header.function,
        header.index,
        (*header.dependencies, *further),
        product_id,
        product_version,
        sha256,
        hashlib.sha256(module[:-38]).digest() == sha256,
        crc32,
        assets,
        _original_bytes(module, header),
    )


def _find_header(file: bytes) -> _Header:
    for offset in _offsets():
        header = _read_header(file, offset)
        if header is not None and _fits(header, len(file)):
            return header
    raise _explain_absence(file)


def _offsets() -> Iterator[int]:
    yield from HEADER_OFFSETS
    yield from range(4, _SCAN_BYTES, 4)


def _read_header(file: bytes, offset: int) -> _Header | None:
    if (
        offset + IMAGE_BYTES_MIN > len(file)
        or not 0 < file[offset + _FUNCTION_OFFSET] <= ModuleFunction.ASSET
    ):
        return None
    start, end, _, flags, version, platform_id, function, index, *needs = HEADER.unpack_from(
        file, offset
    )
    pairs = (Dependency(*needs[:3]), Dependency(*needs[3:]))
    dependencies = tuple(one for one in pairs if one.function not in (0, 0xFF))
    return _Header(offset, start, end, flags, version, platform_id, function, index, dependencies)


def _fits(header: _Header, file_bytes: int) -> bool:
    if not header.is_plausible or header.end <= header.start:
        return False
    if header.size_bytes < header.offset + IMAGE_BYTES_MIN:
        return False
    if header.flags & ModuleFlag.COMBINED:
        return header.size_bytes <= file_bytes
    # Whether more may follow a module is known by the flag of the one before only.
    return header.size_bytes == file_bytes


def _explain_absence(file: bytes) -> ImageRefused:
    for offset in HEADER_OFFSETS:
        header = _read_header(file, offset)
        if header is not None and header.is_plausible:
            return _explain_sizes(header, len(file))
    return ImageRefused(
        "not_a_module", "The file is no firmware image: it has no module header." + _hint(file)
    )


def _explain_sizes(header: _Header, file_bytes: int) -> ImageRefused:
    size = header.size_bytes
    if not header.offset + IMAGE_BYTES_MIN <= size <= IMAGE_BYTES_MAX:
        return ImageRefused(
            "bad_addresses",
            f"The addresses in the header ({header.start:#x} to {header.end:#x}) make no image.",
        )
    said = f"The header says {size} bytes, the file has {file_bytes}"
    if size > file_bytes:
        return ImageRefused("truncated", f"{said}: its end is missing.")
    return ImageRefused("trailing_bytes", f"{said}: something follows the image.")


def _hint(file: bytes) -> str:
    for start, kind in ((b"PK\3\4", "a .zip"), (b"\x7fELF", "an ELF file"), (b":", "Intel HEX")):
        if file.startswith(start):
            return f" It looks like {kind}; upload the .bin that the compiler makes."
    return ""


def _suffix_bytes(module: bytes, header: _Header) -> int:
    size = int.from_bytes(module[-6:-4], "little")
    room = len(module) - CRC_BYTES - header.offset - HEADER.size
    if not SUFFIX_BYTES <= size <= room:
        raise ImageRefused("bad_suffix", f"The image has a suffix of {size} bytes, which is none.")
    return size


def _product_fields(module: bytes, suffix_bytes: int) -> tuple[int | None, int | None]:
    if suffix_bytes < PRODUCT_SUFFIX_BYTES:
        return None, None
    product_id, version = struct.unpack_from("<HH", module, len(module) - 44)
    return (
        None if product_id == NO_PRODUCT else product_id,
        None if version == NO_PRODUCT else version,
    )


def _parse_suffix_extensions(
    module: bytes, suffix_bytes: int
) -> tuple[tuple[AssetReference, ...], tuple[Dependency, ...]]:
    if suffix_bytes <= PRODUCT_SUFFIX_BYTES:
        return (), ()
    try:
        records = parse_extensions(module[len(module) - CRC_BYTES - suffix_bytes : -40])
        assets = tuple(parse_asset(body) for kind, body in records if kind == EXTENSION_ASSET)
        needs = (parse_dependency(body) for kind, body in records if kind == EXTENSION_DEPENDENCY)
        return assets, tuple(needs)
    except ValueError as error:
        raise ImageRefused("bad_extension", f"The image is malformed: {error}.") from None


def _original_bytes(module: bytes, header: _Header) -> int | None:
    # With records behind the header, the length lies behind them, and devices alone need it.
    if not header.flags & ModuleFlag.COMPRESSED or header.flags & ModuleFlag.PREFIX_EXTENSIONS:
        return None
    position = header.offset + HEADER.size
    if position + _COMPRESSION.size > len(module):
        raise ImageRefused("bad_compression", "The image ends within its compression header.")
    _, _, _, original = _COMPRESSION.unpack_from(module, position)
    if not 0 < original <= IMAGE_BYTES_MAX:
        raise ImageRefused("bad_compression", f"The image would unpack to {original} bytes.")
    return int(original)


PRODUCT_FUNCTIONS: Final = frozenset({ModuleFunction.USER, ModuleFunction.MONOLITHIC})


def check_for_product(image: Image, *, platform_id: int, product_id: int, version: int) -> None:
    """Checks that an image may be uploaded as this version of a product.

    Raises:
        ImageRefused: ``wrong_function``, ``wrong_platform``, ``missing_version``,
            ``wrong_version`` or ``wrong_product_id``.
    """
    if image.function not in PRODUCT_FUNCTIONS:
        name = ModuleFunction(image.function).name.lower().replace("_", " ")
        raise ImageRefused("wrong_function", f"The image is no application but a {name} module.")
    if image.platform_id != platform_id:
        raise ImageRefused(
            "wrong_platform",
            f"The image is for {platform_name(image.platform_id)}, "
            f"the product for {platform_name(platform_id)}.",
        )
    _check_version(image, version)
    if image.product_id not in (None, product_id, platform_id):
        raise ImageRefused(
            "wrong_product_id",
            f"The image was compiled for product {image.product_id}, not for {product_id}.",
        )


def _check_version(image: Image, version: int) -> None:
    if image.product_version is None:
        raise ImageRefused(
            "missing_version",
            "The image has no product version; compile it with PRODUCT_VERSION.",
        )
    if image.product_version != version:
        raise ImageRefused(
            "wrong_version",
            f"The image was compiled as version {image.product_version}, not as {version}.",
        )
