"""Events of all products of an organization: followed and searched.

Source: particle cloud notes §2.8.
"""

from sqlalchemy import Connection

from roadstead.events.matching import EventFilter
from roadstead.http.events import event_history
from roadstead.http.events.event_reading import open_stream
from roadstead.http.events.event_streams import stream_operation
from roadstead.http.operation import Call
from roadstead.http.sse import StreamAnswer
from roadstead.kit.errors import Invalid
from roadstead.kit.ids import parse_device_id
from roadstead.products.model import Owner
from roadstead.products.store import list_products_of


async def stream_organization(call: Call) -> StreamAnswer:
    """Streams the events of an organization; it ends when its list of products changes."""
    products = await _products(call)
    device_ids = _device_ids(call.path.get("device"))
    wanted = EventFilter(None, device_ids, call.path.get("prefix", ""), products)
    answer = await open_stream(call, wanted)

    async def is_same() -> bool:
        return await _products(call) == products

    answer.is_same = is_same
    return answer


async def read_organization(call: Call) -> object:
    """The history of an organization."""
    device_ids = _device_ids(call.query.get("device"))
    prefix = call.query.get("prefix", "")
    wanted = EventFilter(None, device_ids, prefix, await _products(call))
    return await event_history.answer(call, wanted)


def _device_ids(ref: str | None) -> frozenset[str] | None:
    """A device of any of the products; one of another owner has no events in them."""
    if not ref:
        return None
    device_id = parse_device_id(ref)
    if device_id is None:
        raise Invalid("bad_device_id", f"{ref[:40]!r} is not a device id: 24 hex digits.")
    return frozenset({device_id})


async def _products(call: Call) -> frozenset[int]:
    owner = Owner(organization_id=call.organization.id)

    def work(conn: Connection) -> frozenset[int]:
        return frozenset(product.id for product in list_products_of(conn, [owner]))

    return await call.parts.database.read(work)


OPERATIONS = (
    stream_operation(
        "stream_organization_events",
        "/v1/orgs/{org}/events",
        "Follow the events of all products of an organization",
        stream_organization,
    ),
    stream_operation(
        "stream_organization_events_by_prefix",
        "/v1/orgs/{org}/events/{prefix*}",
        "Follow those whose names begin with a prefix",
        stream_organization,
    ),
    stream_operation(
        "stream_organization_device_events",
        "/v1/orgs/{org}/devices/{device}/events",
        "Follow the events of one device in any of its products",
        stream_organization,
    ),
    stream_operation(
        "stream_organization_device_events_by_prefix",
        "/v1/orgs/{org}/devices/{device}/events/{prefix*}",
        "Follow those whose names begin with a prefix",
        stream_organization,
    ),
    event_history.history_operation(
        "search_organization_event_history",
        "/v1/orgs/{org}/event_history",
        "Search the events of all products of an organization",
        read_organization,
    ),
)
