"""How long the parts of an event may be, and which names people may publish under."""

from roadstead.kit.errors import Forbidden, Invalid

MAX_NAME_BYTES = 64
"""Bytes of UTF-8 in a name. Source: Device OS 6.2 wire, event names; devices cut longer ones."""

MAX_PAYLOAD_BYTES = 1024
"""Bytes of data. Source: Device OS 6.2 wire, the largest event payload of one message."""

DEFAULT_TTL_S = 60
"""Seconds, when the publisher names none; the same default as on the wire."""

MAX_TTL_S = 0xFFFFFFFF
"""Seconds; the largest value that the wire can carry. Spec: RFC 7252 §5.10.5."""

_RESERVED = ("spark", "particle")


def validate_name(name: str) -> None:
    """Checks the name of any event.

    Raises:
        Invalid: ``event_name_missing``, ``event_name_too_long`` or ``bad_event_name`` (control
            characters, or text that has no UTF-8 form).
    """
    if not name:
        raise Invalid("event_name_missing", "An event needs a name.")
    try:
        length_bytes = len(name.encode())
    except UnicodeEncodeError:
        raise Invalid("bad_event_name", "The event name is not valid Unicode text.") from None
    if length_bytes > MAX_NAME_BYTES:
        raise Invalid(
            "event_name_too_long",
            f"The event name has {length_bytes} bytes; the limit is {MAX_NAME_BYTES}.",
        )
    # A line break would let a publisher write fields of its own into its readers' streams.
    if not name.isprintable() and any(
        ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in name
    ):
        raise Invalid("bad_event_name", "The event name contains control characters.")


def is_reserved_name(name: str) -> bool:
    """True for the names of the system, in any case; people may not publish under them."""
    return name.lower().startswith(_RESERVED)


def validate_public_name(name: str) -> None:
    """Checks the name of an event that a person or a program publishes.

    Raises:
        Invalid: as ``validate_name``.
        Forbidden: ``event_name_reserved``.
    """
    validate_name(name)
    if is_reserved_name(name):
        raise Forbidden(
            "event_name_reserved",
            f"Event names that begin with {_RESERVED[0]!r} or {_RESERVED[1]!r} belong to the "
            "system; choose another name.",
        )


def validate_payload(payload: bytes | None) -> None:
    """Checks the data of an event.

    Raises:
        Invalid: ``event_data_too_long``.
    """
    if payload is not None and len(payload) > MAX_PAYLOAD_BYTES:
        raise Invalid(
            "event_data_too_long",
            f"The event data has {len(payload)} bytes; the limit is {MAX_PAYLOAD_BYTES}.",
        )


def validate_ttl(ttl_s: int) -> None:
    """Checks a lifetime in seconds.

    Raises:
        Invalid: ``bad_event_ttl``.
    """
    if not 0 <= ttl_s <= MAX_TTL_S:
        raise Invalid("bad_event_ttl", f"The event ttl {ttl_s} is not from 0 to {MAX_TTL_S} s.")
