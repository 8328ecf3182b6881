"""Events: published through the API, and streamed to whoever may see them.

Source: particle cloud notes §2.8, §3.6; clients notes §5.
"""

import msgspec

from roadstead.events.limits import DEFAULT_TTL_S
from roadstead.events.matching import EventFilter
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.events.event_reading import open_stream
from roadstead.http.events.event_streams import stream_operation
from roadstead.http.operation import Call, Operation
from roadstead.http.sse import StreamAnswer
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Invalid

_TAG = "Events"


class PublishBody(msgspec.Struct):
    """An event to publish. ``private`` is taken and means nothing: every event is private."""

    name: str
    data: str | None = None
    private: bool | str | None = None
    ttl: int = DEFAULT_TTL_S


async def publish(call: Call) -> Ok:
    """Publishes into the caller's own stream; returns when the event is stored."""
    body: PublishBody = call.body
    await call.parts.publishing.publish(call.actor, body.name, body.data, body.ttl)
    return Ok()


async def refuse_without_prefix(call: Call) -> StreamAnswer:
    """There is no stream of everybody's events."""
    raise Invalid("event_prefix_required", "event prefix filter is required")


async def stream_account(call: Call) -> StreamAnswer:
    """Streams the events of the caller's account."""
    wanted = EventFilter(owner_id=call.actor.user_id, prefix=call.path.get("prefix", ""))
    return await open_stream(call, wanted)


async def stream_device(call: Call) -> StreamAnswer:
    """Streams the events of one device of the caller."""
    device = await call.parts.devices.resolve(
        call.actor, call.path["device"], Permission.EVENTS_GET
    )
    wanted = EventFilter(
        owner_id=call.actor.user_id,
        device_ids=frozenset({device.id}),
        prefix=call.path.get("prefix", ""),
    )
    return await open_stream(call, wanted)


OPERATIONS = (
    Operation(
        name="publish_event",
        method="POST",
        path="/v1/devices/events",
        tag=_TAG,
        summary="Publish an event into your own stream",
        handler=publish,
        permission=Permission.EVENTS_SEND,
        body=PublishBody,
        answer=Ok,
        errors=(503,),
    ),
    stream_operation(
        "stream_account_events",
        "/v1/devices/events",
        "Follow the events of your devices and your own",
        stream_account,
    ),
    stream_operation(
        "stream_account_events_by_prefix",
        "/v1/devices/events/{prefix*}",
        "Follow those whose names begin with a prefix",
        stream_account,
    ),
    stream_operation(
        "stream_events_by_prefix",
        "/v1/events/{prefix*}",
        "The same, at the path that older tools use",
        stream_account,
    ),
    stream_operation(
        "stream_events",
        "/v1/events",
        "Answers 400: this path needs a prefix",
        refuse_without_prefix,
    ),
    stream_operation(
        "stream_device_events",
        "/v1/devices/{device}/events",
        "Follow the events of one device",
        stream_device,
    ),
    stream_operation(
        "stream_device_events_by_prefix",
        "/v1/devices/{device}/events/{prefix*}",
        "Follow those whose names begin with a prefix",
        stream_device,
    ),
)
