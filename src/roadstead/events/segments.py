"""Which events of a stretch of the history belong to whom. Pure.

The history is cut into segments of consecutive events. For each segment and each place (a device,
an account, a product) that has events in it, one row lists their ids. So an event costs nothing
when it is written, a segment is written once, at the end of its table, and the events of a silent
device are found by one look per segment.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roadstead.events.matching import EventFilter
from roadstead.events.visibility import account_scope, payer_of, product_scope

SEGMENT_EVENTS = 50_000
"""Events in a full segment: what has no segment yet is read row by row, in some 25 ms at most."""

SEGMENT_AGE_MS = 15 * 60 * 1000
"""A segment of SMALL_SEGMENT_EVENTS or more is closed at this age."""

SMALL_SEGMENT_EVENTS = 2_000
"""Fewer events are read row by row in a millisecond or two."""

OLD_SEGMENT_AGE_MS = 60 * 60 * 1000
"""Any segment is closed at this age: retention works by segments, and so keeps an hour too long."""

DENSE_SHARE = 4
"""A place with more than one in this many events of its segment has no list: reading the segment
through costs less than looking each event up."""

DENSE_EVENTS = 500
"""No fewer events than this count as dense."""

EVENT_OVERHEAD_BYTES = 64
"""What an event takes on disk beside its name and its data, about."""


def device_place(device_id: str) -> str:
    """The name of a device among the places."""
    return f"d{device_id}"


def places_of(wanted: Iterable[EventFilter]) -> list[str]:
    """The places whose lists together hold every event that the filters let through."""
    found: set[str] = set()
    for one in wanted:
        if one.device_ids is not None:
            found.update(map(device_place, one.device_ids))
        elif one.owner_id is not None:
            found.add(account_scope(one.owner_id))
        else:
            found.update(map(product_scope, one.product_ids or ()))
    return sorted(found)


def encode_ids(ids: Iterable[int]) -> bytes:
    """Ids as a list is stored: 8 bytes each, least significant first."""
    return array("q", ids).tobytes()


def decode_ids(stored: bytes) -> list[int]:
    """The ids of a stored list."""
    ids = array("q")
    ids.frombytes(stored)
    return ids.tolist()


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """The events of one place in one segment.

    Attributes:
        events: how many.
        ids: ``encode_ids`` of them in order; None where they are dense.
    """

    place: str
    events: int
    ids: bytes | None


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """How much of one segment is kept to the plan of one payer."""

    payer: str
    events: int
    size_bytes: int


class SegmentDraft:
    """A segment in the making; events are added by growing id.

    Attributes:
        after_id: id behind which it begins; every later event up to ``last_id`` is in it.
        first_id, last_id: of its events; 0 while it is empty.
        events: how many there are.
    """

    def __init__(self, after_id: int) -> None:
        self.after_id = after_id
        self.first_id = 0
        self.last_id = after_id
        self.events = 0
        self._places: dict[str, list[int]] = {}
        self._volumes: dict[str, list[int]] = {}

    def add(
        self,
        event_id: int,
        device_id: str | None,
        owner_id: str | None,
        product_id: int | None,
        content_bytes: int,
    ) -> None:
        """Adds the next event; ``content_bytes`` is the size of its name and data."""
        self.first_id = self.first_id or event_id
        self.last_id = event_id
        self.events += 1
        places = self._places
        if device_id:
            places.setdefault("d" + device_id, []).append(event_id)
        if owner_id:
            places.setdefault("u" + owner_id, []).append(event_id)
        if product_id is not None:
            places.setdefault(f"p{product_id}", []).append(event_id)
        volume = self._volumes.setdefault(payer_of(owner_id, product_id), [0, 0])
        volume[0] += 1
        volume[1] += content_bytes + EVENT_OVERHEAD_BYTES

    def is_due(self, age_ms: int) -> bool:
        """Whether it should be closed, its first event being ``age_ms`` old."""
        if not self.events:
            return False
        return (
            self.events >= SEGMENT_EVENTS
            or age_ms >= OLD_SEGMENT_AGE_MS
            or (age_ms >= SEGMENT_AGE_MS and self.events >= SMALL_SEGMENT_EVENTS)
        )

    def places(self) -> Iterator[PlaceRow]:
        """Its lists, in the order in which they are stored."""
        dense = max(DENSE_EVENTS, self.events // DENSE_SHARE)
        for place in sorted(self._places):
            ids = self._places[place]
            yield PlaceRow(place, len(ids), None if len(ids) > dense else encode_ids(ids))

    def volumes(self) -> list[VolumeRow]:
        """How much of it each payer has."""
        return [VolumeRow(payer, *counts) for payer, counts in sorted(self._volumes.items())]
