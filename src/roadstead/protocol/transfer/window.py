"""Which chunk of a current transfer goes out next: flight, losses and timers.

A chunk is lost when three sent after it have come, or when no report came for the retransmission
timeout. The flight grows until something is lost, is halved then, and grows slowly.
Spec: device protocol notes §4.1; RFC 6298 (timeout), RFC 9002 §6.1.1 (loss by order of sending).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

REORDER_CHUNKS: Final = 3
"""A chunk that so many others overtook counts as lost. RFC 9002 §6.1.1."""

BURST_CHUNKS: Final = 8
"""Chunks that are sent together where that can be: one turn and one call to the kernel."""

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


_Flight = tuple[int, float, bool]
"""A chunk under way: place in the order of sending, monotonic seconds, whether it is a repetition.
A plain tuple: one is made for every chunk."""


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

    def next_chunks(self, now: float, limit: int) -> list[int]:
        """The chunks to send now, which then count as sent; lost ones first."""
        flying, serial = self._flying, self._serial
        room = min(limit, int(self._flight) - len(flying))
        if now < self._free_at or room <= 0:
            return []
        if self._pacing.interval_s:
            room = 1
        self._drop_confirmed_losses()
        chosen: list[int] = []
        while self._lost and len(chosen) < room:
            chosen.append(heappop(self._lost))
            self._drop_confirmed_losses()
        repeated = len(chosen)
        last = min(self._count, self._in_sequence + self._window, self._fresh - 1 + room - repeated)
        if last >= self._fresh:
            chosen += range(self._fresh, last + 1)
            self._fresh = last + 1
        if not chosen:
            return chosen
        if not flying:
            self._rto_from = now
        for place, index in enumerate(chosen):
            flying[index] = (serial + place + 1, now, place < repeated)
        self._serial = serial + len(chosen)
        self._free_at = now + self._pacing.interval_s
        return chosen

    @property
    def has_burst(self) -> bool:
        """Whether so many chunks may go out that they are worth a turn.

        If not, more reports are on their way: at least half of the flight is under way still.
        """
        room = int(self._flight) - len(self._flying)
        return (room >= BURST_CHUNKS or room * 2 >= self._flight) and self._can_choose()

    def _has_room(self) -> bool:
        return len(self._flying) < int(self._flight)

    def _drop_confirmed_losses(self) -> None:
        while self._lost and (self._lost[0] <= self._in_sequence or self._lost[0] in self._beyond):
            heappop(self._lost)

    def acknowledge(self, in_sequence: int, beyond: tuple[int, ...], now: float) -> int:
        """Takes a report; how many chunks it confirmed. One that makes no sense changes nothing."""
        if not self._in_sequence <= in_sequence < self._fresh:
            return 0
        news: Iterable[int] = range(self._in_sequence + 1, in_sequence + 1)
        self._in_sequence = in_sequence
        if beyond or self._beyond:
            news = self._take_beyond(news, beyond)
        confirmed = self._land(news, now)
        if confirmed > 0:
            self._grow(confirmed)
            self._rto_from = now
        self._find_losses()
        return confirmed

    def _take_beyond(self, news: Iterable[int], beyond: tuple[int, ...]) -> list[int]:
        known = self._beyond
        found = [index for index in news if index not in known]
        found += [index for index in beyond if index < self._fresh and index not in known]
        known.update(found)
        self._beyond = {index for index in known if index > self._in_sequence}
        return found

    def _land(self, news: Iterable[int], now: float) -> int:
        """Takes chunks out of the flight; a report costs what it confirms, not what is under way.

        Gives their number.
        """
        pop = self._flying.pop
        last, sent_at, number = self._confirmed_serial, None, 0
        for index in news:
            number += 1
            flight = pop(index, None)
            if flight is not None and flight[0] > last:
                last = flight[0]
                sent_at = None if flight[2] else flight[1]
        self._confirmed_serial = last
        if sent_at is not None:
            self._take_round_trip(now - sent_at)
        return number

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
        lost = []
        for index, flight in self._flying.items():  # in the order of sending
            if flight[0] > limit:
                break
            lost.append((index, flight[0]))
        for index, _ in lost:
            self._lose(index)
        if any(serial > self._recovery_serial for _, serial in lost):
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
        overdue_at = self._rto_from + self._rto_s if self._flying else None
        if self._has_room() and self._can_choose():
            return self._free_at if overdue_at is None else min(overdue_at, self._free_at)
        return overdue_at

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
