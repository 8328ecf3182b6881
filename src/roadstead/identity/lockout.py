"""Refuses to go on guessing: ten failures in a row lock one address out of one name for a while.

A lock counts for the pair, so that nobody can lock a person out from elsewhere. Names that nobody
has are treated alike. It is kept in memory: a restart forgets it, and one process serves.

Source: particle cloud notes §2.0.3.
"""

import asyncio
import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from roadstead.kit.addresses import caller_key
from roadstead.kit.clock import Clock
from roadstead.kit.errors import Invalid, TooMany

MAX_FAILURES = 10
"""Failures in a row that are allowed. Source: particle cloud notes §2.0.3."""

LOCK_S = 30 * 60
"""Seconds that a lock lasts, and after which older failures do not count any more."""

MAX_PAIRS = 100_000
"""Pairs remembered, about 30 MB; the one that was not seen for longest goes first."""


@dataclass(slots=True)
class _Record:
    failures: int = 0
    last_failure_s: float = 0.0
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Lockout:
    """Failures by address and name.

    Args:
        clock: for how long a lock lasts.
        enabled: False lets everything pass.
    """

    def __init__(self, clock: Clock, *, enabled: bool = True) -> None:
        self._clock = clock
        self._enabled = enabled
        self._records: OrderedDict[bytes, _Record] = OrderedDict()

    @contextlib.asynccontextmanager
    async def attempt(self, address: str, name: str) -> AsyncIterator[None]:
        """Around one check of a secret: an ``Invalid`` that leaves it is a failure.

        Attempts of one pair go one after the other, so that many at once gain nothing.

        Raises:
            TooMany: ``locked_out``, before anything was checked.
        """
        if not self._enabled:
            yield
            return
        key = _key(address, name)
        record = self._record(key)
        record.waiting += 1
        try:
            async with record.busy:
                self._refuse_if_locked(record)
                try:
                    yield
                except Invalid:
                    record.failures += 1
                    record.last_failure_s = self._clock.monotonic()
                    raise
                record.failures = 0
        finally:
            record.waiting -= 1
            if not record.failures and not record.waiting:
                self._records.pop(key, None)

    def _record(self, key: bytes) -> _Record:
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record()
            if len(self._records) > MAX_PAIRS:
                self._records.popitem(last=False)
        self._records.move_to_end(key)
        return record

    def _refuse_if_locked(self, record: _Record) -> None:
        left_s = record.last_failure_s + LOCK_S - self._clock.monotonic()
        if left_s <= 0:
            record.failures = 0
        if record.failures >= MAX_FAILURES:
            raise TooMany(
                "locked_out",
                f"Too many failed attempts; try again in {left_s / 60:.0f} minutes.",
                {"retry_after_s": int(left_s) + 1},
            )


def _key(address: str, name: str) -> bytes:
    text = f"{caller_key(address)}\0{name.strip().lower()}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
