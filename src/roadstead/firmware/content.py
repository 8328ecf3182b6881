"""What an uploaded file is, read once: an image, or a bundle of an application with its assets.

Spec: product notes §3.1.5.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from roadstead.firmware.images.bundle import BUNDLE_BYTES_MAX, is_bundle, parse_bundle
from roadstead.firmware.images.image import NO_PRODUCT, Image, check_for_product, parse_image
from roadstead.kit.errors import Invalid, NotOffered

FILE_BYTES_MAX: Final = BUNDLE_BYTES_MAX
"""Longest upload; an image alone may have half of it."""

VERSION_MAX: Final = NO_PRODUCT - 1
"""The highest product version: the next number stands for none."""

TITLE_CHARS_MAX: Final = 255
DESCRIPTION_CHARS_MAX: Final = 10_000

_SOURCES: Final = (".ino", ".cpp", ".c", ".h", ".hpp", ".properties")


@dataclass(frozen=True, slots=True)
class Content:
    """A file that was understood.

    Attributes:
        file: the whole, as it was uploaded.
        application: the application's own file; of an image the same bytes.
        image: what the application is.
        assets: files by name, those that the application expects.
    """

    file: bytes
    application: bytes
    image: Image
    assets: dict[str, bytes] = field(default_factory=dict)

    @property
    def is_bundle(self) -> bool:
        """Whether it was a bundle."""
        return self.application is not self.file


def read_content(file: bytes) -> Content:
    """What a file is.

    Raises:
        ImageRefused: see ``parse_bundle`` and ``parse_image``.
    """
    if not is_bundle(file):
        return Content(file, file, parse_image(file))
    bundle = parse_bundle(file)
    expected = {one.name for one in bundle.image.assets}
    assets = {name: asset for name, asset in bundle.assets.items() if name in expected}
    return Content(file, bundle.file, bundle.image, assets)


def read_for_product(file: bytes, *, platform_id: int, product_id: int, version: int) -> Content:
    """What a file is that is to be this version of a product.

    Raises:
        ImageRefused: as ``read_content``, and as ``check_for_product``.
    """
    content = read_content(file)
    check_for_product(
        content.image, platform_id=platform_id, product_id=product_id, version=version
    )
    return content


def refuse_sources(names: list[str]) -> None:
    """Refuses source files, which would have to be compiled first.

    Raises:
        Invalid: ``no_compile_service``.
    """
    source = next((name for name in names if name.lower().endswith(_SOURCES)), None)
    if source is not None or len(names) > 1:
        raise Invalid(
            "no_compile_service",
            f"{source or 'Several files'}: this server has no compile service (POST /v1/binaries). "
            "Compile on your own machine (Particle Workbench, or particle compile against a cloud "
            "that has one) and send the one .bin or .zip that comes out.",
        )


def parse_version(told: object) -> int:
    """The number of a version, as a person wrote it.

    Raises:
        Invalid: ``bad_version``.
    """
    text = str(told).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0
    if isinstance(told, bool) or not 1 <= number <= VERSION_MAX:
        raise Invalid("bad_version", f"{told!r} is no version: send a number 1 to {VERSION_MAX}.")
    return number


def parse_title(text: str) -> str:
    """The title of a version.

    Raises:
        Invalid: ``bad_title``.
    """
    return _parse_text("title", text, TITLE_CHARS_MAX)


def parse_description(text: str) -> str:
    """The description of a version.

    Raises:
        Invalid: ``bad_description``.
    """
    return _parse_text("description", text, DESCRIPTION_CHARS_MAX)


def _parse_text(name: str, text: str, longest: int) -> str:
    text = text.strip()
    if len(text) > longest or "\0" in text:
        raise Invalid(f"bad_{name}", f"The {name} may have {longest} characters.")
    return text


def assets_not_offered(what: str) -> NotOffered:
    """A build with assets cannot be brought over the air yet."""
    return NotOffered(
        "assets_not_offered",
        f"{what} expects assets, which this version of the server does not bring over the air: "
        "without them the device would not run it. Flash the bundle over USB.",
    )


def sha256_hex(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
