"""A minimal device on a real UDP socket: the protocol's own client side, driven by tests."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from roadstead.protocol.coap import codes
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import Acknowledged, Failed, Request, Response
from roadstead.protocol.coap.message import Draft, Message
from roadstead.protocol.dtls.client import DtlsClient
from roadstead.protocol.dtls.events import ApplicationData, Closed, Connected
from roadstead.protocol.dtls.events import Failed as HandshakeFailed
from roadstead.protocol.messages.application import Application, encode_application
from roadstead.protocol.messages.describe import (
    FORMAT_PROTOBUF,
    Describe,
    DescribeAnswer,
    DescribeFlag,
    decode_describe_request,
    describe_answer,
    encode_describe,
)
from roadstead.protocol.messages.event import DeviceEvent, decode_event, encode_event
from roadstead.protocol.messages.function import decode_function_call, function_result
from roadstead.protocol.messages.hello import Hello, encode_hello
from roadstead.protocol.messages.module_protobuf import encode_modules
from roadstead.protocol.messages.server_request import ServerRequest, kind_of_server_request
from roadstead.protocol.messages.signal import decode_signal_request, signal_response
from roadstead.protocol.messages.subscription import DeviceSubscription, encode_subscription
from roadstead.protocol.messages.variable import decode_variable_request, variable_response
from roadstead.protocol.messages.vitals import encode_vitals
from tests.builders.dtls import GEN_6, spki_of

MODULES = {
    "p": 32,
    "m": [
        {"s": 1, "l": "m", "vc": 30, "vv": 30, "f": "s", "n": "1", "v": 6200, "d": []},
        {"s": 1, "l": "m", "vc": 30, "vv": 30, "f": "u", "n": "1", "v": 6, "u": "ab" * 32, "d": []},
    ],
}

FLAGS = 0x00F6


class Lost(Exception):
    """The server never acknowledged, or ended the session."""


@dataclass
class WireDevice:
    """One device; every call waits for what the server answers.

    Attributes:
        told: requests of the server in order of arrival.
        events: events that the server sent.
        functions: what it does when a function is called.
        variables: values by name.
        counts_on: whether its message ids go on after a new handshake, as within one boot.
    """

    device_id: str
    server_key: ec.EllipticCurvePrivateKey
    address: tuple[str, int]
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    generation: object = GEN_6
    hello: Hello | None = None
    functions: dict[str, Callable[[str], int]] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)
    told: list[Message] = field(default_factory=list)
    events: list[DeviceEvent] = field(default_factory=list)
    signals: list[bool] = field(default_factory=list)
    counts_on: bool = True
    handshakes: int = 0
    closed: str | None = None

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._dtls = self._new_client()
        self._coap = self._new_endpoint()
        self._socket: socket.socket | None = None
        self._connected: asyncio.Future[None] | None = None
        self._waiting: dict[int, tuple[bool, asyncio.Future[Message | None]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.hello = self.hello or Hello(
            0xFFFF, 3, FLAGS, 32, bytes.fromhex(self.device_id), 6200, 1152, 1 << 20, 512
        )

    @property
    def spki(self) -> bytes:
        return spki_of(self.key)

    @property
    def port(self) -> int:
        assert self._socket is not None
        return self._socket.getsockname()[1]

    def open(self) -> None:
        """A new socket, and so a new source port."""
        self.close()
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(self.address)
        self._loop.add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    async def handshake(self, timeout_s: float = 10.0) -> None:
        """A full handshake from a new port."""
        self.open()
        self._dtls = self._new_client()
        self._coap = self._coap if self.counts_on else self._new_endpoint()
        self.handshakes += 1
        self._connected = self._loop.create_future()
        self._dtls.start(time.monotonic())
        self._flush()
        await asyncio.wait_for(self._connected, timeout_s)

    async def connect(
        self, subscriptions: tuple[DeviceSubscription, ...] = (), *, flags: bool = True
    ) -> None:
        """Everything that a current device says on a fresh session, pipelined as it does."""
        await self.handshake()
        await self.say_hello()
        await asyncio.gather(
            self.post_system(),
            *([self.publish("particle/device/updates/enabled", b"true")] if flags else ()),
            self.post_application(),
            self.subscribe("particle"),
            self.subscribe("spark"),
            *(self.request(encode_subscription(one)) for one in subscriptions),
        )

    def resume(self) -> None:
        """Goes on with the session from a new port; the next record carries the marker."""
        self.open()
        self._dtls.resume()

    async def say_hello(self, **changes: object) -> None:
        assert self.hello is not None
        await self.request(encode_hello(self.hello))

    async def post_system(self, modules: dict[str, object] | None = None) -> None:
        describe = Describe(
            DescribeFlag.SYSTEM, encode_modules(modules or MODULES), FORMAT_PROTOBUF
        )
        await self.request(encode_describe(describe), token=True, answered=False)

    async def post_application(self) -> None:
        describe = Describe(DescribeFlag.APPLICATION, encode_application(self.application))
        await self.request(encode_describe(describe), token=True, answered=False)

    @property
    def application(self) -> Application:
        names = {bool: "bool", int: "int32", float: "double", str: "string"}
        types = {name: names[type(value)] for name, value in self.variables.items()}
        return Application(tuple(self.functions), types)

    async def publish(
        self, name: str, payload: bytes | None = None, content_format: int | None = None
    ) -> Message | None:
        return await self.request(encode_event(DeviceEvent(name, payload, content_format)))

    async def subscribe(self, prefix: str, kind: str = "text") -> Message | None:
        return await self.request(encode_subscription(DeviceSubscription(prefix, kind)))

    async def ping(self) -> None:
        await self.request(Draft(codes.EMPTY))

    async def request(
        self, draft: Draft, *, token: bool = False, answered: bool | None = None
    ) -> Message | None:
        """Sends a confirmable request; gives the response, None for an empty acknowledgement."""
        future: asyncio.Future[Message | None] = self._loop.create_future()
        handle = self._coap.request(*draft, token=token, now=time.monotonic())
        wants_response = token if answered is None else answered
        self._waiting[handle] = (wants_response, future)
        self._flush()
        return await future

    def send_raw(self, message: bytes) -> None:
        """One CoAP message as it is, protected."""
        self._dtls.send(message)
        self._flush()

    def _new_client(self) -> DtlsClient:
        return DtlsClient(
            private_key=self.key,
            server_public_key=spki_of(self.server_key),
            random=os.urandom,
            device_id=bytes.fromhex(self.device_id),
            generation=self.generation,
        )

    def _new_endpoint(self) -> CoapEndpoint:
        return CoapEndpoint(first_message_id=1, first_token=0x61, random=os.urandom)

    def _read(self) -> None:
        while self._socket is not None:
            try:
                datagram = self._socket.recv(2048)
            except OSError:
                break
            self._dtls.receive(datagram, time.monotonic())
        self._drain()

    def _drain(self) -> None:
        while (event := self._dtls.next_event()) is not None:
            match event:
                case Connected():
                    assert self._connected is not None
                    self._connected.set_result(None)
                case ApplicationData(_, content):
                    self._take(self._coap.receive(content, time.monotonic()))
                case Closed(reason):
                    self.closed = reason
                    self._fail_all(Lost(reason))
                case HandshakeFailed(reason):
                    if self._connected is not None and not self._connected.done():
                        self._connected.set_exception(Lost(reason))
        self._flush()

    def _fail_all(self, error: Exception) -> None:
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()

    def _take(self, events: list[object]) -> None:
        for event in events:
            match event:
                case Request(message):
                    self.told.append(message)
                    self._answer(message)
                case Acknowledged(handle) if handle in self._waiting:
                    wants_response, future = self._waiting[handle]
                    if not wants_response:
                        del self._waiting[handle]
                        self._coap.cancel(handle)
                        future.set_result(None)
                case Response(handle, message) if handle in self._waiting:
                    self._waiting.pop(handle)[1].set_result(message)
                case Failed(handle, reason) if handle in self._waiting:
                    self._waiting.pop(handle)[1].set_exception(Lost(reason))

    def _answer(self, message: Message) -> None:
        match kind_of_server_request(message):
            case ServerRequest.FUNCTION:
                name, argument = decode_function_call(message)
                self._coap.acknowledge(message)
                if name in self.functions:
                    self._respond(message, function_result(self.functions[name](argument)))
            case ServerRequest.VARIABLE:
                value = self.variables.get(decode_variable_request(message))
                found = Draft(codes.NOT_FOUND) if value is None else variable_response(value)
                self._respond(message, found)
            case ServerRequest.SIGNAL:
                self.signals.append(decode_signal_request(message))
                self._coap.respond(message, *signal_response())
            case ServerRequest.DESCRIBE:
                self._describe(message)
            case ServerRequest.EVENT:
                self.events.append(decode_event(message))
                self._coap.acknowledge(message)
            case ServerRequest.HELLO:
                pass
            case _:
                self._coap.acknowledge(message)

    def _describe(self, message: Message) -> None:
        flag = decode_describe_request(message).flag
        if flag == DescribeFlag.METRICS:
            answer = DescribeAnswer(encode_vitals([(6, 99, False), (25, 1000, False)]))
        elif flag == DescribeFlag.APPLICATION:
            answer = DescribeAnswer(encode_application(self.application))
        else:
            answer = DescribeAnswer(encode_modules(MODULES), FORMAT_PROTOBUF)
        self._respond(message, describe_answer(answer))

    def _respond(self, message: Message, draft: Draft) -> None:
        self._coap.respond(message, *draft, separate=True)

    def _flush(self) -> None:
        for message in self._coap.to_send():
            self._dtls.send(message)
        for datagram in self._dtls.to_send():
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.send(datagram)
        self._arm()

    def _arm(self) -> None:
        times = [
            one for one in (self._dtls.next_timeout(), self._coap.next_timeout()) if one is not None
        ]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if times and self._socket is not None:
            delay = max(0.0, min(times) - time.monotonic())
            self._timer = self._loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        now = time.monotonic()
        self._dtls.handle_timeout(now)
        self._take(self._coap.handle_timeout(now))
        self._drain()
