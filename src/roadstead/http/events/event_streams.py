"""The row of the table that every event stream has."""

from roadstead.http.events.event_reading import STREAM_QUERY
from roadstead.http.operation import Handler, Operation, QueryParameter
from roadstead.identity.permissions import Permission

_TAG = "Events"

_STREAM = "text/event-stream"


def stream_operation(
    name: str,
    path: str,
    summary: str,
    handler: Handler,
    query: tuple[QueryParameter, ...] = STREAM_QUERY,
) -> Operation:
    """A row of the table for one stream."""
    return Operation(
        name=name,
        method="GET",
        path=path,
        tag=_TAG,
        summary=summary,
        handler=handler,
        permission=Permission.EVENTS_GET,
        query=query,
        media_type=_STREAM,
        errors=(409, 429),
        streams=True,
    )
