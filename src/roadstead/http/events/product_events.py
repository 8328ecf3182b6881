"""Events of a product: followed, searched, and published into it.

Source: particle cloud notes §2.8, §1.14; clients notes §4, §5.
"""

import msgspec

from roadstead.devices.model import Device
from roadstead.events.limits import DEFAULT_TTL_S
from roadstead.events.matching import EventFilter
from roadstead.events.publishing import Destination
from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.events import event_history
from roadstead.http.events.event_reading import open_stream
from roadstead.http.events.event_streams import stream_operation
from roadstead.http.operation import Call, Operation
from roadstead.http.sse import StreamAnswer
from roadstead.identity.permissions import Permission
from roadstead.kit.ids import parse_device_id
from roadstead.products.model import Product

_TAG = "Events"


class ProductPublishBody(msgspec.Struct):
    """An event to publish into a product, in the name of one of its devices if one is named."""

    name: str
    data: str | None = None
    private: bool | str | None = None
    ttl: int = DEFAULT_TTL_S
    as_device_id: str | None = None
    deviceId: str | None = None


async def publish(call: Call) -> Ok:
    """Publishes into the product's stream; returns when the event is stored."""
    body: ProductPublishBody = call.body
    to = Destination(product_id=call.product.id)
    if ref := body.as_device_id or body.deviceId:
        device = await _find_member(call, call.product, ref)
        to = Destination(call.product.id, device.id, device.owner_id, device.firmware_version)
    await call.parts.publishing.publish(call.actor, body.name, body.data, body.ttl, to)
    return Ok()


async def stream_product(call: Call) -> StreamAnswer:
    """Streams the events of a product."""
    prefix = call.path.get("prefix", "")
    return await open_stream(call, await product_filter(call, call.product, None, prefix))


async def stream_product_device(call: Call) -> StreamAnswer:
    """Streams the events of one device of a product."""
    prefix = call.path.get("prefix", "")
    wanted = await product_filter(call, call.product, call.path["device"], prefix)
    return await open_stream(call, wanted)


async def read_product(call: Call) -> object:
    """The history of a product."""
    prefix = call.query.get("prefix", "")
    wanted = await product_filter(call, call.product, None, prefix)
    if ref := call.query.get("device"):
        # What a device said as the product's stays the product's, wherever it is now.
        device_id = parse_device_id(ref) or (await _find_member(call, call.product, ref)).id
        wanted = EventFilter(None, frozenset({device_id}), prefix, wanted.product_ids)
    return await event_history.answer(call, wanted)


async def product_filter(
    call: Call, product: Product, device: str | None, prefix: str
) -> EventFilter:
    """The filter of a product's events, or of those of one of its devices.

    Raises:
        NotFound: ``not_in_product``.
    """
    device_ids = None
    if device is not None:
        device_ids = frozenset({(await _find_member(call, product, device)).id})
    return EventFilter(None, device_ids, prefix, frozenset({product.id}))


async def _find_member(call: Call, product: Product, ref: str) -> Device:
    return await call.parts.devices.resolve(
        call.actor, ref, Permission.EVENTS_GET, product_id=product.id
    )


OPERATIONS = (
    Operation(
        name="publish_product_event",
        method="POST",
        path="/v1/products/{product}/events",
        tag=_TAG,
        summary="Publish an event into a product's stream",
        handler=publish,
        permission=Permission.EVENTS_SEND,
        body=ProductPublishBody,
        answer=Ok,
        errors=(503,),
    ),
    stream_operation(
        "stream_product_events",
        "/v1/products/{product}/events",
        "Follow the events of a product's devices, and those published into it",
        stream_product,
    ),
    stream_operation(
        "stream_product_events_by_prefix",
        "/v1/products/{product}/events/{prefix*}",
        "Follow those whose names begin with a prefix",
        stream_product,
    ),
    stream_operation(
        "stream_product_device_events",
        "/v1/products/{product}/devices/{device}/events",
        "Follow the events of one device of a product",
        stream_product_device,
    ),
    stream_operation(
        "stream_product_device_events_by_prefix",
        "/v1/products/{product}/devices/{device}/events/{prefix*}",
        "Follow those whose names begin with a prefix",
        stream_product_device,
    ),
    event_history.history_operation(
        "search_product_event_history",
        "/v1/products/{product}/event_history",
        "Search the events of a product",
        read_product,
    ),
)
