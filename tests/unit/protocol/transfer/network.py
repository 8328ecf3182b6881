"""A server's transfer and a device's, each above a real endpoint, joined by a bad network."""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from roadstead.protocol.coap.codes import EMPTY, POST
from roadstead.protocol.coap.endpoint import CoapEndpoint
from roadstead.protocol.coap.events import Acknowledged, Failed, Request, Reset, Response
from roadstead.protocol.coap.message import RST, Message, encode_message
from roadstead.protocol.transfer.classic_device import ClassicDeviceTransfer
from roadstead.protocol.transfer.current_device import CurrentDeviceTransfer
from roadstead.protocol.transfer.replies import (
    Acknowledge,
    Applied,
    Dropped,
    Refuse,
    Report,
    Respond,
)
from roadstead.protocol.transfer.steps import Aborted, ServerTransfer, TransferEvent, Transferred

CHUNKS_AT_ONCE = 64

DeviceTransfer = CurrentDeviceTransfer | ClassicDeviceTransfer


class Network:
    """What happens to datagrams: drawn from a seed, so that a failure can be repeated."""

    def __init__(
        self, seed: int = 0, loss: float = 0.0, duplication: float = 0.0, jitter_s: float = 0.0
    ) -> None:
        self.chance = random.Random(seed)
        self.loss, self.duplication, self.jitter_s = loss, duplication, jitter_s
        self.delay_s = 0.02

    def arrivals(self, now: float) -> list[float]:
        copies = 2 if self.chance.random() < self.duplication else 1
        return [
            now + self.delay_s + self.chance.random() * self.jitter_s
            for _ in range(copies)
            if self.chance.random() >= self.loss
        ]


class Link:
    """Plays one transfer in virtual time.

    ``device`` and ``server`` may be exchanged between two runs: a reset, or a killed process.
    """

    def __init__(self, server: ServerTransfer, device: DeviceTransfer, network: Network) -> None:
        self.network = network
        self.now = 1000.0
        self.in_air: list[tuple[float, int, str, bytes]] = []
        self._order = count()
        self._ids = count(1)
        self.chunks_sent = 0
        self.applied: list[bytes] = []
        self.dropped: list[Dropped] = []
        self.told: list[TransferEvent] = []
        self.exchange_server(server)
        self.exchange_device(device)

    def exchange_server(self, server: ServerTransfer) -> None:
        self.server = server
        self.server_end = self._endpoint()
        self.exchanges: dict[int, int] = {}
        self.over_at: float | None = None
        server.start(self.now)

    def exchange_device(self, device: DeviceTransfer) -> None:
        self.device = device
        self.device_end = self._endpoint()
        self.closing: int | None = None

    def _endpoint(self) -> CoapEndpoint:
        first = next(self._ids) * 7919 & 0xFFFF
        return CoapEndpoint(first_message_id=first, first_token=0, random=self._random)

    def _random(self, length: int) -> bytes:
        return self.network.chance.randbytes(length)

    def run(
        self, *, until: Callable[["Link"], bool] = lambda link: False, limit_s: float = 4000.0
    ) -> list[TransferEvent]:
        """Until the server's side is over, ``until`` says so, or time is up; gives its events."""
        deadline = self.now + limit_s
        for _ in range(400_000):
            self._flush()
            if self.server.over and self.over_at is None:
                self.over_at = self.now
            # The last acknowledgement may be on its way, or lost and to be asked for again.
            settled = self.server.over and not self.in_air and not self.device_end.unacknowledged
            if settled or until(self):
                return self.told
            following = self._next_moment()
            if following is None or following > deadline:
                raise AssertionError(f"nothing more happens: {self.told[-3:]}")
            self.now = max(self.now, following)
            self._turn()
        raise AssertionError("too many steps")

    def _next_moment(self) -> float | None:
        moments = [
            self.server.next_timeout(),
            self.device.next_timeout(),
            self.server_end.next_timeout(),
            self.device_end.next_timeout(),
            self.in_air[0][0] if self.in_air else None,
        ]
        return min((one for one in moments if one is not None), default=None)

    def _turn(self) -> None:
        while self.in_air and self.in_air[0][0] <= self.now:
            _, _, to, datagram = heappop(self.in_air)
            if to == "device":
                self._at_device(self.device_end.receive(datagram, self.now))
            else:
                self._at_server(self.server_end.receive(datagram, self.now))
            self._flush()
        self._at_server(self.server_end.handle_timeout(self.now))
        self._at_device(self.device_end.handle_timeout(self.now))
        self.server.handle_timeout(self.now)
        self.device.handle_timeout(self.now)

    def _at_server(self, events: list) -> None:
        for event in events:
            match event:
                case Request(message) if self.server.take_report(encode_message(message), self.now):
                    pass
                case Request(message):
                    self.server_end.acknowledge(event)
                    self.server.receive(message, self.now)
                case Response(handle, message) if handle in self.exchanges:
                    self.server.answered(self.exchanges[handle], message, self.now)
                case Failed(handle, reason) if handle in self.exchanges:
                    self.server.failed(self.exchanges[handle], reason, self.now)
                case Reset():
                    self.server.reset(self.now)

    def _at_device(self, events: list) -> None:
        for event in events:
            match event:
                case Request(message):
                    self.device.receive(message, self.now)
                    self._reply()
                case Acknowledged(handle) if handle == self.closing:
                    assert isinstance(self.device, CurrentDeviceTransfer)
                    self.device.confirmed()

    def _reply(self) -> None:
        end = self.device_end
        for reply in self.device.to_send():
            match reply:
                case Acknowledge(message):
                    end.acknowledge(message)
                case Respond(message, draft, separate, closing):
                    handle = end.respond(message, *draft, separate=separate)
                    self.closing = handle if closing else self.closing
                case Report(draft, confirmable):
                    end.request(*draft, token=False, confirmable=confirmable, now=self.now)
                case Refuse(message):
                    self._post("server", encode_message(Message(RST, EMPTY, message.message_id)))

    def _flush(self) -> None:
        bodies, _ = self.server.next_bodies(self.now, CHUNKS_AT_ONCE)
        self.chunks_sent += len(bodies)
        self.server_end.send_bodies(POST, bodies, self.now)
        for sending in self.server.to_send(self.now):
            self.chunks_sent += sending.exchange is None
            handle = self.server_end.request(
                *sending.draft,
                token=sending.token,
                confirmable=sending.confirmable,
                tracked=sending.exchange is not None,
                now=self.now,
            )
            if sending.exchange is not None:
                self.exchanges[handle] = sending.exchange
        self._reply()
        for datagram in self.server_end.to_send():
            self._post("device", datagram)
        for datagram in self.device_end.to_send():
            self._post("server", datagram)
        while (event := self.server.next_event()) is not None:
            self.told.append(event)
        while (happened := self.device.next_event()) is not None:
            if isinstance(happened, Applied):
                self.applied.append(happened.file)
            else:
                self.dropped.append(happened)

    def _post(self, to: str, datagram: bytes) -> None:
        for arrival in self.network.arrivals(self.now):
            heappush(self.in_air, (arrival, next(self._order), to, datagram))

    def outcome(self) -> Transferred | Aborted:
        assert isinstance(self.told[-1], Transferred | Aborted), self.told[-1]
        return self.told[-1]
