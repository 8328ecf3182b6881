"""The way of one virtual device to the server: UDP port, DTLS session and CoAP exchanges joined.

The channel decides nothing about the device's life; it tells its owner when the session stands,
when the server asks something, and when the way has ended.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Protocol

import msgspec

from roadstead.protocol.coap.blockwise import cut_block, encode_block
from roadstead.protocol.coap.codes import EMPTY
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import (
    Acknowledged,
    CoapEvent,
    Failed,
    Request,
    Reset,
    Response,
)
from roadstead.protocol.coap.message import (
    RST,
    Draft,
    Message,
    encode_acknowledgement,
    encode_message,
)
from roadstead.protocol.coap.options import BLOCK1
from roadstead.protocol.coap.parameters import DEFAULT_PARAMETERS
from roadstead.protocol.dtls import events as dtls
from roadstead.protocol.dtls.client import ClientGeneration, DtlsClient
from roadstead.simulator.generation import Generation
from roadstead.simulator.identity import VirtualIdentity
from roadstead.simulator.port import DatagramPort


class Ending(StrEnum):
    """Why the way to the server ended."""

    NO_NETWORK = "no_network"
    NO_HANDSHAKE = "no_handshake"
    CLOSED = "closed"
    RESET = "reset"
    SILENT = "silent"

    @property
    def keeps_session(self) -> bool:
        """Whether the device goes on with its session. Spec: device protocol notes §1.9."""
        return self in (Ending.SILENT, Ending.NO_NETWORK)


Answer = Callable[["Message | None"], None]
"""Called once: with the response, or with None after an empty acknowledgement."""

Failure = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request that the device sends by itself.

    Attributes:
        draft: what it says.
        token: whether it has a token.
        confirmable: whether the device wants to know that it arrived.
        block_szx: size of the blocks in which its payload goes; None sends it whole.
    """

    draft: Draft
    token: bool = False
    confirmable: bool = True
    block_szx: int | None = None


PING = Outgoing(Draft(EMPTY))
"""An empty confirmable message. Spec: RFC 7252 §4.3."""


class ChannelOwner(Protocol):
    """What a channel tells the device that owns it."""

    def on_secured(self) -> None:
        """A new session stands; nothing was sent on it yet."""

    def on_heard(self) -> None:
        """A message of the server arrived."""

    @property
    def on_request(self) -> Callable[[Message], None]:
        """Called when the server asks; answers with ``acknowledge`` or ``respond``."""

    def on_ended(self, ending: Ending) -> None:
        """The way has ended; nothing more arrives until ``handshake`` or ``resume``."""


class StoredChannel(msgspec.Struct, array_like=True):
    """A session as a device keeps it over a restart; secret."""

    session: bytes
    next_message_id: int


