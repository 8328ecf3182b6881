"""Names and notes that people give to devices, and the numbers of platforms. Pure.

A name stands in the place of an id in the API's paths, so it must fit one path segment and must
never look like an id.
"""

import unicodedata

from roadstead.kit.errors import Invalid
from roadstead.kit.ids import parse_device_id

MAX_NAME_CHARS = 64
"""Characters; what the field's own tools show in one line."""

MAX_NOTES_BYTES = 4096
"""Bytes of UTF-8: a page of text, and small enough to go with every list."""

PLATFORMS = frozenset(
    {0, 3, 6, 8, 10, 12, 13, 14, 15, 22, 23, 25, 26, 28, 31, 32, 35, 37, 38, 42, 43}
)
"""Numbers of the known hardware platforms. Source: particle cloud notes §1.4."""

_FORBIDDEN = frozenset("/\\?#")
"""Would end the path segment or begin another part of the address."""


def parse_name(text: str) -> str:
    """A name as it is kept: without surrounding blanks, in Unicode's composed form.

    Raises:
        Invalid: ``bad_device_name``.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME_CHARS:
        raise _bad_name(f"it must have 1 to {MAX_NAME_CHARS} characters, not {len(name)}")
    if not name.isprintable() or _FORBIDDEN & set(name):
        raise _bad_name("it must not contain control characters, / \\ ? or #")
    if parse_device_id(name) is not None:
        raise _bad_name("it would be taken for a device id")
    if name in (".", ".."):
        raise _bad_name("web clients take it for a folder")
    return name


def name_key(name: str) -> str:
    """The form in which names are compared: without regard to case."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def parse_notes(text: str | None) -> str | None:
    """Notes as they are kept; None removes them.

    Raises:
        Invalid: ``bad_device_notes``.
    """
    if text is None:
        return None
    try:
        length_bytes = len(text.encode())
    except UnicodeEncodeError:
        raise Invalid("bad_device_notes", "The notes are not valid Unicode text.") from None
    if length_bytes > MAX_NOTES_BYTES:
        raise Invalid(
            "bad_device_notes",
            f"The notes have {length_bytes} bytes; the limit is {MAX_NOTES_BYTES}.",
        )
    # PostgreSQL has no text with this character.
    if "\0" in text:
        raise Invalid("bad_device_notes", "The notes contain a NUL character.")
    return text


def _bad_name(why: str) -> Invalid:
    return Invalid("bad_device_name", f"The device name cannot be used: {why}.")
