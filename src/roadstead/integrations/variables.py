"""What templates may name: the event, and the fields of its data. Pure.

Source: particle cloud notes §3.9.
"""

import base64
from typing import Any

import msgspec

from roadstead.events.model import Event
from roadstead.events.rendering import core_id, data_text
from roadstead.kit.clock import from_ms, iso_ms


def default_fields(event: Event) -> dict[str, Any]:
    """The four fields that every request has unless its hook leaves them out; all texts."""
    return {
        "event": event.name,
        "data": data_text(event),
        "coreid": core_id(event),
        "published_at": iso_ms(from_ms(event.published_at_ms)),
    }


def parsed_data(event: Event) -> Any:
    """The event's data as a JSON value; None if it is none."""
    return parse_json(data_text(event))


def parse_json(text: str | bytes) -> Any:
    """A JSON value, None for what is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def variables(event: Event) -> dict[str, Any]:
    """Values by name.

    Fields of the event's data come after the default fields, and what the server says comes last:
    no device can pass itself off as another.
    """
    fields = default_fields(event)
    text, device_id = fields["data"], fields["coreid"]
    data = parse_json(text)
    payload = event.payload or b""
    product_id = "" if event.product_id is None else str(event.product_id)
    return {
        **fields,
        **named_fields(data),
        "PARTICLE_DEVICE_ID": device_id,
        "PARTICLE_EVENT_NAME": event.name,
        "PARTICLE_EVENT_VALUE": text,
        "PARTICLE_PUBLISHED_AT": fields["published_at"],
        "PARTICLE_EVENT_ID": str(event.id),
        "PARTICLE_EVENT_JSON": text if data is not None else msgspec.json.encode(text).decode(),
        "PARTICLE_EVENT_BASE64": base64.b64encode(payload).decode(),
        "PRODUCT_ID": product_id,
        "PRODUCT_USER_ID": event.owner_id or "",
        "PRODUCT_VERSION": str(event.firmware_version),
        "SPARK_CORE_ID": device_id,
        "SPARK_DEVICE_ID": device_id,
        "SPARK_EVENT_NAME": event.name,
        "SPARK_EVENT_VALUE": text,
        "SPARK_PUBLISHED_AT": fields["published_at"],
    }


def named_fields(data: Any) -> dict[str, Any]:
    """The fields of an object, or the elements of a list by their index."""
    if isinstance(data, dict):
        return data
    if isinstance(data, list):
        return {str(index): one for index, one in enumerate(data)}
    return {}
