"""Publishing by people and programs."""

from dataclasses import dataclass

from roadstead.events import limits
from roadstead.events.ingest import EventIngest
from roadstead.events.model import Event
from roadstead.events.receipt import CommitReceipt, too_busy
from roadstead.identity.model import Actor
from roadstead.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an event is published other than into the publisher's own stream.

    Attributes:
        product_id: the product into whose stream it goes.
        device_id: the device of it that it is said to be from; None for the API.
        owner_id: user id of that device's owner.
        firmware_version: that the device runs.
    """

    product_id: int
    device_id: str | None = None
    owner_id: str | None = None
    firmware_version: int = 0


class EventPublishing:
    """Lets an account publish into its own stream, or into a product's.

    Args:
        ingest: takes the events.
    """

    def __init__(self, ingest: EventIngest) -> None:
        self._ingest = ingest

    async def publish(
        self,
        actor: Actor,
        name: str,
        data: str | None,
        ttl_s: int = limits.DEFAULT_TTL_S,
        to: Destination | None = None,
    ) -> Event:
        """Publishes an event; returns when it is committed.

        Args:
            actor: a person; the event is theirs.
            name: 1 to 64 bytes of UTF-8, not a name of the system.
            data: at most 1024 bytes of UTF-8; None or empty for none.
            ttl_s: seconds, shown to readers.
            to: a product that the actor may publish into; None for the actor's own stream.

        Raises:
            Invalid: a limit of ``events.limits``, or ``bad_event_data``.
            Forbidden: ``event_name_reserved``.
            Unavailable: ``busy`` when too much waits to be written, ``not_stored`` when the
                database did not take it; nothing was published.
        """
        limits.validate_public_name(name)
        limits.validate_ttl(ttl_s)
        payload = _encode(data)
        limits.validate_payload(payload)
        receipt = CommitReceipt()
        event = self._ingest.accept(
            name=name,
            payload=payload,
            content_format=None,
            ttl_s=ttl_s,
            source="api",
            device_id=None if to is None else to.device_id,
            owner_id=(actor.user_id or None) if to is None else to.owner_id,
            product_id=None if to is None else to.product_id,
            firmware_version=0 if to is None else to.firmware_version,
            on_committed=receipt,
        )
        if event is None:
            raise too_busy()
        await receipt.wait()
        return event


def _encode(data: str | None) -> bytes | None:
    try:
        return data.encode() if data else None
    except UnicodeEncodeError:
        raise Invalid("bad_event_data", "The event data is not valid Unicode text.") from None
