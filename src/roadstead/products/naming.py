"""Names, slugs and numbers of products. Pure.

A slug stands in the place of the number in the API's paths, so it must fit a path segment and must
never look like a number.
"""

import re
import unicodedata
from collections.abc import Iterator

from roadstead.devices.naming import PLATFORMS
from roadstead.kit.errors import Invalid

MAX_NAME_CHARS = 64
"""Characters; what one line of a list shows."""

MAX_DESCRIPTION_BYTES = 4096
"""Bytes of UTF-8: a page of text."""

MAX_SLUG_CHARS = 64

MAX_PRODUCT_ID = 0xFFFF
"""A firmware's suffix and the Hello have two bytes for it. Source: device protocol notes §6."""

FIRST_FREE_ID = 1000
"""Where numbers that nobody chose begin: far above those of platforms, which mean "no product"."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_GAP = re.compile(r"[^a-z0-9]+")


def parse_product_name(text: str) -> str:
    """A name as it is kept: without surrounding blanks, in Unicode's composed form.

    Raises:
        Invalid: ``bad_product_name``.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS:
        raise _bad_name(f"it must have 1 to {MAX_NAME_CHARS} characters, not {len(name)}")
    if not name.isprintable():
        raise _bad_name("it must not contain control characters")
    return name


def product_name_key(name: str) -> str:
    """The form in which names are compared: without regard to case."""
    return name.casefold()


def parse_description(text: str) -> str:
    """A description as it is kept.

    Raises:
        Invalid: ``bad_description``.
    """
    length_bytes = len(text.encode(errors="surrogatepass"))
    if length_bytes > MAX_DESCRIPTION_BYTES:
        raise Invalid(
            "bad_description",
            f"The description has {length_bytes} bytes; the limit is {MAX_DESCRIPTION_BYTES}.",
        )
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Invalid("bad_description", "The description is not valid Unicode text.")
    return text.strip()


def parse_slug(text: str) -> str:
    """A slug that somebody chose.

    Raises:
        Invalid: ``bad_slug``.
    """
    if len(text) > MAX_SLUG_CHARS or not _SLUG.fullmatch(text) or text.isdigit():
        raise Invalid(
            "bad_slug",
            f"A slug has at most {MAX_SLUG_CHARS} lower-case letters and digits, words joined by "
            "a hyphen, and not digits alone.",
        )
    return text


def propose_slugs(name: str) -> Iterator[str]:
    """Slugs for a name, best first, without end: ``cold-box``, ``cold-box-2``, ``cold-box-3``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = _GAP.sub("-", plain).strip("-")[: MAX_SLUG_CHARS - 8].strip("-")
    if not stem or stem.isdigit():
        stem = f"product-{stem}".strip("-")
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def parse_product_id(number: int) -> int:
    """A number that somebody chose.

    Raises:
        Invalid: ``bad_product_id``.
    """
    if not 1 <= number <= MAX_PRODUCT_ID:
        raise Invalid("bad_product_id", f"A product's id is 1 to {MAX_PRODUCT_ID}, not {number}.")
    if number in PLATFORMS:
        raise Invalid(
            "bad_product_id",
            f"{number} is the number of a hardware platform; firmware that names it belongs to no "
            "product.",
        )
    return number


def parse_platform_id(number: int) -> int:
    """The platform of a product.

    Raises:
        Invalid: ``bad_platform_id``.
    """
    if number not in PLATFORMS:
        known = ", ".join(str(one) for one in sorted(PLATFORMS))
        raise Invalid("bad_platform_id", f"{number} is no platform; known are {known}.")
    return number


def _bad_name(why: str) -> Invalid:
    return Invalid("bad_product_name", f"The product name cannot be used: {why}.")
