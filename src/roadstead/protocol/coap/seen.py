"""Which messages of the peer were seen lately, and what they were answered.

Two generations of a dictionary take turns, so that nothing needs a time of its own, and an idle
peer costs two empty dictionaries.
"""

from collections.abc import Iterable

Answer = bytes | None
"""The encoded acknowledgement; None while there is none (yet)."""


class SeenMessages:
    """Message ids of the peer with their answers.

    Args:
        period_s: an id is remembered for one to two periods.
        limit: ids in one period; more begin a new one early.
    """

    __slots__ = ("_current", "_limit", "_period_s", "_previous", "_turn_at")

    def __init__(self, period_s: float, limit: int) -> None:
        self._period_s = period_s
        self._limit = limit
        self._current: dict[int, Answer] = {}
        self._previous: dict[int, Answer] = {}
        self._turn_at = float("-inf")

    def expire(self, now: float) -> None:
        """Forgets what is old."""
        if now < self._turn_at:
            return
        idle = now >= self._turn_at + self._period_s
        self._previous = {} if idle else self._current
        self._current = {}
        self._turn_at = now + self._period_s

    def __contains__(self, message_id: int) -> bool:
        return message_id in self._current or message_id in self._previous

    def answer_to(self, message_id: int) -> Answer:
        """What a seen message was answered; None for one that is unknown, too."""
        if message_id in self._current:
            return self._current[message_id]
        return self._previous.get(message_id)

    def remember(self, message_id: int, answer: Answer) -> None:
        """Notes a message, or the answer to one."""
        if len(self._current) >= self._limit and message_id not in self._current:
            self._previous, self._current = self._current, {}
        self._current[message_id] = answer

    def forget(self, message_id: int) -> None:
        """Takes a message as never seen."""
        self._current.pop(message_id, None)
        self._previous.pop(message_id, None)

    def seed(self, answers: Iterable[tuple[int, Answer]], now: float) -> None:
        """Notes messages that were answered before this process began."""
        self.expire(now)
        for message_id, answer in answers:
            self.remember(message_id, answer)
