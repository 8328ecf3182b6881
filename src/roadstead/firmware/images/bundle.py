"""Reading a bundle: a .zip of one application and the assets that it expects.

Nothing of a bundle is trusted: not its names, not the sizes that it announces, not that it unpacks
to what it should. Nothing is written anywhere.
Spec: product notes §3.1.5; device protocol notes §4.4.
"""

import hashlib
import io
import zipfile
import zlib
from typing import Final

import msgspec

from roadstead.firmware.images.image import IMAGE_BYTES_MAX, Image, ImageRefused, parse_image

BUNDLE_BYTES_MAX: Final = 32 * 1024 * 1024
ENTRIES_MAX: Final = 256
"""A device takes 100 assets."""
ASSET_BYTES_MAX: Final = 8 * 1024 * 1024
"""All assets together. Devices have room for 1 to 1.5 MB of them, compressed."""
NAME_CHARACTERS_MAX: Final = 255

_ASSETS: Final = "assets/"
_FOREIGN: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db")
"""What desktops put into archives; skipped."""
_READABLE: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
_TYPE_BITS: Final = 0o170000
_REGULAR: Final = (0, 0o100000, 0o040000)
_BLOCK_BYTES: Final = 64 * 1024


class Bundle(msgspec.Struct, frozen=True):
    """What a bundle holds.

    Attributes:
        name: name of the application's file.
        file: the application's file.
        image: what it is.
        assets: files by name, without ``assets/`` before it.
    """

    name: str
    file: bytes
    image: Image
    assets: dict[str, bytes]


def is_bundle(file: bytes) -> bool:
    """Whether a file is to be read as a bundle: a .zip begins so, a module never."""
    return file.startswith((b"PK\3\4", b"PK\5\6"))


def parse_bundle(file: bytes) -> Bundle:
    """What a bundle holds.

    Raises:
        ImageRefused: ``file_too_large``, ``bad_archive``, ``too_many_entries``, ``bad_entry_name``,
            ``unsupported_entry``, ``unexpected_entry``, ``entry_too_large``, ``assets_too_large``,
            ``no_application``, ``two_applications``, ``missing_asset``, ``wrong_asset``, or what
            ``parse_image`` says of the application.
    """
    if len(file) > BUNDLE_BYTES_MAX:
        raise ImageRefused("file_too_large", f"The bundle is longer than {BUNDLE_BYTES_MAX} bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as archive:
            return _read(archive)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        UnicodeError,
    ) as error:
        raise ImageRefused("bad_archive", f"The bundle cannot be unpacked: {error}.") from None


def _read(archive: zipfile.ZipFile) -> Bundle:
    entries = archive.infolist()
    if len(entries) > ENTRIES_MAX:
        raise ImageRefused("too_many_entries", f"The bundle has more than {ENTRIES_MAX} entries.")
    application: zipfile.ZipInfo | None = None
    assets: dict[str, bytes] = {}
    room = ASSET_BYTES_MAX
    for entry in entries:
        _check_entry(entry)
        if entry.is_dir() or entry.filename.startswith(_FOREIGN):
            continue
        if entry.filename.startswith(_ASSETS):
            content = _unpack(archive, entry, room, "assets_too_large")
            room -= len(content)
            _add_asset(assets, entry.filename.removeprefix(_ASSETS), content)
        else:
            application = _check_application(entry, application)
    if application is None:
        raise ImageRefused("no_application", "The bundle holds no .bin beside its assets.")
    binary = _unpack(archive, application, IMAGE_BYTES_MAX, "entry_too_large")
    image = parse_image(binary)
    _check_assets(image, assets)
    return Bundle(application.filename, binary, image, assets)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = name.split("/")
    unsafe = name.startswith("/") or "\\" in name or ":" in name or not name.isprintable()
    if unsafe or ".." in parts or "." in parts or not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise ImageRefused("bad_entry_name", f"The bundle has an entry named {name[:80]!r}.")
    kind = entry.external_attr >> 16 & _TYPE_BITS
    if entry.flag_bits & _ENCRYPTED or kind not in _REGULAR or entry.compress_type not in _READABLE:
        raise ImageRefused(
            "unsupported_entry",
            f"The entry {name[:80]!r} is encrypted, a link, or packed in an unusual way.",
        )


def _check_application(entry: zipfile.ZipInfo, before: zipfile.ZipInfo | None) -> zipfile.ZipInfo:
    name = entry.filename
    if "/" in name or not name.lower().endswith(".bin"):
        raise ImageRefused(
            "unexpected_entry",
            f"The bundle holds {name[:80]!r}; it takes one .bin and files under assets/.",
        )
    if before is not None:
        raise ImageRefused("two_applications", "The bundle holds more than one .bin.")
    return entry


def _add_asset(assets: dict[str, bytes], name: str, content: bytes) -> None:
    if name in assets:
        raise ImageRefused("unexpected_entry", f"The bundle holds the asset {name[:80]!r} twice.")
    assets[name] = content


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, code: str) -> bytes:
    # What is announced may be a lie, so that the bytes that come are counted.
    content = bytearray()
    with archive.open(entry) as unpacked:
        while block := unpacked.read(min(_BLOCK_BYTES, limit + 1 - len(content))):
            content += block
            if len(content) > limit:
                raise ImageRefused(
                    code, f"The entry {entry.filename[:80]!r} is longer than is taken."
                )
    return bytes(content)


def _check_assets(image: Image, assets: dict[str, bytes]) -> None:
    for expected in image.assets:
        content = assets.get(expected.name)
        if content is None:
            raise ImageRefused(
                "missing_asset",
                f"The application expects the asset {expected.name!r}, which is missing.",
            )
        if hashlib.sha256(content).digest() != expected.sha256:
            raise ImageRefused(
                "wrong_asset", f"The asset {expected.name!r} is not the one of the application."
            )
