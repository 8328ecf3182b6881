"""(f) Reads of the API over kept connections, one request under way on each."""

import selectors
import socket
import time
from collections.abc import Sequence

from bench import machine
from bench.report import Figure

CONNECTIONS = 16


def measure(
    pid: int, port: int, token: str, device_ids: Sequence[str], rounds: int, round_s: float
) -> tuple[list[float], list[float], tuple[float, float]]:
    """Reads of single devices per second and their p99 in ms, per round, and the shares used."""
    requests = [_request(token, one) for one in device_ids]
    selector = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        opened = socket.create_connection(("127.0.0.1", port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(opened, selectors.EVENT_READ)
    rates, tails, server, load = [], [], 0.0, 0.0
    _round(selector, requests, 0.3)
    for _ in range(rounds):
        watch = machine.Stopwatch(pid)
        delays = _round(selector, requests, round_s)
        usage = watch.stop()
        rates.append(len(delays) / usage.elapsed_s)
        tails.append(1000 * sorted(delays)[int(len(delays) * 0.99)])
        server, load = server + usage.server / rounds, load + usage.load / rounds
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return rates, tails, (server, load)


def figures(
    rates: list[float], tails: list[float], shares: tuple[float, float], connected: int
) -> list[Figure]:
    """The two lines of the table."""
    name = f"API: GET /v1/devices/ID, {connected:,} devices connected"
    beside = f"{CONNECTIONS} kept connections"
    return [
        Figure("f", name, rates, "/s", beside, shares=shares),
        Figure("f", f"{name}: p99", tails, "ms", beside, shares=shares),
    ]


def _round(
    selector: selectors.BaseSelector, requests: Sequence[bytes], round_s: float
) -> list[float]:
    sent_at: dict[socket.socket, float] = {}
    number = 0
    for key in selector.get_map().values():
        _send(key.fileobj, requests[number % len(requests)], sent_at)  # type: ignore[arg-type]
        number += 1
    delays: list[float] = []
    parts = dict.fromkeys(sent_at, b"")
    ends = time.perf_counter() + round_s
    while sent_at:
        ready = selector.select(5.0)
        if not ready:
            raise TimeoutError("the API does not answer")
        for key, _ in ready:
            opened: socket.socket = key.fileobj  # type: ignore[assignment]
            parts[opened] += _receive(opened)
            if not _is_whole(parts[opened]):
                continue
            parts[opened] = b""
            now = time.perf_counter()
            delays.append(now - sent_at.pop(opened))
            if now < ends:
                _send(opened, requests[number % len(requests)], sent_at)
                number += 1
    return delays


def _receive(opened: socket.socket) -> bytes:
    received = opened.recv(65536)
    if not received:
        raise ConnectionError("the API closed a connection")
    return received


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(f"the API answered {head[:60]!r}")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)


def _send(opened: socket.socket, request: bytes, sent_at: dict[socket.socket, float]) -> None:
    sent_at[opened] = time.perf_counter()
    opened.sendall(request)


def _request(token: str, device_id: str) -> bytes:
    head = f"GET /v1/devices/{device_id} HTTP/1.1\r\nHost: bench\r\n"
    return f"{head}Authorization: Bearer {token}\r\n\r\n".encode()
