"""An event as the public API writes it. Source: particle cloud notes §2.8; clients notes §5."""

import base64

import msgspec

from roadstead.events.model import Event
from roadstead.kit.clock import from_ms, iso_ms
from roadstead.protocol.messages.errors import MessageFormatError
from roadstead.protocol.messages.structured import structured_to_json

API_CORE_ID = "api"
"""``coreid`` of events that people and programs published."""

SYSTEM_CORE_ID = "particle-internal"
"""``coreid`` of events that the server made and that are about no single device."""

TEXT_FORMATS = frozenset({None, 0, 40, 41, 50})
"""Content-Formats whose bytes are text. Source: Device OS 6.2 wire, delivery to text handlers."""

STRUCTURED_FORMATS = frozenset({60, 65001})
"""CBOR, and Particle's JSON data as CBOR; shown as JSON text."""

_MEDIA_TYPES = {
    22: "image/jpeg",
    23: "image/png",
    42: "application/octet-stream",
    60: "application/cbor",
    65001: "application/vnd.particle.json+cbor",
}

_encode_json = msgspec.json.Encoder().encode


def core_id(event: Event) -> str:
    """The ``coreid`` under which readers see the event."""
    return event.device_id or (API_CORE_ID if event.source == "api" else SYSTEM_CORE_ID)


def data_text(event: Event) -> str:
    """The payload as the one string that the API has for it.

    Text as it is (bytes that are no UTF-8 become U+FFFD), structured data as JSON text, all else,
    and structured data that cannot be decoded, as a base64 data URL; empty without a payload.
    """
    payload = event.payload
    if not payload:
        return ""
    if event.content_format in TEXT_FORMATS:
        return payload.decode("utf-8", "replace")
    if event.content_format in STRUCTURED_FORMATS:
        try:
            return structured_to_json(payload).decode()
        except MessageFormatError:
            pass
    media_type = _MEDIA_TYPES.get(event.content_format or 0, "application/octet-stream")
    return f"data:{media_type};base64,{base64.b64encode(payload).decode()}"


def to_json(event: Event) -> dict[str, object]:
    """The event's JSON object; the name is not part of it, as streams carry it beside."""
    return {
        "data": data_text(event),
        "ttl": event.ttl_s,
        "published_at": iso_ms(from_ms(event.published_at_ms)),
        "coreid": core_id(event),
    }


def to_product_json(event: Event) -> dict[str, object]:
    """The event's JSON object on streams of products. Source: particle cloud notes §1.14."""
    return {
        **to_json(event),
        "userid": event.owner_id or "",
        "version": event.firmware_version,
        "public": False,
        "productID": event.product_id,
    }


def to_history_json(event: Event, *, of_product: bool) -> dict[str, object]:
    """The event as histories give it: with its id, as text for JavaScript's sake, and its name."""
    shown = to_product_json(event) if of_product else to_json(event)
    return {"id": str(event.id), "name": event.name, **shown}


def to_sse(event: Event, *, of_product: bool = False) -> bytes:
    """One whole event of a stream, the empty line that ends it included.

    The JSON has no line break, so that one ``data:`` line is enough.
    """
    name = event.name.replace("\r", " ").replace("\n", " ").encode("utf-8", "replace")
    shown = to_product_json(event) if of_product else to_json(event)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (event.id, name, _encode_json(shown))
