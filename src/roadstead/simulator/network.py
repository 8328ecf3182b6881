"""Loss, duplication, reorder and delay of datagrams, on demand and reproducible."""

from dataclasses import dataclass
from random import Random

REORDER_HOLD_S = (0.03, 0.25)
"""Seconds for which a reordered datagram is held back, so that later ones overtake it. The upper
end stays far below the 3 s of the first handshake timer: reorder alone must not look like loss."""

JITTER_SHARE = 0.5
"""A delay of D ms varies evenly between D and D x (1 + this share)."""


@dataclass(frozen=True, slots=True)
class NetworkConditions:
    """What may happen to each datagram, in both directions.

    Attributes:
        loss: probability that a datagram never arrives, 0 to 1.
        duplicate: probability that it arrives twice.
        reorder: probability that later ones overtake it.
        delay_ms: least time under way, one direction.
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay_ms: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability between 0 and 1")
        if self.delay_ms < 0:
            raise ValueError("delay_ms cannot be negative")

    @property
    def perfect(self) -> bool:
        """Whether every datagram arrives at once, once, and in order."""
        return not (self.loss or self.duplicate or self.reorder or self.delay_ms)


class UnreliableNetwork:
    """Decides the fate of datagrams under the conditions, from a seeded source of chance."""

    def __init__(self, conditions: NetworkConditions, random: Random) -> None:
        self.conditions = conditions
        self._random = random
        self.lost = 0
        self.duplicated = 0
        self.reordered = 0

    def fate(self) -> list[float]:
        """Delays in seconds after which one datagram arrives: none if lost, two if duplicated."""
        conditions, chance = self.conditions, self._random.random
        if chance() < conditions.loss:
            self.lost += 1
            return []
        copies = 1
        if chance() < conditions.duplicate:
            self.duplicated += 1
            copies = 2
        return [self._delay_s() for _ in range(copies)]

    def _delay_s(self) -> float:
        conditions = self.conditions
        delay_s = conditions.delay_ms / 1000 * (1 + JITTER_SHARE * self._random.random())
        if self._random.random() < conditions.reorder:
            self.reordered += 1
            delay_s += self._random.uniform(*REORDER_HOLD_S)
        return delay_s
