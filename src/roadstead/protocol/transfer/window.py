"""Which chunk of a current transfer goes out next: flight, losses and timers.

A chunk is lost when three sent after it have come, or when no report came for the retransmission
timeout. The flight grows until something is lost, is halved then, and grows slowly.
Spec: device protocol notes §4.1; RFC 6298 (timeout), RFC 9002 §6.1.1 (loss by order of sending).
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final, NamedTuple

REORDER_CHUNKS: Final = 3
"""A chunk that so many others overtook counts as lost. RFC 9002 §6.1.1."""

_SMOOTHING: Final = 1 / 8
_VARIATION_SMOOTHING: Final = 1 / 4


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast chunks go out.

    Attributes:
        flight_first: chunks under way at the beginning.
        flight_min: chunks under way at least, after losses.
        flight_max: chunks under way at most.
        interval_s: least time between two chunks; 0 for none.
        rto_min_s: shortest retransmission timeout. Reports are up to 0.2 s late, and the round trip
            of a cellular network takes seconds.
        rto_max_s: longest.
    """

    flight_first: int = 8
    flight_min: int = 2
    flight_max: int = 64
    interval_s: float = 0.0
    rto_min_s: float = 1.0
    rto_max_s: float = 30.0


class _Flight(NamedTuple):
    serial: int
    sent_at: float
    repeated: bool


class SendWindow:
    """The chunks of one transfer.

    Args:
        count: number of chunks, numbered from 1.
        window_chunks: what the device takes beyond the chunks that it has in sequence.
        pacing: see Pacing.
    """

    def __init__(self, count: int, window_chunks: int, pacing: Pacing) -> None:
        self._count = count
        self._window = window_chunks
        self._pacing = pacing
        self._in_sequence = 0
        self._beyond: set[int] = set()
        self._flying: dict[int, _Flight] = {}
        self._lost: list[int] = []
        self._fresh = 1
        self._serial = 0
        self._confirmed_serial = 0
        self._recovery_serial = 0
        self._flight = float(pacing.flight_first)
        self._threshold = float(pacing.flight_max)
        self._rtt_s: float | None = None
        self._variation_s = 0.0
        self._rto_s = pacing.rto_min_s
        self._rto_from = 0.0
        self._free_at = 0.0

    @property
    def complete(self) -> bool:
        """Whether the device has every chunk."""
        return self._in_sequence == self._count

    @property
    def confirmed(self) -> int:
        """How many chunks the device has."""
        return self._in_sequence + len(self._beyond)

    @property
    def in_flight(self) -> int:
        """How many chunks are under way."""
        return len(self._flying)

    def next_chunk(self, now: float) -> int | None:
        """The chunk to send now, which then counts as sent; None when none may be."""
        if not self._has_room() or now < self._free_at:
            return None
        index = self._choose()
        if index is None:
            return None
        repeated = index < self._fresh
        self._fresh = max(self._fresh, index + 1)
        self._serial += 1
        if not self._flying:
            self._rto_from = now
        self._flying[index] = _Flight(self._serial, now, repeated)
        self._free_at = now + self._pacing.interval_s
        return index

    def _has_room(self) -> bool:
        return len(self._flying) < int(self._flight)

    def _choose(self) -> int | None:
        self._drop_confirmed_losses()
        if self._lost:
            return heappop(self._lost)
        fresh = self._fresh
        return fresh if fresh <= min(self._count, self._in_sequence + self._window) else None

    def _drop_confirmed_losses(self) -> None:
        while self._lost and (self._lost[0] <= self._in_sequence or self._lost[0] in self._beyond):
            heappop(self._lost)

    def acknowledge(self, in_sequence: int, beyond: tuple[int, ...], now: float) -> int:
        """Takes a report; how many chunks it confirmed. One that makes no sense changes nothing."""
        if not self._in_sequence <= in_sequence < self._fresh:
            return 0
        before = self.confirmed
        self._in_sequence = in_sequence
        self._beyond = {index for index in self._beyond if index > in_sequence}
        self._beyond.update(index for index in beyond if index < self._fresh)
        confirmed = self.confirmed - before
        if confirmed > 0:
            self._land(now)
            self._grow(confirmed)
            self._rto_from = now
        self._find_losses()
        return confirmed

    def _land(self, now: float) -> None:
        landed = [
            (index, flight)
            for index, flight in self._flying.items()
            if index <= self._in_sequence or index in self._beyond
        ]
        for index, flight in landed:
            del self._flying[index]
            self._confirmed_serial = max(self._confirmed_serial, flight.serial)
        once = [flight for _, flight in landed if not flight.repeated]
        if once:
            self._take_round_trip(now - once[-1].sent_at)

    def _take_round_trip(self, sample_s: float) -> None:
        if self._rtt_s is None:
            self._rtt_s, self._variation_s = sample_s, sample_s / 2
        else:
            error = abs(self._rtt_s - sample_s)
            self._variation_s += _VARIATION_SMOOTHING * (error - self._variation_s)
            self._rtt_s += _SMOOTHING * (sample_s - self._rtt_s)
        wanted = self._rtt_s + 4 * self._variation_s
        self._rto_s = min(self._pacing.rto_max_s, max(self._pacing.rto_min_s, wanted))

    def _grow(self, confirmed: int) -> None:
        slow = self._flight >= self._threshold
        growth = confirmed / self._flight if slow else float(confirmed)
        self._flight = min(float(self._pacing.flight_max), self._flight + growth)

    def _find_losses(self) -> None:
        limit = self._confirmed_serial - REORDER_CHUNKS
        lost = [(index, one) for index, one in self._flying.items() if one.serial <= limit]
        for index, _ in lost:
            self._lose(index)
        if any(flight.serial > self._recovery_serial for _, flight in lost):
            self._recovery_serial = self._serial
            self._shrink(self._flight / 2)

    def _lose(self, index: int) -> None:
        del self._flying[index]
        heappush(self._lost, index)

    def _shrink(self, flight: float) -> None:
        self._flight = max(float(self._pacing.flight_min), flight)
        self._threshold = self._flight

    def next_timeout(self) -> float | None:
        """When a chunk may go out, or the retransmission timeout ends; None when neither will."""
        moments = []
        if self._flying:
            moments.append(self._rto_from + self._rto_s)
        if self._has_room() and self._can_choose():
            moments.append(self._free_at)
        return min(moments, default=None)

    def _can_choose(self) -> bool:
        self._drop_confirmed_losses()
        return bool(self._lost) or self._fresh <= min(self._count, self._in_sequence + self._window)

    def handle_timeout(self, now: float) -> None:
        """When the retransmission timeout has ended, takes all chunks under way as lost."""
        if not self._flying or now < self._rto_from + self._rto_s:
            return
        for index in tuple(self._flying):
            self._lose(index)
        self._recovery_serial = self._serial
        self._rto_s = min(self._pacing.rto_max_s, 2 * self._rto_s)
        self._shrink(self._flight / 2)
