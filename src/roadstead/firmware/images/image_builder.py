"""Making module images that devices and other tools take.

The code in them is whatever bytes are given: they show how updates travel, and run nowhere.
Spec: device protocol notes §4.4; client notes §7.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import Final

from roadstead.firmware.images.extensions import (
    EXTENSION_LOCATION,
    EXTENSION_PRODUCT,
    AssetReference,
    Dependency,
    encode_asset,
    encode_record,
)
from roadstead.firmware.images.image import (
    CRC_BYTES,
    HEADER,
    IMAGE_BYTES_MAX,
    NO_PRODUCT,
    SUFFIX_BYTES,
    ModuleFunction,
)
from roadstead.firmware.images.platforms import PLATFORMS, Platform

MODULE_VERSION: Final = 6
"""Version of the interface that modules of 5.x and 6.x have."""

_PAGE_BYTES: Final = 4096
_END_RECORD: Final = bytes(4)
_NO_DEPENDENCY: Final = Dependency(0, 0, 0)


def build_user_module(
    platform_id: int,
    body: bytes,
    *,
    product_version: int = NO_PRODUCT,
    product_id: int | None = None,
    dependency: Dependency | None = None,
    module_version: int = MODULE_VERSION,
    assets: Sequence[AssetReference] = (),
    dynalib: tuple[int, int] = (0, 0),
) -> bytes:
    """An application for one platform.

    Args:
        platform_id: one of PLATFORMS.
        body: what stands for the code; filled up with zeros to a multiple of 4.
        product_version: 0 to 65534, or 65535 for none.
        product_id: None writes the platform id, as 4.0 and later do.
        dependency: what it needs; None writes the platform's system part.
        module_version: see MODULE_VERSION.
        assets: files that it expects.
        dynalib: on platforms whose modules grow down, where its tables are loaded and begin.

    Raises:
        ValueError: an unknown platform, a number out of its range, or an image beyond 16 MiB.
    """
    platform = PLATFORMS.get(platform_id)
    if platform is None:
        raise ValueError(f"platform {platform_id} is not known")
    needs = dependency or Dependency(
        ModuleFunction.SYSTEM, platform.system_index, platform.system_version
    )
    product = (platform_id if product_id is None else product_id, product_version)
    body = body.ljust(-(-len(body) // 4) * 4, b"\0")
    tail_bytes = len(_extensions(platform, product, assets, 0, dynalib)) + SUFFIX_BYTES
    padding = -tail_bytes % 4
    size = HEADER.size + len(body) + padding + tail_bytes + CRC_BYTES
    if size > IMAGE_BYTES_MAX:
        raise ValueError("the image would be longer than 16 MiB")
    start = _start_address(platform, size)
    head = _header(start, size, platform_id, platform, module_version, needs)
    extensions = _extensions(platform, product, assets, start, dynalib)
    return _seal(head + body + bytes(padding), extensions)


def make_code(seed: str, length: int) -> bytes:
    """What stands for code in an image: ``length`` bytes, the same for the same seed.

    A compressor gains as little by them as by real code.
    """
    return hashlib.shake_128(seed.encode()).digest(length)


def _start_address(platform: Platform, size: int) -> int:
    if not platform.grows_down:
        return platform.user_address
    return (platform.user_address - size) & ~(_PAGE_BYTES - 1)


def _header(
    start: int,
    size: int,
    platform_id: int,
    platform: Platform,
    module_version: int,
    needs: Dependency,
) -> bytes:
    try:
        return HEADER.pack(
            start,
            start + size - CRC_BYTES,
            0,
            0,
            module_version,
            platform_id,
            ModuleFunction.USER,
            platform.user_index,
            *_parts(needs),
            *_parts(_NO_DEPENDENCY),
        )
    except struct.error as error:
        raise ValueError(str(error)) from None


def _parts(dependency: Dependency) -> tuple[int, int, int]:
    return dependency.function, dependency.index, dependency.version


def _extensions(
    platform: Platform,
    product: tuple[int, int],
    assets: Sequence[AssetReference],
    start: int,
    dynalib: tuple[int, int],
) -> bytes:
    """Everything between the code and the reserved bytes of the suffix, product fields last."""
    records = b"".join(encode_asset(asset) for asset in assets)
    try:
        fields = struct.pack("<HH", *product)
    except struct.error:
        raise ValueError("product id and version are 0 to 65535") from None
    if platform.grows_down:
        location = struct.pack("<III", start, *dynalib)
        return (
            records
            + encode_record(EXTENSION_LOCATION, location)
            + encode_record(EXTENSION_PRODUCT, b"\xff\xff" + fields)
        )
    return records + _END_RECORD + fields if assets else fields


def _seal(content: bytes, extensions: bytes) -> bytes:
    hashed = content + extensions + bytes(2)
    size = len(extensions) + SUFFIX_BYTES
    unchecked = hashed + hashlib.sha256(hashed).digest() + struct.pack("<H", size)
    return unchecked + zlib.crc32(unchecked).to_bytes(CRC_BYTES, "big")
