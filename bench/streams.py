"""(d) From a device's publish to the readers of event streams."""

import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench import machine, seeding
from bench.events import ACK_BYTES, protect_event, protect_ping
from bench.load import exchange, open_socket
from bench.report import Aim, Figure
from bench.seeding import StoredDevice
from bench.server import Server
from roadstead.protocol.messages.event import DeviceEvent

STREAMS = 1000
STREAMS_PER_ADDRESS = 100
"""What the server allows one address; the readers come from as many addresses as needed."""

OFFERED_PER_S = 60
"""Events per second in the latency test: 60,000 deliveries."""

IN_FLIGHT = 6
"""Events published and not yet with every reader, in the test of the highest rate."""

NAME = "bench/stream"
_MARK = b'"data":"'
LATENCY_AIM_MS = 50.0
GIVE_UP_S = 20.0


@dataclass(slots=True)
class _Readers:
    """All streams, read in one loop.

    Attributes:
        received: events seen over all streams.
        delays_ms: from the publish to each reader; only while ``timed``.
    """

    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    received: int = 0
    timed: bool = False
    delays_ms: list[float] = field(default_factory=list)

    def open(self, port: int, token: str, number: int) -> None:
        opened = socket.socket()
        opened.bind((f"127.0.0.{1 + number // STREAMS_PER_ADDRESS}", 0))
        opened.connect(("127.0.0.1", port))
        request = f"GET /v1/devices/events/{NAME} HTTP/1.1\r\nHost: bench\r\n"
        opened.sendall(f"{request}Authorization: Bearer {token}\r\n\r\n".encode())
        answer = b""
        while b":ok" not in answer:
            answer += opened.recv(4096)
        opened.setblocking(False)
        self.selector.register(opened, selectors.EVENT_READ)

    def read(self, patience_s: float) -> None:
        """Takes in what has arrived, or arrives within ``patience_s``."""
        for key, _ in self.selector.select(patience_s):
            try:
                block = key.fileobj.recv(65536)  # type: ignore[union-attr]
            except BlockingIOError:
                continue
            if not block:
                raise ConnectionError("a stream was closed")
            now = time.perf_counter()
            if not self.timed:
                self.received += block.count(_MARK)
                continue
            at = block.find(_MARK)
            while at >= 0:
                self.received += 1
                begin = at + len(_MARK)
                self.delays_ms.append(1000 * (now - float(block[begin : begin + 16])))
                at = block.find(_MARK, begin)

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self.selector.close()


def measure(rounds: int, round_s: float) -> list[Figure]:
    """Latency at a fixed rate, and the highest rate."""
    with Server() as server:
        device = seeding.add_stored_sessions(server.folder, 1, server.owner_id, seed=4)[0]
        server.start()
        token = server.log_in()
        readers = _Readers()
        for number in range(STREAMS):
            readers.open(server.http_port, token, number)
        publisher = open_socket(server.udp_port)
        exchange(publisher, [protect_ping(device)], 1, ACK_BYTES)
        _publish_all(readers, publisher, device, 5, IN_FLIGHT)
        latency = _measure_latency(server, readers, publisher, device, rounds, round_s)
        rate = _measure_rate(server, readers, publisher, device, rounds, round_s)
        readers.close()
        publisher.close()
    return [*latency, rate]


def _measure_latency(
    server: Server,
    readers: _Readers,
    publisher: socket.socket,
    device: StoredDevice,
    rounds: int,
    round_s: float,
) -> list[Figure]:
    medians, tails, rates = [], [], []
    server_share = load_share = 0.0
    for _ in range(rounds):
        readers.timed, readers.delays_ms = True, []
        watch = machine.Stopwatch(server.pid)
        _publish_paced(readers, publisher, device, int(OFFERED_PER_S * round_s))
        usage = watch.stop()
        delays = sorted(readers.delays_ms)
        medians.append(delays[len(delays) // 2])
        tails.append(delays[int(len(delays) * 0.99)])
        rates.append(len(delays) / usage.elapsed_s)
        server_share += usage.server / rounds
        load_share += usage.load / rounds
    readers.timed = False
    shares = (server_share, load_share)
    delivered = Figure("d", "", rates, "/s").median
    beside = f"at {delivered:,.0f} deliveries/s, {OFFERED_PER_S * STREAMS:,} offered"
    name = f"publish to SSE, {STREAMS:,} streams"
    why = (
        "A delivery is one write to one socket through asyncio and uvicorn, and the last of a "
        "thousand readers waits for the others; the commit's 8 ms and the time that the reading "
        "side needs on its own core are in it."
    )
    tail_aim = Aim(LATENCY_AIM_MS, at_most=True)
    return [
        Figure("d", f"{name}: p50", medians, "ms", beside, None, shares),
        Figure("d", f"{name}: p99", tails, "ms", beside, tail_aim, shares, why),
    ]


def _measure_rate(
    server: Server,
    readers: _Readers,
    publisher: socket.socket,
    device: StoredDevice,
    rounds: int,
    round_s: float,
) -> Figure:
    values, server_share, load_share = [], 0.0, 0.0
    for _ in range(rounds):
        before = readers.received
        watch = machine.Stopwatch(server.pid)
        _publish_all(readers, publisher, device, int(OFFERED_PER_S * round_s), IN_FLIGHT)
        usage = watch.stop()
        values.append((readers.received - before) / usage.elapsed_s)
        server_share += usage.server / rounds
        load_share += usage.load / rounds
    return Figure(
        "d",
        f"deliveries to {STREAMS:,} SSE streams, as fast as they go",
        values,
        "/s",
        aim=Aim(60_000),
        shares=(server_share, load_share),
        why="A delivery costs a task switch, an ASGI message, uvicorn's chunk and a system call.",
    )


def _publish_paced(
    readers: _Readers, publisher: socket.socket, device: StoredDevice, count: int
) -> None:
    target = readers.received + count * STREAMS
    began = time.perf_counter()
    sent = 0
    while readers.received < target and time.perf_counter() - began < GIVE_UP_S:
        now = time.perf_counter()
        if sent < count and now >= began + sent / OFFERED_PER_S:
            publisher.send(_stamped(device))
            sent += 1
            continue
        due_s = began + sent / OFFERED_PER_S - now if sent < count else 0.2
        readers.read(max(0.0, due_s))
        _drop_acknowledgements(publisher)


def _publish_all(
    readers: _Readers, publisher: socket.socket, device: StoredDevice, count: int, in_flight: int
) -> None:
    begun, deadline = readers.received, time.perf_counter() + GIVE_UP_S
    sent = 0
    while time.perf_counter() < deadline:
        done = (readers.received - begun) / STREAMS
        if done >= count:
            return
        while sent < count and sent - done < in_flight:
            publisher.send(_stamped(device))
            sent += 1
        readers.read(0.2)
        _drop_acknowledgements(publisher)


def _stamped(device: StoredDevice) -> bytes:
    stamp = f"{time.perf_counter():016.6f}".encode()
    return protect_event(device, DeviceEvent(NAME, stamp))


def _drop_acknowledgements(publisher: socket.socket) -> None:
    for _ in _received(publisher):
        pass


def _received(opened: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield opened.recv(2048)
        except BlockingIOError:
            return
