"""Publishing by people and programs."""

from roadstead.events import limits
from roadstead.events.ingest import EventIngest
from roadstead.events.model import Event
from roadstead.events.receipt import CommitReceipt, too_busy
from roadstead.identity.model import Actor
from roadstead.kit.errors import Invalid


class EventPublishing:
    """Lets an account publish into its own stream.

    Args:
        ingest: takes the events.
    """

    def __init__(self, ingest: EventIngest) -> None:
        self._ingest = ingest

    async def publish(
        self, actor: Actor, name: str, data: str | None, ttl_s: int = limits.DEFAULT_TTL_S
    ) -> Event:
        """Publishes an event of the actor's account; returns when it is committed.

        Args:
            actor: a person; the event is theirs.
            name: 1 to 64 bytes of UTF-8, not a name of the system.
            data: at most 1024 bytes of UTF-8; None or empty for none.
            ttl_s: seconds, shown to readers.

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
            device_id=None,
            owner_id=actor.user_id or None,
            product_id=None,
            firmware_version=0,
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
