"""Named subscriptions: listed, acknowledged, forgotten. Ours.

They are made by opening a stream with ``?subscription=NAME``.
"""

from typing import Any

import msgspec

from roadstead.http.accounts.access_tokens import Ok
from roadstead.http.events.event_reading import parse_event_id
from roadstead.http.operation import Call, Operation
from roadstead.identity.permissions import Permission
from roadstead.kit.clock import iso_ms
from roadstead.kit.errors import Invalid

_TAG = "Event subscriptions"


class SubscriptionAnswer(msgspec.Struct):
    """A subscription; ``position`` is the id of the last event that counts as read."""

    name: str
    ack: str
    position: str
    wanted: list[dict[str, Any]]
    connected: bool
    created_at: str
    used_at: str


class SubscriptionsAnswer(msgspec.Struct):
    """Subscriptions by name."""

    subscriptions: list[SubscriptionAnswer]


class AckBody(msgspec.Struct):
    """The last event that was dealt with: the number in its ``id:`` line."""

    id: str | int


class AckAnswer(msgspec.Struct):
    """Where the subscription stands now."""

    ok: bool
    position: str


async def list_subscriptions(call: Call) -> SubscriptionsAnswer:
    """The caller's named subscriptions."""
    found = await call.parts.events.subscriptions.list_all(call.actor)
    return SubscriptionsAnswer(
        [
            SubscriptionAnswer(
                name=one.name,
                ack=one.ack,
                position=str(one.position),
                wanted=one.wanted,
                connected=connected,
                created_at=iso_ms(one.created_at),
                used_at=iso_ms(one.used_at),
            )
            for one, connected in found
        ]
    )


async def acknowledge(call: Call) -> AckAnswer:
    """Counts everything up to an event as read."""
    number = parse_event_id(str(call.body.id))
    if number is None:
        raise Invalid("bad_event_id", f"id {str(call.body.id)[:40]!r} is not the id of an event.")
    service = call.parts.events.subscriptions
    position = await service.acknowledge(call.actor, call.path["name"], number)
    return AckAnswer(True, str(position))


async def remove(call: Call) -> Ok:
    """Forgets a subscription; its reader is cut off."""
    await call.parts.events.subscriptions.remove(call.actor, call.path["name"])
    return Ok()


OPERATIONS = (
    Operation(
        name="list_event_subscriptions",
        method="GET",
        path="/v1/event_subscriptions",
        tag=_TAG,
        summary="List your named subscriptions",
        handler=list_subscriptions,
        permission=Permission.EVENTS_GET,
        answer=SubscriptionsAnswer,
    ),
    Operation(
        name="acknowledge_events",
        method="POST",
        path="/v1/event_subscriptions/{name}/ack",
        tag=_TAG,
        summary="Count all events up to one as read",
        handler=acknowledge,
        permission=Permission.EVENTS_GET,
        body=AckBody,
        answer=AckAnswer,
    ),
    Operation(
        name="delete_event_subscription",
        method="DELETE",
        path="/v1/event_subscriptions/{name}",
        tag=_TAG,
        summary="Forget a named subscription",
        handler=remove,
        permission=Permission.EVENTS_GET,
        answer=Ok,
    ),
)