class Channel:
    """One device's way to the server; all times are monotonic seconds.

    Args:
        server_key: the server's public key, SPKI DER.
        owner: hears what happens.
        port: delivers to ``receive``; opened and closed by the channel.
        now: gives the time.
        random: gives ids and tokens; keys and nonces come from the system.
    """

    def __init__(
        self,
        identity: VirtualIdentity,
        generation: Generation,
        server_key: bytes,
        owner: ChannelOwner,
        port: DatagramPort,
        now: Callable[[], float],
        random: Random,
    ) -> None:
        self._identity = identity
        self._generation = ClientGeneration(
            cid=generation.connection_id, resume_marker=generation.resume_marker
        )
        self._server_key = server_key
        self._owner = owner
        self._port = port
        self._now = now
        self._random = random
        self._dtls: DtlsClient | None = None
        self._coap = self._make_endpoint(random.randrange(0x10000))
        self._open = False
        self._waiting: dict[int, tuple[Answer, Failure]] = {}

    @property
    def has_session(self) -> bool:
        """Whether there is a session to go on with."""
        return self._dtls is not None and self._dtls.connected

    def handshake(self) -> None:
        """Begins a new session from a new source port; ``on_secured`` or ``on_ended`` follows."""
        self._start_over()
        self._dtls = DtlsClient(
            private_key=self._identity.private_key,
            server_public_key=self._server_key,
            random=os.urandom,
            device_id=self._identity.device_id,
            generation=self._generation,
        )
        self._dtls.start(self._now())
        self.flush()

    def resume(self) -> None:
        """Goes on with the session from a new source port; nothing is sent by this alone."""
        assert self._dtls is not None
        self._start_over()
        self._dtls.resume()

    def change_port(self) -> None:
        """Goes on from a new source port without a word, as behind a NAT that forgot."""
        self._port.open()

    def suspend(self) -> None:
        """Closes the port and gives up what is unanswered; the session stays."""
        self._open = False
        self._port.close()
        self._fail_all()

    def forget(self) -> None:
        """Closes the port and drops the session."""
        self.suspend()
        self._dtls = None

    def export(self) -> bytes | None:
        """The session to keep over a restart, None without one; it must be used only once."""
        if self._dtls is None or not self.has_session:
            return None
        stored = StoredChannel(self._dtls.export(), self._coap.next_message_id)
        return msgspec.msgpack.encode(stored)

    def restore(self, stored: bytes) -> None:
        """Takes up an exported session; ``resume`` goes on with it.

        Raises:
            ValueError: it is no exported session.
        """
        try:
            kept = msgspec.msgpack.decode(stored, type=StoredChannel)
        except msgspec.DecodeError as error:
            raise ValueError("not a stored session") from error
        self._dtls = DtlsClient.restore(
            kept.session,
            private_key=self._identity.private_key,
            server_public_key=self._server_key,
            random=os.urandom,
        )
        self._coap = self._make_endpoint(kept.next_message_id)

    def request(
        self, message: Outgoing, on_answer: Answer | None = None, on_failure: Failure | None = None
    ) -> None:
        """Sends a request; what is not confirmable has no outcome."""
        if message.block_szx is not None:
            self._request_block(message, 0, on_answer, on_failure)
            return
        handle = self._coap.request(
            *message.draft, token=message.token, confirmable=message.confirmable, now=self._now()
        )
        if message.confirmable:
            self._waiting[handle] = (on_answer or _ignore_answer, on_failure or _ignore_failure)

    def _request_block(
        self,
        message: Outgoing,
        number: int,
        on_answer: Answer | None,
        on_failure: Failure | None,
    ) -> None:
        """Sends one block, and the next when it is acknowledged."""
        code, options, payload = message.draft
        cut = cut_block(payload, number, message.block_szx or 0)
        assert cut is not None
        block, content = cut
        draft = Draft(code, (*options, (BLOCK1, encode_block(block))), content)

        def answered(answer: Message | None) -> None:
            if block.more:
                self._request_block(message, number + 1, on_answer, on_failure)
            elif on_answer is not None:
                on_answer(answer)

        self.request(replace(message, draft=draft, block_szx=None), answered, on_failure)

    def acknowledge_with_own_id(self) -> None:
        """Acknowledges as Device OS does a key change: with its own id instead of the request's.

        Spec: device protocol notes §3.17.
        """
        if self._dtls is not None:
            self._dtls.send(encode_acknowledgement(self._coap.next_message_id))
            self.flush()

    def acknowledge(self, request: Message) -> None:
        """Acknowledges a request without an answer (yet)."""
        self._coap.acknowledge(request)

    def respond(
        self,
        request: Message,
        answer: Draft,
        *,
        separate: bool = False,
        on_confirmed: Callable[[], None] | None = None,
    ) -> None:
        """Answers a request, in the acknowledgement or as a message of its own.

        Args:
            request: what is answered.
            answer: what is said.
            separate: as a message of its own.
            on_confirmed: called when the server has acknowledged a separate answer.
        """
        handle = self._coap.respond(request, *answer, separate=separate)
        if on_confirmed is not None and handle is not None:
            self._waiting[handle] = (lambda _: on_confirmed(), _ignore_failure)

    def refuse(self, request: Message) -> None:
        """Answers a message that is not confirmable with a reset."""
        if self._dtls is not None and self._dtls.connected:
            self._dtls.send(encode_message(Message(RST, EMPTY, request.message_id, b"", (), b"")))

    def receive(self, datagram: bytes) -> None:
        """Takes in a datagram of the server."""
        if not self._open or self._dtls is None:
            return
        self._dtls.receive(datagram, self._now())
        self._drain()
        self.flush()

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` wants to be called."""
        if not self._open or self._dtls is None:
            return None
        times = (self._dtls.next_timeout(), self._coap.next_timeout())
        return min((time for time in times if time is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Sends again what is due, or gives up."""
        if not self._open or self._dtls is None:
            return
        self._dtls.handle_timeout(now)
        self._drain()
        if self._open:
            self._handle_coap_events(self._coap.handle_timeout(now))
        self.flush()

    def flush(self) -> None:
        """Puts on the wire what was sent."""
        if not self._open or self._dtls is None:
            return
        if self._dtls.connected:
            for message in self._coap.to_send():
                self._dtls.send(message)
        for datagram in self._dtls.to_send():
            self._port.send(datagram)

    def _start_over(self) -> None:
        self._fail_all()
        self._coap = self._make_endpoint(self._coap.next_message_id)
        self._port.open()
        self._open = True

    def _make_endpoint(self, first_message_id: int) -> CoapEndpoint:
        return CoapEndpoint(
            first_message_id=first_message_id,
            first_token=self._random.randrange(256),
            random=self._random.randbytes,
            parameters=DEFAULT_PARAMETERS,
        )

    def _drain(self) -> None:
        while self._open and self._dtls is not None:
            match self._dtls.next_event():
                case None:
                    return
                case dtls.ApplicationData(content=content):
                    self._owner.on_heard()
                    self._handle_coap_events(self._coap.receive(content, self._now()))
                case dtls.Connected():
                    self._owner.on_secured()
                case dtls.Closed():
                    self._end(Ending.CLOSED)
                case dtls.Failed():
                    self._end(Ending.NO_HANDSHAKE)

    def _handle_coap_events(self, events: list[CoapEvent]) -> None:
        endpoint = self._coap
        for event in events:
            if not self._open or self._coap is not endpoint:
                return  # an earlier event ended this way; handles of the next one are others
            match event:
                case Request(message=message):
                    self._owner.on_request(message)
                case Response(handle=handle, message=message):
                    self._settle(handle, message)
                case Acknowledged(handle=handle):
                    self._settle(handle, None)
                case Failed(handle=handle, reason=reason):
                    self._fail(handle)
                    if reason != "busy":
                        self._end(Ending.RESET if reason == "reset" else Ending.SILENT)
                case Reset():
                    self._end(Ending.RESET)

    def _settle(self, handle: int, message: Message | None) -> None:
        answer, _ = self._waiting.pop(handle, (_ignore_answer, _ignore_failure))
        answer(message)

    def _fail(self, handle: int) -> None:
        _, failure = self._waiting.pop(handle, (_ignore_answer, _ignore_failure))
        failure()

    def _fail_all(self) -> None:
        for handle in tuple(self._waiting):
            self._fail(handle)

    def _end(self, ending: Ending) -> None:
        if ending.keeps_session:
            self.suspend()
        else:
            self.forget()
        self._owner.on_ended(ending)


def _ignore_answer(message: Message | None) -> None:
    """For requests whose answer says nothing."""


def _ignore_failure() -> None:
    """For requests whose failure is told by the channel's end."""
