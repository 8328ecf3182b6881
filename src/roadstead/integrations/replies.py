"""What a receiver answers becomes events for the device and its owner. Pure.

Source: particle cloud notes §3.9, §3.6.1.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

from roadstead.events.model import Event
from roadstead.events.rendering import core_id
from roadstead.integrations.model import Owner, WebhookSettings
from roadstead.integrations.template import TemplateFailure, render
from roadstead.integrations.variables import named_fields, parse_json, variables
from roadstead.outbound.http_messages import HttpAnswer

CHUNK_BYTES = 512
"""Bytes of one piece of an answer."""

MAX_UNCHUNKED_BYTES = 1024
"""Bytes that a device takes in one event."""

MAX_NAME_BYTES = 160
"""Longest name: a device's id, the words before, a name of 64 bytes and a number, with room."""

SLEEPING = "Sleeping, too many errors, please wait and try again"
"""The field's own words for a host that is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Replies:
    """Events to publish.

    Attributes:
        events: names and data, in order.
        problem: why an answer gave none where its owner may expect one.
    """

    events: list[tuple[str, bytes]] = field(default_factory=list)
    problem: str | None = None


def sent_reply(event: Event) -> tuple[str, bytes]:
    """Tells that the receiver was reached."""
    return f"hook-sent/{event.name}", b""


def answer_replies(
    settings: WebhookSettings, owner: Owner, event: Event, answer: HttpAnswer
) -> Replies:
    """Events that carry a good answer; none for an empty one."""
    try:
        data = _data_of(settings, event, answer)
        if not data:
            return Replies()
        topic = _topic(settings.response_topic, f"hook-response/{event.name}", owner, event)
    except TemplateFailure as failure:
        return Replies(problem=f"the answer could not be passed on: {failure}")
    if settings.unchunked:
        if len(data) > MAX_UNCHUNKED_BYTES:
            problem = (
                f"the answer of {len(data)} bytes was not passed on: unchunked, at most "
                f"{MAX_UNCHUNKED_BYTES} are"
            )
            return Replies(problem=problem)
        return Replies([(topic, data)])
    cut = "the answer was cut: only its beginning was read" if answer.cut else None
    return Replies([(f"{topic}/{i}", piece) for i, piece in enumerate(chunks(data))], cut)


def error_replies(
    settings: WebhookSettings | None, owner: Owner, event: Event, message: str
) -> Replies:
    """The event that tells of a delivery that failed or must wait."""
    template = settings.error_response_topic if settings else None
    try:
        topic = _topic(template, f"hook-error/{event.name}", owner, event)
    except TemplateFailure as failure:
        return Replies(problem=f"the error could not be passed on: {failure}")
    pieces = chunks(message.encode("utf-8", "replace"))
    return Replies([(f"{topic}/{i}", piece) for i, piece in enumerate(pieces)])


def status_message(status: int) -> str:
    """How the field tells of an answer that is no success."""
    return f"error status {status} from host"


def chunks(data: bytes) -> list[bytes]:
    """Pieces of at most CHUNK_BYTES; no character is cut in two where the data is UTF-8."""
    pieces, begin = [], 0
    while begin < len(data):
        end = min(begin + CHUNK_BYTES, len(data))
        # A byte of the form 10xxxxxx continues a character; there are three at most.
        back = end
        while end < len(data) and back > end - 4 and data[back] & 0xC0 == 0x80:
            back -= 1
        end = back if back > begin and back > end - 4 else end
        pieces.append(data[begin:end])
        begin = end
    return pieces


def _data_of(settings: WebhookSettings, event: Event, answer: HttpAnswer) -> bytes:
    if settings.data_url_response and answer.body:
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        encoded = base64.b64encode(answer.body).decode()
        return f"data:{media_type or 'application/octet-stream'};base64,{encoded}".encode()
    if settings.response_template is None or not answer.body:
        return answer.body
    values: dict[str, Any] = {**variables(event), **named_fields(parse_json(answer.body))}
    return render(settings.response_template, values).encode("utf-8", "replace")


def _topic(template: str | None, default: str, owner: Owner, event: Event) -> str:
    if template:
        topic = render(template, variables(event))
    elif owner.kind == "user":
        topic = default
    else:
        # Only the device's own subscription gets it, in a product with thousands of them.
        topic = f"{core_id(event)}/{default}"
    topic = "".join(" " if ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 else one for one in topic)
    if not topic or len(topic.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise TemplateFailure(f"its topic must have 1 to {MAX_NAME_BYTES} bytes")
    return topic
