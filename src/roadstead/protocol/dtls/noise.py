"""Sources that send forged records: counted, and ignored for a while.

The tag has 64 bits, so a forger must be slowed down before he has tried often.
"""

from typing import TypeVar

from roadstead.protocol.dtls.limits import ServerLimits

Entry = TypeVar("Entry")


class NoisySources:
    """Forged records by source address, in a bounded table.

    Attributes:
        any_silenced: False as long as no source is ignored; cheap to ask for each record.
    """

    __slots__ = ("_counts", "_limits", "_silenced_until", "any_silenced")

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._counts: dict[tuple[str, int], tuple[int, float]] = {}
        self._silenced_until: dict[tuple[str, int], float] = {}
        self.any_silenced = False

    def count(self, address: tuple[str, int], now: float) -> None:
        """Counts one forged record."""
        number, since = self._counts.pop(address, (0, now))
        if now - since >= self._limits.noise_window_s:
            number, since = 0, now
        if number + 1 >= self._limits.bad_tags_per_source:
            self._keep(self._silenced_until, address, now + self._limits.noise_window_s)
            self.any_silenced = True
        else:
            self._keep(self._counts, address, (number + 1, since))

    def is_silenced(self, address: tuple[str, int], now: float) -> bool:
        """True while protected records of this source are to be ignored."""
        until = self._silenced_until.get(address)
        if until is None or now < until:
            return until is not None
        del self._silenced_until[address]
        self.any_silenced = bool(self._silenced_until)
        return False

    def _keep(
        self, table: dict[tuple[str, int], Entry], address: tuple[str, int], value: Entry
    ) -> None:
        if len(table) >= self._limits.noisy_sources:
            del table[next(iter(table))]
        table[address] = value
