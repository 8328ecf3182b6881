"""What an endpoint has sent and what still waits for an answer."""

from collections.abc import Iterator
from typing import Final

from roadstead.protocol.coap.events import Handle
from roadstead.protocol.coap.parameters import (
    MESSAGE_ID_REUSE_S,
    RESPONSE_LIFETIME_S,
    TOKENS,
)

_NEVER: Final = float("-inf")


class MessageIds:
    """Counts message ids up, and around.

    No confirmable message gets an id that an earlier one had less than MESSAGE_ID_REUSE_S ago. The
    rule is kept for halves of the range: one must have been left that long ago.
    """

    __slots__ = ("_left_at", "upcoming")

    def __init__(self, first: int) -> None:
        self.upcoming = first & 0xFFFF
        self._left_at = (_NEVER, _NEVER)

    def take(self, now: float, *, confirmable: bool) -> int | None:
        """The next id; None if it must wait."""
        message_id = self.upcoming
        high = message_id >> 15
        if confirmable and now < self._left_at[high] + MESSAGE_ID_REUSE_S:
            return None
        self.upcoming = (message_id + 1) & 0xFFFF
        if self.upcoming >> 15 != high:
            self._left_at = (self._left_at[0], now) if high else (now, self._left_at[1])
        return message_id


class Exchange:
    """A message that was sent and has an outcome.

    Attributes:
        handle: its name towards the owner.
        message_id: its id.
        token: the byte that its response will carry; None when only an acknowledgement is due.
        datagram: its bytes, to be sent again.
        transmissions: how often it was sent; 0 until its timer was started.
        timeout_s: how long the present transmission may take.
        due_at: when it is sent again, or given up.
        acknowledged_at: when its acknowledgement came.
    """

    __slots__ = (
        "acknowledged_at",
        "datagram",
        "due_at",
        "handle",
        "message_id",
        "timeout_s",
        "token",
        "transmissions",
    )

    def __init__(
        self,
        handle: Handle,
        message_id: int,
        token: int | None,
        datagram: bytes,
        timeout_s: float,
    ) -> None:
        self.handle = handle
        self.message_id = message_id
        self.token = token
        self.datagram = datagram
        self.timeout_s = timeout_s
        self.transmissions = 0
        self.due_at = _NEVER
        self.acknowledged_at = _NEVER

    def start_timer(self, now: float) -> None:
        """Notes that it was sent for the first time at ``now``."""
        self.transmissions = 1
        self.due_at = now + self.timeout_s

    def back_off(self, now: float) -> None:
        """Notes that it is sent again at ``now`` and may take twice as long."""
        self.transmissions += 1
        self.timeout_s *= 2
        self.due_at = now + self.timeout_s


class Outgoing:
    """The exchanges of one endpoint: by message id until acknowledged, by token until answered."""

    __slots__ = ("_awaiting", "_next_token", "_unacknowledged")

    def __init__(self, first_token: int) -> None:
        self._next_token = first_token & 0xFF
        self._unacknowledged: dict[int, Exchange] = {}
        self._awaiting: dict[int, Exchange] = {}

    @property
    def unacknowledged(self) -> int:
        """Number of confirmable messages without an acknowledgement."""
        return len(self._unacknowledged)

    def free_token(self, now: float) -> int | None:
        """A token that no request in flight has, in turn; None when there is none."""
        if len(self._awaiting) == TOKENS:
            self._reclaim_tokens(now)
        if len(self._awaiting) == TOKENS:
            return None
        while self._next_token in self._awaiting:
            self._next_token = (self._next_token + 1) & 0xFF
        token = self._next_token
        self._next_token = (token + 1) & 0xFF
        return token

    def _reclaim_tokens(self, now: float) -> None:
        for token, exchange in tuple(self._awaiting.items()):
            if _NEVER < exchange.acknowledged_at <= now - RESPONSE_LIFETIME_S:
                del self._awaiting[token]

    def add(self, exchange: Exchange, *, confirmable: bool) -> None:
        """Takes an exchange in."""
        if confirmable:
            self._unacknowledged[exchange.message_id] = exchange
        if exchange.token is not None:
            self._awaiting[exchange.token] = exchange

    def find_unacknowledged(self, message_id: int) -> Exchange | None:
        """The exchange that an acknowledgement or a reset of this id is for."""
        return self._unacknowledged.get(message_id)

    def find_awaiting(self, token: bytes) -> Exchange | None:
        """The exchange that a response with this token is for."""
        return self._awaiting.get(token[0]) if len(token) == 1 else None

    def find(self, handle: Handle) -> Exchange | None:
        """The exchange of a handle, None if it is over."""
        for exchange in (*self._unacknowledged.values(), *self._awaiting.values()):
            if exchange.handle == handle:
                return exchange
        return None

    def acknowledge(self, exchange: Exchange, now: float) -> None:
        """Stops sending it again; one with a token goes on waiting for its response."""
        self._unacknowledged.pop(exchange.message_id, None)
        exchange.acknowledged_at = now

    def remove(self, exchange: Exchange) -> None:
        """Ends it."""
        if self._unacknowledged.get(exchange.message_id) is exchange:
            del self._unacknowledged[exchange.message_id]
        if exchange.token is not None and self._awaiting.get(exchange.token) is exchange:
            del self._awaiting[exchange.token]

    def iter_unacknowledged(self) -> Iterator[Exchange]:
        """Those that were not acknowledged, oldest first; they may be removed meanwhile."""
        return iter(tuple(self._unacknowledged.values()))

    def next_due(self) -> float | None:
        """When the first of them is due; None when none is."""
        if not self._unacknowledged:
            return None
        return min(exchange.due_at for exchange in self._unacknowledged.values())
