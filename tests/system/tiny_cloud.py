"""The least server that a virtual device accepts, for what a real server never does.

It acknowledges everything and can reset, close, fall silent, or ask for anything.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import AF_INET

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import Ping, Request, Response
from roadstead.protocol.coap.message import RST, Draft, Message, encode_message
from roadstead.protocol.dtls import events as dtls
from roadstead.protocol.dtls.server import DtlsServer
from roadstead.protocol.dtls.session import Session
from roadstead.protocol.messages.device_request import DeviceRequest, kind_of_device_request
from roadstead.protocol.messages.event import DeviceEvent, decode_event
from roadstead.protocol.messages.hello import Hello, decode_hello
from roadstead.protocol.messages.time import time_response
from roadstead.simulator.port import ServerAddress

Answer = Callable[[Message], Draft | None]


@dataclass
class Peer:
    """One session as the tiny cloud sees it."""

    session: Session
    coap: CoapEndpoint
    hello: Hello | None = None
    requests: list[Message] = field(default_factory=list)
    responses: dict[int, Message] = field(default_factory=dict)
    pings: int = 0

    @property
    def events(self) -> list[DeviceEvent]:
        kind = DeviceRequest.EVENT
        return [decode_event(one) for one in self.requests if kind_of_device_request(one) is kind]

    def kinds(self) -> list[DeviceRequest]:
        return [kind_of_device_request(message) for message in self.requests]


class TinyCloud(asyncio.DatagramProtocol):
    """Accepts every key; attributes can be set to make it behave badly.

    Attributes:
        silent: nothing that arrives is looked at.
        refuse_event: gives the answer to an event, None for the usual one.
        moves: addresses that sessions moved to.
    """

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.dtls = DtlsServer(
            private_key=self._key, cookie_secret=os.urandom(32), shard=0, random=os.urandom
        )
        self.peers: list[Peer] = []
        self.silent = False
        self.refuse_event: Answer = lambda message: None
        self.moves: list[dtls.SessionMoved] = []
        self.closed: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.Task[None] | None = None

    @property
    def address(self) -> ServerAddress:
        assert self._transport is not None
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return ServerAddress(self._transport.get_extra_info("sockname"), AF_INET, der)

    @property
    def peer(self) -> Peer:
        """The newest session."""
        return self.peers[-1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._timer = asyncio.get_running_loop().create_task(self._tick())

    def stop(self) -> None:
        assert self._transport is not None and self._timer is not None
        self._timer.cancel()
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.silent:
            self.dtls.receive(data, addr, _now())
            self._work()

    async def ask(self, draft: Draft, timeout_s: float = 5.0) -> Message | None:
        """Sends a request to the newest session; None if no answer came in time."""
        handle = self.peer.coap.request(*draft, now=_now())
        self._work()
        deadline = _now() + timeout_s
        while _now() < deadline:
            if handle in self.peer.responses:
                return self.peer.responses[handle]
            await asyncio.sleep(0.01)
        return None

    def tell(self, draft: Draft) -> None:
        """Sends a confirmable request without a token."""
        self.peer.coap.request(*draft, token=False, now=_now())
        self._work()

    def send_raw(self, message: Message) -> None:
        self.dtls.send(self.peer.session, encode_message(message))
        self._work()

    def reset(self) -> None:
        """Sends a reset, upon which a device throws its session away."""
        self.send_raw(Message(RST, 0, 4711))

    def close_session(self) -> None:
        self.dtls.close(self.peer.session)
        self._work()

    def forget_session(self) -> None:
        self.dtls.forget(self.peer.session)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            for peer in self.peers:
                due = peer.coap.next_timeout()
                if due is not None and due <= _now():
                    peer.coap.handle_timeout(_now())
            self._work()

    def _work(self) -> None:
        while (event := self.dtls.next_event()) is not None:
            self._take(event)
        for peer in self.peers:
            for content in peer.coap.to_send():
                self.dtls.send(peer.session, content)
        assert self._transport is not None
        for datagram, address in self.dtls.to_send():
            self._transport.sendto(datagram, address)

    def _take(self, event: dtls.ServerEvent) -> None:
        match event:
            case dtls.KeyOffered(handshake=handshake):
                self.dtls.accept_key(handshake, _now(), None)
            case dtls.CryptoNeeded(job=job):
                self.dtls.finish(job, job.run(), _now())
            case dtls.SessionReady(session=session):
                coap = CoapEndpoint(first_message_id=1000, first_token=7, random=os.urandom)
                peer = Peer(session, coap)
                session.context = peer
                self.peers.append(peer)
                self.dtls.confirm(session, _now())
            case dtls.ApplicationData(session=session, content=content):
                self._converse(session.context, content)
            case dtls.SessionMoved():
                self.moves.append(event)
            case dtls.SessionClosed(reason=reason):
                self.closed.append(reason)

    def _converse(self, peer: Peer, content: bytes) -> None:
        for event in peer.coap.receive(content, _now()):
            match event:
                case Request(message=message):
                    peer.requests.append(message)
                    self._answer(peer, message)
                case Response(handle=handle, message=message):
                    peer.responses[handle] = message
                case Ping():
                    peer.pings += 1

    def _answer(self, peer: Peer, message: Message) -> None:
        kind = kind_of_device_request(message)
        refusal = self.refuse_event(message) if kind is DeviceRequest.EVENT else None
        if refusal is not None:
            peer.coap.respond(message, *refusal)
        elif kind is DeviceRequest.TIME:
            peer.coap.respond(message, *time_response(1_700_000_000))
        else:
            peer.coap.acknowledge(message)
        if kind is DeviceRequest.HELLO:
            peer.hello = decode_hello(message)
            self.dtls.bind_device(peer.session, peer.hello.device_id)


@asynccontextmanager
async def tiny_cloud() -> AsyncIterator[TinyCloud]:
    """A tiny cloud on a free port of loopback."""
    loop = asyncio.get_running_loop()
    _, cloud = await loop.create_datagram_endpoint(TinyCloud, local_addr=("127.0.0.1", 0))
    try:
        yield cloud
    finally:
        cloud.stop()


def _now() -> float:
    return asyncio.get_running_loop().time()
