"""Several streams over one connection, for pages that show much at once. Ours.

A browser keeps six connections to a server; with this, one of them carries whatever all of its
pages want to hear of.
"""

from roadstead.events.matching import EventFilter
from roadstead.http.errors import permission_denied
from roadstead.http.events.event_reading import (
    STREAM_QUERY,
    WantedFilter,
    open_stream,
    parse_filters,
)
from roadstead.http.events.event_streams import stream_operation
from roadstead.http.events.product_events import product_filter
from roadstead.http.operation import Call, QueryParameter
from roadstead.http.sse import StreamAnswer
from roadstead.identity.permissions import Permission
from roadstead.kit.errors import Forbidden, NotFound


async def stream_several(call: Call) -> StreamAnswer:
    """Streams what any of several filters lets through, each event once."""
    filters = parse_filters(call.query.get("filters", ""))
    wanted = [await _wanted(call, one) for one in filters]
    answer = await open_stream(call, *wanted)

    async def still_allowed() -> bool:
        try:
            return wanted == [await _wanted(call, one) for one in filters]
        except (NotFound, Forbidden):
            return False

    answer.user_id, answer.still_allowed = call.actor.user_id, still_allowed
    return answer


async def _wanted(call: Call, one: WantedFilter) -> EventFilter:
    parts, actor = call.parts, call.actor
    if one.product is None:
        device_ids = None
        if one.device is not None:
            device_ids = frozenset({(await parts.devices.resolve(actor, one.device)).id})
        return EventFilter(actor.user_id, device_ids, one.prefix)
    reached = await parts.products.reach(actor, one.product)
    if Permission.EVENTS_GET not in reached.rights:
        raise permission_denied()
    return await product_filter(call, reached.product, one.device, one.prefix)


OPERATIONS = (
    stream_operation(
        "stream_several_events",
        "/v1/event_stream",
        "Follow what any of several filters lets through, over one connection",
        stream_several,
        (
            QueryParameter(
                "filters",
                "A JSON list of objects, each with prefix, device and product as needed: "
                '[{"prefix":"spark/status"},{"product":"my-product","device":"e00fce68…"}].',
            ),
            *STREAM_QUERY,
        ),
    ),
)
