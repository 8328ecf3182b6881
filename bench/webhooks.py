"""(h) From a device's publish to a webhook's request: rate and delay, one receiver hanging."""

import json
import socket
import subprocess
import sys
import time
from typing import Self

import httpx

from bench import machine, seeding
from bench.events import ACK_BYTES, protect_event, protect_ping
from bench.load import exchange, open_socket
from bench.report import Figure
from bench.seeding import StoredDevice
from bench.server import Server
from roadstead.protocol.messages.event import DeviceEvent

RATES_PER_S = (100, 1000, 5000)
HOOKS = 20
"""Each gets a twentieth of the events; that of number 0 goes to a receiver that never answers."""

DEVICES = 50
SENDER_IN_FLIGHT = 64
"""Requests under way of the bare sender; the server's own limit is 32 per hook, 128 per owner."""

_MODULE = "bench.peers.hook_receiver"


class _Receiver:
    """The receiving process, on the load generator's core."""

    def __enter__(self) -> Self:
        self._process = machine.start_on_core(
            machine.LOAD_CORE,
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def take(self) -> tuple[int, float, list[float]]:
        """Requests since the last call, when the last one came, their delays in ms."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("take", file=self._process.stdin, flush=True)
        count, last_s, delays_ms = json.loads(self._process.stdout.readline())
        return count, last_s, delays_ms


def measure(seconds: float) -> list[Figure]:
    """All rates, and the bare sender to the same receiver."""
    with _Receiver() as receiver:
        bare = _measure_bare(receiver, min(3.0, seconds))
        figures = [bare]
        for rate_per_s in RATES_PER_S:
            figures += _measure_rate(receiver, rate_per_s, seconds, bare)
    return figures


def _measure_bare(receiver: _Receiver, seconds: float) -> Figure:
    values = []
    for _ in range(3):
        argv = [sys.executable, "-m", _MODULE, "send", str(receiver.port)]
        argv += [str(seconds), str(SENDER_IN_FLIGHT)]
        sender = machine.start_on_core(machine.SERVER_CORE, argv, stdout=subprocess.PIPE, text=True)
        said, _ = sender.communicate(timeout=seconds + 30)
        values.append(float(said))
    receiver.take()
    name = f"bare aiohttp sender, {SENDER_IN_FLIGHT} requests under way, nothing stored"
    return Figure("h", name, values, "/s")


def _measure_rate(
    receiver: _Receiver, rate_per_s: int, seconds: float, bare: Figure
) -> list[Figure]:
    with Server(allow_private_targets="on") as server:
        devices = seeding.add_stored_sessions(server.folder, DEVICES, server.owner_id, seed=8)
        server.start()
        _make_hooks(server, receiver.port)
        publisher = open_socket(server.udp_port)
        exchange(publisher, [protect_ping(one) for one in devices], 10, ACK_BYTES)
        receiver.take()
        count = int(rate_per_s * seconds)
        watch = machine.Stopwatch(server.pid)
        began_s = _publish(publisher, devices, rate_per_s, count)
        expected = count - len(range(0, count, HOOKS))
        arrived, last_s, delays = _drain(receiver, expected, seconds)
        usage = watch.stop()
        publisher.close()
    per_s = arrived / (last_s - began_s)
    delays.sort()
    what = f"{rate_per_s:,} events/s for {seconds:g} s, {HOOKS} hooks, one hangs"
    share = (usage.server, usage.load)
    offered = (HOOKS - 1) / HOOKS * rate_per_s
    beside = f"{per_s / bare.median:.2f} × bare sender; {offered:,.0f}/s were offered"
    return [
        Figure("h", f"{what}: deliveries ({arrived:,} of {expected:,})", [per_s], "/s", beside,
               shares=share),
        Figure("h", f"{what}: publish to request, p50", [delays[len(delays) // 2]], "ms"),
        Figure("h", f"{what}: publish to request, p99", [delays[int(len(delays) * 0.99)]], "ms"),
    ]  # fmt: skip


def _make_hooks(server: Server, port: int) -> None:
    headers = {"Authorization": f"Bearer {server.log_in()}"}
    for number in range(HOOKS):
        hook = {"event": f"hook/{number:02}/", "url": f"http://127.0.0.1:{port}/{number}"}
        url = f"{server.api_url}/v1/integrations"
        httpx.post(url, json=hook, headers=headers, trust_env=False).raise_for_status()


def _publish(
    publisher: socket.socket, devices: list[StoredDevice], per_s: int, count: int
) -> float:
    began_s = time.perf_counter()
    for sent in range(count):
        wait_s = began_s + sent / per_s - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
        name = f"hook/{sent % HOOKS:02}/t"
        stamp = f"{time.perf_counter():016.6f}".encode()
        publisher.send(protect_event(devices[sent % DEVICES], DeviceEvent(name, stamp)))
        while True:
            try:
                publisher.recv(2048)
            except BlockingIOError:
                break
    return began_s


def _drain(receiver: _Receiver, expected: int, seconds: float) -> tuple[int, float, list[float]]:
    arrived, last_s, delays = 0, 0.0, []
    deadline = time.perf_counter() + 20 + 8 * seconds
    while arrived < expected and time.perf_counter() < deadline:
        time.sleep(0.25)
        count, last_s, more = receiver.take()
        arrived, delays = arrived + count, delays + more
    return arrived, last_s, delays
