"""How long events are kept. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from roadstead.events.segments import VolumeRow
from roadstead.kit.clock import to_ms
from roadstead.kit.ids import EVENT_COUNTER_BITS


@dataclass(frozen=True, slots=True)
class Retention:
    """What a plan allows.

    Attributes:
        days: events are kept so long; 0 for ever.
        size_bytes: and no more than this of them, the newest; 0 without a limit.
    """

    days: int = 7
    size_bytes: int = 0


def floor_by_days(retention: Retention, now: datetime) -> int:
    """The id below which events are too old; 0 where none is."""
    if not retention.days:
        return 0
    return to_ms(now - timedelta(days=retention.days)) << EVENT_COUNTER_BITS


def floor_by_size(retention: Retention, newest_first: Iterable[tuple[int, int]]) -> int:
    """First id of the newest segment that does not fit any more; 0 where all fit.

    Args:
        retention: what is allowed.
        newest_first: (first id, bytes) of the payer's part of each segment.
    """
    kept_bytes = 0
    for segment_id, size_bytes in newest_first:
        kept_bytes += size_bytes
        if retention.size_bytes and kept_bytes > retention.size_bytes:
            return segment_id
    return 0


@dataclass(frozen=True, slots=True)
class Floors:
    """What of one payer is due: segments that end below one, or begin at most at the other."""

    by_days: int = 0
    by_size: int = 0


def due_payers(
    first_id: int, last_id: int, volumes: Iterable[VolumeRow], floors: Mapping[str, Floors]
) -> list[str]:
    """Whose part of a segment is due."""
    nothing = Floors()
    found = []
    for one in volumes:
        floor = floors.get(one.payer, nothing)
        if last_id < floor.by_days or first_id <= floor.by_size:
            found.append(one.payer)
    return found
