"""Messages of all devices, both ways: sessions, reliability and the socket joined.

Everything that is sent to a device passes here, so that its timers are armed and its datagrams
leave together, once for each turn of the loop.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable
from itertools import count

from roadstead.gateway.connection import NOTHING_ASKED, Connection
from roadstead.gateway.effects import Ask
from roadstead.gateway.udp_socket import UdpSocket
from roadstead.kit.clock import Clock
from roadstead.protocol.coap import codes
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import CoapEvent, Handle, Request
from roadstead.protocol.coap.message import Draft
from roadstead.protocol.dtls.server import DtlsServer

MESSAGE_ID_BITS = 16


class Wire:
    """Sends to devices and keeps the timers of their exchanges.

    Args:
        dtls: the sessions.
        random: gives so many random bytes.
        recent_message_ids: takes out the message ids of a device's events that were committed
            shortly before this process started; a repeat of one is acknowledged, not published.
    """

    def __init__(
        self,
        dtls: DtlsServer,
        clock: Clock,
        random: Callable[[int], bytes],
        recent_message_ids: Callable[[str], Iterable[int]],
    ) -> None:
        self._dtls = dtls
        self._clock = clock
        self._random = random
        self._recent_message_ids = recent_message_ids
        self._socket: UdpSocket | None = None
        self._timers: list[tuple[float, int, Connection]] = []
        self._order = count()
        self._scheduled = False

    def attach(self, socket: UdpSocket) -> None:
        """Sends through ``socket`` from now on."""
        self._socket = socket

    @property
    def congested(self) -> bool:
        """Whether the kernel does not take datagrams as fast as they come."""
        return self._socket is not None and self._socket.backlog > 0

    def endpoint(self, connection: Connection) -> CoapEndpoint:
        """The endpoint of a connection, made at its first use."""
        endpoint = connection.endpoint
        if endpoint is None:
            endpoint = connection.endpoint = self._make_endpoint(connection)
        return endpoint

    def acknowledge(self, connection: Connection, request: Request) -> None:
        """Acknowledges a request of the device."""
        self.endpoint(connection).acknowledge(request)

    def respond(self, connection: Connection, request: Request, draft: Draft) -> None:
        """Answers a request inside its acknowledgement."""
        self.endpoint(connection).respond(request, *draft)

    def give_back(self, connection: Connection, request: Request) -> None:
        """Forgets an unanswered request, so that the device's repeat of it counts as new."""
        if connection.endpoint is not None:
            connection.endpoint.forget(request)

    def ask(self, connection: Connection, ask: Ask) -> None:
        """Sends a confirmable request."""
        now = self._clock.monotonic()
        handle = self.endpoint(connection).request(*ask.draft, token=ask.token, now=now)
        ask.purpose.asked_at = now
        if connection.asked is NOTHING_ASKED:
            connection.asked = {}
        connection.asked[handle] = ask.purpose

    def tell(self, connection: Connection, draft: Draft) -> None:
        """Sends a message that nobody confirms."""
        self.endpoint(connection).request(
            *draft, token=False, confirmable=False, now=self._clock.monotonic()
        )

    def tell_once(self, connection: Connection, draft: Draft) -> None:
        """Sends a confirmable message once and waits for nothing, as a key change needs."""
        self.endpoint(connection).request(
            *draft, token=False, tracked=False, now=self._clock.monotonic()
        )

    def tell_untracked(self, connection: Connection, draft: Draft, *, token: bool) -> None:
        """Sends a message that nobody confirms or answers, though it may need a token."""
        self.endpoint(connection).request(
            *draft, token=token, confirmable=False, tracked=False, now=self._clock.monotonic()
        )

    def tell_bodies(self, connection: Connection, bodies: Iterable[bytes]) -> None:
        """Sends chunks of a file: POST messages that nobody confirms, encoded behind the header."""
        self.endpoint(connection).send_bodies(codes.POST, bodies, self._clock.monotonic())

    def withdraw(self, connection: Connection, call: object) -> None:
        """Forgets what was asked for ``call``; a late answer is acknowledged and ignored."""
        handles = [handle for handle, one in connection.asked.items() if one.call is call]
        for handle in handles:
            self._cancel(connection, handle)

    def discard_pending(self, connection: Connection) -> None:
        """Stops repeating what an earlier connection of the device left unanswered."""
        if connection.endpoint is not None:
            connection.endpoint.discard_pending()

    def flush(self, connection: Connection) -> None:
        """Protects what the connection has to send; it leaves at the end of this turn."""
        endpoint = connection.endpoint
        if endpoint is None or not connection.alive:
            return
        self._dtls.send_all(connection.session, endpoint.to_send())
        due = endpoint.next_timeout()
        if due is not None and (connection.timer_at is None or due < connection.timer_at):
            connection.timer_at = due
            heapq.heappush(self._timers, (due, next(self._order), connection))
        self.schedule_send()

    def schedule_send(self) -> None:
        """Sends the waiting datagrams in the next turn of the loop, if nobody does it before."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.send_datagrams)

    def send_datagrams(self) -> None:
        """Hands all waiting datagrams to the socket."""
        self._scheduled = False
        datagrams = self._dtls.to_send()
        if self._socket is not None and datagrams:
            self._socket.send_all(datagrams)

    def take_timeouts(self, now: float) -> Iterable[tuple[Connection, list[CoapEvent]]]:
        """What the timers that are due by ``now`` bring; each connection is flushed afterwards."""
        while self._timers and self._timers[0][0] <= now:
            due, _, connection = heapq.heappop(self._timers)
            if connection.timer_at != due:
                continue
            connection.timer_at = None
            if connection.alive and connection.endpoint is not None:
                yield connection, connection.endpoint.handle_timeout(now)
                self.flush(connection)

    def _cancel(self, connection: Connection, handle: Handle) -> None:
        del connection.asked[handle]
        self.endpoint(connection).cancel(handle)

    def _make_endpoint(self, connection: Connection) -> CoapEndpoint:
        # The ids grow with the record numbers, which jump when a process takes a session over: an
        # id used shortly before a crash is never used again within the device's 45 s of memory.
        offset = int.from_bytes(connection.row_key[1:3], "big")
        endpoint = CoapEndpoint(
            first_message_id=(offset + connection.session.tx_sequence) % (1 << MESSAGE_ID_BITS),
            first_token=self._random(1)[0],
            random=self._random,
        )
        # After a new handshake a device may count its messages from 1 again.
        if connection.taken_over:
            endpoint.seed_seen(self._recent_message_ids(connection.state.device_id))
        return endpoint
