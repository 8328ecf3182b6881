"""Reliability towards one peer, sans-IO: acknowledgement, retransmission, deduplication, tokens.

The same endpoint serves the server and a (virtual) device. After each call the owner sends what
``to_send`` gives and asks ``next_timeout``.
Spec: RFC 7252 §4, §5.2, §5.3; device protocol notes §3.1.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from roadstead.protocol.coap.codes import EMPTY, is_request, is_response
from roadstead.protocol.coap.errors import CoapFormatError
from roadstead.protocol.coap.events import (
    Acknowledged,
    CoapEvent,
    Failed,
    Handle,
    Malformed,
    Ping,
    Request,
    Reset,
    Response,
)
from roadstead.protocol.coap.message import (
    ACK,
    CON,
    NON,
    RST,
    Message,
    decode_message,
    encode_acknowledgement,
    encode_message,
)
from roadstead.protocol.coap.outgoing import Exchange, MessageIds, Outgoing
from roadstead.protocol.coap.parameters import DEFAULT_PARAMETERS, ExchangeParameters
from roadstead.protocol.coap.seen import SeenMessages

_RANDOM_RANGE: Final = 0x10000
_BARE: Final = b"P%c%c%c%b"
"""A message that is not confirmable, without token: code, message id, and what follows."""


class CoapEndpoint:
    """One end of a session's messages.

    Args:
        first_message_id: id of the first message that it sends, 0 to 65535. After a restart begin
            far from the ids of the last 45 s.
        first_token: token of its first request that has one, 0 to 255.
        random: gives that many random bytes.
        parameters: timing and bounds.
    """

    __slots__ = (
        "_ids",
        "_next_handle",
        "_now",
        "_out",
        "_outgoing",
        "_parameters",
        "_random",
        "_refused",
        "_seeds",
        "_seen",
    )

    def __init__(
        self,
        *,
        first_message_id: int,
        first_token: int,
        random: Callable[[int], bytes],
        parameters: ExchangeParameters = DEFAULT_PARAMETERS,
    ) -> None:
        self._parameters = parameters
        self._random = random
        self._ids = MessageIds(first_message_id)
        self._outgoing = Outgoing(first_token)
        self._seen = SeenMessages(parameters.seen_period_s, parameters.seen_limit)
        self._seeds: tuple[int, ...] = ()
        self._out: list[bytes] = []
        self._refused: tuple[Handle, ...] = ()
        self._next_handle: Handle = 1
        self._now = 0.0

    @property
    def next_message_id(self) -> int:
        """Id of the next message that it will send."""
        return self._ids.upcoming

    @property
    def unacknowledged(self) -> int:
        """Number of its confirmable messages that the peer has not acknowledged."""
        return self._outgoing.unacknowledged

    def seed_seen(self, message_ids: Iterable[int]) -> None:
        """Names confirmable requests that were acknowledged before this process began.

        When the peer repeats one of them, it is acknowledged again and not told.
        """
        self._seeds = tuple(message_ids)

    def receive(self, datagram: bytes, now: float) -> list[CoapEvent]:
        """Takes one message of the peer; repeats are dealt with and not told."""
        self._now = now
        try:
            message = decode_message(datagram)
        except CoapFormatError as error:
            return [Malformed(str(error))]
        if message.type == ACK:
            return self._take_acknowledgement(message, now)
        if message.type == RST:
            return self._take_reset(message)
        return self._take_new(message, now)

    def _take_new(self, message: Message, now: float) -> list[CoapEvent]:
        message_id = message.message_id
        seen = self._seen
        seen.expire(now)
        if message.code == EMPTY:
            if message.type == NON:
                return []
            # Acknowledging a ping twice changes nothing, so it needs no memory.
            self._out.append(encode_acknowledgement(message_id))
            return [Ping(message_id)]
        if self._seeds:
            self._plant_seeds(now)
        if message_id in seen:
            answer = seen.answer_to(message_id)
            if answer is not None:
                self._out.append(answer)
            return []
        if is_request(message.code):
            seen.remember(message_id, None)
            return [Request(message)]
        if is_response(message.code):
            return self._take_response(message)
        return [Malformed("reserved code")]

    def _plant_seeds(self, now: float) -> None:
        self._seen.seed(((seed, encode_acknowledgement(seed)) for seed in self._seeds), now)
        self._seeds = ()

    def _take_response(self, message: Message) -> list[CoapEvent]:
        # A response that nobody waits for is acknowledged as well: a reset would end the session,
        # and silence would make the device send it again.
        if message.type == CON:
            self.acknowledge(message)
        else:
            self._seen.remember(message.message_id, None)
        exchange = self._outgoing.find_awaiting(message.token)
        if exchange is None:
            return []
        self._outgoing.remove(exchange)
        return [Response(exchange.handle, message)]

    def _take_acknowledgement(self, message: Message, now: float) -> list[CoapEvent]:
        exchange = self._outgoing.find_unacknowledged(message.message_id)
        if exchange is None:
            return []
        if is_response(message.code):
            self._outgoing.remove(exchange)
            return [Response(exchange.handle, message)]
        if message.code != EMPTY:
            return [Malformed("acknowledgement with a request in it")]
        self._outgoing.acknowledge(exchange, now)
        return [Acknowledged(exchange.handle)]

    def _take_reset(self, message: Message) -> list[CoapEvent]:
        exchange = self._outgoing.find_unacknowledged(message.message_id)
        if exchange is None:
            return [Reset(message.message_id)]
        self._outgoing.remove(exchange)
        return [Failed(exchange.handle, "reset")]

    def acknowledge(self, request: Request | Message) -> None:
        """Acknowledges a confirmable message; does nothing for one that is not.

        If the peer repeats the message, it is acknowledged again without being asked.
        """
        message = request.message if isinstance(request, Request) else request
        if message.type == CON:
            acknowledgement = encode_acknowledgement(message.message_id)
            self._out.append(acknowledgement)
            self._seen.remember(message.message_id, acknowledgement)

    def forget(self, request: Request | Message) -> None:
        """Takes an unanswered request as never seen: when the peer repeats it, it is told again."""
        message = request.message if isinstance(request, Request) else request
        self._seen.forget(message.message_id)

    def respond(
        self,
        request: Request | Message,
        code: int,
        options: Sequence[tuple[int, bytes]] = (),
        payload: bytes = b"",
        separate: bool = False,
    ) -> Handle | None:
        """Answers a request with its token.

        Args:
            request: what is answered.
            code: response code.
            options: ascending.
            payload: may be empty.
            separate: as a message of its own, after an empty acknowledgement if none was sent yet;
                a request that was acknowledged already is always answered so.

        Returns:
            A handle for a separate confirmable response, which has an outcome of its own.
        """
        message = request.message if isinstance(request, Request) else request
        if message.type != CON:
            self._send(NON, self._take_id(confirmable=False), message.token, code, options, payload)
            return None
        answered = self._seen.answer_to(message.message_id) is not None
        if not separate and not answered:
            sent = self._send(ACK, message.message_id, message.token, code, options, payload)
            self._seen.remember(message.message_id, sent)
            return None
        if not answered:
            self.acknowledge(message)
        return self._send_separate(message.token, code, options, payload)

    def _send_separate(
        self, token: bytes, code: int, options: Sequence[tuple[int, bytes]], payload: bytes
    ) -> Handle:
        handle = self._take_handle()
        message_id = self._ids.take(self._now, confirmable=True)
        if message_id is None:
            self._refused += (handle,)
            return handle
        datagram = self._send(CON, message_id, token, code, options, payload)
        exchange = Exchange(handle, message_id, None, datagram, self._first_timeout_s())
        # The time is not known here. Being due in the past, the exchange makes the owner call
        # handle_timeout at once, which starts its timer.
        self._outgoing.add(exchange, confirmable=True)
        return handle

    def request(
        self,
        code: int,
        options: Sequence[tuple[int, bytes]] = (),
        payload: bytes = b"",
        *,
        token: bool = True,
        confirmable: bool = True,
        tracked: bool = True,
        now: float,
    ) -> Handle:
        """Sends a request; code 0.00 without a token is a ping.

        Args:
            code: request code.
            options: ascending.
            payload: may be empty.
            token: gives it a token of one byte; a response is expected, and the request is open
                until it comes or ``cancel`` is called.
            confirmable: sent again until acknowledged.
            tracked: False sends it once and forgets it, as a key change needs (its
                acknowledgement carries a wrong id).
            now: monotonic seconds.

        Returns:
            A handle; it has an outcome if the request is tracked and has a token or is confirmable.
        """
        self._now = now
        handle = self._take_handle()
        key = self._outgoing.free_token(now) if token else None
        message_id = self._ids.take(now, confirmable=confirmable)
        if message_id is None or (token and key is None):
            self._refused += (handle,)
            return handle
        kind, carried = CON if confirmable else NON, b"" if key is None else bytes((key,))
        datagram = self._send(kind, message_id, carried, code, options, payload)
        if tracked and (confirmable or token):
            exchange = Exchange(handle, message_id, key, datagram, self._first_timeout_s())
            exchange.start_timer(now)
            self._outgoing.add(exchange, confirmable=confirmable)
        return handle

    def send_bodies(self, code: int, bodies: Iterable[bytes], now: float) -> None:
        """Sends requests that nobody confirms or answers, with their options encoded already.

        Args:
            code: request code.
            bodies: what stands behind the header of each: options, marker and payload.
            now: monotonic seconds.
        """
        self._now = now
        take, out = self._ids.take, self._out
        for body in bodies:
            message_id = take(now, confirmable=False)
            assert message_id is not None  # only a confirmable message can be refused one
            out.append(_BARE % (code, message_id >> 8, message_id & 0xFF, body))

    def cancel(self, handle: Handle) -> None:
        """Gives a request up; what still comes for it is acknowledged and not told."""
        exchange = self._outgoing.find(handle)
        if exchange is not None:
            self._outgoing.remove(exchange)

    def discard_pending(self) -> list[Handle]:
        """Gives up all that the peer has not acknowledged, and names it.

        To be called when a device comes back: what made it drop the connection would make it
        drop it again.
        """
        pending = list(self._outgoing.iter_unacknowledged())
        for exchange in pending:
            self._outgoing.remove(exchange)
        refused, self._refused = self._refused, ()
        return [*(exchange.handle for exchange in pending), *refused]

    def to_send(self) -> list[bytes]:
        """The messages to send now, in order; each is given once."""
        out, self._out = self._out, []
        return out

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is to be called; a time in the past means at once."""
        return self._now if self._refused else self._outgoing.next_due()

    def handle_timeout(self, now: float) -> list[CoapEvent]:
        """Sends again what is due and gives up what was sent often enough."""
        self._now = now
        events: list[CoapEvent] = [Failed(handle, "busy") for handle in self._refused]
        self._refused = ()
        for exchange in self._outgoing.iter_unacknowledged():
            if exchange.due_at > now:
                continue
            if exchange.transmissions == 0:
                exchange.start_timer(now)
            elif exchange.transmissions > self._parameters.max_retransmit:
                self._outgoing.remove(exchange)
                events.append(Failed(exchange.handle, "timeout"))
            else:
                exchange.back_off(now)
                self._out.append(exchange.datagram)
        return events

    def _take_handle(self) -> Handle:
        handle = self._next_handle
        self._next_handle += 1
        return handle

    def _take_id(self, *, confirmable: bool) -> int:
        message_id = self._ids.take(self._now, confirmable=confirmable)
        assert message_id is not None  # only a confirmable message can be refused one
        return message_id

    def _first_timeout_s(self) -> float:
        share = int.from_bytes(self._random(2), "big") / _RANDOM_RANGE
        parameters = self._parameters
        return parameters.ack_timeout_s * (1 + parameters.ack_random_fraction * share)

    def _send(
        self,
        kind: int,
        message_id: int,
        token: bytes,
        code: int,
        options: Sequence[tuple[int, bytes]],
        payload: bytes,
    ) -> bytes:
        message = Message(kind, code, message_id, token, tuple(options), payload)
        datagram = encode_message(message)
        self._out.append(datagram)
        return datagram
