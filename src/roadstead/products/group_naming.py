"""Names and colours of groups. Pure. Source: particle cloud notes §1.6."""

import re

from roadstead.kit.errors import Invalid

MAX_GROUP_NAME_CHARS = 64

_NAME = re.compile(r"[a-z0-9_-]+")
_COLOR = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def parse_group_name(text: str) -> str:
    """A group's name.

    Raises:
        Invalid: ``bad_group_name``.
    """
    if len(text) > MAX_GROUP_NAME_CHARS or not _NAME.fullmatch(text):
        raise Invalid(
            "bad_group_name",
            f"A group's name has 1 to {MAX_GROUP_NAME_CHARS} lower-case letters, digits, hyphens "
            f"and underscores; {text[:MAX_GROUP_NAME_CHARS]!r} does not.",
        )
    return text


def parse_color(text: str) -> str:
    """A colour as ``#rrggbb``; empty for none.

    Raises:
        Invalid: ``bad_group_color``.
    """
    if not text:
        return ""
    found = _COLOR.fullmatch(text.strip())
    if found is None:
        raise Invalid(
            "bad_group_color", f"{text[:20]!r} is no colour; write it as six hex digits, #5bc0de."
        )
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))
